"""Figures 8 to 11: speedup and energy relative to the unfused baseline, attention and end to end.

End to end is attention and the linear layers: the projections of Q, K, V and of the output,
and both layers of the feed-forward block.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.bars import (
    LENGTHS_BY_MODEL,
    by_config,
    config_entries,
    draw_bars,
    largest,
    mean,
    write_values,
)
from reports.figures.frames import Frames
from reports.figures.published import MEANS


def attention_speedup(ours: Frames, paper: Frames) -> Figure:
    """Figure 8: latency of unfused attention over that of each configuration."""
    title = "Figure 8. Attention"
    return _speedup(title, ours.attention, paper.attention, MEANS["attention_speedup_over_flat"])


def attention_energy(ours: Frames, paper: Frames) -> Figure:
    """Figure 9: energy of each configuration's attention over that of unfused attention."""
    title = "Figure 9. Attention"
    published = MEANS["attention_energy_vs_flat_published"]
    return _energy(title, ours.attention, paper.attention, published)


def end_to_end_speedup(ours: Frames, paper: Frames) -> Figure:
    """Figure 10: as figure 8, for the whole inference."""
    title = "Figure 10. End to end"
    return _speedup(title, ours.end_to_end, paper.end_to_end, MEANS["end_to_end_speedup_over_flat"])


def end_to_end_energy(ours: Frames, paper: Frames) -> Figure:
    """Figure 11: as figure 9, for the whole inference."""
    title = "Figure 11. End to end"
    published = MEANS["end_to_end_energy_vs_flat_published"]
    return _energy(title, ours.end_to_end, paper.end_to_end, published)


def _speedup(title: str, ours: pd.DataFrame, paper: pd.DataFrame, published: float) -> Figure:
    latency = by_config(ours, "latency_s")
    over_flat = mean(latency["flat"] / latency["binding"])
    figure, axes = style.panel(
        3.6,
        f"{title}: FuseMax is {over_flat:.2f}× as fast as FLAT "
        f"(mean of {len(latency)} points; paper {published:.2f}×)",
    )
    speedup = 1 / _to_unfused(latency)
    categories = draw_bars(axes, speedup, 1 / _markers(by_config(paper, "latency_s")))
    write_values(axes, categories, speedup["binding"], ".1f")
    categories.label(axes, names=True)
    axes.axhline(1, color=style.INK, linewidth=0.8)
    axes.set_ylim(0, 1.15 * largest(speedup))
    axes.set_ylabel("Speedup over unfused (×)")
    axes.set_xlabel(LENGTHS_BY_MODEL, labelpad=16)
    style.legend(figure, config_entries())
    return figure


def _energy(title: str, ours: pd.DataFrame, paper: pd.DataFrame, published: float) -> Figure:
    columns = ("energy_pj_published", "energy_pj_complete")
    energy = [by_config(ours, column) for column in columns]
    to_flat = [mean(table["binding"] / table["flat"]) for table in energy]
    figure, panels = style.panels(
        5.2,
        f"{title}: FuseMax takes {to_flat[0]:.1%} of FLAT's energy as the paper counts, "
        f"{to_flat[1]:.1%} if every access counts",
        f"(a) Published accounting; mean of {len(energy[0])} points {to_flat[0]:.1%} of FLAT "
        f"(paper {published:.1%})",
        "(b) Complete accounting: register file of every PE, exponential unit in every "
        f"configuration; mean {to_flat[1]:.1%} of FLAT",
    )
    relatives = [_to_unfused(table) for table in energy]
    top = 1.2 * max(largest(relative) for relative in relatives)
    for axes, relative, column in zip(panels, relatives, columns, strict=True):
        categories = draw_bars(axes, relative, _markers(by_config(paper, column)))
        write_values(axes, categories, relative["binding"], ".2f")
        categories.label(axes, names=axes is panels[-1])
        axes.set_ylim(0, top)
        axes.set_ylabel("Energy / unfused")
    panels[-1].set_xlabel(LENGTHS_BY_MODEL, labelpad=16)
    style.legend(figure, config_entries())
    return figure


def _to_unfused(table: pd.DataFrame) -> pd.DataFrame:
    return table.div(table["unfused"], axis="index")


def _markers(table: pd.DataFrame) -> pd.DataFrame:
    # Unfused over itself is 1 by definition, so a marker there would claim an agreement.
    return _to_unfused(table).assign(unfused=float("nan"))
