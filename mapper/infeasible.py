"""Why nothing fits: which memory is too small for which Einsum, and by how much."""

from __future__ import annotations

from einsum.errors import SpecError
from mapper.problem import MapProblem


def shortage(problem: MapProblem) -> SpecError:
    """The error of a problem without any mapping."""
    return SpecError(f"{problem.cascade.name} has no mapping on {problem.architecture.name}")
