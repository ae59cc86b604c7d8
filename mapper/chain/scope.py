"""Which problems the serial chains cover; the others are refused with the reason."""

from __future__ import annotations

from archsim.mapping import Policy
from archsim.tiles import Reaches
from einsum.cascade import Einsum
from einsum.errors import SpecError
from mapper.chain.site import Places
from mapper.problem import MapProblem


def check_scope(problem: MapProblem) -> None:
    """Raises `SpecError` for a problem whose cost the programme cannot count."""
    if problem.policy is not Policy.SERIAL:
        raise SpecError(
            f"serial chains run one Einsum after another, not {problem.policy.value}",
            rule="use mapper.search.exact for Einsums that overlap",
        )
    if problem.imperfect:
        raise SpecError("the tiles of serial chains divide what they are part of")
    for unit in problem.architecture.units:
        if unit.latches and any(
            problem.constraints.runs_on(einsum.name, unit.name) for einsum in problem.einsums
        ):
            raise SpecError(
                f"{unit.name} latches its operands, which serial chains do not count",
                rule="write latches: false, or use mapper.search.exact",
            )
        _check_memories(unit.name, problem)
    for einsum in problem.einsums:
        _check_accesses(einsum, problem)


def _check_memories(unit: str, problem: MapProblem) -> None:
    """What lies between the home and the inner memory, or besides the registers, is not used."""
    architecture = problem.architecture
    places = Places.of(unit, architecture)
    used = [m.name for m in (places.home, places.inner, places.registers) if m is not None]
    for memory in architecture.path(unit)[1:]:
        if memory.name in used:
            continue
        for einsum in problem.einsums:
            if problem.constraints.runs_on(einsum.name, unit) and any(
                problem.constraints.must_hold(einsum.name, memory.name, tensor)
                for tensor in einsum.tensors
            ):
                raise SpecError(
                    f"{einsum.name} has to hold tensors in {memory.name}, which serial chains "
                    "do not use",
                    rule=f"of the memories of {unit} they use {', '.join(used) or 'none'}",
                )


def _check_accesses(einsum: Einsum, problem: MapProblem) -> None:
    """One access of each tensor, by a rank variable for each of its ranks, without conditions."""
    if problem.cascade.iterative_variables(einsum.tensor):
        raise SpecError(f"{einsum.name} is iterative, which serial chains do not cover")
    if problem.activity.conditions[einsum.name]:
        raise SpecError(f"{einsum.name} has conditions, which serial chains do not cover")
    reaches = Reaches(
        problem.shapes, {tensor.name: frozenset() for tensor in problem.cascade.tensors}
    )
    accessed = [access.tensor for access in (einsum.output, *einsum.inputs)]
    for tensor in einsum.tensors:
        plain = all(
            len(one.terms) == 1
            and one.unique
            and problem.shapes.extent(one.terms[0][0]) == one.size
            for reached in reaches.used(tensor, einsum)
            for one in reached.dimensions
        )
        if accessed.count(tensor) > 1 or not plain:
            raise SpecError(
                f"{einsum.name} accesses {tensor} otherwise than once by whole rank variables, "
                "which serial chains do not cover",
                rule="use mapper.search.exact",
            )
