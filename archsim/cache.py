"""Caches: what passes one is kept while it fits, without a mapping that says so.

A transfer between the root memory and what is below a cache becomes two: all of it crosses the
side of the cache that the units see, the misses also go to the root. A tile misses once for every
pass over it whose reuse distance exceeds the cache: the distinct bytes that are touched from one
use to the next (Mattson et al., IBM Systems Journal 9(2), 1970) by all tasks that run at the same
time. All or nothing: a loop over more than an LRU cache keeps nothing of it. Tasks of one wave
walk in step, so that what several of them read misses once for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from archsim.amounts import ONE, Array
from archsim.architecture import Architecture, Memory
from archsim.nest import Leaf, Step, shared_steps
from archsim.tiles import Reach, Reaches, tile_elements
from archsim.transfer import Direction, Transfer


def through_caches(
    moved: tuple[Transfer, ...],
    leaves: tuple[Leaf, ...],
    reaches: Reaches,
    architecture: Architecture,
) -> tuple[Transfer, ...]:
    """`moved`, with the transfers past a cache split at it; the same without a cache."""
    caches = [memory for memory in architecture.memories if memory.cache]
    if not caches:
        return moved
    found: list[Transfer] = []
    seen: list[Transfer] = []
    for one in moved:
        cache = next((c for c in caches if _passes(one, c, architecture)), None)
        if cache is None:
            found.append(one)
            continue
        flow = _Flow(one, cache, moved, leaves, reaches, architecture)
        missed = flow.misses(tuple(seen))
        seen.append(one)
        # The fill is no access of the side below: bandwidths and counters of caches are of that.
        nothing = ONE * 0.0
        found.append(
            one._replace(lower=cache.name, elements=missed, deliveries=nothing, hops=nothing)
        )
        found.append(one._replace(upper=cache.name))
    return tuple(found)


def _passes(one: Transfer, cache: Memory, architecture: Architecture) -> bool:
    if one.upper != architecture.root.name:
        return False
    names = {unit.name for unit in architecture.units}
    lower = one.lower if one.lower not in names else architecture.unit(one.lower).memory
    return cache in architecture.above(lower)


@dataclass(frozen=True, slots=True)
class _Flow:
    """A transfer on its way past a cache, with all others of the mapping."""

    one: Transfer
    cache: Memory
    moved: tuple[Transfer, ...]
    leaves: tuple[Leaf, ...]
    reaches: Reaches
    architecture: Architecture

    @property
    def leaf(self) -> Leaf:
        return next(leaf for leaf in self.leaves if leaf.einsum.name == self.one.einsum)

    def misses(self, seen: tuple[Transfer, ...]) -> Array:
        """Elements that come from the root, or go there, after the transfers `seen`."""
        kept = [self._is_kept_since(before) for before in seen if self._reads_again(before)]
        share: Array = ONE
        for index, step in enumerate(self.leaf.steps[: self._depth()]):
            if not step.dim and step.variable not in self._reach().variables:
                share = share * self._renewal(index, step)
        whole = tile_elements(self._reach(), self.leaf.full)
        distinct = np.minimum(whole, self.one.elements)
        missed = np.maximum(distinct, self.one.elements * share)
        return np.where(reduce(np.logical_or, kept, np.asarray(False)), 0.0, missed)

    def _depth(self) -> int:
        """How many loops stand above the place below the cache."""
        held = [h for h in self.leaf.hold_of(self.one.tensor) if h.hold.memory == self.one.lower]
        return held[0].depth if held else len(self.leaf.steps)

    def _reads_again(self, before: Transfer) -> bool:
        reads = self.one.direction is Direction.DOWN
        return reads and before.tensor == self.one.tensor

    def _is_kept_since(self, before: Transfer) -> NDArray[np.bool_]:
        """Is all that `before` moved still in the cache?

        In one group the distance is what a pass touches, between two it is all that both touch.
        """
        if before.group == self.one.group:
            other = next(leaf for leaf in self.leaves if leaf.einsum.name == before.einsum)
            return self._fits(shared_steps(self.leaf, other))
        groups = range(before.group, self.one.group + 1)
        touched = {
            one.tensor: self._whole_bytes(one) for one in self._users() if one.group in groups
        }
        return self._holds(touched)

    def _renewal(self, index: int, step: Step) -> Array:
        """The share of a loop's trips that miss, though they use what the one before did."""
        inner = ONE  # tasks in one trip
        for other in self.leaf.steps[index + 1 :]:
            if other.dealt:
                inner = inner * other.trips
        missing = ONE
        if step.dealt:
            waves = np.ceil(step.trips * inner / step.instances)
            missing = np.minimum(ONE, waves / step.trips)
        return np.where(self._fits(index + 1), 1.0 / step.trips, missing)

    def _fits(self, depth: int) -> NDArray[np.bool_]:
        """Do all tiles below `depth` loops fit, of all tasks that run at the same time?"""
        touched: dict[str, Array] = {}
        for one in self._users():
            if one.group == self.one.group:
                leaf = next(leaf for leaf in self.leaves if leaf.einsum.name == one.einsum)
                size = self._tile_bytes(one, leaf, depth)
                touched[one.tensor] = np.maximum(touched.get(one.tensor, ONE * 0.0), size)
        return self._holds(touched)

    def _holds(self, touched: Mapping[str, Array]) -> NDArray[np.bool_]:
        size = self.cache.size_bytes
        assert size is not None  # a cache has one
        return np.asarray(sum(touched.values(), start=ONE * 0.0) <= size)

    def _users(self) -> Iterator[Transfer]:
        return (one for one in self.moved if _passes(one, self.cache, self.architecture))

    def _reach(self) -> Reach:
        return self._reach_of(self.one, self.leaf)

    def _reach_of(self, one: Transfer, leaf: Leaf) -> Reach:
        return self.reaches.used(one.tensor, leaf.einsum)[0]

    def _width(self, one: Transfer) -> float:
        return self.reaches.shapes.cascade.tensor(one.tensor).format.bits_per_value / 8

    def _whole_bytes(self, one: Transfer) -> Array:
        leaf = next(leaf for leaf in self.leaves if leaf.einsum.name == one.einsum)
        return tile_elements(self._reach_of(one, leaf), leaf.full) * self._width(one)

    def _tile_bytes(self, one: Transfer, leaf: Leaf, depth: int) -> Array:
        """The distinct tiles below `depth` loops, of as many tasks as run at the same time."""
        reach = self._reach_of(one, leaf)
        extents = dict(leaf.full)
        for step in leaf.steps[:depth]:
            if not step.dim:
                extents[step.variable] = np.ceil(extents[step.variable] / step.trips)
        tiles, left = ONE, np.asarray(float(max((s.instances for s in leaf.dealt), default=1)))
        for position, step in reversed(tuple(enumerate(leaf.steps))):
            if step.dealt:
                if position < depth and step.variable in reach.variables:
                    tiles = tiles * np.minimum(step.trips, left)
                left = np.maximum(ONE, left / step.trips)
        return tile_elements(reach, extents) * np.ceil(tiles) * self._width(one)
