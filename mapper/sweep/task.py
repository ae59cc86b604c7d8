"""The work of an engine: points to evaluate, and what it hands back. The same for all engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mapper.sweep.block import Block, failure
from mapper.sweep.evaluate import evaluate_points
from mapper.sweep.formula import Column
from mapper.sweep.outcome import Outcome, Status
from mapper.sweep.points import Points, make_points
from mapper.sweep.spec import Sweep


@dataclass(frozen=True, eq=False)
class Task:
    """Points `first` to `stop` of a sweep; `columns` are theirs if the sweep is adaptive.

    With `rows`, only those of them, which `first` is row 0 of.
    """

    first: int
    stop: int
    columns: Mapping[str, Column] | None = None
    rows: NDArray[np.int64] | None = None

    def points(self, sweep: Sweep) -> Points:
        """The points, `rows` aside."""
        if self.columns is None:
            return make_points(sweep, self.first, self.stop)
        return Points(sweep, np.arange(self.first, self.stop, dtype=np.int64), self.columns)


@dataclass(frozen=True, eq=False)
class Finished:
    """A whole block, as bytes: whoever wrote them had the time to."""

    task: Task
    points: int
    infeasible: int
    failed: int
    data: bytes

    @staticmethod
    def of(task: Task, block: Block) -> Finished:
        """`block`, ready to be stored."""
        infeasible, failed = block.count(Status.INFEASIBLE), block.count(Status.FAILED)
        return Finished(task, len(block), infeasible, failed, block.to_bytes())


@dataclass(frozen=True, eq=False)
class Partial:
    """What became of the `rows` of a task."""

    task: Task
    rows: NDArray[np.int64]
    outcome: Outcome


@dataclass(frozen=True, eq=False)
class Lost:
    """A task that ended every worker which tried it."""

    task: Task
    reason: str


Result: TypeAlias = Finished | Partial | Lost


class Engine(Protocol):
    """Something that has workers, while it is entered."""

    @property
    def workers(self) -> int:
        """How many tasks it does at a time."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def map(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """What becomes of every task, in any order; tasks are taken as there are workers for them.

        A worker that dies costs its task another try, not the sweep.
        """
        ...


TRIES = 3
"""How many workers a task may end before it is `Lost`."""


def run_task(sweep: Sweep, task: Task) -> Finished | Partial:
    """Evaluates a task in this process."""
    points = task.points(sweep)
    if task.rows is not None:
        return Partial(task, task.rows, _evaluate(points.take(task.rows)))
    return Finished.of(task, Block.of(points, _evaluate(points)))


def settle(sweep: Sweep, result: Result) -> Finished | Partial:
    """What to store: points that nobody could evaluate have failed."""
    match result:
        case Finished() | Partial():
            return result
        case Lost(task, reason):
            if task.rows is not None:
                return Partial(task, task.rows, failure(len(task.rows), reason))
            points = task.points(sweep)
            return Finished.of(task, Block.of(points, failure(len(points), reason)))


def _evaluate(points: Points) -> Outcome:
    try:
        return evaluate_points(points)
    except Exception as error:
        # Evaluating reports what a point does wrong; what comes here is wrong with evaluating.
        # Even so it must not take the other points along.
        if len(points) == 1:
            return failure(1, f"{type(error).__name__}: {error}")
        rows = np.arange(len(points), dtype=np.int64)
        return Outcome.joined([_evaluate(points.take(rows[row : row + 1])) for row in rows])
