"""Sensitivity: how far each parameter moves a metric while all others go through their values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from einsum.errors import SpecError
from mapper.sweep.results import Results
from reports.figures import style
from reports.plots.quantity import Quantity
from reports.plots.request import Request
from reports.plots.table import Table, Values, is_list, metric, read

_BINS = 8


@dataclass(frozen=True, slots=True)
class Effect:
    """The least and the most geometric mean of the metric, over that of all designs, and the
    values of the parameter that they belong to.
    """

    parameter: str
    least: float
    least_at: str
    most: float
    most_at: str

    @property
    def span(self) -> float:
        """The factor between both."""
        return self.most / self.least


def effects(table: Table, target: str) -> list[Effect]:
    """A main effect for each other column of `table`, the largest first.

    Values of a parameter that are many are put together, an eighth of the designs in each part.
    """
    logs = np.log(table[target])
    mean = float(logs.mean())
    found: list[Effect] = []
    known: dict[bytes, int] = {}  # parameters that go together have one bar
    for name, one in table.quantities.items():
        if name == target:
            continue
        place, texts = _parts(table[name], one)
        counts = np.bincount(place, minlength=len(texts))
        if np.count_nonzero(counts) < 2:
            continue
        with np.errstate(invalid="ignore"):
            means = np.bincount(place, logs, len(texts)) / counts - mean
        low, high = int(np.nanargmin(means)), int(np.nanargmax(means))
        ends = float(np.exp(means[low])), float(np.exp(means[high]))
        if (same := known.setdefault(place.tobytes(), len(found))) < len(found):
            found[same] = replace(found[same], parameter=f"{found[same].parameter}, {name}")
            continue
        found.append(Effect(name, ends[0], texts[low], ends[1], texts[high]))
    return sorted(found, key=lambda effect: (-effect.span, effect.parameter))


def _parts(values: Values, one: Quantity) -> tuple[np.ndarray, list[str]]:
    levels = np.unique(values)
    if is_list(values, one):
        return np.searchsorted(levels, values), [one.text(value) for value in levels.tolist()]
    edges = np.unique(np.quantile(levels, np.linspace(0, 1, _BINS + 1)))
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    texts = [
        f"{one.text(_short(low))} – {one.text(_short(high))}"
        for low, high in pairwise(edges.tolist())
    ]
    return place, texts


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def tornado(results: Results, request: Request) -> Figure:
    """A bar for each parameter, from the best mean of `request.y` (the first objective) to the
    worst one.
    """
    request.takes("y")
    description = results.description
    target = metric(description, request.y or description.objectives[0].metric)
    parameters = [one.name for one in description.parameters]
    if not parameters:
        raise SpecError("sensitivity needs a parameter, and this sweep varies none")
    table = read(results, [*parameters, target])
    table = _positive(table, target)
    found = effects(table, target)
    if not found:
        raise SpecError("no parameter has two values among the designs that are done")
    one = table.quantities[target]
    height = 1.75 + 0.52 * len(found)
    figure, axes = style.panel(
        height,
        f"Sensitivity of {one.short}: {found[0].parameter} moves it "
        f"{_factor(found[0].span)}{_least(found)}",
    )
    figure.subplots_adjust(left=0.19, right=0.97, top=1 - 0.75 / height, bottom=0.62 / height)
    mean = one.text(float(np.exp(np.log(table[target]).mean())))
    figure.text(
        0.012, 1 - 0.45 / height, size=8.5, va="center",
        s=f"Geometric means over all other parameters, relative to that of all "
        f"{len(table):,} designs ({mean})",
    )  # fmt: skip
    _draw(axes, found, one.maximise)
    axes.set_xlabel(f"{one.label} / mean")
    return figure


def _least(found: list[Effect]) -> str:
    last = found[-1]
    return f", {last.parameter} {_factor(last.span)}" if len(found) > 1 else ""


def _factor(value: float) -> str:
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}×"
    return f"1/{float(f'{1 / value:.3g}'):,.0f}" if value < 0.01 else f"{value:.3g}×"


def _positive(table: Table, target: str) -> Table:
    good = table[target] > 0
    if not good.any():
        raise SpecError(f"{target} is 0 in all designs, and a ratio needs more")
    columns = {name: column[good] for name, column in table.columns.items()}
    return Table(table.quantities, columns, table.point[good], table.total)


def _draw(axes: Axes, found: list[Effect], maximise: bool) -> None:
    better, worse = (style.BLUE, style.ORANGE)
    below, above = (worse, better) if maximise else (better, worse)
    rows = range(len(found))[::-1]
    axes.set_xscale("log")
    low = min(effect.least for effect in found)
    high = max(effect.most for effect in found)
    room = max((high / low) ** 0.28, 1.02)
    for row, effect in zip(rows, found, strict=True):
        axes.barh(row, 1 - effect.least, left=effect.least, height=0.56, color=below, linewidth=0)
        axes.barh(row, effect.most - 1, left=1, height=0.56, color=above, linewidth=0)
        for at, text, side, shift in (
            (effect.least, effect.least_at, "right", -5),
            (effect.most, effect.most_at, "left", 5),
        ):
            axes.annotate(
                f"{text}  ({_factor(at)})",
                (at, row), xytext=(shift, 0), textcoords="offset points",
                ha=side, va="center", size=8,
            )  # fmt: skip
    axes.axvline(1, color=style.INK, linewidth=0.9)
    axes.set_yticks(list(rows), [effect.parameter.replace(", ", "\n") for effect in found])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(low / room, high * room)
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.3g}×"))
    axes.grid(axis="x")


def _ticks(low: float, high: float) -> list[float]:
    """1 and round factors on both sides of it."""
    for base in (1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 5.0, 10.0, 100.0, 1000.0):
        below, above = (int(np.log(end) / np.log(base)) for end in (1 / low, high))
        if below + above <= 7:
            ups = [base**step for step in range(above + 1)]
            return sorted({*ups, *(1 / base**step for step in range(1, below + 1))})
    return [1.0]
