"""The waterfall: what arrays and DRAM do in the first tile steps, each step in a colour."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archsim.schedule import Schedule
from archsim.trace import DRAM, STALLED, Span
from reports.figures import style

_STEP_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.SKY, style.VERMILLION)
_DARK = {style.BLUE, style.GREEN, style.VERMILLION}
# Shares of the width: a letter's, the least for a name on end, the least for a white edge.
_WIDE, _NARROW, _EDGED = 0.008, 0.009, 0.004
_HEIGHT, _GAP = 0.8, 0.1


def waterfall(found: Schedule, spans: tuple[Span, ...], first: int, cycles: int) -> Figure:
    """The cycles from `first` on: a row for every unit that works, DRAM and stalls.

    Where tasks interleave, each has its share of the row's height.
    """
    seen = tuple(one for one in spans if one.end > first and one.begin < first + cycles)
    tracks = [*_units(found), DRAM]
    if any(one.track == STALLED for one in seen):
        tracks.append(STALLED)
    steady = found.main.schedule
    figure, axes = style.panel(
        1.35 + 0.75 * len(tracks),
        f"{found.cascade} on {found.architecture}: a tile step every {steady.ii_cycles} cycles, "
        f"{steady.stages} under way at a time; the limit is {steady.limit}",
    )
    figure.subplots_adjust(left=0.095, top=1 - 0.62 / figure.get_figheight())
    _frame(axes, tracks, first, cycles)
    for at in range(first, first + cycles, steady.ii_cycles):
        axes.axvline(at, color=style.FAINT, linewidth=0.6, zorder=0)
    for span in seen:
        _draw(axes, span, len(tracks) - 1 - tracks.index(span.track), first, cycles)
    figure.text(
        0.095,
        1 - 0.42 / figure.get_figheight(),
        "Colours: tile steps, in turn. Halved blocks: two tasks share the array, "
        "every other cycle each. Grey: tiles between DRAM and buffer.",
        size=8,
    )
    return figure


def save_waterfall(
    found: Schedule, spans: tuple[Span, ...], first: int, cycles: int, path: Path
) -> None:
    """Write the figure to `path`, in the format that its suffix names."""
    with style.applied():
        waterfall(found, spans, first, cycles).savefig(path, metadata={"Software": None})


def _units(found: Schedule) -> list[str]:
    """Units of the main pipeline, in the order in which a tile step needs them."""
    pulses = [p for one in found.main.schedule.placements for p in one.pulses]
    ordered = sorted(pulses, key=lambda one: one.offset)
    return list(dict.fromkeys(one.resource for one in ordered))


def _frame(axes: Axes, tracks: list[str], first: int, cycles: int) -> None:
    axes.set_xlim(first, first + cycles)
    axes.set_ylim(0, len(tracks))
    axes.set_yticks([len(tracks) - 0.5 - i for i, _ in enumerate(tracks)], tracks)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Cycle")


def _draw(axes: Axes, span: Span, row: int, first: int, cycles: int) -> None:
    begin, end = max(span.begin, first), min(span.end, first + cycles)
    low, height = row + _GAP, _HEIGHT
    if span.stride > 1:
        low += _HEIGHT * (span.begin % span.stride) / span.stride
        height *= span.width / span.stride
    colour, share = _colour(span), (end - begin) / cycles
    axes.add_patch(
        Rectangle(
            (begin, low),
            end - begin,
            height,
            facecolor=colour,
            edgecolor="white" if share > _EDGED else "none",
            linewidth=0.3,
            hatch="////" if span.track == STALLED else None,
        )
    )
    upright = share >= _WIDE * len(span.name)
    if not upright and (share < _NARROW or height < _HEIGHT):
        return
    axes.text(
        (begin + end) / 2,
        low + height / 2,
        span.name,
        ha="center",
        va="center",
        size=7.5 if upright else 6,
        rotation=0 if upright else 90,
        color="white" if colour in _DARK else style.INK,
        clip_on=True,
    )


def _colour(span: Span) -> str:
    if span.track == DRAM:
        return style.GREY
    if span.track == STALLED:
        return style.FAINT
    return _STEP_COLOURS[span.step % len(_STEP_COLOURS)]
