"""`einfall map`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.command import Command

MATMUL = ("--cascade", "layers/matmul", "--shape", "T=1K,K=256,N=512")


def test_json_has_the_search_and_the_costs(einfall: Command) -> None:
    found = einfall("map", *MATMUL, "--json")
    assert found.code == 0
    row = found.json
    for name in ("latency_s", "energy_pj", "dram_traffic_bytes", "buffer_bytes", "space_size"):
        assert row[name] > 0
    assert row["objective"] == "latency"
    assert row["value"] == pytest.approx(row["latency_s"])
    assert row["proven_optimal"] is True
    assert row["gap"] == pytest.approx(1.0)
    assert row["evaluated"] >= 1
    assert "compute: Z" in row["mapping"]


@pytest.mark.parametrize("objective", ["latency", "energy", "traffic"])
def test_a_saved_mapping_costs_what_was_promised(
    einfall: Command, tmp_path: Path, objective: str
) -> None:
    file = tmp_path / "best.yaml"
    found = einfall("map", *MATMUL, "--objective", objective, "--save", file, "--json").json
    again = einfall("evaluate", *MATMUL, "--mapping", file, "--json").json
    for name in ("latency_s", "dram_traffic_bytes", "energy_pj_complete"):
        assert again[name] == pytest.approx(found[name], rel=1e-12)


def test_the_text_shows_the_nest_and_the_proof(einfall: Command) -> None:
    text = einfall("map", *MATMUL).out
    assert "Z on array_2d" in text
    assert "proven optimal" in text


def test_an_impossible_cascade_names_what_is_missing(einfall: Command) -> None:
    found = einfall("map", "--cascade", "norm/layer-norm", "--shape", "R=64,N=64")
    assert found.code == 2
    assert "lacks" in found.err
    assert "Traceback" not in found.err
