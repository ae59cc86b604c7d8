"""Engines: the same results from each of them, also when workers die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from einsum.errors import SpecError
from mapper.sweep.block import Block
from mapper.sweep.distributed import DaskEngine, run_elsewhere
from mapper.sweep.evaluate import evaluate_points
from mapper.sweep.local import LocalEngine, SerialEngine
from mapper.sweep.points import make_points
from mapper.sweep.results import open_store
from mapper.sweep.run import run_sweep
from mapper.sweep.samplers import Method, Sampler
from mapper.sweep.store import Store
from mapper.sweep.task import TRIES, Engine, Finished, Lost, Partial, Result, Task, settle
from tests.mapper.sweep.small_sweeps import finish, grid, table

SWEEP = grid()


def blocks(step: int = 8) -> Iterator[Task]:
    for first in range(0, SWEEP.size, step):
        yield Task(first, min(first + step, SWEEP.size))


def by_first(results: Iterator[Result]) -> dict[int, bytes]:
    found = {}
    for result in results:
        assert isinstance(result, Finished)
        found[result.task.first] = result.data
    return found


@dataclass
class Killing:
    """An engine that loses a worker after its third result, by a signal that nobody can catch."""

    engine: LocalEngine
    killed: int = 0

    @property
    def workers(self) -> int:
        return self.engine.workers

    def __enter__(self) -> Killing:
        self.engine.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.engine.__exit__(None, None, None)

    def map(self, tasks: Iterator[Task]) -> Iterator[Result]:
        for count, result in enumerate(self.engine.map(tasks)):
            if count == 3:
                self.killed = self.engine.processes[0]
                os.kill(self.killed, signal.SIGKILL)
            yield result


class Poison(dict[str, object]):
    """Columns that end the process which unpickles them."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (9,)


def test_processes_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    serial = by_first(SerialEngine(SWEEP).map(blocks()))
    with LocalEngine(SWEEP, 2) as engine:
        assert by_first(engine.map(blocks())) == serial
        assert by_first(engine.map(blocks())) == serial, "an engine serves many times"
        assert by_first(engine.map(iter(()))) == {}
    assert engine.processes == []


def test_a_sweep_survives_a_killed_worker(tmp_path: Path) -> None:
    finish(SWEEP, tmp_path / "calm")
    engine = Killing(LocalEngine(SWEEP, 2))
    summary = finish(SWEEP, tmp_path / "killed", engine, block_points=4)
    assert engine.killed
    assert summary.computed == SWEEP.size
    assert table(tmp_path / "killed") == table(tmp_path / "calm")


def test_a_task_that_ends_every_worker_fails_alone() -> None:
    poisoned = Task(0, 8, Poison())
    with LocalEngine(SWEEP, 1) as engine:
        found = list(engine.map(iter([poisoned, Task(8, 16)])))
    lost = [one for one in found if isinstance(one, Lost)]
    assert len(found) == 2
    assert len(lost) == 1
    assert f"{TRIES} worker processes died" in lost[0].reason
    assert "exit code 9" in lost[0].reason
    stored = settle(SWEEP, Lost(Task(0, 8), lost[0].reason))
    assert isinstance(stored, Finished)
    assert (stored.points, stored.failed) == (8, 8)


def test_workers_that_cannot_start_are_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapper.sweep.spec.Sweep.__reduce__", lambda self: (os._exit, (7,)))
    with LocalEngine(SWEEP, 2) as engine, pytest.raises(SpecError, match="do not start"):
        list(engine.map(blocks()))


def test_an_error_of_evaluating_fails_one_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mapper.sweep import task
    from mapper.sweep.outcome import Outcome
    from mapper.sweep.points import Points

    finish(SWEEP, tmp_path / "right")
    right = task.evaluate_points

    def wrong(points: Points) -> Outcome:
        if 21 in points.index:
            raise ZeroDivisionError("of no use")
        return right(points)

    monkeypatch.setattr(task, "evaluate_points", wrong)
    finish(SWEEP, tmp_path / "wrong")
    lines = [table(tmp_path / name).splitlines()[1:] for name in ("right", "wrong")]
    differing = [row for row, (a, b) in enumerate(zip(*lines, strict=True)) if a != b]
    assert differing == [21]
    assert lines[1][21].endswith("failed,ZeroDivisionError: of no use")
    monkeypatch.undo()
    finish(SWEEP, tmp_path / "wrong", retry_failed=True)
    assert table(tmp_path / "wrong") == table(tmp_path / "right")


@pytest.mark.parametrize("method", [Method.BAYESIAN, Method.EVOLUTION])
def test_adaptive_rounds_go_on_where_they_were(tmp_path: Path, method: Method) -> None:
    pytest.importorskip("optuna")
    sweep = grid(sampler=Sampler(method, points=60, seed=1, round_size=16))
    finish(sweep, tmp_path / "whole", block_points=4)
    engine: Engine = SerialEngine(sweep)
    with Store.open(tmp_path / "cut", sweep, lambda: 4) as store:
        cut = Stopping(engine, 6)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(sweep, store, cut)
    with open_store(tmp_path / "cut") as results:
        assert results.tally.finished == 24
    with LocalEngine(sweep, 2) as local, Store.open(tmp_path / "cut", sweep, int) as store:
        assert run_sweep(sweep, store, local).computed == 36
    assert table(tmp_path / "cut") == table(tmp_path / "whole")


@dataclass
class Stopping:
    """An engine that is interrupted after some results."""

    engine: Engine
    left: int

    @property
    def workers(self) -> int:
        return self.engine.workers

    def __enter__(self) -> Stopping:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def map(self, tasks: Iterator[Task]) -> Iterator[Result]:
        for result in self.engine.map(tasks):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            yield result


def test_some_rows_are_evaluated_as_they_are_in_their_block() -> None:
    points, rows = make_points(SWEEP, 0, 30), np.asarray([3, 17, 29])
    part = next(SerialEngine(SWEEP).map(iter([Task(0, 30, rows=rows)])))
    assert isinstance(part, Partial)
    block = Block.of(points, evaluate_points(points))
    assert block.with_rows(rows, part.outcome).to_bytes() == block.to_bytes()


def test_a_dask_worker_of_another_model_is_an_error() -> None:
    import pickle

    with pytest.raises(SpecError, match="another sweep"):
        run_elsewhere(pickle.dumps(SWEEP), grid(rows=1).digest, Task(0, 1))


def test_no_scheduler_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("mapper.sweep.distributed._PATIENCE", "1s")
    with (
        pytest.raises(SpecError, match="no Dask scheduler"),
        DaskEngine(SWEEP, "tcp://127.0.0.1:1"),
    ):
        pass
