"""Why nothing fits: which memory is too small, and by how much."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from einsum.errors import SpecError
from mapper.objective import Objective
from mapper.problem import MapProblem


def shortage(problem: MapProblem) -> SpecError:
    """The error of a problem without any mapping.

    Every limited memory is made large enough for all tensors in turn: the least that a mapping
    then needs there is the nearest feasible change.
    """
    from mapper.search import exact

    names = f"{problem.cascade.name} has no mapping on {problem.architecture.name}"
    if problem.counted is not None:
        return SpecError(names)  # asked for from here
    changes = []
    for memory, capacity in problem.capacities.items():
        enlarged = _enlarged(problem, memory)
        if enlarged.capacities[memory] <= capacity:
            continue
        try:
            needed = exact(enlarged, Objective.BUFFER).cost.buffer_bytes
        except SpecError:
            continue  # it is not this memory alone
        changes.append((needed / capacity, memory, needed, needed - capacity))
    if not changes:
        return SpecError(
            names,
            rule="no memory is too small alone: hold fewer tensors, or make several larger",
        )
    _, memory, needed, short = min(changes)
    return SpecError(
        f"{names}: {memory} is {short:,.0f} bytes short",
        rule=f"the nearest change that fits: {memory} of {needed:,.0f} bytes",
    )


def _enlarged(problem: MapProblem, memory: str) -> MapProblem:
    """The problem with a memory that has room for every tensor, and is what counts as buffer."""
    tensors = problem.cascade.tensors
    size = sum(
        tensor.format.bits_per_value / 8 * prod(problem.shapes.sizes[rank] for rank in tensor.ranks)
        for tensor in tensors
    )
    memories = tuple(
        replace(one, size_bytes=size) if one.name == memory else one
        for one in problem.architecture.memories
    )
    architecture = replace(problem.architecture, memories=memories)
    return replace(problem, architecture=architecture, counted=(memory,))
