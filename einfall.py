"""Cascades of extended Einsums in; passes, values, latency, traffic, energy and area out.

>>> passes(load("attention/flash2")).max_passes
1

A tour is in docs/notebooks/tour.ipynb.
"""

from archsim.cost import cost as evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from archsim.report import CostReport
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.interpret import Run, run
from einsum.parser import parse_cascade as parse
from einsum.passes import PassAnalysis
from einsum.passes import analyse as passes
from workloads.library import load_cascade as load
from workloads.models import model_named as load_model
from workloads.transformer import attention, linear_layers

__all__ = ["Cascade", "CostReport", "PassAnalysis", "Run", "SpecError"]
__all__ += ["load", "load_architecture", "load_library", "load_mapping", "load_model", "parse"]
__all__ += ["attention", "evaluate", "linear_layers", "passes", "run"]
