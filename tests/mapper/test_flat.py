"""FLAT's own mappings: every published row, as the FuseMax artifact counts it."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import pytest

from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.report import CostReport
from einsum.errors import SpecError
from einsum.quantity import parse_count
from einsum.shapes import bind
from mapper.configurations import bind_mapping
from mapper.flat import flat_choice
from workloads.models import model_named
from workloads.transformer import attention

Row = dict[str, str]


def _rows() -> list[Row]:
    text = files("workloads").joinpath("data/flat-mappings.csv").read_text()
    return list(csv.DictReader(text.splitlines()))


ROWS = {(row["platform"], row["models"], row["seq_len"]): row for row in _rows()}


@cache
def evaluated(platform: str, model: str, length: str) -> CostReport:
    architecture = load_architecture(f"flat-{platform}")
    work = attention(model_named(model), parse_count(length), cascade="attention/stable")
    shapes = bind(work.cascade, work.shape)
    mapping = bind_mapping("flat", work.cascade, shapes, architecture, model)
    return evaluate(work.cascade, shapes, architecture, mapping, load_library())


def dram_bytes(row: Row, side: int, buffer_bytes: float) -> float:
    """The traffic of a row by the rules of the artifact, in tensors; `side` PEs a dimension.

    On chip and spilled: once, and for the share that spills every read. See shared rules: Q is
    read M / side times by an output-stationary product, K and V P / side times, or P / P1 times
    where they are stationary.
    """
    m, p, e, f, p1 = (float(row[name]) for name in ("M", "P", "E", "F", "P1"))
    spilled = float(row["proportion_spilled"])
    stationary = row["QK_stationarity"] == "weight"
    granules = p / p1 if row["fusion_granularity"] == "row" else 1.0
    reads = {
        "Q": max(1.0, m / side) if not stationary else max(1.0, m / _tile(row, side)),
        "K": p / p1 if stationary else max(1.0, p / side),
        "V": p / p1 if stationary else max(1.0, p / side),
    }
    once = {"Q": 1.0, "K": granules, "V": granules}
    sizes = {"Q": e * p, "K": e * m, "V": f * m}
    total = f * p
    for name, size in sizes.items():
        if row[f"{name}_loc"] == "onchip":
            total += size * (once[name] * (1 - spilled) + spilled * reads[name])
        else:
            total += size * reads[name]
    total += m * p * (7 * spilled if row["QK_loc"] == "onchip" else 4)
    return 2 * total * float(row["B"]) * float(row["H"])


def _tile(row: Row, side: int) -> float:
    """Keys that lie in the array at once: `side` columns for each E of the rows."""
    return side * max(1, side // int(row["E"]))


@pytest.mark.parametrize(
    "key",
    [k for k, row in ROWS.items() if k[0] == "cloud" and row["QK_stationarity"] == "output"],
    ids="-".join,
)
def test_traffic_by_the_rules_of_the_artifact(key: tuple[str, str, str]) -> None:
    report = evaluated(*key)
    assert report.dram_traffic_bytes == pytest.approx(dram_bytes(ROWS[key], 256, 32 << 20))


@pytest.mark.parametrize(
    "key", [k for k, row in ROWS.items() if row["QK_stationarity"] == "weight"], ids="-".join
)
def test_weight_stationary_rows_move_no_less_than_they_must(key: tuple[str, str, str]) -> None:
    report, row = evaluated(*key), ROWS[key]
    assert report.traffic_gap >= 1
    if row["QK_loc"] == "offchip":
        scores = 4 * 2 * float(row["B"]) * float(row["H"]) * float(row["M"]) * float(row["P"])
        assert report.dram_traffic_bytes >= scores


@pytest.mark.parametrize("key", ROWS, ids="-".join)
def test_every_row_evaluates(key: tuple[str, str, str]) -> None:
    report = evaluated(*key)
    assert report.latency_gap >= 1
    (buffer,) = (one for one in report.memories if one.memory == "global_buffer")
    assert buffer.size_bytes is not None
    assert buffer.occupied_bytes <= buffer.size_bytes


def test_parameters_of_a_row() -> None:
    choice = flat_choice("cloud", "bert", 65536, 32 << 20)
    assert choice.template == "flat-output"
    found = dict(choice.parameters)
    assert (found.pop("spilled"), found.pop("softmax_spilled")) == (0.007751937984496138, 0.0)
    assert found == {"G": 256, "P1": 256, "q": 0, "k": 0, "v": 0, "av": 1, "scores": 1}


def test_a_row_of_scores_that_does_not_fit() -> None:
    enough = dict(flat_choice("cloud", "XLM", 1 << 20, 32 << 20).parameters)
    assert enough["scores"] == enough["softmax_spilled"] == 0
    # Q and AV take 2 x 128 x 1024 values, the row's maximum and sum 2, and the row 2^20.
    small = dict(flat_choice("cloud", "XLM", 1 << 20, (1 << 19) + 4 + (1 << 20)).parameters)
    assert small["softmax_spilled"] == 0.5
    assert dict(flat_choice("cloud", "XLM", 1 << 20, 0).parameters)["softmax_spilled"] == 1


@pytest.mark.parametrize(("model", "length"), [("bert", 1000), ("llama-3-8b", 1024), ("", 1024)])
def test_what_flat_did_not_publish(model: str, length: int) -> None:
    with pytest.raises(SpecError) as caught:
        flat_choice("cloud", model, length, 32 << 20)
    assert "FLAT published no mapping for" in caught.value.message
    assert "models BERT, T5, TrXL, XLM at lengths 512, 1K, 2K" in caught.value.rule
