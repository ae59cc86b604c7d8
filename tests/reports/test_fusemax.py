"""The reproduction of FuseMax against every published row, and the contract of its tables."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from reports.figures.frames import Frames
from reports.figures.published import published
from reports.fusemax import LENGTHS, MODELS, averages, compute, reproduce
from reports.progress import track

POINT = ["config", "model", "seq_len"]
TOLERANCE = {"unfused": 5e-3}
PAPER = {
    "attention_speedup_over_flat": 6.72,
    "end_to_end_speedup_over_flat": 5.30,
    "attention_speedup_over_unfused": 10.05,
}


@cache
def ours() -> Frames:
    return compute(track)


def joined(name: str, point: list[str]) -> pd.DataFrame:
    return getattr(ours(), name).merge(
        getattr(published(), name), on=point, suffixes=("", "_paper"), validate="one_to_one"
    )


@pytest.mark.parametrize("column", ["latency_s", "dram_traffic_bytes", "util_2d", "util_1d"])
def test_attention_is_the_published_one(column: str) -> None:
    rows = joined("attention", POINT)
    assert len(rows) == len(published().attention)
    for row in rows.to_dict("records"):
        tolerance = TOLERANCE.get(row["config"], 1e-4)
        assert row[column] == pytest.approx(row[f"{column}_paper"], rel=tolerance), row["config"]


def test_short_unfused_latencies_are_within_a_thousandth() -> None:
    rows = joined("attention", POINT)
    short = rows[(rows["config"] == "unfused") & ~rows["seq_len"].isin(["256K", "1M"])]
    assert (short["latency_s"] / short["latency_s_paper"] - 1).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("config", "bound"),
    [("binding", 0.01), ("arch", 0.01), ("unfused", 0.03), ("flat", 0.05), ("cascade", 0.05)],
)
def test_energies_as_the_artifact_counts(config: str, bound: float) -> None:
    rows = joined("attention", POINT)
    own = rows[rows["config"] == config]
    deviation = own["energy_pj_published"] / own["energy_pj_published_paper"] - 1
    assert deviation.abs().max() < bound


def test_linear_layers_need_no_more_traffic_than_published() -> None:
    rows = joined("linear", POINT)
    assert len(rows) == len(published().linear)
    for row in rows.to_dict("records"):
        assert row["latency_s"] == pytest.approx(row["latency_s_paper"], rel=1e-3)
        assert row["dram_traffic_bytes"] <= row["dram_traffic_bytes_paper"] * (1 + 1e-9)


def test_the_pareto_curve() -> None:
    rows = joined("pareto", ["model", "pe_dim"])
    assert len(rows) == len(published().pareto)
    for row in rows.to_dict("records"):
        assert row["latency_s"] == pytest.approx(row["latency_s_paper"], rel=1e-9)
        assert row["dram_traffic_bytes"] == pytest.approx(row["dram_traffic_bytes_paper"], rel=1e-9)
        for column in ("array_2d_area_um2", "area_um2"):
            assert row[column] == pytest.approx(row[f"{column}_paper"], rel=0.03)


def test_the_summary() -> None:
    found = averages(ours())
    for name, value in PAPER.items():
        assert found[name] == pytest.approx(value, rel=0.01)
    assert found["attention_energy_vs_flat_published"] == pytest.approx(0.787, rel=0.05)
    assert found["end_to_end_energy_vs_flat_published"] == pytest.approx(0.833, rel=0.05)


def test_end_to_end_is_the_sum() -> None:
    frames = ours()
    at = {"model": "BERT", "seq_len": "4K"}

    def value(table: pd.DataFrame, config: str) -> float:
        keys = {"config": config, **at}
        rows = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)]
        return float(rows["latency_s"].iloc[0])

    for config, layers in (("flat", "flat"), ("binding", "fusemax")):
        total = value(frames.attention, config) + value(frames.linear, layers)
        assert value(frames.end_to_end, config) == pytest.approx(total)


def test_the_files_that_other_tools_read(tmp_path: Path) -> None:
    summary = reproduce(tmp_path, False, track)
    attention = pd.read_csv(tmp_path / "attention.csv")
    assert ",".join(attention.columns) == (
        "config,model,seq_len,dram_traffic_bytes,latency_s,energy_pj_complete,"
        "energy_pj_published,util_2d,util_1d,util_useful_macs"
    )
    assert len(attention) == 5 * len(MODELS) * len(LENGTHS)
    linear = pd.read_csv(tmp_path / "linear.csv")
    assert ",".join(linear.columns) == (
        "config,model,seq_len,dram_traffic_bytes,latency_s,energy_pj_complete,energy_pj_published"
    )
    assert set(linear["config"]) == {"flat", "fusemax"}
    assert list(pd.read_csv(tmp_path / "end_to_end.csv").columns) == list(linear.columns)
    pareto = pd.read_csv(tmp_path / "pareto.csv")
    assert ",".join(pareto.columns) == (
        "model,pe_dim,global_buffer_bytes,dram_traffic_bytes,latency_s,array_2d_area_um2,area_um2"
    )
    assert list(attention["seq_len"].unique()) == ["1K", "4K", "16K", "64K", "256K", "1M"]
    assert json.loads((tmp_path / "summary.json").read_text()) == dict(summary.values)
