"""Whole commands as a user runs them, the interpreter's start included."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from statistics import median

RUNS = 3
START = (sys.executable, "-m", "reports")


def cpu_seconds(command: Sequence[str]) -> float:
    """The CPU time of one run of `command`, its children included."""
    before = os.times()
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    return (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )


def main() -> None:
    """Print the median CPU time of each command beside its goal."""
    with tempfile.TemporaryDirectory() as folder:
        cases = (
            ("einfall --version", ("--version",), 0.4),
            ("einfall --help", ("--help",), 0.4),
            ("einfall reproduce fusemax", ("reproduce", "fusemax", "--out", folder), 15.0),
        )
        for name, arguments, goal in cases:
            seconds = median(cpu_seconds((*START, *arguments)) for _ in range(RUNS))
            print(f"{name:<44} {seconds:8.2f} s   {seconds / goal:6.2f} of the goal, {goal} s")


if __name__ == "__main__":
    main()
