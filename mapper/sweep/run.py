"""Running a sweep: what is not in the store goes to an engine, and what comes back into the store.

Blocks are the same for everyone who works on a store, whatever the engine, so that results do not
depend on who made them, nor on how often that was interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mapper.sweep.adaptive import next_points
from mapper.sweep.outcome import Status
from mapper.sweep.results import Tally
from mapper.sweep.spec import Sweep
from mapper.sweep.store import Store
from mapper.sweep.task import Engine, Finished, Partial, Task, settle

_POLL_S = 0.1

Progress = Callable[[int, int], None]
"""Told how many points are finished, and how many this process has finished since it began."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to. `resumed` points were finished before it, `computed` ones by it."""

    tally: Tally
    resumed: int
    computed: int
    seconds: float

    @property
    def points_per_s(self) -> float | None:
        """None if there was nothing to compute."""
        return self.computed / self.seconds if self.computed else None


def run_sweep(
    sweep: Sweep,
    store: Store,
    engine: Engine,
    *,
    retry_failed: bool = False,
    progress: Progress = lambda done, computed: None,
) -> Summary:
    """Finishes `sweep`, which is in `store`, on an `engine` that has been entered.

    Other processes may do the same at the same time: the work is shared, and each returns when
    all is done. With `retry_failed`, points that failed before are evaluated once more.
    """
    begun = time.monotonic()
    resumed = store.results.tally.finished
    run = _Run(sweep, store, engine, progress, finished=resumed)
    progress(resumed, 0)
    if retry_failed:
        run.retry()
    for start, stop in sweep.rounds():
        run.round(start, stop)
    seconds = time.monotonic() - begun
    return Summary(store.results.tally, resumed - run.retried, run.computed, seconds)


@dataclass
class _Run:
    sweep: Sweep
    store: Store
    engine: Engine
    progress: Progress
    finished: int
    computed: int = 0
    retried: int = 0

    def round(self, start: int, stop: int) -> None:
        """Finishes points whose settings can be known together."""
        results = self.store.results
        done, step = set(results.firsts()), results.description.block_points
        left = [first for first in range(start, stop, step) if first not in done]
        if not left:
            return
        task = self._tasks_of(start, stop)
        while left:
            for result in self.engine.map(self._claimed(left, task)):
                block = settle(self.sweep, result)
                assert isinstance(block, Finished)
                if self.store.put(block):
                    self._count(block.points)
            left = self._wait_for_others(left)

    def retry(self) -> None:
        """Evaluates the points again that failed, and keeps all others as they are."""
        results = self.store.results
        for result in self.engine.map(self._failed_tasks()):
            part = settle(self.sweep, result)
            assert isinstance(part, Partial)
            block = results.block(part.task.first)
            self.store.replace(block.with_rows(part.rows, part.outcome))
            self.computed += len(part.rows)
            self.retried += len(part.rows)
            self.progress(self.finished, self.computed)

    def _tasks_of(self, start: int, stop: int) -> Callable[[int], Task]:
        step = self.store.results.description.block_points
        if not self.sweep.sampler.adaptive:
            return lambda first: Task(first, min(first + step, stop))
        points = next_points(self.sweep, start, stop, self.store.results.history(start))

        def task(first: int) -> Task:
            last = min(first + step, stop)
            rows = slice(first - start, last - start)
            return Task(first, last, {n: column[rows] for n, column in points.columns.items()})

        return task

    def _claimed(self, left: list[int], task: Callable[[int], Task]) -> Iterator[Task]:
        for first in left:
            if self.store.claim(first):
                yield task(first)

    def _wait_for_others(self, left: list[int]) -> list[int]:
        """The blocks of `left` that are free now, once those of others are done or given up."""
        while True:
            firsts = set(self.store.results.firsts())
            missing = [first for first in left if first not in firsts]
            others = self.store.claimed_by_others()
            free = [first for first in missing if first not in others]
            if free or not missing:
                self.finished = self.store.results.tally.finished
                self.progress(self.finished, self.computed)
                return free
            time.sleep(_POLL_S)

    def _failed_tasks(self) -> Iterator[Task]:
        for first in self.store.results.firsts(failed=True):
            if self.store.claim_again(first):
                block = self.store.results.block(first)
                columns = block.parameters if self.sweep.sampler.adaptive else None
                rows = block.rows(Status.FAILED)
                if rows.size:
                    yield Task(first, first + len(block), columns, rows)
                else:  # another process was faster
                    self.store.replace(block)

    def _count(self, points: int) -> None:
        self.finished += points
        self.computed += points
        self.progress(self.finished, self.computed)
