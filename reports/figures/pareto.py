"""Figure 12: chip area against latency of FuseMax's attention at 256K tokens."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from reports.figures import style
from reports.figures.bars import in_order
from reports.figures.frames import Frames

_UM2_PER_CM2 = 1e8
_LOOK = [
    (style.BLUE, "o"),
    (style.ORANGE, "s"),
    (style.GREEN, "^"),
    (style.VERMILLION, "v"),
    (style.PURPLE, "P"),
    (style.SKY, "X"),
]


def pareto(ours: Frames, paper: Frames) -> Figure:
    """A line for each model, a point for each size of the array; both axes logarithmic."""
    models = in_order(ours.pareto["model"])
    curves = {model: _curve(ours.pareto, model) for model in models}
    first = curves[models[0]]
    small, large = first.iloc[0], first.iloc[-1]
    figure, axes = style.panel(
        5.2,
        "Figure 12. Attention at 256K tokens: "
        f"{large['area_um2'] / small['area_um2']:,.0f}× the area makes {models[0]} "
        f"{small['latency_s'] / large['latency_s']:,.0f}× as fast",
    )
    figure.subplots_adjust(left=0.09)
    entries = []
    for index, (model, curve) in enumerate(curves.items()):
        colour, marker = _LOOK[index % len(_LOOK)]
        entries += axes.plot(
            curve["area_um2"] / _UM2_PER_CM2,
            curve["latency_s"],
            color=colour,
            marker=marker,
            markersize=7,
            linewidth=1.5,
            label=model,
        )
        known = _curve(paper.pareto, model)
        style.mark_published(
            axes, (known["area_um2"] / _UM2_PER_CM2).to_list(), known["latency_s"].to_list()
        )
    _name_arrays(axes, max(curves.values(), key=lambda curve: curve["latency_s"].max()))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(right=3 * ours.pareto["area_um2"].max() / _UM2_PER_CM2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.grid()
    axes.set_xlabel("Chip area: PE arrays and global buffer (cm², 45 nm)")
    axes.set_ylabel("Attention latency, batch 64 (s)")
    style.legend(figure, entries)
    return figure


def _curve(table: pd.DataFrame, model: str) -> pd.DataFrame:
    return table[table["model"] == model].sort_values("area_um2")


def _name_arrays(axes: Axes, curve: pd.DataFrame) -> None:
    """The size of the array beside each point of the uppermost curve."""
    for _, row in curve.iterrows():
        axes.annotate(
            f"{row['pe_dim']:.0f} × {row['pe_dim']:.0f} PEs",
            (row["area_um2"] / _UM2_PER_CM2, row["latency_s"]),
            xytext=(9, 5),
            textcoords="offset points",
        )
