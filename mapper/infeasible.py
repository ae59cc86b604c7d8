"""Why nothing fits: which memory is too small, and by how much."""

from __future__ import annotations

from dataclasses import replace

from archsim.closed_form import closed_form
from einsum.errors import SpecError
from mapper.objective import Objective
from mapper.problem import MapProblem


def shortage(problem: MapProblem) -> SpecError:
    """The error of a problem without any mapping.

    Every limited memory is made unlimited in turn: the least that a mapping then needs there is
    the nearest feasible change.
    """
    from mapper.search import exact

    names = f"{problem.cascade.name} has no mapping on {problem.architecture.name}"
    changes = []
    for memory, capacity in problem.capacities.items():
        try:
            found = exact(_unlimited(problem, memory), Objective.BUFFER)
        except SpecError:
            continue  # it is not this memory alone
        form = closed_form(problem.cascade, problem.shapes, problem.architecture, found.mapping)
        needed = float(form.occupied_bytes[memory])
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


def _unlimited(problem: MapProblem, memory: str) -> MapProblem:
    memories = tuple(
        replace(one, size_bytes=None) if one.name == memory else one
        for one in problem.architecture.memories
    )
    return replace(problem, architecture=replace(problem.architecture, memories=memories))
