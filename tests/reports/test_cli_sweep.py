"""`einfall sweep` and `einfall export`, as a user gives them."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from mapper.sweep.samplers import Method
from reports.commands.sweep import SamplerName
from reports.sweep_options import parse_shape_values
from reports.sweep_progress import duration_text, pace_text
from tests.reports.command import Command

SMALL = ("--arch", "fusemax-cloud", "--workload", "bert", "--seq-len", "1K..4K")
ROWS = ("--set", "array_2d.rows=64,128")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_options_make_a_grid_and_export_a_row_for_each_point(
    einfall: Command, tmp_path: Path
) -> None:
    done = einfall("sweep", *SMALL, *ROWS, "--out", tmp_path / "x", "--json")
    assert done.code == 0
    assert done.json["points"] == done.json["done"] == 6
    assert (done.json["failed"], done.json["resumed"]) == (0, 0)
    assert done.json["points_per_s"] > 0
    assert einfall("export", tmp_path / "x", "--csv", tmp_path / "x.csv").code == 0
    rows = table(tmp_path / "x.csv")
    assert [(row["seq_len"], row["array_2d.rows"]) for row in rows] == [
        (length, height) for length in ("1024", "2048", "4096") for height in ("64", "128")
    ]
    assert {row["status"] for row in rows} == {"done"}
    assert {row["reason"] for row in rows} == {""}


def test_a_point_is_what_evaluate_says(einfall: Command, tmp_path: Path) -> None:
    einfall("sweep", *SMALL, *ROWS, "--out", tmp_path / "x")
    einfall("export", tmp_path / "x", "--csv", tmp_path / "x.csv")
    one = ("--workload", "bert", "--seq-len", "2K", "--set", "array_2d.rows=128")
    report = einfall("evaluate", *one, "--json").json
    row = table(tmp_path / "x.csv")[3]
    for column, key in (
        ("latency_s", "latency_s"),
        ("energy_pj", "energy_pj_complete"),
        ("dram_traffic_bytes", "dram_traffic_bytes"),
        ("area_um2", "area_um2"),
    ):
        assert float(row[column]) == pytest.approx(report[key], rel=1e-12)


def test_the_same_command_again_computes_nothing(einfall: Command, tmp_path: Path) -> None:
    command = ("sweep", *SMALL, *ROWS, "--out", tmp_path / "x")
    assert "6 done, 0 failed" in einfall(*command).out
    again = einfall(*command, "--json")
    assert (again.json["resumed"], again.json["computed"]) == (6, 0)
    assert again.json["points_per_s"] is None
    assert "6 of them were there before" in einfall(*command).out


def test_more_workers_than_blocks_give_the_same_table(einfall: Command, tmp_path: Path) -> None:
    for name, workers in (("a", 1), ("b", 2)):
        einfall("sweep", *SMALL, *ROWS, "--out", tmp_path / name, "--workers", workers)
        einfall("export", tmp_path / name, "--csv", tmp_path / f"{name}.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_failed_point_says_why_and_the_others_go_on(einfall: Command, tmp_path: Path) -> None:
    sizes = ("--set", "global_buffer.size=1 KiB, 16 MiB")
    done = einfall("sweep", *SMALL, *sizes, "--out", tmp_path / "x")
    assert done.code == 0
    assert "3 done, 3 failed" in done.out
    assert "the first failed one is point 0: mapping fusemax does not fit" in done.out
    einfall("export", tmp_path / "x", "--csv", tmp_path / "x.csv")
    rows = table(tmp_path / "x.csv")
    assert [row["status"] for row in rows] == ["failed", "done"] * 3
    assert all((row["latency_s"] == "") == bool(row["reason"]) for row in rows)
    again = einfall("sweep", *SMALL, *sizes, "--out", tmp_path / "x", "--retry-failed", "--json")
    assert (again.json["computed"], again.json["resumed"], again.json["failed"]) == (3, 3, 3)


def test_dry_run_estimates_and_writes_nothing(
    einfall: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    many = ("--set", "array_2d.rows=16,32,64,128,256,512,1024")
    said = einfall("sweep", *SMALL, *many, "--dry-run").out
    assert "21 points, about" in said
    assert "16, 32, 64, ..., 1024" in said
    done = einfall("sweep", *SMALL, *many, "--dry-run", "--out", tmp_path / "x", "--json")
    assert done.json["points"] == 21
    assert done.json["parameters"] == {"seq_len": 3, "array_2d.rows": 7}
    assert done.json["seconds"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_spec_file_is_the_same_as_options(einfall: Command, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "arch: fusemax-cloud\nworkload: bert\nseq_len: 1K..4K\n"
        "parameters:\n  array_2d.rows: [64, 128]\n",
        encoding="utf-8",
    )
    einfall("sweep", spec, "--out", tmp_path / "x")
    again = einfall("sweep", *SMALL, *ROWS, "--out", tmp_path / "x", "--json")
    assert (again.code, again.json["resumed"]) == (0, 6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing to evaluate"),
        ((*SMALL, *ROWS), "give --out FOLDER"),
        (("none.yaml", "--out", "x"), "none.yaml"),
        (("none.yaml", "--workload", "bert", "--out", "x"), "--workload besides a SPEC"),
        ((*SMALL, "--set", "array_2d.rows", "--out", "x"), "has no value"),
        ((*SMALL, "--set", "array_2d.rws=64", "--out", "x"), "did you mean array_2d.rows"),
        ((*SMALL, "--set", "array_2d.rows=64,64", "--out", "x"), "twice"),
        ((*SMALL, *ROWS, "--points", 3, "--out", "x"), "--points without --sampler"),
        ((*SMALL, *ROWS, "--sampler", "sobol", "--out", "x"), "takes 0 points"),
        ((*SMALL, "--seq-len", "4K..1K", "--out", "x"), "is empty"),
        ((*SMALL, "--shape", "=3", "--out", "x"), "'=3' is not RANK=SIZES"),
    ],
)
def test_wrong_options_are_one_message(
    einfall: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[object, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = einfall("sweep", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert list(tmp_path.iterdir()) == [], "nothing is made for a sweep that is wrong"


def test_samplers_of_the_command_are_those_that_there_are() -> None:
    assert {one.value for one in SamplerName} == {one.value for one in Method}


def test_another_sweep_in_the_folder_stays(einfall: Command, tmp_path: Path) -> None:
    einfall("sweep", *SMALL, *ROWS, "--out", tmp_path)
    done = einfall("sweep", *SMALL, "--set", "array_2d.rows=32", "--out", tmp_path)
    assert done.code == 2
    assert "holds the results of another sweep" in done.err
    assert einfall("sweep", *SMALL, *ROWS, "--out", tmp_path, "--json").json["resumed"] == 6


def test_parquet_has_the_rows_of_csv(einfall: Command, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    sizes = ("--set", "global_buffer.size=1 KiB, 16 MiB", "--policy", "serial,overlapped")
    einfall("sweep", *SMALL, *sizes, "--out", tmp_path / "x")
    both = ("--csv", tmp_path / "x.csv", "--parquet", tmp_path / "x.parquet")
    assert einfall("export", tmp_path / "x", *both).code == 0
    rows = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    texts = table(tmp_path / "x.csv")
    assert [list(row) for row in rows] == [list(row) for row in texts]
    for row, text in zip(rows, texts, strict=True):
        for column, value in row.items():
            if isinstance(value, int | float):
                assert float(text[column]) == value
            else:
                assert text[column] == (value or "")


def test_an_unfinished_sweep_exports_what_there_is(einfall: Command, tmp_path: Path) -> None:
    einfall("sweep", *SMALL, *ROWS, "--out", tmp_path)
    whole = einfall("export", tmp_path, "--csv", "-").out
    database = sqlite3.connect(tmp_path / "sweep.sqlite")
    database.execute("DELETE FROM block")
    database.commit()
    database.close()
    done = einfall("export", tmp_path, "--csv", "-")
    assert done.code == 0
    assert done.out == whole.splitlines(keepends=True)[0]
    assert "6 of 6 points are not finished" in done.err


def test_export_says_what_is_wrong(einfall: Command, tmp_path: Path) -> None:
    for arguments, said in (
        ((tmp_path, "--csv", tmp_path / "x.csv"), "there is no sweep"),
        ((tmp_path / "none", "--csv", "-"), "there is no sweep"),
        ((tmp_path,), "give --csv FILE or --parquet FILE"),
    ):
        done = einfall("export", *arguments)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    einfall("sweep", *SMALL, *ROWS, "--out", tmp_path)
    (tmp_path / "taken").mkdir()
    assert "cannot write" in einfall("export", tmp_path, "--csv", tmp_path / "taken").err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep.sqlite", "taken"]


def test_the_json_of_a_sweep_is_its_last_output(einfall: Command, tmp_path: Path) -> None:
    out = einfall("sweep", *SMALL, *ROWS, "--out", tmp_path, "--json").out
    assert list(json.loads(out))[-5:] == ["points", "done", "failed", "points_per_s", "resumed"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", {}),
        ("M=1K", {"M": "1K"}),
        ("M=1K,2K, 4K,P=1", {"M": "1K,2K,4K", "P": "1"}),
        ("M=1K..64K,P=1..4", {"M": "1K..64K", "P": "1..4"}),
    ],
)
def test_shapes_of_sweeps(text: str, shape: dict[str, str]) -> None:
    assert parse_shape_values(text) == shape


def test_progress_says_rate_and_time_left() -> None:
    assert pace_text(1000, 0, 3.0) == ""
    assert pace_text(500, 1000, 2.0) == "500/s  1 s left"
    assert pace_text(100, 2, 10.0) == "0.2/s  8.33 min left"
    assert duration_text(0.25) == "0.25 s"
    assert duration_text(90000) == "1.04 d"
