"""Walking a loop nest: how far every loop steps, and what is left to cover at each point.

All amounts may be arrays, so that one walk analyses many candidate tile sizes at once
(`archsim.amounts`). Nothing grows with the sizes of the ranks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np

from archsim.amounts import ONE, Array, amount, highest, minimum, some
from archsim.architecture import Architecture
from archsim.kept import kept
from archsim.mapping import Branches, Compute, For, Hold, Nest, Spread, nodes
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError, choices

Extents: TypeAlias = Mapping[str, Array]


class Step(NamedTuple):
    """A loop in the walk: its variable, its trip count and, if spatial, its dimension.

    A loop whose steps are `dealt` over a dimension, with `instances` along it, is one in time.
    """

    variable: str
    trips: Array
    dim: str = ""
    dealt: str = ""
    instances: int = 1

    @property
    def turns(self) -> bool:
        """Does it run more than once, for some candidate?"""
        return some(self.trips > ONE)


class Held(NamedTuple):
    """A `Hold` met on the way: `position` identifies it, `depth` loops stand above it.

    `forks` are the depths above it at which the nest branches and another branch holds tensors
    in the same memory: what the hold keeps is then lost when its own branch ends.
    """

    hold: Hold
    position: tuple[int, ...]
    depth: int
    extents: Extents
    forks: tuple[int, ...]


@dataclass(frozen=True)
class Leaf:
    """An Einsum on a unit, with everything above it, outermost first.

    What the nest leaves of an iteration space is walked by the unit as innermost temporal
    loops in the order of the Einsum's variables: `steps` includes them, so it covers all.
    `array_extents` is what is left where the first spatial loop begins: the tile that the
    unit works on as a whole; `full` are the whole sizes. `forks` are
    the depths at which the nest branches and another branch computes on the same unit.
    """

    einsum: Einsum
    unit: str
    group: int
    steps: tuple[Step, ...]
    holds: tuple[Held, ...]
    array_extents: Extents
    full: Extents
    forks: tuple[int, ...]

    @property
    def tensors(self) -> tuple[str, ...]:
        """The tensors that the Einsum reads, and the one that it writes."""
        return self.einsum.tensors

    def reads(self, tensor: str) -> bool:
        return tensor in self.einsum.read

    def is_under(self, held: Held) -> bool:
        return held.position in self._positions

    @cached_property
    def _positions(self) -> frozenset[tuple[int, ...]]:
        return frozenset(held.position for held in self.holds)

    def hold_of(self, tensor: str) -> tuple[Held, ...]:
        """The holds of `tensor` above this Einsum, outermost first."""
        return self._chains.get(tensor, ())

    @cached_property
    def _chains(self) -> dict[str, tuple[Held, ...]]:
        found: dict[str, tuple[Held, ...]] = {}
        for held in self.holds:
            for tensor in {*held.hold.tensors}:
                found[tensor] = (*found.get(tensor, ()), held)
        return found

    @cached_property
    def spatial(self) -> tuple[Step, ...]:
        """The loops over instances."""
        return tuple(step for step in self.steps if step.dim)

    @cached_property
    def turning(self) -> tuple[tuple[int, str, Array], ...]:
        """The temporal loops but those known to run once, from the innermost.

        By the loops above each, its variable and its trips.
        """
        found = [
            (index, step.variable, step.trips)
            for index, step in enumerate(self.steps)
            if not step.dim and not (isinstance(step.trips, float) and step.trips == ONE)
        ]
        return tuple(reversed(found))

    @cached_property
    def cycles_per_point(self) -> Array:
        """Temporal trips of the whole nest: steps that the unit takes for one operation."""
        total = ONE
        for step in self.steps:
            if not step.dim and not step.dealt:
                total = total * step.trips
        return total * self.waves if self.dealt else total

    @cached_property
    def dealt(self) -> tuple[Step, ...]:
        """The loops whose steps are tasks."""
        return tuple(step for step in self.steps if step.dealt)

    @property
    def task_depth(self) -> int:
        """How many loops stand above one task."""
        if not self.dealt:
            return 0
        return max(i + 1 for i, step in enumerate(self.steps) if step.dealt)

    @cached_property
    def tasks(self) -> Array:
        """All steps of the dealt loops."""
        total = ONE
        for step in self.dealt:
            total = total * step.trips
        return total

    @cached_property
    def waves(self) -> Array:
        """How many tasks the instance with most of them does."""
        instances = max((step.instances for step in self.dealt), default=1)
        return np.ceil(self.tasks / instances)

    @property
    def idle_factor(self) -> Array:
        """How much longer the tasks take than if they could be divided evenly."""
        instances = max((step.instances for step in self.dealt), default=1)
        return self.waves * instances / self.tasks

    @cached_property
    def points(self) -> Array:
        """Points that are computed, also again; the last tile ends where its rank does."""
        total = ONE
        for name in self.einsum.variables:
            total = total * self.full[name]
        for step in self.steps:
            if step.variable not in self.einsum.variables:
                total = total * step.trips
        return total


def shared_steps(one: Leaf, other: Leaf) -> int:
    """How many loops, from the outermost, two Einsums run under together."""
    depth = 0
    for own, its in zip(one.steps, other.steps, strict=False):
        if own is not its:
            break
        depth += 1
    return depth


class _State(NamedTuple):
    extents: Extents
    steps: tuple[Step, ...]
    holds: tuple[Held, ...]
    free: Mapping[str, Array]
    array_extents: Extents | None
    full: Extents
    forks: tuple[tuple[int, frozenset[str]], ...] = ()

    def forks_of(self, user: str) -> tuple[int, ...]:
        """Where the nest branched, if another branch uses the memory or unit `user`."""
        return tuple(depth for depth, others in self.forks if user in others)


def walk(
    nest: Nest,
    cascade: Cascade,
    architecture: Architecture,
    sizes: Mapping[str, int],
    tiles: Mapping[str, Array],
    group: int = 0,
) -> tuple[Leaf, ...]:
    """Every Einsum of `nest` with its loops and holds.

    `sizes` gives the size of every rank and partition, `tiles` the free tile sizes (arrays of
    one shape). Raises `SpecError` for names that the cascade or the architecture lack.
    """
    extents = _whole(cascade, sizes)
    state = _State(extents, (), (), {}, None, extents)
    return tuple(_descend(nest, (group,), state, cascade, architecture, tiles, group))


@kept
def _whole(cascade: Cascade, sizes: Mapping[str, int]) -> Extents:
    return {variable: amount(sizes[rank]) for variable, rank in cascade.rank_of_variable.items()}


def _descend(
    nest: Nest,
    position: tuple[int, ...],
    state: _State,
    cascade: Cascade,
    architecture: Architecture,
    tiles: Mapping[str, Array],
    group: int,
) -> Iterator[Leaf]:
    for index, node in enumerate(nest):
        match node:
            case For():
                state = _enter_loop(node, state, tiles, architecture)
            case Spread():
                state = _enter_spread(node, state, architecture)
            case Hold():
                if (hold := _not_yet_held(node, state)).tensors:
                    place, forks = (*position, index), state.forks_of(hold.memory)
                    held = Held(hold, place, len(state.steps), state.extents, forks)
                    state = state._replace(holds=(*state.holds, held))
            case Compute():
                yield _leaf(node, state, cascade, group)
            case Branches(nests):
                used = [_used(branch) for branch in nests]
                for number, branch in enumerate(nests):
                    others = frozenset().union(*(u for n, u in enumerate(used) if n != number))
                    yield from _descend(
                        branch,
                        (*position, index, number),
                        state._replace(forks=(*state.forks, (len(state.steps), others))),
                        cascade,
                        architecture,
                        tiles,
                        group,
                    )


def _used(nest: Nest) -> frozenset[str]:
    """The memories in which a nest holds tensors, and the units that compute in it."""
    holds = {node.memory for node in nodes(nest) if isinstance(node, Hold)}
    return frozenset(holds | {node.unit for node in nodes(nest) if isinstance(node, Compute)})


def _not_yet_held(hold: Hold, state: _State) -> Hold:
    """`hold` without the tensors that lie in its memory already, as a part of a larger tile."""
    there = {
        tensor
        for outer in state.holds
        if outer.hold.memory == hold.memory and not outer.hold.spilled
        for tensor in outer.hold.tensors
    }
    if there.isdisjoint(hold.tensors):
        return hold
    return replace(hold, tensors=tuple(name for name in hold.tensors if name not in there))


def _extent(state: _State, variable: str) -> Array:
    if variable not in state.extents:
        raise SpecError(
            f"the mapping loops over {variable}, which the cascade does not have",
            rule=choices(variable, state.extents),
        )
    return state.extents[variable]


def _enter_loop(
    loop: For, state: _State, tiles: Mapping[str, Array], architecture: Architecture
) -> _State:
    extent = _extent(state, loop.variable)
    if isinstance(loop.tile, str):
        if loop.tile not in tiles:
            raise SpecError(f"tile size {loop.tile} of {loop.variable} has no value")
        tile = minimum(tiles[loop.tile], extent)
    else:
        tile = minimum(amount(loop.tile), extent)
    instances = architecture.dim_size(loop.dealt) if loop.dealt else 1
    step = Step(loop.variable, np.ceil(extent / tile), "", loop.dealt, instances)
    return _State(
        {**state.extents, loop.variable: tile},
        (*state.steps, step),
        state.holds,
        state.free,
        state.array_extents,
        state.full,
        state.forks,
    )


def _enter_spread(spread: Spread, state: _State, architecture: Architecture) -> _State:
    extent = _extent(state, spread.variable)
    free = state.free.get(spread.dim, amount(architecture.dim_size(spread.dim)))
    if spread.count > free:
        raise SpecError(
            f"{spread.variable} is spread {spread.count} wide over {spread.dim}, "
            f"which has {free:g} left",
            rule="the counts along one dimension multiply to at most its size",
        )
    count = minimum(extent, amount(spread.count) if spread.count else free)
    taken = amount(spread.count) if spread.count else highest(count)
    return _State(
        {**state.extents, spread.variable: np.ceil(extent / count)},
        (*state.steps, Step(spread.variable, count, spread.dim)),
        state.holds,
        {**state.free, spread.dim: free // taken},
        state.extents if state.array_extents is None else state.array_extents,
        state.full,
        state.forks,
    )


def _leaf(node: Compute, state: _State, cascade: Cascade, group: int) -> Leaf:
    producer = cascade.producer(node.einsum)
    if producer is None:
        raise SpecError(
            f"the mapping computes {node.einsum}, which is no Einsum of {cascade.name}",
            rule=choices(node.einsum, [einsum.name for einsum in cascade.steps]),
        )
    rest = tuple(Step(name, state.extents[name]) for name in producer.variables)
    return Leaf(
        producer,
        node.unit,
        group,
        state.steps + rest,
        state.holds,
        state.extents if state.array_extents is None else state.array_extents,
        state.full,
        state.forks_of(node.unit),
    )
