"""The tables behind the figures: the published ones, and what is refused as one."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from einsum.errors import SpecError
from reports.figures.frames import ARRAY_2D, CONFIGS, Frames
from reports.figures.published import published


@pytest.fixture
def frames() -> Frames:
    return published()


def point(table: pd.DataFrame, config: str, model: str, seq_len: str) -> pd.Series:
    return table.set_index(["config", "model", "seq_len"]).loc[(config, model, seq_len)]


def test_published_rows_are_bert_and_three_of_xlm(frames: Frames) -> None:
    for table in (frames.attention, frames.end_to_end):
        for config in CONFIGS:
            rows = table[table["config"] == config]
            assert list(rows["model"]) == ["BERT"] * 6 + ["XLM"] * 3
            assert list(rows["seq_len"][6:]) == ["1K", "64K", "1M"]


@pytest.mark.parametrize(
    ("config", "attention_pj", "linear_pj"),
    [
        ("unfused", 2605413731452.846, 8405303925584.939),
        ("cascade", 2241395704198.6035, 8405303925584.939),
        ("arch", 1950645149855.2659, 8224360503789.642),
    ],
)
def test_published_end_to_end_adds_the_linear_layers_of_the_same_architecture(
    frames: Frames, config: str, attention_pj: float, linear_pj: float
) -> None:
    total = point(frames.end_to_end, config, "BERT", "1K")["energy_pj_published"]
    assert total == pytest.approx(attention_pj + linear_pj, rel=1e-12)


def test_published_shares_add_up_to_the_utilization_of_the_2d_array(frames: Frames) -> None:
    sums = frames.einsum_share.groupby(["config", "model", "seq_len"])["util"].sum()
    assert set(sums.index.unique("config")) == set(CONFIGS[1:])
    busy = frames.attention.set_index(["config", "model", "seq_len"])["util_2d"]
    assert (sums - busy[sums.index]).abs().max() < 1e-12


def test_frames_name_the_column_that_is_missing(frames: Frames) -> None:
    with pytest.raises(SpecError, match="table attention has no column util_2d"):
        replace(frames, attention=frames.attention.drop(columns="util_2d"))


def test_frames_refuse_a_table_without_rows(frames: Frames) -> None:
    with pytest.raises(SpecError, match="table pareto has no row"):
        replace(frames, pareto=frames.pareto.iloc[:0])


def test_frames_need_every_configuration_and_know_no_other(frames: Frames) -> None:
    table = frames.end_to_end
    with pytest.raises(SpecError, match="end_to_end has no row of configuration unfused"):
        replace(frames, end_to_end=table[table["config"] != "unfused"])
    odd = pd.concat([table, table[:1].assign(config="flatt")])
    with pytest.raises(SpecError, match="did you mean flat"):
        replace(frames, end_to_end=odd)


def test_frames_need_the_2d_array(frames: Frames) -> None:
    share = frames.einsum_share.assign(unit="array_1d")
    with pytest.raises(SpecError, match=f"has no row of unit {ARRAY_2D}"):
        replace(frames, einsum_share=share)
