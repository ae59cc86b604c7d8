"""From a schedule to slots: which unit does what, in which cycle of a tile step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archsim.loop_tree import End, Level, body_of
from archsim.modulo import ModuloSchedule
from archsim.nest import Leaf
from archsim.schedule import Pipeline


@dataclass(frozen=True, slots=True)
class Slot:
    """One cycle of a unit's work on an Einsum, `cycle` after its tile step begins.

    `element` counts the points of the Einsum that follow each other in time (e or f), `step` the
    cycles of one point, of which it takes `steps`.
    """

    einsum: str
    cycle: int
    element: int
    step: int
    steps: int

    @property
    def last(self) -> bool:
        """Is the point done at the end of this cycle?"""
        return self.step == self.steps - 1


def slots(pipeline: Pipeline) -> dict[str, tuple[Slot, ...]]:
    """The slots of every Einsum of `pipeline`, in order of time."""
    found: dict[str, tuple[Slot, ...]] = {}
    for part in pipeline.body.parts:
        match part:
            case End(leaf):
                cycles = tuple(_reserved(pipeline.schedule, leaf))
                found[leaf.einsum.name] = tuple(_slots(leaf, cycles, _trips(pipeline, leaf)))
            case Level() as level:
                trips = body_of(level).steps
                for leaf in level.leaves:
                    cycles = tuple(_window(pipeline.schedule, leaf, trips))
                    found[leaf.einsum.name] = tuple(_slots(leaf, cycles, trips))
    return found


def _trips(pipeline: Pipeline, leaf: Leaf) -> int:
    """Points of one PE in one tile step."""
    total = 1
    for step in pipeline.body.inner(leaf):
        total *= 1 if step.dim else int(step.trips)
    return total


def _reserved(schedule: ModuloSchedule, leaf: Leaf) -> Iterator[int]:
    """The cycles that an Einsum by itself has of its unit."""
    placed = next(one for one in schedule.placements if leaf.einsum.name in one.einsums)
    for pulses in placed.pulses:
        for begin, end in pulses.intervals():
            yield from range(begin, end)


def _window(schedule: ModuloSchedule, leaf: Leaf, trips: int) -> Iterator[int]:
    """The cycles of an Einsum that an inner loop fuses with others: equally spaced."""
    name = leaf.einsum.name
    begin, end, element_end = next(
        (begin, end, first) for one, begin, end, first in schedule.windows if one == name
    )
    stride = (end - element_end) // (trips - 1) if trips > 1 else 0
    for number in range(trips):
        yield from range(begin + number * stride, element_end + number * stride)


def _slots(leaf: Leaf, cycles: tuple[int, ...], trips: int) -> Iterator[Slot]:
    steps = len(cycles) // trips
    assert steps * trips == len(cycles), f"{leaf.einsum.name} has a part of a point"
    for number, cycle in enumerate(cycles):
        yield Slot(leaf.einsum.name, cycle, number // steps, number % steps, steps)
