"""How long a fused group takes: its Einsums under a schedule policy, against its memories."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import assert_never

from archsim.amounts import NOTHING, Array, amount, greatest, maximum, total
from archsim.mapping import Group, Policy
from archsim.work import Work


def compute_time(
    group: Group,
    works: tuple[Work, ...],
    clock_hz: float,
    pipelined_cycles: int | None = None,
    overlap: float = 1.0,
) -> Array:
    """Seconds that the units need for a group's Einsums under its policy.

    SERIAL adds them up; OVERLAPPED is the busiest unit; PAPER adds up the phases, each of them
    the busiest unit among its Einsums (FuseMax, MICRO 2024, section V and its artifact). PIPELINED
    takes `pipelined_cycles`; without them (many candidates at once) it counts as OVERLAPPED,
    which it approaches from above. Where units overlap, a share of `overlap` of what the others
    do is hidden behind the busiest one.
    """
    match group.policy:
        case Policy.SERIAL:
            cycles = total(one.cycles for one in works)
        case Policy.OVERLAPPED:
            cycles = _busiest(works, overlap)
        case Policy.PIPELINED if pipelined_cycles is not None:
            cycles = amount(pipelined_cycles)
        case Policy.PIPELINED:
            cycles = _busiest(works, overlap)
        case Policy.PAPER:
            cycles = NOTHING
            by_name = {one.einsum: one for one in works}
            for phase in group.phases:
                together = tuple(by_name[name] for name in phase.einsums)
                cycles = cycles + _busiest(together, overlap)
                if phase.bubble:
                    cycles = cycles + by_name[phase.bubble].cycles * phase.bubble_factor
        case _:
            assert_never(group.policy)
    return cycles / clock_hz


def _busiest(works: tuple[Work, ...], overlap: float) -> Array:
    """The busiest pipe of the busiest unit, and what the other units do not hide."""
    by_pipe: dict[str, dict[str, Array]] = {}
    for one in works:
        pipes = by_pipe.setdefault(one.unit, {})
        for pipe, cycles in one.pipes or (("", one.cycles),):
            pipes[pipe] = pipes.get(pipe, NOTHING) + cycles
    units: list[Array] = [reduce(maximum, pipes.values()) for pipes in by_pipe.values()]
    longest = greatest(units)
    return longest + (1.0 - overlap) * (total(units) - longest)


def memory_times(
    bytes_moved: Mapping[str, Array], bandwidths: Mapping[str, float]
) -> dict[str, Array]:
    """Seconds by port (`archsim.ports`), for those whose bandwidth is limited."""
    return {
        memory: moved / bandwidths[memory]
        for memory, moved in bytes_moved.items()
        if memory in bandwidths
    }


def group_time(compute_s: Array, memory_s: Mapping[str, Array]) -> Array:
    """Computing and moving data overlap: the longest of them (a roofline)."""
    return reduce(maximum, memory_s.values(), compute_s)
