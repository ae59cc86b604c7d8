"""Attainable data movement against what fits on chip, with mappings on it ("ski slopes")."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from archsim.engineering import binary, engineering
from archsim.movement.attainable import buffer_sizes
from archsim.movement.curve import Curve
from reports.bounds import Study
from reports.figures import style

_COLOURS = (
    style.BLUE,
    style.VERMILLION,
    style.GREEN,
    style.ORANGE,
    style.PURPLE,
    style.SKY,
    style.BLACK,
    style.GREY,
)
_MARKERS = "Do^vPX"


def movement(studies: Sequence[Study], einsum: str | None = None) -> Figure:
    """The curves of each cascade above, of the first one's Einsums by themselves below.

    With `einsum` only that Einsum is drawn below. Both axes are logarithmic.
    """
    first = studies[0]
    names = [einsum] if einsum else list(first.found.alone)
    figure, (upper, lower) = style.panels(
        7.4,
        f"Data movement at least, on {first.target.architecture.name}: {_shape(first)}",
        "fused in any way (solid), in any order of operations (dotted), unfused (dashed)",
        f"{first.name}: each Einsum by itself, tiled (solid) and in any order (dotted)",
    )
    figure.subplots_adjust(left=0.085)
    curves = [c for s in studies for c in (s.found.fused, s.found.unfused)]
    sizes = _sizes([*curves, *(first.found.alone[name] for name in names)], first.chip_bytes)
    for number, study in enumerate(studies):
        colour = _COLOURS[number % len(_COLOURS)]
        _draw(upper, study.found.fused, sizes, colour, study.name, linewidth=1.8)
        _draw(upper, study.found.unfused, sizes, colour, None, linestyle="--", linewidth=0.9)
        upper.plot(sizes, study.found.any_order(sizes), ":", color=colour, linewidth=1.1)
        for place, one in enumerate(study.marks):
            upper.plot(
                [one.buffer_bytes],
                [one.traffic_bytes],
                _MARKERS[place % len(_MARKERS)],
                color=colour,
                markeredgecolor=style.BLACK,
                markersize=7,
                linestyle="none",
                label=f"{one.name} ({study.name})",
                zorder=5,
            )
    for number, name in enumerate(names):
        colour = _COLOURS[number % len(_COLOURS)]
        width = 1.6 if number < len(_COLOURS) else 0.8
        _draw(lower, first.found.alone[name], sizes, colour, name, linewidth=width)
        if len(names) == 1:
            lower.plot(sizes, first.found.any_order_alone(name, sizes), ":", color=colour)
    for axes in (upper, lower):
        _finish(axes, sizes, first.chip_bytes)
    upper.tick_params(labelbottom=True)
    lower.set_xlabel("Bytes on chip")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the figure in the format of the suffix; equal figures give equal bytes."""
    date = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    figure.savefig(path, metadata=date.get(path.suffix.lower(), {}))


def _sizes(curves: Sequence[Curve], chip: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    powers = buffer_sizes(curves)
    last = max(float(powers[-1]), chip if np.isfinite(chip) else 0.0) * 2
    count = int(16 * np.log2(last / powers[0])) + 1
    return np.geomspace(powers[0], last, count)


def _draw(
    axes: Axes,
    curve: Curve,
    sizes: np.ndarray[tuple[int], np.dtype[np.float64]],
    colour: str,
    label: str | None,
    linewidth: float,
    linestyle: str = "-",
) -> None:
    at = np.union1d(sizes, curve.buffer_bytes)
    moved = curve.at(at)
    axes.step(
        at[np.isfinite(moved)],
        moved[np.isfinite(moved)],
        where="post",
        color=colour,
        label=label,
        linewidth=linewidth,
        linestyle=linestyle,
    )


def _finish(axes: Axes, sizes: np.ndarray[tuple[int], np.dtype[np.float64]], chip: float) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(sizes[0], sizes[-1])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: binary(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: engineering(value, "B")))
    axes.set_ylabel("Bytes moved")
    axes.grid()
    if np.isfinite(chip):
        axes.axvline(chip, color=style.INK, linewidth=1, linestyle=(0, (4, 2)))
        axes.annotate(
            f"chip: {binary(chip)}",
            (chip, 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="top",
            size=8,
        )
    axes.legend(fontsize=7.5, loc="lower left", borderaxespad=0.6, ncols=2)


def _shape(study: Study) -> str:
    model = f"{study.target.model.name}, " if study.target.model else ""
    ranks = [rank.name for rank in study.target.cascade.ranks if not rank.partitions]
    return model + ", ".join(f"{rank} = {study.target.shapes.sizes[rank]:,}" for rank in ranks)
