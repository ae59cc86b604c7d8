"""The measuring script from end to end, in the interpreter: the one that runs on a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workloads.gpu.counts import Kernel
from workloads.gpu.measure import main, seconds
from workloads.gpu.plan import BASELINES, Effort, Subject, candidates, plan, smoke
from workloads.gpu.problem import GridOrder
from workloads.gpu.records import Cache, load_records
from workloads.library import load_cascade
from workloads.masks import causal

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "workloads" / "gpu" / "measure.py"


def run_script(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As people run it: from anywhere, and nothing of ours installed."""
    environment = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TRITON_INTERPRET")
    }
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False
    )


def test_smoke_writes_a_record_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra einfall[gpu]")
    pytest.importorskip("triton", reason="needs the extra einfall[gpu]")
    first = run_script("--smoke", "--out", "records", "--only", "time p1/", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    (begun,) = load_records(tmp_path / "records")
    assert [m.kernel for m in begun.measurements] == ["p1", "p1"]

    again = run_script("--smoke", "--out", "records", "--budget", "5min", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    (record,) = load_records(tmp_path / "records")
    assert {m.samples_s for m in begun.measurements} <= {m.samples_s for m in record.measurements}
    assert record.started_utc == begun.started_utc
    assert record.ceiling_runs == begun.ceiling_runs
    assert set(record.ceilings) == {"gemm", "copy", "exp", "l2", "launch"}
    assert {m.kernel for m in record.measurements} == {k.value for k in Kernel} | {"sdpa-math"}
    assert [one.key.split("/")[0] for one in record.skipped] == ["sdpa-cudnn", "energy"]
    for one in record.measurements:
        assert one.error.rms_rel <= one.error.tolerance_rms_rel
        assert one.method.cache is Cache.WARM
        if one.cascade is not None:
            cascade = load_cascade(one.cascade)
            shown = causal(cascade) if one.shape.causal else cascade
            assert one.cascade_digest == shown.digest
            assert one.tiles["P0"] == 16
            assert one.launches
    assert [m.counters_note for m in record.measurements if m.counters_note]


def test_a_spent_budget_stops_cleanly(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra einfall[gpu]")
    pytest.importorskip("triton", reason="needs the extra einfall[gpu]")
    done = run_script("--smoke", "--out", "records", "--budget", "0.5s", folder=tmp_path)
    assert done.returncode == 0
    assert "stopped at the budget" in done.stdout
    (record,) = load_records(tmp_path / "records")
    assert len(record.measurements) < len(list(smoke()))


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra einfall[gpu]")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = run_script("--out", "records", folder=tmp_path)
    assert done.returncode == 2
    assert "torch sees no CUDA device" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "records").exists()


def test_without_torch_it_names_the_extra(tmp_path: Path) -> None:
    code = "import sys, runpy; sys.modules['torch'] = None; sys.argv = ['measure.py']\n"
    code += f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert "pip install 'einfall[gpu]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plan_is_listed_without_torch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list(plan()))
    assert lines[0].startswith("time     p1/b1-h16-p16384-m16384-d128-full-fp16")


def test_the_plan_covers_what_was_asked_for() -> None:
    tasks = list(plan())
    timed = [task.subject for task in tasks if task.effort is Effort.TIME]
    assert len({subject.key for subject in timed}) == len(timed)
    lengths = {512, 1024, 2048, 4096, 8192, 16384}
    for name in [k.value for k in Kernel if k is not Kernel.P1_SPLIT_K] + list(BASELINES):
        own = [s.problem for s in timed if s.name == name and s.problem.queries > 1]
        for mask in ("full", "causal"):
            for dim in (64, 128):
                of_mask = [p for p in own if (p.mask.value, p.head_dim) == (mask, dim)]
                assert {p.keys for p in of_mask} == lengths
    assert {s.name for s in timed if s.problem.queries == 1} == {"p1-splitk", *BASELINES}
    assert {s.order for s in timed} == {None, GridOrder.HEAD_FASTEST}
    counted = [t.subject for t in tasks if t.effort is not Effort.TIME]
    keys = [subject.key for subject in timed]
    assert all(subject.key in keys for subject in counted)


def test_every_kernel_has_launches_to_try() -> None:
    subjects = {task.subject for task in plan() if task.subject.kernel}
    for subject in subjects:
        retained = subject.kernel is Kernel.P3_RETAIN and subject.problem.keys > 2048
        assert bool(candidates(subject)) is not retained
        assert len(set(candidates(subject))) == len(candidates(subject))
    assert isinstance(next(iter(subjects)), Subject)


@pytest.mark.parametrize(("text", "value"), [("500s", 500), ("8min", 480), ("2m", 120), ("90", 90)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "fast", "-3s", "0s", "5 days"])
def test_what_is_no_duration_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--budget", text])
    assert "duration" in capsys.readouterr().err or text == "-3s"
