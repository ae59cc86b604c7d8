"""A million points into a store, one worker against two, resumed and exported: whole commands.

Times are those of a wall clock, so they mean something only on a machine that does nothing else;
CPU time, over the cores used, says what they would be.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POINTS = 10**6
FEW = 10**5
WORKERS = 2
SPEC = """\
workload: bert
seq_len: {{from: 1K, to: 1M, count: 100, scale: log}}
parameters:
  array_2d.rows: {{from: 16, to: 1600, count: 100}}
  dram.bandwidth: {{from: 100 GB/s, to: 1000 GB/s, count: {count}}}
"""


@dataclass(frozen=True)
class Run:
    """One command: wall and CPU seconds, the largest process of all so far, and its JSON."""

    wall_s: float
    cpu_s: float
    largest_bytes: int
    said: Any


def run(*arguments: object) -> Run:
    """`einfall arguments...`, its workers included."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "reports", *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    wall_s = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    said = json.loads(done.stdout) if "--json" in arguments else None
    return Run(wall_s, cpu_s, after.ru_maxrss * 1024, said)


def line(name: str, done: Run, cores: int, goal: str) -> None:
    """Prints a run beside its goal."""
    print(
        f"{name:<44} {done.wall_s:8.2f} s   CPU {done.cpu_s:6.2f} s on {cores}"
        f" = {done.cpu_s / cores:6.2f} s   goal {goal}"
    )


def main() -> None:
    """Print every figure beside its goal."""
    with tempfile.TemporaryDirectory() as folder:
        spec, out = Path(folder, "million.yaml"), Path(folder, "million")
        few = Path(folder, "few.yaml")
        spec.write_text(SPEC.format(count=POINTS // 10**4), encoding="utf-8")
        few.write_text(SPEC.format(count=FEW // 10**4), encoding="utf-8")
        sweep = ("sweep", spec, "--out", out, "--workers", WORKERS, "--json")

        small = run("sweep", few, "--out", f"{out}-few", "--workers", WORKERS, "--json")
        large = run(*sweep)
        line("a million points", large, WORKERS, "60 s")
        stored = sum(path.stat().st_size for path in out.iterdir())
        memory = large.largest_bytes * (WORKERS + 1)
        print(f"{'  its processes and its store, at most':<44} {(memory + stored) / 1e9:8.2f} GB")
        growth = large.largest_bytes / small.largest_bytes
        print(f"{'  largest process against a tenth of it':<44} {growth:8.2f} x   goal 1.2")
        line("a million points, resumed", run(*sweep), 1, "2 s")
        line("a million points as CSV", run("export", out, "--csv", f"{out}.csv"), 1, "-")

        one = run("sweep", spec, "--out", f"{out}-one", "--workers", 1, "--json")
        line("a million points, one worker", one, 1, "-")
        wall = large.said["points_per_s"] / one.said["points_per_s"]
        print(f"{'two workers against one, points a second':<44} {wall:8.2f} x   goal 1.8")
        cpu = WORKERS * one.cpu_s / large.cpu_s
        print(f"{'  by CPU time, if each had a core':<44} {cpu:8.2f} x")


if __name__ == "__main__":
    main()
