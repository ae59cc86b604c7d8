"""Parallel coordinates: a line for each design, an axis for each parameter and objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from einsum.errors import SpecError
from mapper.sweep.results import Results
from reports.figures import style
from reports.plots import axes as drawn
from reports.plots.front import pareto_rows
from reports.plots.quantity import Measure, Quantity
from reports.plots.request import Request
from reports.plots.table import Rows, Values, is_list, known, objectives, read

_BACKGROUND = 1500
_TICKS = 6
_SEED = 0  # of which designs stand in the background: the same ones every time


def parallel(results: Results, request: Request) -> Figure:
    """The Pareto front of the objectives in colour, and other designs behind it in grey.

    The colour is that of `request.colour` (the first objective).
    """
    request.takes("colour")
    description = results.description
    goals = [one.metric for one in description.objectives][:3]
    if len(goals) == 1:
        goals = objectives(description)[:2]
    parameters = [one.name for one in description.parameters]
    if not parameters:
        raise SpecError("parallel coordinates need a parameter, and this sweep varies none")
    colour = known(description, request.colour or goals[0])
    table = read(results, [*parameters, *goals, colour])
    names = [name for name in table.quantities if len(table.levels(name)) > 1]
    front = pareto_rows([table.cost(goal) for goal in goals])
    others = _sample(len(table))
    labels = [table.quantities[goal].short for goal in goals]
    figure, axes = style.panel(
        5.2,
        f"Parallel coordinates: {len(front):,} of {len(table):,} designs are on the front of "
        f"{', '.join(labels[:-1])} and {labels[-1]}",
    )
    figure.subplots_adjust(left=0.06, right=0.94, top=1 - 1.0 / 5.2, bottom=0.05)
    places = {name: _place(table[name], table.quantities[name]) for name in names}
    _lines(axes, places, others, style.GREY, alpha=0.09, width=0.6)
    colours = drawn.Colours.of(table.quantities[colour], table[colour][front])
    order = front[np.argsort(-table.cost(colour)[front], kind="stable")]  # the best ones on top
    if len(order) > _BACKGROUND:
        order = order[np.linspace(0, len(order) - 1, _BACKGROUND).astype(np.int64)]
    _lines(axes, places, order, colours(table[colour][order]), alpha=0.85, width=1.1)
    for number, name in enumerate(names):
        _axis(axes, number, places[name], table[name], table.quantities[name])
    axes.set_xlim(-0.05, len(names) - 0.95 + 0.0001)
    axes.set_ylim(-0.03, 1.03)
    axes.axis("off")
    said = f"Colour: {table.quantities[colour].short}, as on its axis; grey: other designs"
    drawn.subtitle(figure, said)
    return figure


def _sample(count: int) -> Rows:
    if count <= _BACKGROUND:
        return np.arange(count, dtype=np.int64)
    # Every n-th one would meet the same value of a grid's last parameter each time.
    chosen = np.random.default_rng(_SEED).choice(count, _BACKGROUND, replace=False)
    return np.sort(chosen).astype(np.int64)


def _place(values: Values, one: Quantity) -> Values:
    """Where on its axis each value stands, from 0 to 1; lists of values at equal distances."""
    if is_list(values, one):
        levels = np.unique(values)
        return np.searchsorted(levels, values) / max(1, len(levels) - 1)
    some = np.log(values) if drawn.is_log(values) else values
    return np.asarray((some - some.min()) / (some.max() - some.min()))


def _lines(
    axes: Axes, places: dict[str, Values], rows: Rows, colour: object, *, alpha: float, width: float
) -> None:
    heights = np.stack([place[rows] for place in places.values()], axis=1)
    along = np.broadcast_to(np.arange(len(places), dtype=float), heights.shape)
    lines = LineCollection(
        list(np.stack([along, heights], axis=2)), colors=colour, alpha=alpha, linewidths=width,
        rasterized=len(rows) > 500, capstyle="round",
    )  # fmt: skip
    axes.add_collection(lines)


def _axis(axes: Axes, number: int, place: Values, values: Values, one: Quantity) -> None:
    axes.plot([number, number], [0, 1], color=style.INK, linewidth=0.9, zorder=3)
    axes.annotate(
        _broken(one.label), (number, 1), xytext=(0, 14), textcoords="offset points",
        ha="center", va="bottom", size=8, weight="bold", annotation_clip=False,
    )  # fmt: skip
    for at, value in _ticks(place, values, one):
        axes.plot([number - 0.012, number + 0.012], [at, at], color=style.INK, linewidth=0.9)
        axes.annotate(
            one.text(value), (number, at), xytext=(5, 0), textcoords="offset points", va="center",
            size=7, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6},
            zorder=4, annotation_clip=False,
        )  # fmt: skip


def _broken(label: str) -> str:
    """On two lines, if it is long."""
    for mark in (" (", ", ", "."):
        head, found, rest = label.partition(mark)
        if found and len(label) > 14:
            return f"{head}{mark.rstrip()}\n{rest}" if mark != " (" else f"{head}\n({rest}"
    return label


def _ticks(place: Values, values: Values, one: Quantity) -> Sequence[tuple[float, float]]:
    levels, rows = np.unique(values, return_index=True)
    if is_list(values, one):
        every = 1 if one.measure is Measure.NAME else -(-len(levels) // _TICKS)
        return [(float(place[row]), float(values[row])) for row in rows[::every]]
    least, most = float(levels[0]), float(levels[-1])
    shares = np.linspace(0, 1, _TICKS)
    log = drawn.is_log(values)
    return [
        (s, float(f"{least * (most / least) ** s if log else least + (most - least) * s:.3g}"))
        for s in shares.tolist()
    ]
