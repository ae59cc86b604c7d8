"""The loops of a fused group: their order, and which Einsums are under which of them.

A structure has free tile sizes and does not yet say what is held where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from archsim.mapping import Branches, Compute, For, Hold, Nest, Node, Spread
from einsum.cascade import Einsum


@dataclass(frozen=True, slots=True)
class Place:
    """The unit of an Einsum, and the ranks that are spread over its dimensions."""

    unit: str
    spreads: tuple[Spread, ...]


@dataclass(frozen=True)
class Structure:
    """The loops of a fused group.

    `batch` ranks are stepped through one by one, outermost. Then every rank of `outer` has a loop
    with a free tile size, and every rank of `inner` one with its `step`, what the arrays take at a
    time. Einsums that follow each other share a loop if both iterate its rank and have
    the same number in `sharing`: the number changes where a value needs the whole loop before it.
    """

    einsums: tuple[Einsum, ...]
    places: Mapping[str, Place]
    batch: tuple[str, ...]
    outer: tuple[str, ...]
    inner: tuple[str, ...]
    step: Mapping[str, int]
    sharing: Mapping[str, Mapping[str, int]]

    @property
    def loops(self) -> tuple[str, ...]:
        """The ranks of the loops below the batch loops, outermost first."""
        return self.outer + self.inner

    @cached_property
    def ranks(self) -> Mapping[str, frozenset[str]]:
        """The rank variables that each Einsum iterates."""
        return {einsum.name: frozenset(einsum.variables) for einsum in self.einsums}

    @cached_property
    def runs(self) -> Mapping[str, tuple[int, ...]]:
        """By Einsum, its run of Einsums at every loop: those with equal prefixes share."""
        found: dict[str, tuple[int, ...]] = {einsum.name: () for einsum in self.einsums}
        for rank in self.loops:
            number, before = -1, None
            for einsum in self.einsums:
                key = (found[einsum.name], self._turn(einsum, rank))
                number += key != before
                before = key
                found[einsum.name] = (*found[einsum.name], number)
        return found

    def _turn(self, einsum: Einsum, rank: str) -> int:
        """Equal for Einsums that can be under one loop over `rank`; -1 without such a loop."""
        if rank not in self.ranks[einsum.name]:
            return -1
        return self.sharing[rank][einsum.name]

    def shared_depth(self, tensor: str) -> int:
        """How many of `loops` all users of `tensor` share: it can be held at 0 to that depth."""
        users = [self.runs[e.name] for e in self.einsums if tensor in e.tensors]
        depth = 0
        while depth < len(self.loops) and len({run[: depth + 1] for run in users}) == 1:
            depth += 1
        return depth

    def depth_in(self, einsum: Einsum, depth: int) -> int:
        """Temporal loops above `einsum` at `depth` of `loops`, those that it has not left out."""
        return len(self.batch) + sum(rank in self.ranks[einsum.name] for rank in self.loops[:depth])

    def forks(self, einsum: Einsum, depth: int) -> tuple[int, ...]:
        """The loops above `einsum` at every place, down to `depth`, where its nest branches."""
        own = self.runs[einsum.name]
        return tuple(
            self.depth_in(einsum, place)
            for place in range(depth)
            if any(r[:place] == own[:place] and r[place] != own[place] for r in self.runs.values())
        )

    def tile_names(self) -> dict[str, str]:
        """The name of each rank's free tile size."""
        return {rank: f"{rank} tile" for rank in self.outer}

    def nest(self, holds: tuple[tuple[Hold, int], ...] = ()) -> Nest:
        """The loop nest, with every hold at its depth."""
        outer = tuple(For(rank) for rank in self.batch)
        return (*outer, *self._below(self.einsums, 0, holds))

    def _below(
        self, einsums: tuple[Einsum, ...], depth: int, holds: tuple[tuple[Hold, int], ...]
    ) -> tuple[Node, ...]:
        used = {tensor for einsum in einsums for tensor in einsum.tensors}
        here = tuple(
            replace(hold, tensors=tensors)
            for hold, at in holds
            if at == depth and (tensors := tuple(t for t in hold.tensors if t in used))
        )
        if depth == len(self.loops):
            return (*here, *_together(tuple(self._leaf(einsum) for einsum in einsums)))
        rank = self.loops[depth]
        branches = []
        for _, members in groupby(einsums, key=lambda e: self.runs[e.name][depth]):
            run = tuple(members)
            below = self._below(run, depth + 1, holds)
            branches.append((*self._loop(rank, depth, run[0]), *below))
        return (*here, *_together(tuple(branches)))

    def _loop(self, rank: str, depth: int, einsum: Einsum) -> tuple[Node, ...]:
        if rank not in self.ranks[einsum.name]:
            return ()
        if depth < len(self.outer):
            return (For(rank, self.tile_names()[rank]),)
        return (For(rank, self.step[rank]),)

    def _leaf(self, einsum: Einsum) -> Nest:
        place = self.places[einsum.name]
        return (*place.spreads, Compute(einsum.name, place.unit))


def _together(nests: tuple[Nest, ...]) -> Nest:
    return nests[0] if len(nests) == 1 else (Branches(nests),)
