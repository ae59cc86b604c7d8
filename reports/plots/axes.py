"""Axes, colours and titles that know what they measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from reports.figures import style
from reports.plots.quantity import Measure, Quantity
from reports.plots.table import Values, is_list

# Light to dark, and at neither end invisible on white.
CATEGORIES = (
    style.BLUE,
    style.ORANGE,
    style.GREEN,
    style.PURPLE,
    style.SKY,
    style.VERMILLION,
    style.BLACK,
    style.GREY,
)
_SPREAD = 20.0  # values that differ by more than this factor are on a logarithmic axis
_TICKS = 8


def colour_map() -> Colormap:
    """Even to the eye, in grey too, and told apart with any colour vision."""
    return mpl.colormaps["viridis"]


def is_log(values: Values) -> bool:
    """Whether a logarithmic axis shows them better."""
    least, most = float(values.min()), float(values.max())
    return least > 0 and most / least > _SPREAD


def scale(axis: Axis, one: Quantity, values: Values) -> bool:
    """Ticks, numbers and name of an axis for `values`; whether it is logarithmic."""
    log = is_log(values)
    if log:
        _set_scale(axis, "log", base=2 if one.binary else 10)
    axis.set_major_formatter(FuncFormatter(lambda value, _: one.text(value) if value > 0 else "0"))
    axis.set_minor_locator(NullLocator())
    if log:
        axis.set_major_locator(_log_ticks(one, values))
    elif one.measure is not Measure.NAME and is_list(values, one) and len(np.unique(values)) <= 10:
        axis.set_major_locator(FixedLocator(np.unique(values).tolist()))
    elif one.binary:
        axis.set_major_locator(MaxNLocator(_TICKS, steps=[1, 2, 4, 8, 10]))
    else:
        axis.set_major_locator(MaxNLocator(_TICKS))
    axis.set_label_text(one.label)
    return log


def _set_scale(axis: Axis, name: str, **options: Any) -> None:
    axes = axis.axes
    assert isinstance(axes, Axes)
    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)(name, **options)


def _log_ticks(one: Quantity, values: Values) -> FixedLocator | LogLocator:
    least, most = float(values.min()), float(values.max())
    if one.binary:
        first, last = int(np.floor(np.log2(least))), int(np.ceil(np.log2(most)))
        step = max(1, -(-(last - first) // _TICKS))
        return FixedLocator([2.0**power for power in range(first, last + 1, step)])
    few = np.log10(most / least) < 3
    return LogLocator(10, subs=(1.0, 2.0, 5.0) if few else (1.0,))


@dataclass(frozen=True)
class Colours:
    """A colour for every value of a column: one each for a few values, else along a scale."""

    quantity: Quantity
    values: tuple[float, ...]
    mappable: ScalarMappable | None

    @staticmethod
    def of(one: Quantity, values: Values) -> Colours:
        """For the values of a column."""
        levels = np.unique(values)
        most = len(CATEGORIES) // (1 if one.measure is Measure.NAME else 2)
        if len(levels) <= most:
            return Colours(one, tuple(levels.tolist()), None)
        low, high = float(levels[0]), float(levels[-1])
        norm = LogNorm(low, high) if is_log(values) else Normalize(low, high)
        return Colours(one, tuple(levels.tolist()), ScalarMappable(norm, colour_map()))

    def __call__(self, values: Values) -> Any:
        """Colours of `values`, one each."""
        if self.mappable is not None:
            return self.mappable.to_rgba(values)
        return [CATEGORIES[self.values.index(value)] for value in values.tolist()]

    def explain(self, figure: Figure, axes: Sequence[Axes]) -> None:
        """A legend under the title, or a scale at the right."""
        if self.mappable is None:
            handles = [
                dot(CATEGORIES[place], self.quantity.text(value))
                for place, value in enumerate(self.values)
            ]
            keys(figure, handles, self.quantity.label)
            return
        figure.subplots_adjust(right=0.86)
        box = figure.add_axes((0.885, axes[-1].get_position().y0, 0.013, 0.6))
        bar = figure.colorbar(self.mappable, cax=box)
        scale_bar(bar, self.quantity, np.asarray(self.values))


def scale_bar(bar: Colorbar, one: Quantity, values: Values) -> None:
    """Ticks, numbers and name of a scale of colours."""
    bar.ax.minorticks_off()
    if isinstance(bar.norm, LogNorm):
        bar.ax.yaxis.set_major_locator(_log_ticks(one, values))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: one.text(value)))
    bar.ax.set_title(one.label, size=8, loc="left", pad=8)
    bar.outline.set_visible(False)


def dot(colour: str, label: str) -> Line2D:
    """A legend's entry."""
    return Line2D([], [], linestyle="none", marker="o", markersize=6, color=colour, label=label)


def keys(figure: Figure, handles: Sequence[Any], title: str) -> None:
    """One row under the title, begun by what the colours are."""
    height = figure.get_figheight()
    name = Line2D([], [], linestyle="none", label=f"{title}:")
    figure.legend(
        handles=[name, *handles],
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.42 / height),
        ncols=len(handles) + 1,
        columnspacing=1.2,
    )


def subtitle(figure: Figure, text: str) -> None:
    """A line under the title that says how to read the figure."""
    figure.text(0.012, 1 - 0.40 / figure.get_figheight(), text, va="center", size=8.5)


def save(figure: Figure, path: Path) -> None:
    """Write the figure in the format of the suffix; equal figures give equal bytes."""
    date: dict[str, dict[str, None]] = {
        ".png": {"Software": None},
        ".pdf": {"CreationDate": None},
        ".svg": {"Date": None},
    }
    with mpl.rc_context({"svg.hashsalt": "einfall"}):
        figure.savefig(path, metadata=date[path.suffix.lower()])
