"""The committed results of `reports/examples` are what their commands compute, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from reports.examples.fusemax_pareto import __main__ as fusemax_pareto
from reports.examples.prefill_decode import __main__ as prefill_decode
from reports.examples.which_cascade import __main__ as which_cascade

FOLDER = Path(__file__).parents[2] / "reports" / "examples"
NAMES = ("which_cascade", "fusemax_pareto", "prefill_decode")


def committed(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name / "results.csv")


def assert_same_rows(found: pd.DataFrame, rows: pd.DataFrame, keys: Sequence[str]) -> None:
    ours = found.sort_values(list(keys), ignore_index=True)
    theirs = rows.merge(ours[list(keys)], on=list(keys)).sort_values(list(keys), ignore_index=True)
    assert len(ours) == len(theirs) > 0
    assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-9)


def test_which_cascade() -> None:
    found = which_cascade.table(lengths=(1 << 12, 1 << 14, 1 << 15), buffers=(1 << 22, 1 << 24))
    keys = ("seq_len", "buffer_size_bytes", "passes")
    assert_same_rows(found, committed("which_cascade"), keys)


def test_rows_stop_to_fit_where_the_live_footprint_says() -> None:
    rows = committed("which_cascade")
    kept = rows[(rows["passes"] == 2) & (rows["kept"] == 1)]
    for size, own in kept.groupby("buffer_size_bytes"):
        limit = which_cascade.predicted_length(float(str(size)), 2)
        assert limit / 4 <= own["seq_len"].max() < limit
    assert which_cascade.predicted_length(1 << 24, 1) == float("inf")
    assert which_cascade.predicted_length(1 << 24, 3) == 1 << 15


def test_fusemax_pareto_is_not_beaten_by_a_part_of_it() -> None:
    rows = committed("fusemax_pareto")
    part = fusemax_pareto.table(every=5)
    for name in ("published files", "any files"):
        front = rows[rows["front"] == name]
        for row in part[part["front"] == name].itertuples():
            better = (front["area_um2"] <= float(str(row.area_um2)) * (1 + 1e-9)) & (
                front["latency_s"] <= float(str(row.latency_s)) * (1 + 1e-9)
            )
            assert better.any()
    gains = fusemax_pareto.gains(rows)
    assert (gains["any files"] >= gains["published files"]).all()


def test_prefill_decode() -> None:
    found = prefill_decode.table(lengths=(1 << 12,))
    keys = ("phase", "seq_len", "rows", "bandwidth_bytes_per_s")
    assert_same_rows(found, committed("prefill_decode"), keys)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_has_what_the_command_says(name: str) -> None:
    module = {
        "which_cascade": which_cascade,
        "fusemax_pareto": fusemax_pareto,
        "prefill_decode": prefill_decode,
    }[name]
    text = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert module.say(committed(name)) in text
    for suffix in ("png", "svg"):
        assert (FOLDER / name / f"figure.{suffix}").stat().st_size > 10_000
