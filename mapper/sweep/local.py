"""The local engine: processes on this machine, each with its own pipe.

Not a process pool of the standard library: that one is broken when a worker dies, and its workers
outlive a parent that was killed. Here a dead worker ends its pipe, and so does a dead parent.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from einsum.errors import SpecError
from mapper.sweep.spec import Sweep
from mapper.sweep.task import TRIES, Finished, Lost, Partial, Result, Task, run_task

_PATIENCE_S = 5.0


class SerialEngine:
    """One worker: this process."""

    workers = 1

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def map(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """One task after another."""
        for task in tasks:
            yield run_task(self._sweep, task)


class _Ready:
    """What a worker says when it has started."""


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    tries: int = 0
    ready: bool = False

    def give(self, task: Task, tries: int) -> None:
        self.task, self.tries = task, tries
        with suppress(OSError):  # it died: reading from it will say so
            self.pipe.send(task)

    def take(self) -> Finished | Partial | _Ready | None:
        """What it says; None if it died."""
        try:
            said: Finished | Partial | _Ready = self.pipe.recv()
        except (EOFError, OSError):
            return None
        if isinstance(said, _Ready):
            self.ready = True
        else:
            self.task = None
        return said

    def stop(self) -> str:
        """Ends it, whatever it does, and says how it ended."""
        self.pipe.close()
        if self.process.is_alive():
            self.process.terminate()
        self.process.join(_PATIENCE_S)
        return f"exit code {self.process.exitcode}"


class LocalEngine:
    """`workers` processes. They start anew rather than fork, as that is safe everywhere."""

    def __init__(self, sweep: Sweep, workers: int) -> None:
        self.workers = workers
        self._sweep = sweep
        self._crew: list[_Worker] = []
        self._again: deque[tuple[Task, int]] = deque()
        self._false_starts = 0

    def __enter__(self) -> Self:
        self._crew = [self._hire() for _ in range(self.workers)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._crew:
            worker.stop()
        self._crew = []

    @property
    def processes(self) -> list[int]:
        """The ids of the workers' processes."""
        return [worker.process.pid for worker in self._crew if worker.process.pid is not None]

    def map(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """Tasks by whoever is free."""
        fresh = ((task, 0) for task in tasks)
        for worker in self._crew:
            self._assign(worker, fresh)
        while busy := {one.pipe: one for one in self._crew if one.task is not None}:
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]  # we asked for pipes only
                task = worker.task
                assert task is not None
                match worker.take():
                    case None:
                        worker, result = self._replace(worker, task)
                    case _Ready():
                        self._false_starts = 0
                        continue
                    case Finished() | Partial() as result:
                        pass
                self._assign(worker, fresh)  # before the result is stored: it need not wait
                if result is not None:
                    yield result
            for worker in self._crew:
                if worker.task is None and self._again:
                    self._assign(worker, fresh)

    def _assign(self, worker: _Worker, fresh: Iterator[tuple[Task, int]]) -> None:
        given = self._again.popleft() if self._again else next(fresh, None)
        if given is not None:
            worker.give(*given)

    def _replace(self, dead: _Worker, task: Task) -> tuple[_Worker, Lost | None]:
        how, tries = dead.stop(), dead.tries + dead.ready
        self._false_starts += not dead.ready
        if self._false_starts >= TRIES:
            raise SpecError(
                f"worker processes do not start: {how}", rule="try --workers 1, which needs none"
            )
        worker = self._hire()
        self._crew[self._crew.index(dead)] = worker
        if tries >= TRIES:
            return worker, Lost(task, f"{tries} worker processes died of it, the last by {how}")
        self._again.append((task, tries))
        return worker, None

    def _hire(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(self._sweep, theirs), daemon=True)
        with _uninterrupted():
            process.start()
        theirs.close()
        return _Worker(process, ours)


def _work(sweep: Sweep, pipe: Connection) -> None:
    """The life of a worker: it ends when the other side of its pipe does."""
    try:
        pipe.send(_Ready())
        while True:
            pipe.send(run_task(sweep, pipe.recv()))
    except (EOFError, OSError):
        return


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that start here never see Ctrl-C, from their first instruction on: a terminal
    sends it to all of them, and what becomes of workers is for their parent to decide.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
