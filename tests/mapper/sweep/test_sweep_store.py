"""The store: what goes in comes out, in order, and nothing that is not a store is touched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from einsum.errors import SpecError
from mapper.sweep.block import Block, DamagedBlockError
from mapper.sweep.database import FILE
from mapper.sweep.evaluate import evaluate_points
from mapper.sweep.outcome import METRICS, Status
from mapper.sweep.points import make_points, point_keys
from mapper.sweep.results import open_store
from mapper.sweep.run import run_sweep
from mapper.sweep.samplers import Method, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.store import Store
from mapper.sweep.task import Finished, Task, run_task
from tests.mapper.sweep.small_sweeps import finish, grid, table

SWEEP = grid()
NAMES = tuple(one.name for one in SWEEP.parameters)


def block_of(sweep: Sweep, first: int, stop: int) -> Block:
    points = make_points(sweep, first, stop)
    return Block.of(points, evaluate_points(points))


def same(one: Block, other: Block) -> bool:
    return one.to_bytes() == other.to_bytes() and one.first == other.first


def test_the_sweep_of_these_tests_has_points_of_every_kind() -> None:
    block = block_of(SWEEP, 0, SWEEP.size)
    assert all(block.count(status) > 0 for status in Status)


def test_a_block_comes_back_from_its_bytes() -> None:
    block = block_of(SWEEP, 5, 60)
    again = Block.from_bytes(5, block.to_bytes(), NAMES, METRICS)
    assert same(block, again)
    assert dict(again.reasons) == dict(block.reasons)
    assert [bytes(key) for key in again.keys] == point_keys(make_points(SWEEP, 5, 60))


def test_a_flipped_bit_is_found_wherever_it_is() -> None:
    block = block_of(SWEEP, 0, 20)
    data = block.to_bytes()
    for place in range(40, len(data) - 200, 97):
        broken = bytearray(data)
        broken[place] ^= 16
        try:
            again = Block.from_bytes(0, bytes(broken), NAMES, METRICS)
        except DamagedBlockError:
            continue
        assert same(block, again), "a bit of the archive's own that does not matter"


def test_all_points_are_there_once_and_in_order(tmp_path: Path) -> None:
    summary = finish(SWEEP, tmp_path)
    with open_store(tmp_path) as results:
        blocks = list(results.blocks())
        tally = results.tally
    assert [b.first for b in blocks] == list(range(0, SWEEP.size, 16))
    keys = [bytes(key) for block in blocks for key in block.keys]
    assert keys == point_keys(make_points(SWEEP, 0, SWEEP.size))
    assert (tally.finished, tally.points) == (SWEEP.size, SWEEP.size)
    assert summary.tally == tally
    assert (summary.resumed, summary.computed) == (0, SWEEP.size)
    whole = block_of(SWEEP, 0, SWEEP.size)
    assert tally.failed == whole.count(Status.FAILED)
    assert tally.infeasible == whole.count(Status.INFEASIBLE)


def test_a_finished_sweep_is_not_computed_again(tmp_path: Path) -> None:
    finish(SWEEP, tmp_path)
    before = table(tmp_path)
    summary = finish(SWEEP, tmp_path)
    assert (summary.computed, summary.resumed) == (0, SWEEP.size)
    assert summary.points_per_s is None
    assert table(tmp_path) == before


@pytest.mark.parametrize("block_points", [1, 7, 64, 4096])
def test_results_do_not_depend_on_the_size_of_blocks(tmp_path: Path, block_points: int) -> None:
    sweep = grid(rows=3)
    finish(sweep, tmp_path / "a", block_points=block_points)
    finish(sweep, tmp_path / "b", block_points=16)
    assert table(tmp_path / "a") == table(tmp_path / "b")


@pytest.mark.parametrize("method", [Method.RANDOM, Method.SOBOL])
def test_samplers_go_on_where_they_were(tmp_path: Path, method: Method) -> None:
    sweep = grid(sampler=Sampler(method, points=100, seed=3))
    with Store.open(tmp_path / "a", sweep, lambda: 16) as store:
        for first in (32, 0, 96):  # out of order, as workers finish
            done = run_task(sweep, Task(first, min(first + 16, 100)))
            assert isinstance(done, Finished)
            assert store.put(done)
            assert not store.put(done), "a block is stored once"
    assert finish(sweep, tmp_path / "a").computed == 100 - 36
    finish(sweep, tmp_path / "b")
    assert table(tmp_path / "a") == table(tmp_path / "b")


def test_a_block_has_one_owner(tmp_path: Path) -> None:
    with Store.open(tmp_path, SWEEP, lambda: 16) as one, Store.open(tmp_path, SWEEP, int) as two:
        assert one.claim(0)
        assert not two.claim(0)
        assert two.claim(16)
        assert two.claimed_by_others() == {0}
        done = run_task(SWEEP, Task(0, 16))
        assert isinstance(done, Finished)
        one.put(done)
        assert not two.claim(0), "it is done"
        assert two.claimed_by_others() == set()
        assert one.claimed_by_others() == {16}
    with Store.open(tmp_path, SWEEP, int) as three:
        assert three.claim(16), "who closes a store gives back what it has claimed"


def test_what_a_dead_process_claimed_is_free(tmp_path: Path) -> None:
    with Store.open(tmp_path, SWEEP, lambda: 16):
        pass
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("INSERT INTO claim VALUES (0, 'a process without a lock')")
    database.commit()
    database.close()
    (tmp_path / "killed.lock").touch()
    with Store.open(tmp_path, SWEEP, int) as store:
        assert store.claim(0)
        assert not (tmp_path / "killed.lock").exists()


def test_only_failed_points_are_tried_again(tmp_path: Path) -> None:
    finish(SWEEP, tmp_path / "right")
    with Store.open(tmp_path / "wrong", SWEEP, lambda: 16) as store:
        done = run_task(SWEEP, Task(0, 16))
        assert isinstance(done, Finished)
        store.put(done)
        block = store.results.block(0)
        rows = np.asarray([2, 5, 11])
        lost = Block.of(make_points(SWEEP, 0, 16), evaluate_points(make_points(SWEEP, 0, 16)))
        from mapper.sweep.block import failure

        store.replace(lost.with_rows(rows, failure(3, "a worker died")))
        assert store.results.tally.failed == block.count(Status.FAILED) + 3 - sum(
            int(block.status[row] == Status.FAILED) for row in rows
        )
    assert "a worker died" in table(tmp_path / "wrong")
    finish(SWEEP, tmp_path / "wrong")
    assert "a worker died" in table(tmp_path / "wrong"), "nobody asked to try again"
    with open_store(tmp_path / "wrong") as results:
        failed = results.tally.failed
    summary = finish(SWEEP, tmp_path / "wrong", retry_failed=True)
    assert summary.computed == failed
    assert summary.resumed == SWEEP.size - failed
    assert table(tmp_path / "wrong") == table(tmp_path / "right")


def test_another_sweep_is_refused_with_what_differs(tmp_path: Path) -> None:
    finish(grid(rows=2), tmp_path)
    before = table(tmp_path)
    with pytest.raises(SpecError) as refused:
        finish(grid(rows=3), tmp_path)
    assert "another sweep" in str(refused.value)
    assert "array_2d.rows in" in str(refused.value)
    assert "global_buffer.size" not in str(refused.value)
    assert table(tmp_path) == before


def test_another_version_of_the_model_is_refused_but_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(grid(rows=1), tmp_path)
    before = table(tmp_path)
    monkeypatch.setattr("mapper.sweep.spec.MODEL_VERSION", "of tomorrow")
    with pytest.raises(SpecError, match="of tomorrow"):
        finish(grid(rows=1), tmp_path)
    assert table(tmp_path) == before


@pytest.mark.parametrize(
    "content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    for attempt in (lambda: finish(SWEEP, tmp_path), lambda: open_store(tmp_path)):
        with pytest.raises(SpecError, match=FILE):
            attempt()
    assert (tmp_path / FILE).read_bytes() == content


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("CREATE TABLE block (of_mine TEXT)")
    database.commit()
    database.close()
    content = (tmp_path / FILE).read_bytes()
    with pytest.raises(SpecError, match="something else"):
        finish(SWEEP, tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    finish(grid(rows=1), tmp_path)
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SpecError, match="version 99"):
        finish(grid(rows=1), tmp_path)


def test_a_truncated_store_is_one_error(tmp_path: Path) -> None:
    finish(SWEEP, tmp_path)
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(SpecError, match="damaged"):
        table(tmp_path)


def test_a_folder_without_a_sweep_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no sweep"):
        open_store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SpecError, match="is a file"):
        finish(SWEEP, tmp_path / "file")


def test_frames_have_names_numbers_and_states(tmp_path: Path) -> None:
    finish(SWEEP, tmp_path)
    with open_store(tmp_path) as results:
        whole = results.frame()
        some = results.frame(["status", "latency_s"])
        with pytest.raises(SpecError, match="did you mean latency_s"):
            results.frame(["latency"])
    assert list(whole.columns) == list(SWEEP.columns)
    assert list(whole.index) == list(range(SWEEP.size))
    assert list(some.columns) == ["status", "latency_s"]
    assert whole["latency_s"].isna().equals(whole["status"] == "failed")
    assert whole["reason"].isna().equals(whole["status"] == "done")
    points = make_points(SWEEP, 0, SWEEP.size)
    assert whole["array_2d.rows"].tolist() == points.values("array_2d.rows")


def test_progress_counts_up_to_all_points(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with Store.open(tmp_path, SWEEP, lambda: 50) as store:
        from mapper.sweep.local import SerialEngine

        run_sweep(SWEEP, store, SerialEngine(SWEEP), progress=lambda *at: told.append(at))
    assert told[0] == (0, 0)
    assert told == sorted(told)
    assert told[-1] == (SWEEP.size, SWEEP.size)
