"""Real `einfall sweep` processes, and what is in their store meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mapper.sweep.results import Tally, open_store
from mapper.sweep.spec import Sweep
from mapper.sweep.store import Store
from mapper.sweep.sweep_yaml import load_sweep

ROOT = Path(__file__).parents[2]
SPEC = """\
workload: bert
seq_len: 1K..64K
parameters:
  array_2d.rows: {from: 4, to: 400, step: 4}
  global_buffer.size: [64 KiB, 1 MiB, 16 MiB]
constraints: [area_um2 <= 200 mm^2]
"""
BLOCK_POINTS = 12  # so small that a process is killed between two of many
PATIENCE_S = 120.0


def prepare(folder: Path, block_points: int = BLOCK_POINTS) -> tuple[Path, Sweep]:
    """A spec, and an empty store `folder/store` for it whose blocks are small."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / "spec.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    sweep = load_sweep(spec)
    with Store.open(folder / "store", sweep, lambda: block_points):
        pass
    return spec, sweep


def start(spec: Path, *options: object) -> subprocess.Popen[str]:
    """`einfall sweep` on the store beside `spec`, in a session of its own."""
    return subprocess.Popen(
        command("sweep", spec, "--out", spec.parent / "store", "--json", *options),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def command(*arguments: object) -> Sequence[str]:
    """The command line `einfall arguments...`."""
    return [sys.executable, "-m", "reports", *map(str, arguments)]


def tally(spec: Path) -> Tally:
    """What the store beside `spec` holds."""
    with open_store(spec.parent / "store") as results:
        return results.tally


def wait_for_points(spec: Path, finished: int, process: subprocess.Popen[str]) -> None:
    """Until so many points are in the store, or the process has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and tally(spec).finished < finished:
        assert time.monotonic() < deadline, "no progress"
        time.sleep(0.02)


def members(group: int) -> list[int]:
    """The processes of a session that are alive, zombies aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def wait_until_gone(group: int) -> bool:
    """Do all processes of a session end, if one waits a little?"""
    deadline = time.monotonic() + PATIENCE_S
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not members(group)
