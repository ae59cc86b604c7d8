"""The Dask engine: the workers of a `distributed` scheduler (extra `dask`), on any machines.

Workers need this version of einfall, and the same files under the same names if the sweep names
any. Only the process that calls `map` touches the store.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from types import TracebackType
from typing import Any, Self

from einsum.errors import SpecError
from mapper.sweep.spec import Sweep
from mapper.sweep.task import Finished, Lost, Partial, Result, Task, run_task

_PATIENCE = "10s"
_LOGGERS = ("distributed", "distributed.client")
_AHEAD = 2  # tasks for every thread: one to work on, and one that waits for it


class DaskEngine:
    """The workers that a scheduler has, and gets meanwhile; a task of one that dies goes on to
    the others (`distributed` sees to that).
    """

    def __init__(self, sweep: Sweep, scheduler: str) -> None:
        self._sweep = sweep
        self._payload = pickle.dumps(sweep)
        self._scheduler = scheduler
        self._client: Any = None  # distributed.Client: an optional package has no types here

    @property
    def workers(self) -> int:
        """Threads that there are now, on all workers."""
        return sum(self._connected.nthreads().values())

    def __enter__(self) -> Self:
        distributed = _distributed()
        for name in _LOGGERS:  # tracebacks of lost connections: we say what is lost
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = distributed.Client(
                self._scheduler, timeout=_PATIENCE, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise SpecError(
                f"no Dask scheduler answers at {self._scheduler}: {error}",
                rule="start one with dask scheduler, and workers with dask worker ADDRESS",
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError, TimeoutError):  # of a scheduler that is gone
            self._connected.close(timeout=_PATIENCE)
        self._client = None

    def map(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """Tasks by whoever is free."""
        distributed = _distributed()
        given: dict[Any, Task] = {}
        finished = distributed.as_completed(loop=self._connected.loop)

        def refill() -> None:
            while len(given) < max(1, _AHEAD * self.workers):
                task = next(tasks, None)
                if task is None:
                    return
                future = self._connected.submit(
                    run_elsewhere, self._payload, self._sweep.digest, task, pure=False
                )
                given[future] = task
                finished.add(future)

        try:
            refill()
            while given:
                future = next(finished)
                task = given.pop(future)
                refill()  # before the result is stored: nobody has to wait for that
                yield _result(future, task)
        except (OSError, CancelledError) as error:
            raise SpecError(
                f"the Dask scheduler at {self._scheduler} is gone: {error}",
                rule="when there is one again, the same command goes on",
            ) from None
        finally:
            with suppress(Exception):  # what is not wanted any more need not be cancelled
                self._connected.cancel(list(given))

    @property
    def _connected(self) -> Any:
        assert self._client is not None, "the engine has not been entered"
        return self._client


def _result(future: Any, task: Task) -> Result:
    try:
        result: Finished | Partial = future.result()
    except _distributed().KilledWorker as error:
        return Lost(task, f"every worker that tried it died: {error}")
    return result


def run_elsewhere(payload: bytes, digest: str, task: Task) -> Finished | Partial:
    """`run_task` on a worker. Raises `SpecError` if its sweep is not the one that was sent."""
    with _ONE_AT_A_TIME:  # what is learnt about a sweep is kept for the process
        sweep = _sweep(payload)
        if sweep.digest != digest:
            raise SpecError(
                "a Dask worker evaluates another sweep than this process",
                rule="give workers the same version of einfall and the same files",
            )
        return run_task(sweep, task)


_ONE_AT_A_TIME = Lock()


@lru_cache(maxsize=4)
def _sweep(payload: bytes) -> Sweep:
    sweep: Sweep = pickle.loads(payload)
    return sweep


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError:
        raise SpecError(
            "--engine dask needs Dask distributed", rule="pip install 'einfall[dask]'"
        ) from None
    return distributed
