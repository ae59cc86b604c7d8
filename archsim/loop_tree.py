"""A fused group as a tree: levels whose parts share all loops above them, Einsums at the ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from archsim.mapping import Branches, Compute, For, Nest, Spread
from archsim.nest import Leaf, Step


@dataclass(frozen=True, slots=True)
class End:
    """An Einsum by itself; `start` loops stand above its own."""

    leaf: Leaf
    start: int

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return (self.leaf,)


@dataclass(frozen=True, slots=True)
class Level:
    """Parts that share their first `depth` loops; `start` of them are those of the level above."""

    parts: tuple[Part, ...]
    start: int
    depth: int

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(leaf for part in self.parts for leaf in part.leaves)


Part: TypeAlias = End | Level


@dataclass(frozen=True, slots=True)
class Body:
    """What one tile step does: all `parts`, in each iteration of `loops`, outermost first.

    It is entered once in every iteration of `outer`. Both are positions in the loops of each
    of its leaves.
    """

    parts: tuple[Part, ...]
    outer: tuple[int, ...]
    loops: tuple[int, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(leaf for part in self.parts for leaf in part.leaves)

    @property
    def loop_steps(self) -> tuple[Step, ...]:
        """The loops in time that step from tile to tile."""
        return self._temporal(self.loops)

    @property
    def outer_steps(self) -> tuple[Step, ...]:
        """The loops in time around all of them."""
        return self._temporal(self.outer)

    @property
    def steps(self) -> int:
        """Tile steps of one run."""
        return trips(self.loop_steps)

    @property
    def runs(self) -> int:
        """How often the loops are entered."""
        return trips(self.outer_steps)

    def inner(self, leaf: Leaf) -> tuple[Step, ...]:
        """What a tile step contains of the loops of `leaf`, those in space too."""
        outside = {*self.outer, *self.loops}
        return tuple(step for i, step in enumerate(leaf.steps) if i not in outside)

    def _temporal(self, positions: tuple[int, ...]) -> tuple[Step, ...]:
        steps = self.leaves[0].steps
        return tuple(steps[i] for i in positions if not steps[i].dim)


def loop_tree(nest: Nest, leaves: tuple[Leaf, ...]) -> Part:
    """The tree of `nest`, whose `leaves` are what `archsim.nest.walk` found."""
    return _build(nest, iter(leaves), 0)


def body_of(part: Part) -> Body:
    """One tile step of `part`.

    Of a level, one iteration of its loops. Of an Einsum by itself, one array tile: its loops are
    those outside of the array and those that remain of the variables the array is spread over.
    """
    outer = tuple(range(part.start))
    match part:
        case Level(parts, start, depth):
            return Body(parts, outer, tuple(range(start, depth)))
        case End(leaf, start):
            own = range(start, len(leaf.steps))
            spatial = [i for i in own if leaf.steps[i].dim]
            first, last = (spatial[0], spatial[-1]) if spatial else (start, start - 1)
            spread = {leaf.steps[i].variable for i in spatial}
            loops = (i for i in own if i < first or (i > last and leaf.steps[i].variable in spread))
            return Body((part,), outer, tuple(loops))


def trips(steps: tuple[Step, ...]) -> int:
    """How often the body of these loops is done."""
    return prod(int(step.trips) for step in steps if not step.dim)


def _build(nest: Nest, leaves: Iterator[Leaf], start: int) -> Part:
    depth = start
    for node in nest:
        match node:
            case For() | Spread():
                depth += 1
            case Compute():
                return End(next(leaves), start)
            case Branches(nests):
                parts = tuple(_build(branch, leaves, depth) for branch in nests)
                return Level(parts, start, depth)
            case _:
                pass  # a hold is no loop
    raise AssertionError("walk() refuses a nest that computes nothing")
