"""Figures 6 to 12 of FuseMax (Nayak et al., MICRO 2024, arXiv 2406.10491), from our tables.

What each of them shows is taken from the artifact's notebook of figures: 6a and 6b utilization
of the 1D and the 2D array, 7 the 2D array's time by Einsum, 8 and 9 attention's speedup and
energy over unfused, 10 and 11 the same end to end, 12 area against latency at 256K tokens.
Bars and lines are ours; diamonds are the published values, where there are any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.figures.frames import Frames

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Frames", "figures"]


def figures(frames: Frames, out: Path) -> tuple[Path, ...]:
    """Write every figure to `out` (made if absent) as PNG and PDF; the paths, in order.

    The same tables give the same bytes. `frames` is what we found; the published values come
    with the package.
    """
    # Matplotlib takes half a second to load, which a command that draws nothing need not wait.
    from reports.figures.drawing import draw

    return draw(frames, out)
