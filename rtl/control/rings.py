"""How many places a tensor's tiles take turns in: registers and memory by modulo allocation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """Element `element` of a tile is written at the end of cycle `written`, last read in `read`.

    Both count from the begin of the tile step that writes it. What is captured is there in the
    cycle itself, and so destroys what it replaces one cycle earlier.
    """

    element: int
    written: int
    read: int
    captured: bool = False

    @property
    def replaces(self) -> int:
        """The last cycle in which what stood there before can be read."""
        return self.written - self.captured


def tiles_needed(uses: tuple[Use, ...], interval: int) -> int:
    """How many tiles must have a place, if each keeps all its elements and steps take turns.

    Tile i + count may replace an element only after tile i's was read.
    """
    needed = 1
    for use in uses:
        while use.replaces + needed * interval < use.read:
            needed += 1
    return needed


def elements_needed(uses: tuple[Use, ...], interval: int) -> int | None:
    """How many places suffice if elements take turns within a tile and every tile has the same.

    None if tiles overlap too much for that.
    """
    uses = tuple(sorted(uses, key=lambda use: use.element))
    for count in range(1, len(uses) + 1):
        later = [(use, other) for use, other in zip(uses, uses[count:], strict=False)]
        within = all(other.replaces >= use.read for use, other in later)
        between = all(
            other.replaces + interval >= use.read
            for use in uses
            for other in uses
            if (use.element - other.element) % count == 0
        )
        if within and between:
            return count
    return None
