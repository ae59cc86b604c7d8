"""What the shipped cascades must compute: direct NumPy formulas, and how far a run is off them."""

from workloads.references import attention, layers, rows  # these fill the registry
from workloads.references.compare import expected, max_rel_error
from workloads.references.registry import (
    REFERENCES,
    Reference,
    reference_for,
    reference_named,
    reference_names,
)

__all__ = [
    "REFERENCES",
    "Reference",
    "attention",
    "expected",
    "layers",
    "max_rel_error",
    "reference_for",
    "reference_named",
    "reference_names",
    "rows",
]
