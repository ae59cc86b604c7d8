"""`--engine dask` on a real scheduler and two worker processes, one of which is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.mapper.sweep.small_sweeps import finish, table
from tests.reports.command import Command
from tests.reports.sweep_processes import PATIENCE_S, ROOT, prepare, start, wait_for_points

distributed = pytest.importorskip("distributed")


@contextmanager
def running(module: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's, which is ended when it is not needed any more."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def cluster(
    folder: Path, workers: int
) -> Iterator[tuple[str, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]]:
    """A scheduler on loopback and workers of one thread: its address, and the processes."""
    known = folder / "scheduler.json"
    of_scheduler = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", known)
    of_worker = ("--host", "127.0.0.1", "--nthreads", 1, "--no-nanny", "--no-dashboard")
    with ExitStack() as stack:
        scheduler = stack.enter_context(running("dask_scheduler", *of_scheduler))
        address = _address(known)
        crew = [
            stack.enter_context(
                running(
                    "dask_worker", address, *of_worker, "--local-directory", folder / str(index)
                )
            )
            for index in range(workers)
        ]
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=PATIENCE_S)
        yield address, scheduler, crew


def test_a_killed_dask_worker_costs_nothing(tmp_path: Path) -> None:
    spec, sweep = prepare(tmp_path, block_points=25)
    with cluster(tmp_path, 2) as (address, _, crew):
        process = start(spec, "--engine", "dask", "--scheduler", address)
        wait_for_points(spec, sweep.size // 8, process)
        crew[0].send_signal(signal.SIGKILL)
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["computed"] == sweep.size
    finish(sweep, tmp_path / "calm", block_points=500)
    assert table(tmp_path / "store") == table(tmp_path / "calm")


def _address(known: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return str(json.loads(known.read_text())["address"])
        except (OSError, ValueError):
            assert time.monotonic() < deadline, "the scheduler does not start"
            time.sleep(0.05)


def test_dask_options_go_together(einfall: Command, tmp_path: Path) -> None:
    spec, _ = prepare(tmp_path)
    for options, said in (
        (("--engine", "dask"), "without a scheduler"),
        (("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--workers", 2), "--workers"),
        (("--scheduler", "tcp://127.0.0.1:1"), "without --engine dask"),
        (("--engine", "dask", "--scheduler", "nowhere://x"), "nowhere://x"),
    ):
        done = einfall("sweep", spec, "--out", tmp_path / "new", *options)
        assert done.code == 2
        assert said in done.err


def test_a_scheduler_that_goes_is_one_error_and_the_sweep_goes_on(tmp_path: Path) -> None:
    spec, sweep = prepare(tmp_path, block_points=25)
    with cluster(tmp_path, 1) as (address, scheduler, _):
        process = start(spec, "--engine", "dask", "--scheduler", address)
        wait_for_points(spec, sweep.size // 8, process)
        scheduler.send_signal(signal.SIGKILL)
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert f"the Dask scheduler at {address} is gone" in err
    assert "Traceback" not in err
    summary = finish(sweep, tmp_path / "store")
    assert 0 < summary.resumed < sweep.size
    assert summary.tally.finished == sweep.size
