"""The blocks of a schedule as the phases of the sequencer: in a row, with loops around some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archsim.schedule import Block, Pipeline, Repeat, Schedule
from einsum.errors import SpecError


@dataclass(frozen=True, slots=True)
class Phase:
    """A pipeline, and what follows: after it, `trips` - 1 times back to phase `back`."""

    pipeline: Pipeline
    back: int = 0
    trips: int = 1


def phases(schedule: Schedule) -> tuple[Phase, ...]:
    """The phases of all blocks. Raises `SpecError` where loops stand in loops."""
    return tuple(_flat(schedule.blocks, 0))


def _flat(blocks: tuple[Block, ...], first: int) -> Iterator[Phase]:
    for block in blocks:
        match block:
            case Pipeline():
                yield Phase(block)
                first += 1
            case Repeat(1, inner):
                found = tuple(_flat(inner, first))
                yield from found
                first += len(found)
            case Repeat(trips, inner):
                *before, last = _flat(inner, first)
                if any(one.trips > 1 for one in (*before, last)):
                    raise SpecError(
                        "the sequencer has one loop around phases, and this schedule needs two"
                    )
                yield from before
                yield Phase(last.pipeline, first, trips)
                first += len(before) + 1
