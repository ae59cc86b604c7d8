"""How much of an iteration space is executed and how much is useful: the effect of conditions.

An array steps through every point of a tile that has at least one useful point; a tile that has
none is skipped, and so is what it would have moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import product
from math import prod, trunc

import numpy as np

from archsim.amounts import ONE, Array, Mask, amount
from archsim.kept import kept
from archsim.nest import Extents, Leaf
from archsim.whole_tiles import moved_share
from einsum.cascade import Cascade, Einsum
from einsum.count import executed, useful
from einsum.domain import domains, related
from einsum.expression import Comparison
from einsum.of_sizes import Count, of_sizes
from einsum.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Activity:
    """Shares (0 to 1) of the iteration spaces of a cascade with given shapes.

    `conditions` are those of each Einsum that fail somewhere.
    """

    cascade: Cascade
    shapes: Shapes
    conditions: Mapping[str, tuple[Comparison, ...]]
    _useful: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(cascade: Cascade, shapes: Shapes) -> Activity:
        """The activity of `cascade`: the conditions that shapes make always true are left out."""
        return _activity(shapes, cascade)

    def executed(self, leaf: Leaf) -> Array:
        """The share that the unit steps through, in whole array tiles."""
        return self._share(leaf.einsum, self.conditions[leaf.einsum.name], leaf.array_extents)

    def useful(self, leaf: Leaf) -> float:
        """The share at which all conditions hold."""
        name = leaf.einsum.name
        if not self.conditions[name]:
            return 1.0
        if name not in self._useful:
            points = prod(self.shapes.space(leaf.einsum).values())
            self._useful[name] = self.useful_points(leaf.einsum) / points
        return self._useful[name]

    def useful_points(self, einsum: Einsum) -> int:
        """The points of its iteration space at which all conditions hold."""
        return useful(self.conditions[einsum.name], self.shapes.space(einsum), self.shapes)

    def skips(self, einsum: Einsum) -> bool:
        """Is there a condition between several ranks, which can skip what is moved?"""
        conditions = self.conditions[einsum.name]
        return bool(conditions) and any(map(self._couples, conditions))

    def moved(
        self, einsum: Einsum, tile: Extents, stepped: Mapping[str, Mask], own: frozenset[str]
    ) -> Array:
        """The share of an access pattern that is not skipped, where `tile` is what is moved.

        `own` are the variables of the tensor, whose last tile moves what is left of it; the
        last step of another loop moves as much as any other. Only conditions between several
        ranks whose variables all step (`stepped`, by candidate) can skip a tile: `m <= p` skips
        a tile of K for some p only if K is fetched anew for each p.
        """
        coupling = [one for one in self.conditions[einsum.name] if self._couples(one)]
        if not coupling:
            return ONE
        masks = [self._steps(one, einsum, stepped) for one in coupling]
        share = ONE
        for pattern in product((False, True), repeat=len(coupling)):
            chosen = tuple(one for one, here in zip(coupling, pattern, strict=True) if here)
            alike = (mask == here for mask, here in zip(masks, pattern, strict=True))
            where = reduce(np.logical_and, alike)
            if chosen and np.all(where):
                return self._share(einsum, chosen, tile, own)
            if chosen and np.any(where):
                share = np.where(where, self._share(einsum, chosen, tile, own), share)
        return share

    def _steps(self, condition: Comparison, einsum: Einsum, stepped: Mapping[str, Mask]) -> Mask:
        """Where all variables of `condition` step."""
        names = related(self.cascade, condition) & set(einsum.variables)
        never = np.asarray(False)
        return reduce(np.logical_and, (stepped.get(name, never) for name in names), ~never)

    def _couples(self, condition: Comparison) -> bool:
        names = {
            self.cascade.declared(self.cascade.rank_of_variable[name])
            for name in related(self.cascade, condition)
        }
        return len(names) > 1

    def _share(
        self,
        einsum: Einsum,
        conditions: tuple[Comparison, ...],
        tile: Extents,
        own: frozenset[str] | None = None,
    ) -> Array:
        if not conditions:
            return ONE
        names = set[str]().union(*(related(self.cascade, one) for one in conditions))
        space = {n: size for n, size in self.shapes.space(einsum).items() if n in names}
        if not space:  # conditions on constants alone
            return np.asarray(float(executed(conditions, {}, self.shapes, {})))
        share = _executed_share if own is None else _moved_share(own)
        if not any(tile[name].ndim for name in space):
            one = {name: trunc(tile[name].item()) for name in space}
            return amount(of_sizes(share, conditions, space, self.shapes, one))
        columns = np.broadcast_arrays(*(tile[name] for name in space))
        stacked = np.stack([column.ravel() for column in columns])
        distinct, inverse = np.unique(stacked, axis=1, return_inverse=True)
        tiles = [dict(zip(space, map(int, row), strict=True)) for row in distinct.T]
        shares = [share(conditions, space, self.shapes, one) for one in tiles]
        return np.asarray(shares)[np.ravel(inverse)].reshape(columns[0].shape)


@kept
def _activity(shapes: Shapes, cascade: Cascade) -> Activity:
    failing = {}
    for einsum in cascade.steps:
        space = shapes.space(einsum)
        failing[einsum.name] = tuple(
            one
            for one in _domains(cascade)[einsum.name]
            if useful((one,), space, shapes) < prod(space.values())
        )
    return Activity(cascade, shapes, failing)


def _executed_share(
    conditions: tuple[Comparison, ...],
    space: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
) -> float:
    return executed(conditions, space, shapes, tile) / prod(space.values())


@lru_cache(maxsize=256)
def _moved_share(own: frozenset[str]) -> Count[float]:
    def share(
        conditions: tuple[Comparison, ...],
        space: Mapping[str, int],
        shapes: Shapes,
        tile: Mapping[str, int],
    ) -> float:
        return moved_share(conditions, space, shapes, tile, own)

    return share


@kept
def _domains(cascade: Cascade) -> dict[str, tuple[Comparison, ...]]:
    return domains(cascade)
