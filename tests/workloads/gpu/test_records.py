"""Records: what is written is read again, and what is no record is one clear error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from einsum.errors import SpecError
from workloads.gpu import records
from workloads.gpu.records import (
    SCHEMA,
    Cache,
    CeilingRun,
    Device,
    Error,
    LaunchRecord,
    Measurement,
    Method,
    Record,
    Shape,
    Skipped,
    Software,
    State,
    load_record,
    load_records,
    parse_record,
)

STATE = State(1.98e9, 2.6e9, 120.5, None)
METHOD = Method("cuda events", Cache.COLD, 3, 1)
MEASUREMENT = Measurement(
    key="p1/b1", kernel="p1", time_utc="2026-01-01T00:00:00Z", cascade="gpu/online",
    cascade_digest="ab", source_sha256="cd", tiles={"P0": 128, "M0": 64}, warps=8, stages=2,
    grid_order="tile-fastest", launches=(LaunchRecord("online", 12, 138, 0, 1024),), tried=(),
    shape=Shape(1, 2, 2, 16, 16, 64, 64, False, "fp16", 0.125), seed=1, flop=1e9,
    flop_convention="2 P M (E + F)", method=METHOD, before=STATE, after=STATE,
    samples_s=(3e-3, 1e-3, 2e-3), error=Error(2, 1e-3, 1e-4, 4e-3), counters={},
    counters_note="", energy=None, energy_j=None,
)  # fmt: skip
RECORD = Record(
    SCHEMA, "abc", False, "2026-01-01T00:00:00Z", "measure.py",
    Device("NVIDIA H100 80GB HBM3", 132, 80 << 30, 50 << 20, (9, 0), "580.1", 1.98e9, 700.0),
    Software("3.12.3", "2.11.0", "3.6.0", "2.3.5", "13.0", 91000), {"gemm": 7.9e14},
    (CeilingRun("gemm", "8192^3", 1.1e12, "FLOP", METHOD, STATE, STATE, (1.4e-3,)),),
    (MEASUREMENT,), (Skipped("u5/b9", "out of memory"),),
)  # fmt: skip


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(RECORD.to_json(), encoding="utf-8")
    (tmp_path / "a.json").write_text(replace(RECORD, commit=None).to_json(), encoding="utf-8")
    assert load_records(tmp_path) == (replace(RECORD, commit=None), RECORD)
    assert RECORD.measurements[0].median_s == 2e-3
    assert RECORD.ceiling_runs[0].rate == 1.1e12 / 1.4e-3


def changed(path: str, value: object) -> str:
    """The record's text with the value at `path` replaced, or removed if it is `...`."""
    data: Any = json.loads(RECORD.to_json())
    place = data
    *outer, last = path.split(".")
    for key in outer:
        place = place[int(key) if key.isdigit() else key]
    if value is ...:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", 2, "schema 2"),
        ("device", ..., "record has no device"),
        ("device.name", 7, "record.device.name is 7"),
        ("device.capability", [9], "record.device.capability has 1 items"),
        ("device.multiprocessors", True, "multiprocessors is true"),
        ("typo", 1, "record has unknown typo"),
        ("ceilings.gemm", "fast", "record.ceilings.gemm is"),
        ("measurements.0.method.cache", "tepid", "is 'tepid'"),
        ("measurements.0.samples_s", [], "p1/b1 has no samples"),
        ("measurements.0.samples_s.1", -1.0, "not positive"),
        ("measurements.0.samples_s.1", float("nan"), "is NaN"),
        ("measurements.0.samples_s.1", None, "samples_s[1] is null"),
        ("measurements.0.shape", [], "record.measurements[0].shape is []"),
        ("measurements.0.tiles", None, "tiles is null"),
        ("measurements", {}, "record.measurements is {}"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_record(changed(path, value))
    assert message in str(caught.value)
    assert caught.value.rule


def test_a_whole_number_is_a_number() -> None:
    assert parse_record(changed("ceilings.gemm", 5)).ceilings == {"gemm": 5.0}


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"record"'])
def test_what_is_no_record_names_its_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"mine\.json is no record"):
        load_record(file)


def test_a_missing_folder_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    assert load_records(tmp_path) == ()
    with pytest.raises(SpecError, match="no folder"):
        load_records(tmp_path / "absent")
    (tmp_path / "x.json").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="cannot read"):
        load_records(tmp_path)


def test_the_shipped_records_are_of_devices_and_named_after_them() -> None:
    folder = Path(records.__file__).with_name("records")
    for file in sorted(folder.glob("*.json")):
        record = load_record(file)
        words = "".join(c if c.isalnum() else "-" for c in record.device.name.lower())
        assert file.name.startswith(words)
        assert record.device.multiprocessors > 0
        assert record.measurements
