"""Figure 6: how busy the 1D (a) and the 2D (b) array are during attention."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from reports.figures import style
from reports.figures.bars import (
    LENGTHS_BY_MODEL,
    by_config,
    config_entries,
    draw_bars,
    mean,
)
from reports.figures.frames import CONFIGS, Frames


def utilization(ours: Frames, paper: Frames) -> Figure:
    """Busy time over latency, by configuration, model and length."""
    columns = ("util_1d", "util_2d")
    busy = [by_config(ours.attention, column) for column in columns]
    figure, panels = style.panels(
        5.2,
        f"Figure 6. Attention keeps the 2D array busy {mean(busy[1]['binding']):.0%} of the time "
        f"in FuseMax and {mean(busy[1]['flat']):.0%} in FLAT",
        f"(a) 1D array, {_means(busy[0])}",
        f"(b) 2D array, {_means(busy[1])}",
    )
    for axes, table, column in zip(panels, busy, columns, strict=True):
        categories = draw_bars(axes, table, by_config(paper.attention, column))
        categories.label(axes, names=axes is panels[-1])
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylabel("Busy time (% of latency)")
    panels[-1].set_xlabel(LENGTHS_BY_MODEL, labelpad=16)
    style.legend(figure, config_entries())
    return figure


def _means(busy: pd.DataFrame) -> str:
    return f"mean of {len(busy)} points: " + ", ".join(
        f"{style.CONFIG_LABEL[config]} {mean(busy[config]):.1%}" for config in CONFIGS
    )
