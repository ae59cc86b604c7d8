"""A map of two parameters: the best value of a metric in each cell, or which name reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure

from einsum.errors import SpecError
from mapper.sweep.description import Description
from mapper.sweep.results import Results
from reports.figures import style
from reports.plots import axes as drawn
from reports.plots.quantity import Measure, Quantity
from reports.plots.request import Request
from reports.plots.table import (
    MANY_LEVELS,
    Table,
    Values,
    known,
    metric,
    names_of,
    parameter,
    read,
)

_NUMBERED = 260  # cells that have room for their number


@dataclass(frozen=True)
class Places:
    """The cells along one axis, how each is called, and in which one every row is."""

    labels: tuple[str, ...]
    row: np.ndarray

    @staticmethod
    def of(values: Values, one: Quantity) -> Places:
        """A cell for each value, or for each of `MANY_LEVELS` ranges of them."""
        levels = np.unique(values)
        if one.measure is Measure.NAME or len(levels) <= 2 * MANY_LEVELS:
            return Places(tuple(map(one.text, levels.tolist())), np.searchsorted(levels, values))
        # As many of the values in each range, so that none is empty.
        row = np.searchsorted(levels, values) * MANY_LEVELS // len(levels)
        first = -(-np.arange(MANY_LEVELS) * len(levels) // MANY_LEVELS)
        return Places(tuple(one.text(float(f"{low:.3g}")) for low in levels[first]), row)


@dataclass(frozen=True)
class Best:
    """The best row of each cell (y, x), -1 where no design is."""

    x: Places
    y: Places
    row: np.ndarray


def best_rows(table: Table, x: str, y: str, z: str) -> Best:
    """The row with the best `z` in each cell of x and y; the first of equal ones."""
    across = Places.of(table[x], table.quantities[x])
    up = Places.of(table[y], table.quantities[y])
    cell = up.row * len(across.labels) + across.row
    order = np.lexsort((table.point, table.cost(z), cell))
    cells, first = np.unique(cell[order], return_index=True)
    found = np.full(len(across.labels) * len(up.labels), -1, dtype=np.int64)
    found[cells] = order[first]
    return Best(across, up, found.reshape(len(up.labels), len(across.labels)))


def heatmap(results: Results, request: Request) -> Figure:
    """The best `request.z` (the first objective) over x and y, all other parameters free.

    With a parameter as `request.colour` the colour of a cell says which of its values gives the
    best one.
    """
    request.takes("x", "y", "z", "colour")
    description = results.description
    x, y = _axes(description, request)
    z = metric(description, request.z or description.objectives[0].metric)
    colour = request.colour
    if colour is not None:
        parameter(description, colour, "the colour of a map")
        if colour in (x, y):
            raise SpecError(f"{colour} is an axis already", rule="give --colour another parameter")
    table = read(results, [x, y, z, *([colour] if colour else [])])
    best = best_rows(table, x, y, z)
    one = table.quantities[z]
    rows = len(best.row)
    height = min(max(2.0 + 0.36 * rows, 3.6), 8.0)
    direction = "highest" if one.maximise else "least"
    label = table.quantities[colour].short if colour else ""
    title = (
        f"Which {label} has the {direction} {one.short}"
        if colour
        else f"The {direction} {one.short} of {len(table):,} designs"
    )
    figure, axes = style.panel(height, f"{title}, by {table.quantities[x].short} and "
                               f"{table.quantities[y].short}")  # fmt: skip
    figure.subplots_adjust(
        left=0.13, right=0.86, top=1 - (0.74 if colour else 0.62) / height, bottom=0.6 / height
    )
    if colour is None:
        _values(figure, axes, table, best, z)
    else:
        _winners(figure, axes, table, best, z, colour)
    _label(axes, best, table.quantities[x], table.quantities[y])
    return figure


def _axes(description: Description, request: Request) -> tuple[str, str]:
    given = [
        parameter(description, name, "an axis of a map") for name in (request.x, request.y) if name
    ]
    names = [one.name for one in description.parameters]
    rest = [one for one in names if one not in (*given, request.colour, names_of(description))]
    rest += [one for one in names if one not in (*given, *rest, request.colour)]
    if len(given) + len(rest) < 2:
        raise SpecError("a map needs two parameters", rule=f"swept: {', '.join(names) or 'none'}")
    x = request.x or rest.pop(0)
    y = request.y or rest.pop(0)
    if x == y:
        raise SpecError(f"both axes are {x}", rule="give --x and --y different parameters")
    known(description, x)
    return x, y


def _values(figure: Figure, axes: Axes, table: Table, best: Best, z: str) -> None:
    values = np.ma.masked_array(table[z][best.row], best.row < 0)
    shown = values.compressed()
    low, high = float(shown.min()), float(shown.max())
    norm: Normalize = LogNorm(low, high) if drawn.is_log(shown) else Normalize(low, high)
    colours = drawn.colour_map()
    colours = colours.reversed() if not table.quantities[z].maximise else colours
    mesh = axes.pcolormesh(values, norm=norm, cmap=colours, edgecolors="white", linewidth=0.6)
    one = table.quantities[z]
    box = figure.add_axes((0.885, axes.get_position().y0, 0.013, axes.get_position().height))
    bar = figure.colorbar(mesh, cax=box)
    drawn.scale_bar(bar, one, shown)
    if values.size <= _NUMBERED:
        mappable = ScalarMappable(norm, colours)
        for (row, column), value in np.ndenumerate(values):
            if value is not np.ma.masked:
                _write(axes, row, column, one.text(float(value)), mappable.to_rgba(value))


def _winners(figure: Figure, axes: Axes, table: Table, best: Best, z: str, colour: str) -> None:
    levels = table[colour][best.row]
    colours = drawn.Colours.of(table.quantities[colour], levels[best.row >= 0])
    faces = np.ones((*best.row.shape, 4))
    filled = best.row >= 0
    faces[filled] = [[*to_rgb(face), 1.0] for face in colours(levels[filled])]
    axes.pcolormesh(
        np.arange(best.row.shape[1] + 1), np.arange(best.row.shape[0] + 1), faces,
        edgecolors="white", linewidth=0.6,
    )  # fmt: skip
    colours.explain(figure, [axes])
    if best.row.size <= _NUMBERED:
        for row, column in zip(*np.nonzero(filled), strict=True):
            text = table.quantities[z].text(float(table[z][best.row[row, column]]))
            _write(axes, row, column, text, faces[row, column])


def _write(axes: Axes, row: int, column: int, text: str, face: Any) -> None:
    """In black on what is light and in white on what is dark (ITU-R BT.709)."""
    red, green, blue = to_rgb(face)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.42
    axes.text(
        column + 0.5, row + 0.5, text, ha="center", va="center", size=6.8,
        color=style.INK if light else "white",
    )  # fmt: skip


def _label(axes: Axes, best: Best, x: Quantity, y: Quantity) -> None:
    for axis, places, one in ((axes.xaxis, best.x, x), (axes.yaxis, best.y, y)):
        every = -(-len(places.labels) // 16)
        ticks = np.arange(len(places.labels))[::every]
        axis.set_ticks((ticks + 0.5).tolist(), [places.labels[tick] for tick in ticks.tolist()])
        axis.set_tick_params(length=0)
        axis.set_label_text(one.label)
    for spine in axes.spines.values():
        spine.set_visible(False)
