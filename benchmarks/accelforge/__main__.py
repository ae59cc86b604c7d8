"""`python -m benchmarks.accelforge`: AccelForge's mapper and ours on every case, side by side.

The first run installs AccelForge in an environment of its own (it needs Python >= 3.12 and
graphviz's `dot`). Each search is a process of its own; CPU seconds and memory are of all of it.
`same` is AccelForge's energy of our mapping over our own figure for it, minus one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.accelforge.cases import CASES, HERE, Case, Result

_ROOT = HERE.parent.parent
_VENV = _ROOT / "out" / "accelforge-venv"
_VERSION = "accelforge>=1.0.460,<1.1"


def installed(venv: Path, python: str) -> Path:
    """The interpreter of AccelForge's environment, which is made if it is not there."""
    interpreter = venv / "bin" / "python"
    if not interpreter.exists():
        print(f"installing AccelForge in {venv}", file=sys.stderr)
        try:
            subprocess.run([python, "-m", "venv", str(venv)], check=True)
        except FileNotFoundError:
            sys.exit(f"there is no {python}: give one with --python (AccelForge needs >= 3.12)")
        command = [str(interpreter), "-m", "pip", "install", "--quiet", _VERSION]
        subprocess.run(command, check=True)
    return interpreter


def examples(interpreter: Path) -> Path:
    """The folder of AccelForge's examples."""
    command = "import accelforge; print(accelforge.__file__)"
    done = subprocess.run(
        [str(interpreter), "-c", command], check=True, capture_output=True, text=True
    )
    return Path(done.stdout.strip().splitlines()[-1]).parent.parent / "examples"


def run(command: list[str], where: str) -> tuple[dict[str, object], float, float] | str:
    """The JSON that a process prints last, its CPU seconds and peak MB; or why there is none."""
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(command, stdout=output, stderr=output, cwd=where) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines() or ["no output"]
    if process.returncode != 0:
        return lines[-1]
    return json.loads(lines[-1]), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def theirs(case: Case, interpreter: Path, mapping: str | None = None) -> Result | str:
    """FFM's best mapping, or AccelForge's figures of `mapping`; or why there are none."""
    given = asdict(case) | ({} if mapping is None else {"mapping": mapping})
    with tempfile.TemporaryDirectory() as scratch:  # it writes mapping.svg where it runs
        done = run([str(interpreter), str(HERE / "ffm.py"), json.dumps(given)], scratch)
    if isinstance(done, str):
        return done
    found, cpu_s, peak_mb = done
    return Result(found["energy"], found["latency"], cpu_s, peak_mb, found["mapping"])


def ours(case: Case, folder: Path) -> Result | str:
    """The best mapping of our mapper, or why there is none."""
    command = [sys.executable, "-m", "benchmarks.accelforge.ours", str(folder)]
    done = run([*command, json.dumps(asdict(case))], str(_ROOT))
    if isinstance(done, str):
        return done
    found, cpu_s, peak_mb = done
    return Result(cpu_s=cpu_s, peak_mb=peak_mb, **found)


def keep(case: Case, found: Result, folder: Path) -> None:
    """Writes FFM's mapping and figures into `folder`, as the tests read them."""
    name = re.sub(r"[^a-z0-9]+", "-", case.name.lower()).strip("-")
    (folder / f"{name}.yaml").write_text(found.mapping, encoding="utf-8")
    path = folder / "figures.json"
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    command = f'python -m benchmarks.accelforge --only "{case.name}" --keep {folder}'
    values = asdict(case) | {"workload": Path(case.workload).stem}
    figures[name] = {
        "command": command,
        "case": values,
        "energy_j": found.energy_j,
        "latency_s": found.latency_s,
    }
    text = json.dumps(figures, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def _figures(found: Result | str | None) -> str:
    match found:
        case Result():
            search = "" if found.search_s is None else f"{found.search_s:.2f}"
            return (
                f"{found.energy_j:12.6g} {found.latency_s:11.6g} {found.cpu_s:7.1f} "
                f"{search:>7} {found.peak_mb:5.0f}"
            )
        case _:
            return f"{'-':>12} {'-':>11} {'-':>7} {'':7} {'-':>5}"


def _ratios(his: Result | str | None, own: Result | str | None, again: Result | str | None) -> str:
    if not isinstance(his, Result) or not isinstance(own, Result):
        return ""
    same = ""
    if isinstance(again, Result):
        same = f"{again.energy_j / own.energy_j - 1:9.1e}"
    return (
        f"{own.energy_j / his.energy_j:7.4f} {own.latency_s / his.latency_s:7.4f} "
        f"{his.cpu_s / own.cpu_s:6.1f} {same}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", type=Path, default=_VENV, help="AccelForge's environment")
    parser.add_argument("--python", default="python3.12", help="Python >= 3.12 to make it with")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with TEXT in the name")
    parser.add_argument("--except", dest="without", metavar="TEXT", help="not those with TEXT")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="write FFM's mappings, run no more"
    )
    parser.add_argument(
        "--cache", type=Path, metavar="FILE", help="FFM's results: read, else write"
    )
    options = parser.parse_args()
    interpreter = installed(options.environment, options.python)
    folder = examples(interpreter)
    chosen = [case for case in CASES if options.only in case.name]
    if options.without:
        chosen = [case for case in chosen if options.without not in case.name]
    cache = options.cache
    known = json.loads(cache.read_text()) if cache is not None and cache.exists() else {}
    columns = f"{'energy J':>12} {'latency s':>11} {'CPU s':>7} {'search':>7} {'MB':>5}"
    if options.keep is None:
        print(
            f"{'case':36} | FFM {columns} | ours {columns} | {'energy':>7} {'latency':>7} CPU same"
        )
    for case in chosen:
        his = Result(**known[case.name]) if case.name in known else theirs(case, interpreter)
        if isinstance(his, Result) and cache is not None:
            known[case.name] = asdict(his)
            cache.write_text(json.dumps(known, indent=1))
        if options.keep is not None:
            if isinstance(his, str):
                sys.exit(f"{case.name}: {his}")
            keep(replace(case), his, options.keep)
            continue
        own = ours(case, folder)
        again = None
        if isinstance(own, Result) and own.mapping:
            again = theirs(case, interpreter, own.mapping)
        print(
            f"{case.name:36} | {_figures(his)} | {_figures(own)} | {_ratios(his, own, again)}",
            flush=True,
        )
        for side, found in (("FFM", his), ("ours", own), ("ours in AccelForge", again)):
            note = found.note if isinstance(found, Result) else found
            if note:
                print(f"  {side}: {note}", flush=True)


if __name__ == "__main__":
    main()
