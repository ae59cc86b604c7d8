"""Figure 7: which Einsums keep the 2D array busy, for one model (BERT, as in the paper)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from einsum.quantity import parse_count
from reports.figures import style
from reports.figures.bars import Categories, in_order
from reports.figures.frames import ARRAY_2D, Frames

# Mostly colours that no configuration has in the other figures. FLAT multiplies its softmax A by V
# to AV; SLNV is the part of that product that the 1-pass cascade computes for one tile of keys.
_STACK = {
    "QK": (style.VERMILLION, "QK"),
    "LM": (style.BLACK, "LM (max)"),
    "SLN": (style.YELLOW, "SLN (exp)"),
    "SLD": (style.BLUE, "SLD (sum)"),
    "SLNV": (style.PURPLE, "SLNV / AV"),
    "other": (style.GREY, "other"),
}
_ALSO = {"AV": "SLNV"}
_SHORT = {"flat": "FL", "cascade": "+C", "arch": "+A", "binding": "+B"}


def breakdown(ours: Frames, paper: Frames) -> Figure:
    """Busy time of the 2D array over latency by Einsum, stacked, by length and configuration."""
    models = in_order(ours.einsum_share["model"])
    model = "BERT" if "BERT" in models else models[0]
    shares, published = _stack(ours.einsum_share, model), _stack(paper.einsum_share, model)
    last = shares.loc[shares.index[-1][0]].loc[_SHORT["binding"]]
    figure, axes = style.panel(
        3.6,
        f"Figure 7. 2D array by Einsum ({model}): at {shares.index[-1][0]}, FuseMax spends "
        f"{last[['QK', 'SLNV']].sum():.1%} of the latency on products, "
        f"{last[['LM', 'SLN', 'SLD']].sum():.1%} on softmax",
    )
    categories = Categories.of(shares.index)
    x = list(categories.place.values())
    top = pd.Series(0.0, index=shares.index)
    drawn = [einsum for einsum in _STACK if (shares[einsum] > 0).any()]
    for einsum in drawn:
        axes.bar(x, shares[einsum], 0.8, bottom=top, color=_STACK[einsum][0], linewidth=0)
        top += shares[einsum]
    for key, height in zip(categories.place, top, strict=True):
        axes.annotate(
            f"{height:.0%}",
            (categories.place[key], height),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            size=7.5,
        )
    known = published[published.index.isin(list(categories.place))]
    # Boundaries of the parts that can be told apart by eye: below QK, below SLNV, and the top.
    for parts in (["QK"], ["QK", "LM", "SLN", "SLD"], list(_STACK)):
        places = [categories.place[key] for key in known.index]
        style.mark_published(axes, places, known[parts].sum(axis="columns").to_list())
    categories.label(axes, names=True)
    axes.set_ylim(0, 1.07)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="y")
    axes.set_ylabel("Busy time (% of latency)")
    axes.set_xlabel(
        "FL: FLAT, +C: +Cascade, +A: +Architecture, +B: +Binding (FuseMax), "
        "by sequence length (tokens)",
        labelpad=16,
    )
    style.legend(figure, [style.patch(*_STACK[einsum]) for einsum in drawn])
    return figure


def _stack(share: pd.DataFrame, model: str) -> pd.DataFrame:
    """A row for each (length, short configuration), in order, and a column for each part."""
    rows = share[(share["model"] == model) & (share["unit"] == ARRAY_2D)]
    rows = rows[rows["config"].isin(_SHORT)]
    part = rows["einsum"].replace(_ALSO)
    rows = rows.assign(part=part.where(part.isin(_STACK), "other"))
    table = rows.pivot_table(
        index=["seq_len", "config"], columns="part", values="util", aggfunc="sum", fill_value=0.0
    )
    order = list(_SHORT)
    keys = sorted(table.index, key=lambda key: (parse_count(key[0]), order.index(key[1])))
    table = table.loc[keys].reindex(columns=list(_STACK), fill_value=0.0)
    return table.rename(index=_SHORT, level="config")
