"""The event-driven simulator: from touch to touch, with steady states skipped exactly.

In a run every touch happens at regular intervals of schedule time. Whenever the machine's state
and the times to the touches that repeat are what they were one period ago, the periods up to the
next touch that repeats less often are all alike, and are added up without being executed. The
same is done with the iterations around runs. What is skipped is what would have happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import lcm

from archsim.simulation.machine import Counts, Machine
from archsim.simulation.program import (
    Action,
    Again,
    Block,
    Program,
    Run,
    occurrences,
    runs,
)

_REMEMBERED = 4096  # states per loop; a steady state shows long before

Began = Callable[[Run, int], None]


@dataclass(order=True, slots=True)
class _Next:
    """The next time that touch `number` happens, in schedule time; releases come first.

    `left` times remain, `every` cycles apart, the last of them at `last`.
    """

    at: int
    action: int
    number: int
    every: int = field(compare=False)
    left: int = field(compare=False)
    last: int = field(compare=False)


@dataclass(slots=True)
class Engine:
    """Executes a program on a machine. Without `skipping` it executes every touch.

    `began` is told of every run that begins, with the real time.
    """

    program: Program
    machine: Machine
    skipping: bool = True
    began: Began | None = None
    visits: dict[int, int] = field(default_factory=dict)
    periods: dict[int, int] = field(default_factory=dict)

    def execute(self) -> int:
        """All of it; returns the cycles at the end in which DRAM still writes."""
        for run, _ in runs(self.program.blocks):
            self.visits[run.number] = 0
            self.periods[run.number] = lcm(1, *(touch.runs for touch in run.touches))
        self.machine.start()
        for block in self.program.blocks:
            self._block(block)
        return self.machine.finish()

    def _block(self, block: Block) -> None:
        match block:
            case Run():
                self._run(block)
            case Again():
                self._again(block)

    # Iterations around runs.

    def _again(self, block: Again) -> None:
        seen: dict[object, tuple[int, Counts, dict[int, int]]] = {}
        done = 0
        while done < block.trips:
            if self.skipping and len(seen) < _REMEMBERED:
                key = (self.machine.state(), self._phases())
                if key in seen:
                    first, counts, visits = seen[key]
                    left = (block.trips - done) // (done - first)
                    times = min(left, self.machine.periods_left(counts))
                    self.machine.repeat(counts, times)
                    for number, count in self.visits.items():
                        self.visits[number] = count + (count - visits[number]) * times
                    done += (done - first) * times
                    seen.clear()
                    if done == block.trips:
                        return
                seen[key] = (done, self.machine.counts(), dict(self.visits))
            for inner in block.blocks:
                self._block(inner)
            done += 1

    def _phases(self) -> tuple[int, ...]:
        """Where every run stands between the touches that only some of its visits make."""
        return tuple(count % self.periods[number] for number, count in self.visits.items())

    # Tile steps of a run.

    def _run(self, run: Run) -> None:
        if self.began is not None:
            self.began(run, self.machine.now)
        queue = list(_queue(run, self.visits[run.number]))
        heapify(queue)
        self.visits[run.number] += 1
        pacers = {event.every: event.number for event in queue if event.left > 1}
        seen: dict[int, tuple[object, int, Counts]] = {}
        at = 0
        while queue:
            event = queue[0]
            self.machine.now += event.at - at
            at = event.at
            if self.skipping and pacers.get(event.every) == event.number:
                at += self._skip_steps(queue, seen)
            heappop(queue)
            touch = run.touches[event.number]
            self.machine.act(touch.action, touch.stream)
            for period in [one for one in seen if event.left == 1 or one < event.every]:
                del seen[period]  # it was not a period like any other
            if event.left > 1:
                event.left -= 1
                event.at = event.last if event.left == 1 else event.at + event.every
                heappush(queue, event)
        self.machine.now += run.cycles - at

    def _skip_steps(self, queue: list[_Next], seen: dict[int, tuple[object, int, Counts]]) -> int:
        """The schedule time that is skipped before the first event of `queue` happens."""
        pacer = queue[0]
        period = pacer.every
        own = [event for event in queue if event.every <= period and event.left > 1]
        rest = [event for event in queue if event.every > period or event.left == 1]
        nearby = sorted((event.number, event.at - pacer.at) for event in own)
        key = (self.machine.state(), tuple(nearby))
        before = seen.get(period)
        seen[period] = (key, pacer.at, self.machine.counts())
        if before is None or before[:2] != (key, pacer.at - period):
            return 0
        if any(period % event.every for event in own):
            return 0
        times = min(
            self.machine.periods_left(before[2]),
            *((event.left - 2) // (period // event.every) for event in own),
            *((event.at - pacer.at - 1) // period for event in rest),
        )
        if times <= 0:
            return 0
        self.machine.repeat(before[2], times)
        for event in own:
            event.at += times * period
            event.left -= times * (period // event.every)
        heapify(queue)
        for shorter in [one for one in seen if one <= period]:
            del seen[shorter]
        return times * period


def _queue(run: Run, visit: int) -> Iterator[_Next]:
    for number, touch in enumerate(run.touches):
        acquires = touch.action is Action.ACQUIRE
        if visit % touch.runs != (0 if acquires else touch.runs - 1):
            continue
        count = occurrences(touch, run)
        every = (touch.steps or run.steps) * run.ii
        first = 0 if acquires else min(touch.steps or run.steps, run.steps) - 1
        last = (count - 1) * (touch.steps or run.steps) if acquires else run.steps - 1
        begin, end = (step * run.ii + touch.offset for step in (first, last))
        yield _Next(begin, touch.action.value, number, every, count, end)
