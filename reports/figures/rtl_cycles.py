"""Utilization of the 2D array against the number of tiles, with what fill and drain take."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import style
from reports.rtl_cycles import Point
from rtl.control.binding import Binding

_COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, style.ORANGE, style.PURPLE, style.SKY)


def rtl_cycles(points: Sequence[Point]) -> Figure:
    """Above the busy share of the 2D array, below the share of cycles that fill and drain.

    Lines are the cycle simulator's; a dot is a run of the RTL.
    """
    figure, (upper, lower) = style.panels(
        6.0,
        "Fill and drain of the array, by number of key tiles (E = F)",
        "busy share of the 2D array (solid: interleaved, dashed: not; dots: RTL)",
        "share of all cycles in which stages fill or drain, or lanes wait for the last one",
    )
    sizes = sorted({point.n for point in points})
    for n, colour in zip(sizes, _COLOURS * len(sizes), strict=False):
        for binding, line in ((Binding.INTERLEAVED, "-"), (Binding.NOT_INTERLEAVED, "--")):
            own = [point for point in points if point.n == n and point.binding is binding]
            label = f"N = {n}" if binding is Binding.INTERLEAVED else None
            _draw(upper, own, [100 * one.busy_2d for one in own], colour, line, label)
            shares = [100 * (one.fill + one.drain) / one.cycles for one in own]
            _draw(lower, own, shares, colour, line, label)
    for axes in (upper, lower):
        axes.set_ylim(0, 100)
        axes.set_ylabel("%")
    lower.set_xscale("log", base=2)
    lower.set_xlabel("key tiles of one query tile")
    upper.legend(loc="lower right", ncols=len(sizes))
    return figure


def _draw(
    axes: Axes,
    points: Sequence[Point],
    shares: Sequence[float],
    colour: str,
    line: str,
    label: str | None,
) -> None:
    axes.plot([one.tiles for one in points], shares, line, color=colour, label=label)
    run = [
        (one.tiles, share * one.cycles / one.rtl_cycles)
        for one, share in zip(points, shares, strict=True)
        if one.rtl_cycles
    ]
    axes.plot([x for x, _ in run], [y for _, y in run], "o", color=colour, markersize=4)
