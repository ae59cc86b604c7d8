"""How every figure looks: sizes, type, colours, and how it is written to a file."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

DPI = 200
WIDTH_IN = 10.0

# Okabe and Ito, "Color Universal Design" (2008): told apart with any colour vision.
BLUE, SKY, GREEN, ORANGE = "#0072B2", "#56B4E9", "#009E73", "#E69F00"
VERMILLION, PURPLE, YELLOW, BLACK = "#D55E00", "#CC79A7", "#F0E442", "#000000"
GREY, INK, FAINT = "#999999", "#222222", "#DDDDDD"

CONFIG_COLOUR = {
    "unfused": GREY,
    "flat": ORANGE,
    "cascade": SKY,
    "arch": GREEN,
    "binding": BLUE,
}
CONFIG_LABEL = {
    "unfused": "Unfused",
    "flat": "FLAT",
    "cascade": "+Cascade",
    "arch": "+Architecture",
    "binding": "+Binding (FuseMax)",
}

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # Ships with Matplotlib, so it is there on every machine.
    "font.size": 9,
    "axes.linewidth": 0.8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.borderaxespad": 0,
    "legend.borderpad": 0,
    "legend.columnspacing": 1.6,
    "legend.handlelength": 1.2,
    "legend.handletextpad": 0.5,
    "path.simplify": True,
    "pdf.fonttype": 42,  # TrueType, so that text in the PDF can be searched and edited.
    "savefig.dpi": DPI,
}

# Margins in inches: fixed, so that no figure needs a pass over its texts to be laid out.
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.68, 0.12, 0.72, 0.62
_PANEL_TITLE = 0.18

_MARKER: dict[str, Any] = {
    "linestyle": "none",
    "marker": "D",
    "markersize": 3.4,
    "markerfacecolor": "white",
    "markeredgecolor": "black",
    "markeredgewidth": 0.8,
}


def applied() -> AbstractContextManager[None]:
    """The style, in force within a `with` block; figures are built and saved inside it."""
    return mpl.rc_context(_RC)


def panel(height_in: float, title: str) -> tuple[Figure, Axes]:
    """A figure `WIDTH_IN` wide with a title and one axes."""
    figure = _titled(height_in, title, top_in=_TOP)
    return figure, figure.add_subplot()


def panels(height_in: float, title: str, upper: str, lower: str) -> tuple[Figure, list[Axes]]:
    """The same with two axes above one another, which share x and have titles of their own."""
    figure = _titled(height_in, title, top_in=_TOP + _PANEL_TITLE)
    axes = figure.subplots(2, 1, sharex=True, gridspec_kw={"hspace": 0.2})
    for panel, name in zip(axes, (upper, lower), strict=True):
        panel.set_title(name, loc="left", size=9, pad=7)
    return figure, list(axes)


def _titled(height_in: float, title: str, *, top_in: float) -> Figure:
    figure = Figure(figsize=(WIDTH_IN, height_in))
    figure.subplots_adjust(
        left=_LEFT / WIDTH_IN,
        right=1 - _RIGHT / WIDTH_IN,
        top=1 - top_in / height_in,
        bottom=_BOTTOM / height_in,
    )
    figure.text(0.12 / WIDTH_IN, 1 - 0.1 / height_in, title, va="top", weight="bold", size=10.5)
    return figure


def legend(figure: Figure, entries: Iterable[Artist]) -> None:
    """One row under the title, above the data: `entries`, then the paper's marker."""
    height_in = figure.get_figheight()
    paper = Line2D([], [], label="Paper, where published", **_MARKER)
    handles = [*entries, paper]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(_LEFT / WIDTH_IN, 1 - 0.42 / height_in),
        ncols=len(handles),
    )


def patch(colour: str, label: str) -> Patch:
    """A legend's entry for bars of one colour."""
    return Patch(facecolor=colour, edgecolor="none", label=label)


def mark_published(axes: Axes, x: list[float], y: list[float]) -> None:
    """The paper's values at (x, y) in data coordinates, as diamonds above all else."""
    line = axes.plot(x, y, zorder=5, clip_on=False, **_MARKER)[0]
    line.set_gid("published")


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write `stem`.png and `stem`.pdf without the date, so that equal figures are equal bytes."""
    png, pdf = stem.with_suffix(".png"), stem.with_suffix(".pdf")
    figure.savefig(png, metadata={"Software": None})
    figure.savefig(pdf, metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return png, pdf
