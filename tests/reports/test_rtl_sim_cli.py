"""`einfall rtl sim` and `einfall rtl cycles`: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from einsum.errors import SpecError
from reports.cli import app
from rtl.toolchain import toolchain

SMALL = ["rtl", "sim", "--n", "4", "--m", "13", "--p", "7", "--e", "5", "--f", "3"]


def has_tools() -> bool:
    try:
        toolchain()
    except SpecError:
        return False
    return True


needs_tools = pytest.mark.skipif(not has_tools(), reason="needs Verilator, cocotb and a compiler")


@needs_tools
def test_json_has_values_and_cycles() -> None:
    done = CliRunner().invoke(app, [*SMALL, "--json"])
    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)
    assert row["bit_exact"] is True
    assert row["cycles"] == row["simulator_cycles"] > row["closed_form_cycles"]
    assert row["ii_cycles"] == row["schedule_ii_cycles"]
    assert 0 < row["max_rel_error"] <= row["error_bound"]
    assert 0 < row["busy_2d"] < row["busy_1d"] < 1
    assert {"build_s", "run_s", "cycles_per_s"} <= set(row)


@needs_tools
def test_waves_and_a_table(tmp_path: Path) -> None:
    waves = tmp_path / "out.vcd"
    done = CliRunner().invoke(app, [*SMALL, "--waves", str(waves)])
    assert done.exit_code == 0, done.output
    assert "cycle simulator" in done.stdout
    assert waves.read_text(encoding="ascii")[:200].count("$") > 1


@needs_tools
def test_cycles_are_tabulated_and_drawn(tmp_path: Path) -> None:
    options = ["--n", "4", "--tiles", "1,3", "--e", "4", "--f", "4", "--measure", "4"]
    done = CliRunner().invoke(app, ["rtl", "cycles", *options, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    header, *rows = (tmp_path / "rtl-cycles.csv").read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    for row in (dict(zip(names, line.split(","), strict=True)) for line in rows):
        assert row["rtl_cycles"] == row["simulator_cycles"]
        parts = ("closed_form_cycles", "fill", "drain", "interval")
        assert sum(int(row[part]) for part in parts) == int(row["simulator_cycles"])
    assert (tmp_path / "rtl-cycles.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n", "1"], "n is 1"),
        (["--m", "0"], "m is 0"),
        (["--format", "int8"], "no integer result"),
        (["--format", "bf17"], "bf17"),
        (["--degree", "9"], "degree is 9"),
        (["--waves", "out.fst"], "VCD"),
        (["--waves", "nowhere/out.vcd"], "nowhere"),
        (["--schedule", "random"], "random"),
    ],
)
def test_bad_options_are_one_clear_error(options: list[str], message: str) -> None:
    done = CliRunner().invoke(app, [*SMALL, *options])
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


def test_bad_lists() -> None:
    for text in ("4,x", "0"):
        done = CliRunner().invoke(app, ["rtl", "cycles", "--n", text])
        assert done.exit_code == 2
        assert text in done.output
