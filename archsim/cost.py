"""What a cascade costs: `archsim.evaluate` for callers who leave some of its parts to defaults."""

from __future__ import annotations

from collections.abc import Mapping

from archsim.architecture import Architecture
from archsim.components import Library
from archsim.default_mapping import default_mapping
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping_file import MappingFile
from archsim.report import CostReport
from einsum.cascade import Cascade
from einsum.shapes import bind


def cost(
    cascade: Cascade,
    shape: Mapping[str, int],
    architecture: Architecture,
    mapping: LoopMapping | MappingFile | None = None,
    library: Library | None = None,
) -> CostReport:
    """Latency, traffic, energy, area and utilization of `cascade`, with their lower bounds.

    `shape` gives sizes and constants as `einsum.shapes.bind` takes them. Without a `mapping`
    every Einsum runs by itself in its best tiling (`archsim.default_mapping`); without a
    `library` the shipped components count. Raises `SpecError` for sizes that are missing, a
    mapping that does not belong to the cascade and the architecture, and one that does not fit.
    """
    shapes = bind(cascade, shape)
    match mapping:
        case None:
            bound = default_mapping(cascade, shapes, architecture)
        case MappingFile():
            bound = mapping.bind(cascade, shapes, architecture)
        case LoopMapping():
            bound = mapping
    return evaluate(cascade, shapes, architecture, bound, library or load_library())
