"""Einsums that an inner loop fuses, as one task of the tile step; and tasks between its pulses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archsim.modulo import ModuloSchedule
from archsim.task_graph import Mode, Pulses, Task, Window

_MOST_PULSES = 1 << 13  # beyond, the task keeps its resources from its first to its last use


def fused_task(schedule: ModuloSchedule, trips: int) -> Task:
    """An inner loop of `trips` iterations that start every `schedule.ii_cycles`."""
    own = tuple(pulses for placed in schedule.placements for pulses in placed.pulses)
    nested = any(pulses.count > 1 for pulses in own)
    ii, last = schedule.ii_cycles, (trips - 1) * schedule.ii_cycles
    if nested or trips * len(own) > _MOST_PULSES:
        pulses = tuple(_whole(name, own, last) for name, _ in schedule.loads)
    else:
        pulses = tuple(_repeated(one, trips, ii) for one in _joined(own))
    windows = tuple(
        Window(einsum, begin, end + last, first_end)
        for einsum, begin, end, first_end in schedule.windows
    )
    return Task("+".join(one.task for one in schedule.placements), (Mode(pulses, windows),))


def _repeated(one: Pulses, trips: int, ii: int) -> Pulses:
    if one.width == ii or trips == 1:
        return replace(one, width=one.width * trips)
    return replace(one, count=trips, stride=ii)


def _joined(own: tuple[Pulses, ...]) -> Iterator[Pulses]:
    """`own`, with blocks that follow directly upon each other on one resource made one."""
    rest = sorted(own, key=lambda pulses: (pulses.resource, pulses.offset))
    while rest:
        first = rest.pop(0)
        while rest and (rest[0].resource, rest[0].offset) == (first.resource, first.end):
            first = replace(first, width=first.width + rest.pop(0).width)
        yield first


def _whole(resource: str, own: tuple[Pulses, ...], last: int) -> Pulses:
    used = [pulses for pulses in own if pulses.resource == resource]
    begin = min(pulses.offset for pulses in used)
    return Pulses(resource, begin, last + max(pulses.end for pulses in used) - begin)


def interleaved(tasks: tuple[Task, ...]) -> Iterator[Task]:
    """`tasks`, with a second mode for those that can run in the gaps between another's pulses.

    FuseMax interleaves Q K of one tile with S V of the one before so, cycle by cycle.
    """
    trains = sorted({train for task in tasks for train in _alone(task.modes[0])})
    for task in tasks:
        (mode,) = task.modes
        yield replace(task, modes=(mode, *_in_gaps(mode, trains)))


def _alone(mode: Mode) -> Iterator[tuple[str, int, int]]:
    """Resource, stride and width of the trains whose gaps the task itself leaves free."""
    for one in mode.pulses:
        if one.count > 1 and sum(p.resource == one.resource for p in mode.pulses) == 1:
            yield one.resource, one.stride, one.width


def _in_gaps(mode: Mode, trains: list[tuple[str, int, int]]) -> Iterator[Mode]:
    if len(mode.windows) > 1 or any(one.count > 1 for one in mode.pulses):
        return
    (block,), (window,) = mode.pulses, mode.windows
    for resource, stride, width in trains:
        gap = stride - width
        if resource != block.resource or block.width <= gap or block.width % gap:
            continue
        count = block.width // gap
        end = block.offset + (count - 1) * stride + gap
        pulses = Pulses(resource, block.offset, gap, count, stride)
        yield Mode((pulses,), (Window(window.einsum, window.begin, end, end),))
