"""Measure the kernels, the baselines and the limits of the GPU of this machine.

    python workloads/gpu/measure.py --out records/ [--budget 500s] [--dtype fp16]

Runs from a bare checkout: it needs torch, triton and numpy. The record is complete after every
task, so that a run can be stopped at any moment, and started again to go on. Clocks are never
touched. `--list` prints the plan; `--smoke` tries everything on tiny problems in Triton's
interpreter, on the CPU.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # run as a script, which finds the packages beside this folder
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from einsum.errors import SpecError

if TYPE_CHECKING:
    from workloads.gpu.plan import Task
    from workloads.gpu.session import Session

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_MARGIN_S = 15.0  # no task starts that may not end in time


def seconds(text: str) -> float:
    """A duration: `500`, `500s`, `8min`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    if match is None or float(match[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 500s or 8min")
    return float(match[1]) * _UNITS[match[2] or ""]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; argparse exits with 2 and a message for wrong ones."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("records"), help="folder of the record")
    parser.add_argument("--budget", type=seconds, default=seconds("1h"), help="500s, 8min")
    parser.add_argument("--dtype", choices=("fp16", "bf16"), default="fp16")
    parser.add_argument("--commit", help="commit of these files, where there is no git")
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    parser.add_argument("--list", "--dry-run", action="store_true", help="print the plan and end")
    parser.add_argument("--smoke", action="store_true", help="tiny problems, interpreted on a CPU")
    parser.add_argument("--profile", nargs="+", metavar="KEY", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the tasks of the plan until all are done or the budget is spent; the exit status."""
    options = parse(arguments)
    if options.smoke:
        os.environ["TRITON_INTERPRET"] = "1"  # before triton is imported
    os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")
    from workloads.gpu.plan import plan, smoke
    from workloads.gpu.problem import Dtype

    tasks = list(smoke() if options.smoke else plan(Dtype(options.dtype)))
    tasks = [task for task in tasks if options.only in f"{task.effort.value} {task.subject.key}"]
    if options.list:
        for task in tasks:
            print(f"{task.effort.value:9}{task.subject.key}")
        return 0
    try:
        return _run(options, tasks)
    except ModuleNotFoundError as missing:
        print(f"error: measuring needs {missing.name}; pip install 'einfall[gpu]'", file=sys.stderr)
    except (SpecError, OSError) as error:
        print(error if isinstance(error, SpecError) else f"error: {error}", file=sys.stderr)
    return 2


def _run(options: argparse.Namespace, tasks: Sequence[Task]) -> int:
    import torch

    if not options.smoke and not torch.cuda.is_available():
        raise SpecError(
            "torch sees no CUDA device",
            rule="run this on a machine with an NVIDIA GPU, or try it with --smoke",
        )
    from workloads.gpu import tasks as do
    from workloads.gpu.plan import Effort, plan
    from workloads.gpu.problem import Dtype
    from workloads.gpu.session import Session

    command = " ".join(["measure.py", *sys.argv[1:]])
    device = "cpu" if options.smoke else "cuda"
    session = Session(options.out, device, options.budget, command, options.commit)
    if options.profile:
        both = [task.subject for dtype in Dtype for task in plan(dtype)]
        do.profile(session, options.profile, both)
        return 0
    work = {
        Effort.TIME: do.time_subject,
        Effort.COUNTERS: do.count_subject,
        Effort.ENERGY: do.take_energy,
    }
    print(f"record: {session.file}", flush=True)
    do.measure_ceilings(session)
    for name, rate in session.record.ceilings.items():
        print(f"{name:8}{rate:.4g}", flush=True)
    for number, task in enumerate(tasks):
        if session.left_s < min(_MARGIN_S, options.budget / 2):
            print(f"stopped at the budget: {number} of {len(tasks)} tasks; run again to go on")
            return 0
        try:
            work[task.effort](session, task.subject)
        except torch.AcceleratorError as error:
            print(f"error: {task.subject.key}: {error}; run again to go on", file=sys.stderr)
            return 3
        if device == "cuda":
            torch.cuda.empty_cache()
        print(f"{session.left_s:6.0f} s left  {_told(session, task)}", flush=True)
    print(f"all {len(tasks)} tasks are done")
    return 0


def _told(session: Session, task: Task) -> str:
    """One line about a task that was done."""
    key = task.subject.key
    done = session.measurement(key)
    if done is None:
        reason = next((one.reason for one in session.record.skipped if one.key == key), "nothing")
        return f"{task.effort.value:9}{key}: {reason[:80]}"
    rate = done.flop / done.median_s / 1e12
    return f"{task.effort.value:9}{key}: {done.median_s * 1e6:.1f} us, {rate:.1f} TFLOP/s"


if __name__ == "__main__":
    sys.exit(main())
