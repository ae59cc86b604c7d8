"""Sweeps that are killed, interrupted, or run twice at a time: the results are the same bytes."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest

from tests.mapper.sweep.small_sweeps import finish, table
from tests.reports.sweep_processes import (
    BLOCK_POINTS,
    prepare,
    start,
    tally,
    wait_for_points,
    wait_until_gone,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The table of the sweep, made in this process without an interruption."""
    spec, sweep = prepare(tmp_path_factory.mktemp("undisturbed"))
    finish(sweep, spec.parent / "other", block_points=500)
    return table(spec.parent / "other")


def test_killed_at_random_moments(tmp_path: Path, undisturbed: str) -> None:
    spec, sweep = prepare(tmp_path)
    draw = random.Random(2)
    stops = sorted(draw.sample(range(1, sweep.size // 2), 2))
    for stop, workers in zip(stops, (2, 1), strict=True):
        process = start(spec, "--workers", workers)
        wait_for_points(spec, stop, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert wait_until_gone(process.pid), "workers end with who started them"
    before = tally(spec)
    assert stops[-1] <= before.finished < sweep.size
    process = start(spec, "--workers", 1)
    out, _ = process.communicate()
    assert process.returncode == 0
    summary = json.loads(out)
    assert summary["resumed"] == before.finished, "nothing is lost"
    assert summary["computed"] == sweep.size - before.finished, "nothing is done twice"
    assert list(summary)[-5:] == ["points", "done", "failed", "points_per_s", "resumed"]
    assert table(spec.parent / "store") == undisturbed
    assert [path.name for path in (spec.parent / "store").iterdir()] == ["sweep.sqlite"]


def test_two_processes_share_the_work(tmp_path: Path, undisturbed: str) -> None:
    spec, sweep = prepare(tmp_path)
    both = [start(spec, "--workers", 1) for _ in range(2)]
    summaries = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(one["computed"] for one in summaries) == sweep.size
    assert all(one["done"] + one["failed"] == sweep.size for one in summaries)
    assert table(spec.parent / "store") == undisturbed


def test_one_goes_on_with_what_another_had_begun_when_it_was_killed(
    tmp_path: Path, undisturbed: str
) -> None:
    spec, sweep = prepare(tmp_path)
    first, second = start(spec, "--workers", 1), start(spec, "--workers", 1)
    wait_for_points(spec, sweep.size // 4, first)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    out, _ = second.communicate()
    assert second.returncode == 0
    assert json.loads(out)["done"] + json.loads(out)["failed"] == sweep.size
    assert table(spec.parent / "store") == undisturbed


def test_ctrl_c_is_clean(tmp_path: Path) -> None:
    spec, sweep = prepare(tmp_path)
    process = start(spec, "--workers", 2)
    wait_for_points(spec, BLOCK_POINTS, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    out, err = process.communicate()
    assert process.returncode == 130
    assert out == ""
    said = err.strip().splitlines()
    assert said[-1] == "interrupted"
    assert f"of {sweep.size:,} points are in" in said[0]
    assert len(said) == 2, "no traceback, of no process"
    assert wait_until_gone(process.pid)
    assert [path.name for path in (spec.parent / "store").iterdir()] == ["sweep.sqlite"]
