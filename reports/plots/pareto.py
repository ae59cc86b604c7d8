"""Pareto fronts: two objectives along the axes, a third one or a parameter as colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from einsum.errors import SpecError
from mapper.sweep.description import Description
from mapper.sweep.results import Results
from reports.figures import style
from reports.plots import axes as drawn
from reports.plots.front import pareto_rows
from reports.plots.request import Request
from reports.plots.table import Rows, Table, known, metric, names_of, objectives, read

_DOTS = 20_000  # more designs than these are drawn as a density
_NAMED = 3
_APART = (0.22, 0.14)  # of width and height, so that names do not overlap


def pareto(results: Results, request: Request) -> Figure:
    """All designs in grey, and those that no other one is better than in colour.

    x and y are objectives (those of the sweep), z is a third one; the colour is that of z, or of
    any column (the first one of names).
    """
    request.takes("x", "y", "z", "colour")
    description = results.description
    x, y, *_ = _objectives(description, request)
    goals = [x, y] + ([metric(description, request.z)] if request.z else [])
    if len(set(goals)) < len(goals):
        raise SpecError(f"the objectives are {', '.join(goals)}", rule="give different ones")
    colour = request.colour or request.z or names_of(description)
    if colour is not None:
        known(description, colour)
    parameters = [one.name for one in description.parameters]
    table = read(results, [*goals, *([colour] if colour else []), *parameters])
    front = pareto_rows([table.cost(goal) for goal in goals])
    figure, axes = style.panel(5.4, _title(table, goals, front))
    figure.subplots_adjust(left=0.095)
    _draw_all(axes, table, x, y)
    _draw_front(figure, axes, table, front, goals, colour)
    _name_some(axes, table, front, x, y, _telling(table, parameters, front))
    axes.grid()
    return figure


def _objectives(description: Description, request: Request) -> list[str]:
    given = [metric(description, name) for name in (request.x, request.y) if name]
    others = [one for one in objectives(description) if one not in (*given, request.z)]
    x = request.x or others.pop(0)
    return [x, request.y or next(one for one in others if one != x)]


def _title(table: Table, goals: Sequence[str], front: Rows) -> str:
    names = [table.quantities[goal].short for goal in goals]
    named = f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Pareto front of {named}: {len(front):,} of {len(table):,} designs"


def _draw_all(axes: Axes, table: Table, x: str, y: str) -> None:
    log = [
        drawn.scale(axis, table.quantities[name], table[name])
        for axis, name in ((axes.xaxis, x), (axes.yaxis, y))
    ]
    if len(table) <= _DOTS:
        axes.plot(
            table[x], table[y], "o", color=style.GREY, alpha=0.35, markersize=2.6,
            markeredgewidth=0, rasterized=len(table) > _DOTS // 10,
        )  # fmt: skip
        return
    edges = [
        np.geomspace(column.min(), column.max(), count) if is_log
        else np.linspace(column.min(), column.max(), count)
        for column, is_log, count in ((table[x], log[0], 401), (table[y], log[1], 201))
    ]  # fmt: skip
    counts, *_ = np.histogram2d(table[x], table[y], bins=edges)
    shown = np.ma.masked_equal(counts.T, 0)
    norm = LogNorm(0.2, max(2.0, counts.max() * 4))  # the darkest grey is not black
    axes.pcolormesh(*edges, shown, cmap="Greys", norm=norm, rasterized=True, linewidth=0)


def _draw_front(
    figure: Figure, axes: Axes, table: Table, front: Rows, goals: Sequence[str], colour: str | None
) -> None:
    x, y, *third = goals
    if not third:
        way = "steps-pre" if table.quantities[x].maximise else "steps-post"
        axes.plot(
            table[x][front], table[y][front], color=style.INK, linewidth=0.9, drawstyle=way
        )  # fmt: skip
    faces = style.BLUE
    if colour is not None:
        colours = drawn.Colours.of(table.quantities[colour], table[colour][front])
        colours.explain(figure, [axes])
        faces = colours(table[colour][front])
    size = 34 if len(front) < 60 else 20 if len(front) < 500 else 9
    axes.scatter(
        table[x][front], table[y][front], s=size, c=faces, zorder=4,
        edgecolors="white", linewidths=0.5 if size > 9 else 0.2, rasterized=len(front) > 2000,
    )  # fmt: skip


def _telling(table: Table, parameters: Sequence[str], front: Rows) -> list[str]:
    """The parameters that differ along the front, without those that follow from another one."""
    found: list[str] = []
    for name in parameters:
        column = table[name][front]
        if len(np.unique(column)) < 2:
            continue
        if any(np.array_equal(column, table[other][front]) for other in found):
            continue
        found.append(name)
    return found[:_NAMED]


def _name_some(
    axes: Axes, table: Table, front: Rows, x: str, y: str, telling: Sequence[str]
) -> None:
    """What the designs at the ends and the bend of the front are."""
    if not telling or len(front) < 2:
        return
    places = _on_screen(table[x], front), _on_screen(table[y], front)
    bend = int(np.argmin(places[0] * _way(table, x) + places[1] * _way(table, y)))
    ends = int(np.argmin(table.cost(x)[front])), int(np.argmin(table.cost(y)[front]))
    named: list[tuple[float, float]] = []
    for place in dict.fromkeys((*ends, bend)):
        at = float(places[0][place]), float(places[1][place])
        if any(abs(at[0] - u) < _APART[0] and abs(at[1] - v) < _APART[1] for u, v in named):
            continue
        named.append(at)
        row = front[place]
        lines = [f"{name} = {table.quantities[name].text(table[name][row])}" for name in telling]
        right = places[0][place] > 0.6
        above = places[1][place] < 0.85
        axes.annotate(
            "\n".join(lines),
            (table[x][row], table[y][row]),
            xytext=(-10 if right else 10, 12 if above else -12),
            textcoords="offset points",
            ha="right" if right else "left",
            va="bottom" if above else "top",
            size=7.5,
            linespacing=1.25,
            bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5},
            arrowprops={"arrowstyle": "-", "color": style.INK, "linewidth": 0.6, "shrinkB": 3},
            zorder=6,
        )


def _way(table: Table, name: str) -> float:
    return -1.0 if table.quantities[name].maximise else 1.0


def _on_screen(values: np.ndarray, front: Rows) -> np.ndarray:
    """Where along the axis the front's points stand: 0 at the least value, 1 at the most."""
    some = np.log(values) if drawn.is_log(values) else values
    least, most = some.min(), some.max()
    return np.asarray((some[front] - least) / ((most - least) or 1.0))
