"""Energy by component: the best design at each value of a parameter, evaluated once more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from einsum.errors import SpecError
from mapper.sweep.description import Description
from mapper.sweep.results import Results
from reports.comparison_stores import point_of
from reports.figures import style
from reports.plots.quantity import Measure, Quantity, quantity
from reports.plots.request import Request
from reports.plots.table import Table, metric, parameter, read

_BARS = 14  # more have no room for their totals
_PARTS = 7  # the smaller ones are put together
_VISIBLE = 0.005  # of the energy: less is no colour in a figure
_OTHER = "other"
_ALIKE = 8.0  # bars that differ by more than this are drawn as shares
_COLOURS = (
    style.BLUE, style.ORANGE, style.GREEN, style.SKY, style.VERMILLION, style.PURPLE, style.YELLOW
)  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """The energy of one design by component, in pJ: memories, units by action, network."""

    value: float
    point: int
    parts: dict[str, float]

    @property
    def total(self) -> float:
        """Of all components."""
        return sum(self.parts.values())


def energy(results: Results, request: Request) -> Figure:
    """Stacked energy by component (complete accounting), along the parameter `request.x`.

    At each value it is the design that is best in `request.y`, energy by default.
    """
    request.takes("x", "y")
    description = results.description
    x = parameter(description, request.x or _first(description), "energy by component")
    target = metric(description, request.y or "energy_pj")
    stacks = best_stacks(results, x, target)
    names = _largest(stacks)
    one = quantity(description, x)
    largest, smallest = (f([s.total for s in stacks]) for f in (max, min))
    shares = largest > _ALIKE * smallest
    first = names[0]
    part = [stack.parts.get(first, 0.0) / stack.total for stack in stacks]
    height = 4.6
    low, high = (f"{100 * share:.0f}" for share in (min(part), max(part)))
    ends = f"{high} %" if low == high else f"{low} to {high} %"
    figure, axes = style.panel(height, f"Energy by component: {first} takes {ends}")
    figure.subplots_adjust(left=0.075, top=1 - 0.86 / height, bottom=0.75 / height)
    _draw(axes, stacks, names, shares=shares)
    _label(axes, stacks, one, shares=shares, top=largest)
    best = quantity(description, target)
    lead = "most" if best.maximise else "least"
    axes.set_xlabel(f"{one.label}, at each the design of {lead} {best.short}", labelpad=8)
    handles = [style.patch(_colour(names, name), name) for name in names]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.075, 1 - 0.42 / height),
        ncols=len(handles),
    )  # fmt: skip
    return figure


def best_stacks(results: Results, x: str, target: str) -> list[Stack]:
    """The best design in `target` at each value of `x` (of many values, at some of them)."""
    table = read(results, [x, target, "energy_pj"])
    rows = _best(table, x, target)
    if len(rows) > _BARS:
        rows = rows[np.linspace(0, len(rows) - 1, _BARS).astype(np.int64)]
    found = []
    for row in rows.tolist():
        point = int(table.point[row])
        parts: dict[str, float] = {}
        for term in point_of(results, point).evaluate().energies:
            parts[term.owner] = parts.get(term.owner, 0.0) + term.complete_pj
        found.append(Stack(float(table[x][row]), point, parts))
    return found


def _best(table: Table, x: str, target: str) -> np.ndarray:
    order = np.lexsort((table.point, table.cost(target), table[x]))
    _, first = np.unique(table[x][order], return_index=True)
    return order[first]


def _first(description: Description) -> str:
    names = [one.name for one in description.parameters]
    if not names:
        raise SpecError("energy by component needs a parameter, and this sweep varies none")
    return "seq_len" if "seq_len" in names else names[0]


def _largest(stacks: list[Stack]) -> list[str]:
    """Components by their largest share, the rest as `other`."""
    share: dict[str, float] = {}
    for stack in stacks:
        for name, part in stack.parts.items():
            share[name] = max(share.get(name, 0.0), part / stack.total)
    names = sorted(share, key=lambda name: (-share[name], name))
    seen = [name for name in names if share[name] >= _VISIBLE][: _PARTS - 1]
    return seen if len(seen) == len(names) else [*seen, _OTHER]


def _colour(names: list[str], name: str) -> str:
    return style.GREY if name == _OTHER else _COLOURS[names.index(name)]


def _draw(axes: Axes, stacks: list[Stack], names: list[str], *, shares: bool) -> None:
    places = np.arange(len(stacks))
    bottom = np.zeros(len(stacks))
    for name in names:
        if name == _OTHER:
            known = [sum(s.parts.get(n, 0.0) for n in names[:-1]) for s in stacks]
            part = np.array([s.total - k for s, k in zip(stacks, known, strict=True)])
        else:
            part = np.array([stack.parts.get(name, 0.0) for stack in stacks])
        if shares:
            part = part / np.array([stack.total for stack in stacks])
        axes.bar(places, part, 0.78, bottom=bottom, color=_colour(names, name), linewidth=0)
        bottom += part


def _label(axes: Axes, stacks: list[Stack], one: Quantity, *, shares: bool, top: float) -> None:
    whole = Quantity("energy_pj", "Energy", Measure.ENERGY)
    size = 8 if len(stacks) <= 10 else 7
    for place, stack in enumerate(stacks):
        axes.annotate(
            whole.text(float(f"{stack.total:.3g}")), (place, 1.0 if shares else stack.total),
            xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", size=size,
        )  # fmt: skip
    axes.set_xticks(range(len(stacks)), [one.text(stack.value) for stack in stacks], size=size)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(stacks) - 0.4)
    axes.grid(axis="y")
    if shares:
        axes.set_ylim(0, 1.0)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylabel("Share of the energy")
    else:
        axes.set_ylim(0, 1.08 * top)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: whole.text(v) if v else "0"))
        axes.set_ylabel("Energy, complete accounting")
