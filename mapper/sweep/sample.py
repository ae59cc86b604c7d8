"""How long the points of a sweep take: measured on some of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mapper.sweep.adaptive import next_points
from mapper.sweep.formula import Column
from mapper.sweep.results import no_history
from mapper.sweep.spec import Sweep
from mapper.sweep.task import Task, run_task

_PLACES = 4
_SLICE_S = 0.04
_BLOCK_S = 0.25
_ONLY_ONE_S = 2.0
_MOST_POINTS = 16384


@dataclass(frozen=True, slots=True)
class Sample:
    """`points` points took `seconds` of one worker."""

    points: int
    seconds: float

    @property
    def point_s(self) -> float:
        """For one point."""
        return self.seconds / self.points

    def block_points(self, sweep: Sweep) -> int:
        """A power of two of points that take about a quarter of a second: as much as is lost
        when a process is killed, and enough for what a block costs besides.

        An adaptive sweep has several blocks a round, or only one worker would be busy.
        """
        most = _MOST_POINTS
        if sweep.sampler.adaptive:
            most = max(1, sweep.sampler.round_size // 8)
        fitting = max(1, min(most, int(_BLOCK_S / max(self.point_s, 1e-9))))
        return 1 << (fitting.bit_length() - 1)


def measure(sweep: Sweep) -> Sample:
    """Evaluates slices from all over `sweep`, longer and longer ones; about a second in all."""
    time_slice = _timer(sweep)
    _, length = next(sweep.rounds())
    seconds = time_slice(0, 1)
    if seconds > _ONLY_ONE_S:
        return Sample(1, seconds)
    count = 1
    while (seconds := _again(time_slice, 0, count)) < _SLICE_S and count < min(
        length, _MOST_POINTS
    ):
        count = min(2 * count, length)
    starts = {(length - count) * place // (_PLACES - 1) for place in range(1, _PLACES)} - {0}
    slices = [seconds, *(_again(time_slice, start, count) for start in sorted(starts))]
    return Sample(count * len(slices), sum(slices))


def _again(time_slice: Callable[[int, int], float], first: int, count: int) -> float:
    """Seconds of a slice, less what it learnt that the next ones profit from."""
    once = time_slice(first, count)
    return once if once < _SLICE_S else min(once, time_slice(first, count))


def _timer(sweep: Sweep) -> Callable[[int, int], float]:
    """Seconds that points take, by the first one and how many there are."""
    columns = _first_round(sweep) if sweep.sampler.adaptive else None

    def seconds(first: int, count: int) -> float:
        stop = first + count
        own = columns and {name: column[first:stop] for name, column in columns.items()}
        begun = time.perf_counter()
        run_task(sweep, Task(first, stop, own))
        return time.perf_counter() - begun

    return seconds


def _first_round(sweep: Sweep) -> Mapping[str, Column]:
    start, stop = next(sweep.rounds())
    none = no_history([one.name for one in sweep.parameters])
    return next_points(sweep, start, stop, none).columns
