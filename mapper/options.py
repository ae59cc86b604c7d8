"""The ways to hold one tensor in a structure, and what each of them costs.

Amounts come from the same closed form as an evaluation (`archsim.traffic`), for one tensor at a
time: traffic, energy and occupancy of different tensors add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from archsim.activity import Activity
from archsim.architecture import Architecture, Memory
from archsim.closed_form import moved_bytes
from archsim.energy import Pricing
from archsim.mapping import Hold
from archsim.nest import Array, Extents, Held, Leaf
from archsim.occupancy import occupied_bytes
from archsim.tiles import Reaches
from archsim.traffic import transfers
from einsum.cascade import Einsum
from einsum.shapes import Shapes
from mapper.selection import Option
from mapper.structure import Structure


@dataclass(frozen=True)
class Holding:
    """A structure walked for an array of candidate tile sizes, without any holds yet."""

    structure: Structure
    leaves: tuple[Leaf, ...]
    tiles: Mapping[str, Array]
    shapes: Shapes
    architecture: Architecture
    pricing: Pricing
    activity: Activity
    reaches: Reaches

    def options(self, tensor: str) -> tuple[Option, ...]:
        """Every way to hold `tensor`, not holding it on chip at all included."""
        return tuple(self._option(tensor, holds) for holds in self._ways(tensor))

    def _ways(self, tensor: str) -> Iterator[tuple[tuple[Hold, int], ...]]:
        deepest = self.structure.shared_depth(tensor)
        depths = self._depths(tensor, deepest)
        for buffers in self._nested(tensor, self._buffers(tensor), depths):
            yield buffers
            if deepest >= len(self.structure.outer):
                for memory in self._registers(tensor, bool(buffers)):
                    yield (*buffers, (Hold((tensor,), memory.name), deepest))

    def _depths(self, tensor: str, deepest: int) -> tuple[int, ...]:
        """The depths that are worth a hold.

        Right below a loop over a rank that the tensor does not have, it would hold the same tile
        as right above the loop, and fetch it again in every turn.
        """
        users = {leaf.einsum.name: leaf for leaf in self._users(tensor)}
        ranks = {
            name
            for leaf in users.values()
            for reached in self.reaches.used(tensor, leaf.einsum)
            for name in reached.variables
        }
        some = next(iter(users.values())).einsum
        loops = self.structure.loops
        return tuple(
            depth
            for depth in range(deepest + 1)
            if depth == 0
            or loops[depth - 1] in ranks
            or self.structure.depth_in(some, depth - 1) in self.structure.forks(some, depth)
        )

    def _nested(
        self, tensor: str, memories: tuple[Memory, ...], depths: tuple[int, ...]
    ) -> Iterator[tuple[tuple[Hold, int], ...]]:
        """Depths for `memories`, outermost first: each is skipped, or not above the one before."""
        if not memories:
            yield ()
            return
        first, *inner = memories
        yield from self._nested(tensor, tuple(inner), depths)
        for number, depth in enumerate(depths):
            for rest in self._nested(tensor, tuple(inner), depths[number:]):
                yield ((Hold((tensor,), first.name), depth), *rest)

    def _users(self, tensor: str) -> tuple[Leaf, ...]:
        return tuple(leaf for leaf in self.leaves if tensor in leaf.tensors)

    def _buffers(self, tensor: str) -> tuple[Memory, ...]:
        """The shared memories below the root that all users of `tensor` reach."""
        paths = [self.architecture.path(leaf.unit) for leaf in self._users(tensor)]
        return tuple(
            memory
            for memory in paths[0]
            if memory.parent is not None
            and memory.per_unit is None
            and memory.holds(tensor)
            and all(memory in path for path in paths)
        )

    def _registers(self, tensor: str, buffered: bool) -> tuple[Memory, ...]:
        """The register files of the units that use `tensor`.

        Sums that are spread over PEs meet in a memory that they share: without a buffer, the
        register files of those PEs will not do.
        """
        users = self._users(tensor)
        apart = {leaf.unit for leaf in users if not buffered and _sums_across(leaf, tensor)}
        units = {leaf.unit for leaf in users} - apart
        return tuple(
            memory
            for memory in self.architecture.memories
            if memory.per_unit in units and memory.holds(tensor)
        )

    def _option(self, tensor: str, holds: tuple[tuple[Hold, int], ...]) -> Option:
        leaves = tuple(
            replace(leaf, holds=self._held(leaf, holds)) if tensor in leaf.tensors else leaf
            for leaf in self.leaves
        )
        cascade = self.shapes.cascade
        moved = transfers(leaves, self.reaches, self.architecture, self.activity, (tensor,))
        spent = self.pricing.terms(moved)
        total = sum((term.energy_pj for term in spent), start=np.asarray(0.0))
        sizes = occupied_bytes(leaves, self.reaches, self.architecture)
        user = self._users(tensor)[0].einsum.name
        return Option(
            holds,
            moved_bytes(moved, cascade, self.architecture),
            total,
            {hold.memory: self._under(user, depth) * sizes[hold.memory] for hold, depth in holds},
        )

    def _under(self, user: str, depth: int) -> Array:
        """A row for each Einsum: 1 if it is under what is held at `depth` above `user`."""
        runs = self.structure.runs
        return np.asarray(
            [[float(runs[leaf.einsum.name][:depth] == runs[user][:depth])] for leaf in self.leaves]
        )

    def _held(self, leaf: Leaf, holds: tuple[tuple[Hold, int], ...]) -> tuple[Held, ...]:
        return tuple(
            Held(
                hold,
                (leaf.group, number),
                self.structure.depth_in(leaf.einsum, depth),
                self._extents(leaf.einsum, depth),
                self.structure.forks(leaf.einsum, depth),
            )
            for number, (hold, depth) in enumerate(holds)
        )

    def _extents(self, einsum: Einsum, depth: int) -> Extents:
        """What is left of every rank below `depth` loops above `einsum`."""
        structure = self.structure
        found = {
            variable: np.asarray(float(self.shapes.sizes[rank]))
            for variable, rank in self.shapes.cascade.rank_of_variable.items()
        }
        found.update((rank, np.asarray(1.0)) for rank in structure.batch)
        for number, rank in enumerate(structure.loops[:depth]):
            if rank in structure.ranks[einsum.name]:
                inner = number >= len(structure.outer)
                tile = (
                    np.asarray(float(structure.step[rank]))
                    if inner
                    else self.tiles[structure.tile_names()[rank]]
                )
                found[rank] = np.minimum(tile, found[rank])
        return found


def _sums_across(leaf: Leaf, tensor: str) -> bool:
    """Does the Einsum add up `tensor` over several PEs?"""
    reduced = leaf.einsum.reduced_variables if leaf.einsum.tensor == tensor else ()
    return any(step.dim and step.variable in reduced for step in leaf.steps)
