"""`einfall schedule`, `einfall simulate` and `einfall whatif`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reports.command import Command

BERT = ["--workload", "bert", "--seq-len", "64K"]


def test_schedule_json(einfall: Command) -> None:
    written = einfall("schedule", *BERT, "--arch", "fusemax-cloud", "--json").json
    assert written["ii_cycles"] == written["res_mii"] == 138
    assert written["epilogue_cycles"] == 64
    assert written["rec_mii"] <= 138
    assert (written["limit"], written["stages"]) == ("array_1d", 2)
    assert written["proven_optimal"] is True
    assert written["utilization"] == {"array_1d": 1.0, "array_2d": 137 / 138}
    tasks = [task["task"] for task in written["pipelines"][0]["tasks"]]
    assert {"QK", "LM", "RM", "SLN", "SLD", "PRM", "SPD", "RD"} < set(tasks)


def test_schedule_with_multiply_adds(einfall: Command) -> None:
    other = ["--config", "binding", "--cascade", "attention/fusemax-fma"]
    written = einfall("schedule", *BERT, *other, "--mapping", "fusemax-fma", "--json").json
    assert (written["ii_cycles"], written["limit"]) == (137, "array_2d")


def test_schedule_text(einfall: Command) -> None:
    told = einfall("schedule", *BERT).out
    assert "138 cycles  proven optimal, limit array_1d" in told
    assert "tiles that exist at a time" in told


def test_simulate_json(einfall: Command) -> None:
    written = einfall("simulate", *BERT, "--json").json
    assert set(written["stalls"]) == {"dependency", "port", "dram", "fill", "drain"}
    assert written["busy_cycles"] + sum(written["stalls"].values()) == written["cycles"]
    assert written["closed_form_latency_s"] <= written["latency_s"]
    assert written["latency_s"] <= 1.01 * written["closed_form_latency_s"]
    assert written["util_2d"] == pytest.approx(0.99, abs=0.01)
    assert written["util_1d"] == pytest.approx(1.0, abs=0.01)


def test_simulate_without_skew_and_dram_is_the_closed_form(einfall: Command) -> None:
    written = einfall("simulate", *BERT, "--no-skew", "--infinite-dram", "--json").json
    assert written["latency_s"] == written["closed_form_latency_s"]
    policy = einfall("evaluate", *BERT, "--policy", "pipelined", "--json").json
    assert written["latency_s"] == pytest.approx(policy["latency_s"], rel=1e-12)


def test_simulate_text(einfall: Command) -> None:
    told = einfall("simulate", *BERT).out
    assert "what every unit does" in told
    assert "longer than the closed form, by cause" in told


def test_trace_and_waterfall(einfall: Command, tmp_path: Path) -> None:
    trace, figure = tmp_path / "out.json", tmp_path / "out.png"
    done = einfall("simulate", *BERT, "--trace", trace, "--waterfall", figure)
    assert done.code == 0
    events = json.loads(trace.read_text())["traceEvents"]
    named = {e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert {"array_2d", "array_1d", "DRAM"} <= named
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--waterfall", "out.gif"], "cannot draw out.gif"),
        (["--trace", "no/such/folder/t.json"], "cannot write no/such/folder/t.json"),
    ],
)
def test_files_that_cannot_be_written(einfall: Command, arguments: list[str], told: str) -> None:
    done = einfall("simulate", *BERT, *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_whatif(einfall: Command) -> None:
    written = einfall("whatif", *BERT, "--json").json
    assert (written["ii_cycles"], written["limit"]) == (138, "array_1d")
    changes = {one["change"]: one for one in written["changes"]}
    best = changes["multiply-adds on array_1d"]
    assert best["predicted_ii"] == best["ii_cycles"] == 137
    assert best["limit"] == "array_2d"
    assert best["speedup"] == max(one["speedup"] for one in changes.values())
    for one in changes.values():
        assert one["ii_cycles"] == one["predicted_ii"]
        assert one["speedup"] == pytest.approx(one["predicted_speedup"], abs=0.003)
    assert "multiply-adds on array_1d" in einfall("whatif", *BERT).out
