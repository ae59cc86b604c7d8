"""`einfall model`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.command import Command

MODEL = """tiny:
  source: none
  layers: 3
  model_dim: 64
  heads: 2
  head_dim: 32
  ffn_dim: 128
  gated_ffn: true
  vocab: 1000
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(MODEL, encoding="utf-8")
    return file


def test_the_parts_add_up(einfall: Command, model: Path) -> None:
    row = einfall("model", "--workload", model, "--seq-len", "512", "--batch", 2, "--json").json
    parts = row["parts"]
    for name in ("latency_s", "dram_traffic_bytes", "energy_pj"):
        assert row[name] == pytest.approx(sum(part[name] for part in parts), rel=1e-12)
        assert row[name] > 0
    assert row["buffer_bytes"] > 0
    assert {part["part"]: part["times"] for part in parts} == {
        "attention": 3, "Q": 3, "K": 3, "V": 3, "Z": 3,
        "FFN1": 3, "FFN1-gate": 3, "FFN2": 3, "vocabulary": 1,
    }  # fmt: skip


def test_equal_parts_are_searched_once(einfall: Command, model: Path) -> None:
    row = einfall("model", "--workload", model, "--seq-len", "512", "--batch", 2, "--json").json
    shapes = {(p["part"] == "attention", *(p.get(r) for r in "TKN")) for p in row["parts"]}
    assert row["searches"] == len(shapes) < len(row["parts"])
    same = {p["latency_s"] for p in row["parts"] if p["part"] in ("Q", "K", "V", "Z")}
    assert len(same) == 1


def test_a_part_costs_what_map_finds(einfall: Command, model: Path) -> None:
    options = ("--objective", "energy")
    row = einfall(
        "model", "--workload", model, "--seq-len", "512", "--batch", 2, *options, "--json"
    ).json
    part = next(one for one in row["parts"] if one["part"] == "FFN2")
    shape = f"T={part['T']},K={part['K']},N={part['N']}"
    alone = einfall("map", "--cascade", "layers/matmul", "--shape", shape, *options, "--json").json
    assert part["energy_pj"] == pytest.approx(3 * alone["energy_pj"], rel=1e-12)
    assert part["latency_s"] == pytest.approx(3 * alone["latency_s"], rel=1e-12)


def test_the_table_ends_with_the_model(einfall: Command, model: Path) -> None:
    text = einfall("model", "--workload", model, "--seq-len", "512", "--batch", 2).out
    assert "tiny, 3 layers, 2 sequences of 512 tokens, on fusemax-cloud" in text
    assert "100.0 %" in text
    assert "searches" in text


def test_sizes_that_cannot_be_are_refused(einfall: Command) -> None:
    for options in (("--seq-len", "0"), ("--seq-len", "4K", "--batch", "0"), ("--seq-len", "x")):
        found = einfall("model", "--workload", "bert", *options)
        assert found.code == 2
        assert "Traceback" not in found.err
