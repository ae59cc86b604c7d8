"""What of FuseMax's speedup is left when FLAT's cascade is mapped as well as it can be."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.bars import LENGTHS_BY_MODEL, Categories, mean

_BARS = {
    "over_flat": (style.ORANGE, "over FLAT's own mapping"),
    "over_best_3_pass": (style.BLUE, "over the best mapping of the 3-pass cascade"),
}
_WIDTH = 0.4


def best_speedup(speedups: pd.DataFrame) -> Figure:
    """Latency of 3 passes on FLAT's chip over that of the best 1-pass mapping on FuseMax's."""
    table = speedups.set_index(["model", "seq_len"])
    figure, axes = style.panel(
        3.8,
        f"Attention: FuseMax is {mean(table['over_flat']):.2f}× as fast as FLAT's mappings, and "
        f"{mean(table['over_best_3_pass']):.2f}× as the best mappings of three passes",
    )
    categories = Categories.of(list(table.index))
    for number, (column, (colour, _)) in enumerate(_BARS.items()):
        x = [place + (number - 0.5) * _WIDTH for place in categories.place.values()]
        axes.bar(x, table[column].to_numpy(), width=_WIDTH, color=colour, linewidth=0)
        for at, value in zip(x, table[column], strict=True):
            axes.annotate(
                f"{value:.1f}",
                (at, value),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                size=6.5,
                rotation=90,
            )
    categories.label(axes, names=True)
    axes.axhline(1, color=style.INK, linewidth=0.8)
    axes.grid(axis="y")
    axes.set_ylim(0, 1.15 * float(table[list(_BARS)].to_numpy().max()))
    axes.set_ylabel("Speedup of the 1-pass cascade (×)")
    axes.set_xlabel(LENGTHS_BY_MODEL, labelpad=16)
    figure.legend(
        handles=[style.patch(colour, label) for colour, label in _BARS.values()],
        loc="upper left",
        bbox_to_anchor=(0.068, 1 - 0.42 / 3.8),
        ncols=2,
    )
    return figure
