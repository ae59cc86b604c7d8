"""Where a tensor's tile stands in its bank while a phase steps through its loops."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archsim.nest import Leaf
from archsim.schedule import Pipeline
from einsum.errors import SpecError


@dataclass(frozen=True, slots=True)
class Region:
    """`tiles` tiles of `elements` words in every bank of a memory, from word `base` on."""

    tensor: str
    base: int
    tiles: int
    elements: int

    @property
    def limit(self) -> int:
        """One past the last word."""
        return self.base + self.tiles * self.elements


@dataclass(frozen=True, slots=True)
class Stream:
    """A pointer to the tile of a region that a tile step uses; all in words.

    It begins at `start` and takes a `stride` every `period` steps of `phase`; at `limit` it
    continues at `base`. With `rewind` every run of the phase begins at `start`.
    """

    phase: int
    base: int
    start: int
    stride: int
    limit: int
    period: int = 1
    rewind: bool = False

    @property
    def fields(self) -> tuple[tuple[str, int], ...]:
        """The values of a word `STREAM_WORD`."""
        return (
            ("phase", self.phase),
            ("base", self.base),
            ("start", self.start),
            ("stride", self.stride),
            ("limit", self.limit),
            ("period", self.period),
            ("rewind", int(self.rewind)),
        )


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop in time that a phase steps through; outside of it, or one of its own."""

    variable: str
    trips: int
    own: bool


def loops(pipeline: Pipeline, leaf: Leaf) -> tuple[Loop, ...]:
    """The loops with more than one trip, outermost first."""
    body = pipeline.body
    places = [(i, i in body.loops) for i in sorted((*body.outer, *body.loops))]
    steps = [(leaf.steps[i], own) for i, own in places]
    return tuple(
        Loop(step.variable, int(step.trips), own)
        for step, own in steps
        if not step.dim and step.trips > 1
    )


def walking(phase: int, region: Region, own: tuple[Loop, ...], variables: frozenset[str]) -> Stream:
    """The stream of a tensor with `variables`, whose tiles lie in the order of the loops.

    Raises `SpecError` if another loop stands between those that choose the tile.
    """
    turning = [i for i, loop in enumerate(own) if loop.variable in variables]
    if not turning:
        return Stream(phase, region.base, region.base, 0, region.limit)
    between = own[turning[0] : turning[-1] + 1]
    if len(between) != len(turning):
        names = ", ".join(loop.variable for loop in between)
        raise SpecError(f"{region.tensor} has no order in the loops {names}")
    period = prod(loop.trips for loop in own[turning[-1] + 1 :])
    return Stream(phase, region.base, region.base, region.elements, region.limit, period)


def turning(phase: int, region: Region, behind: int = 0) -> Stream:
    """The stream of a ring: one tile a step; `behind` steps before that of this step."""
    start = region.base + (-behind % region.tiles) * region.elements
    return Stream(phase, region.base, start, region.elements, region.limit, 1, True)


def resting(phase: int, region: Region, tile: int) -> Stream:
    """The stream of a tile that stays where it is, `tile` steps after the ring's begin."""
    start = region.base + tile % region.tiles * region.elements
    return Stream(phase, region.base, start, 0, region.limit)
