"""The roofline of every design at once: its own peak and its own bandwidth are both at 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from einsum.errors import SpecError
from mapper.sweep.results import Results
from reports.figures import style
from reports.plots import axes as drawn
from reports.plots.request import Request
from reports.plots.table import Table, Values, known, names_of, read

_DOTS = 20_000
_COLUMNS = ("util_useful_macs", "latency_s", "memory_s")


def roofline(results: Results, request: Request) -> Figure:
    """Useful MACs/s over the peak, against useful MACs per byte over those at the ridge point.

    The roofline of Williams, Waterman and Patterson (CACM 52(4), 2009) in units of each design's
    own machine, the peak of its largest array and the bandwidth of its DRAM. So designs of
    different machines are under one roof, min(1, x): y is `util_useful_macs`, and x is y times
    latency over the time of DRAM. `request.colour` is any column.
    """
    request.takes("colour")
    description = results.description
    colour = request.colour or names_of(description)
    if colour is not None:
        known(description, colour)
    table = read(results, [*_COLUMNS, *([colour] if colour else [])])
    moved = (table["memory_s"] > 0) & (table["util_useful_macs"] > 0)
    if not moved.any():
        raise SpecError("no design has both useful MACs and DRAM traffic", rule="choose --kind")
    reached = table["util_useful_macs"][moved]
    intensity = reached * table["latency_s"][moved] / table["memory_s"][moved]
    share = reached / np.minimum(1.0, intensity)
    figure, axes = style.panel(
        5.2,
        f"Roofline of {len(reached):,} designs: they reach {_percent(share.min())} to "
        f"{_percent(share.max())} of what it allows, {_percent(np.median(share))} in the median",
    )
    figure.subplots_adjust(left=0.075)
    _roof(axes, intensity, reached)
    _draw(figure, axes, table, moved, intensity, reached, colour)
    axes.set_xlabel(
        "Useful MACs per byte of DRAM traffic / those at the ridge point (peak / bandwidth)"
    )
    axes.set_ylabel("Useful MACs/s / peak")
    return figure


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _roof(axes: Axes, intensity: Values, reached: Values) -> None:
    low = min(float(intensity.min()), 0.5) / 1.5
    high = max(float(intensity.max()), 2.0) * 1.5
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot([low, 1.0, high], [low, 1.0, 1.0], color=style.INK, linewidth=1.4, zorder=3)
    axes.axvline(1.0, color=style.FAINT, linewidth=1.0, zorder=0)
    axes.set_xlim(low, high)
    axes.set_ylim(float(reached.min()) / 1.5, 1.9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    for text, x, side in (
        ("less: DRAM is the limit", 0.92, "right"),
        ("more: the array is", 1.08, "left"),
    ):
        axes.annotate(text, (x, 1.45), ha=side, va="center", size=8.5)
    axes.grid()


def _draw(
    figure: Figure,
    axes: Axes,
    table: Table,
    moved: np.ndarray,
    intensity: Values,
    reached: Values,
    colour: str | None,
) -> None:
    chosen = np.arange(len(intensity))
    if len(intensity) > _DOTS:  # points over points: the same picture with fewer of them
        cells = [np.round(np.log(values) * 200).astype(np.int64) for values in (intensity, reached)]
        places = [cells[0], cells[1]]
        if colour is not None:
            places.append(table[colour][moved].astype(np.int64))
        _, chosen = np.unique(np.stack(places), axis=1, return_index=True)
        chosen = np.sort(chosen)
    faces: Any = style.BLUE
    if colour is not None:
        values = table[colour][moved][chosen]
        colours = drawn.Colours.of(table.quantities[colour], values)
        colours.explain(figure, [axes])
        faces = colours(values)
    axes.scatter(
        intensity[chosen], reached[chosen], s=14, c=faces, alpha=0.75, linewidths=0,
        rasterized=len(chosen) > 2000, zorder=4,
    )  # fmt: skip
