"""Rooflines of a GPU: throughput over intensity, against DRAM (a) and against L2 (b)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures import style

_COLOURS = (
    style.GREY,
    style.BLACK,
    style.ORANGE,
    style.VERMILLION,
    style.PURPLE,
    style.SKY,
    style.BLUE,
    style.GREEN,
)


@dataclass(frozen=True, slots=True)
class Point:
    """A kernel on a shape: FLOP/s over FLOP per byte of one level; measured or predicted."""

    kernel: str
    level: str
    flops_per_byte: float
    flops_per_s: float
    measured: bool


def roofline(
    title: str, points: Sequence[Point], peak: float, bandwidths: Mapping[str, float]
) -> Figure:
    """A panel for each level of `bandwidths` (bytes/s): first DRAM, then L2."""
    upper, lower = bandwidths
    figure, panels = style.panels(6.4, title, f"(a) bytes of {upper}", f"(b) bytes of {lower}")
    kernels = tuple(dict.fromkeys(point.kernel for point in points))
    colours = dict(zip(kernels, _COLOURS * len(kernels), strict=False))
    low = min(point.flops_per_byte for point in points) / 2
    high = max(point.flops_per_byte for point in points) * 2
    for axes, (level, bandwidth) in zip(panels, bandwidths.items(), strict=True):
        _draw_roof(axes, peak, bandwidth, low, high)
        for point in points:
            if point.level == level:
                axes.plot(
                    point.flops_per_byte,
                    point.flops_per_s / 1e12,
                    "o" if point.measured else "D",
                    color=colours[point.kernel],
                    markerfacecolor=colours[point.kernel] if point.measured else "none",
                    markersize=4,
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylabel("TFLOP/s")
        axes.grid()
    panels[-1].set_xlabel("FLOP per byte (4 B H P M D, half of it if causal)")
    entries = [_entry(style.INK, "measured", filled=True), _entry(style.INK, "predicted")]
    entries += [_entry(colours[name], name, filled=True) for name in kernels]
    height = figure.get_figheight()
    figure.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(0.068, 1 - 0.36 / height), ncols=5
    )
    figure.subplots_adjust(top=1 - 1.15 / height)
    return figure


def _draw_roof(axes: Axes, peak: float, bandwidth: float, low: float, high: float) -> None:
    knee = peak / bandwidth
    x = sorted({low, min(max(knee, low), high), high})
    axes.plot(x, [min(peak, bandwidth * at) / 1e12 for at in x], color=style.INK, linewidth=1.2)


def _entry(colour: str, label: str, *, filled: bool = False) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker="o" if filled else "D",
        color=colour,
        markerfacecolor=colour if filled else "none",
        markersize=4,
        label=label,
    )
