"""`python -m benchmarks.accelforge`: a table; `--setup` first, once; `--only TEXT` for some cases.

AccelForge needs Python >= 3.12 (`--python` of the setup) and graphviz's `dot`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.accelforge.cases import CASES, HERE, Case, Result

_ROOT = HERE.parent.parent
_VENV = _ROOT / "out" / "accelforge-venv"
_FFM = HERE / "ffm.py"


def setup(python: str) -> None:
    subprocess.run([python, "-m", "venv", str(_VENV)], check=True)
    pip = [str(_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "accelforge>=1.0.460"]
    subprocess.run(pip, check=True)


def theirs(case: Case) -> Result | str:
    """FFM's best mapping, or why there is none; time and memory are of its whole process tree."""
    command = [str(_VENV / "bin" / "python"), str(_FFM), json.dumps(asdict(case))]
    # It writes mapping.svg into the working directory.
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile() as output:
        with subprocess.Popen(command, stdout=output, stderr=output, cwd=scratch) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines() or ["no output"]
    if process.returncode != 0:
        return lines[-1]
    found = json.loads(lines[-1])
    cpu_s = usage.ru_utime + usage.ru_stime
    return Result(found["energy"], found["latency"], cpu_s, usage.ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setup", action="store_true", help="make AccelForge's environment")
    parser.add_argument("--python", default="python3.12", help="Python >= 3.12 for the setup")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with TEXT in the name")
    options = parser.parse_args()
    if options.setup:
        setup(options.python)
        return
    if not Path(_VENV / "bin" / "python").exists():
        sys.exit("AccelForge is not installed: python -m benchmarks.accelforge --setup")
    print(f"{'case':40} {'energy':>12} {'latency':>12} {'CPU s':>8} {'MB':>6}")
    for one in CASES:
        if options.only not in one.name:
            continue
        match theirs(one):
            case Result() as found:
                print(
                    f"{one.name:40} {found.energy:12.6g} {found.latency:12.6g} "
                    f"{found.cpu_s:8.1f} {found.peak_mb:6.0f}",
                    flush=True,
                )
            case str() as reason:
                print(f"{one.name:40} {reason}", flush=True)


if __name__ == "__main__":
    main()
