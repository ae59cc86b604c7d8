"""How busy the arrays are, against the length of the sequence."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from einsum.errors import SpecError
from mapper.sweep.results import Results
from reports.figures import style
from reports.plots import axes as drawn
from reports.plots.quantity import Measure
from reports.plots.request import Request
from reports.plots.table import MANY_LEVELS, Table, Values, names_of, parameter, read

_PANELS = {"util_2d": "2D array", "util_1d": "1D array"}


def utilization(results: Results, request: Request) -> Figure:
    """Busy time over latency of the busiest 2D and 1D array, against `request.x` (seq_len).

    A line is the median of all designs of one colour, a band goes from the least to the most.
    """
    request.takes("x", "colour")
    description = results.description
    x = parameter(description, request.x or "seq_len", "utilization")
    colour = request.colour or names_of(description)
    if colour is not None:
        parameter(description, colour, "the colour of utilization")
    table = read(results, [x, *([colour] if colour else []), *_PANELS])
    one = table.quantities[x]
    if one.measure is Measure.NAME:
        raise SpecError(f"utilization is drawn along a number, and {x} is a name")
    figure, panels = style.panels(5.8, _title(table, x), *_PANELS.values())
    figure.subplots_adjust(left=0.075, top=1 - 0.95 / 5.8, hspace=0.22)
    groups = _groups(figure, table, colour, panels)
    for axes, column in zip(panels, _PANELS, strict=True):
        drawn.scale(axes.xaxis, one, table[x])
        for face, rows in groups:
            _draw(axes, table[x][rows], table[column][rows], face)
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylabel("Busy time (% of latency)")
        axes.grid()
    panels[0].set_xlabel("")
    return figure


def _title(table: Table, x: str) -> str:
    designs = f"{len(table):,} designs; line: median, band: all"
    return f"Utilization against {table.quantities[x].short}: {designs}"


def _groups(
    figure: Figure, table: Table, colour: str | None, panels: list[Axes]
) -> list[tuple[object, np.ndarray]]:
    if colour is None:
        return [(style.BLUE, np.ones(len(table), dtype=bool))]
    levels = table.levels(colour)
    if len(levels) > MANY_LEVELS:
        raise SpecError(
            f"{colour} has {len(levels):,} values, which are too many lines",
            rule="give --colour a parameter with fewer values",
        )
    colours = drawn.Colours.of(table.quantities[colour], levels)
    colours.explain(figure, panels)
    faces = list(colours(levels))
    return [(face, table[colour] == level) for face, level in zip(faces, levels, strict=True)]


def _draw(axes: Axes, x: Values, busy: Values, face: object) -> None:
    """Quantiles at every length, or for many lengths in ranges of them."""
    levels = np.unique(x)
    if len(levels) > 4 * MANY_LEVELS:
        space = np.geomspace if drawn.is_log(x) else np.linspace
        edges = space(x.min(), x.max(), MANY_LEVELS + 1)
        centers = (
            np.sqrt(edges[1:] * edges[:-1]) if drawn.is_log(x) else (edges[1:] + edges[:-1]) / 2
        )
        place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, MANY_LEVELS - 1)
    else:
        centers, place = levels, np.searchsorted(levels, x)
    order = np.argsort(place, kind="stable")
    found, starts = np.unique(place[order], return_index=True)
    parts = np.split(busy[order], starts[1:])
    middle = [float(np.median(part)) for part in parts]
    at = centers[found]
    axes.fill_between(
        at, [part.min() for part in parts], [part.max() for part in parts],
        color=face, alpha=0.16, linewidth=0,
    )  # fmt: skip
    axes.plot(at, middle, "o-", color=face, linewidth=1.6, markersize=3.5, clip_on=False)
