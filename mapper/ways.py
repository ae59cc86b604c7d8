"""The ways to hold one tensor in a structure: in which memories, at which loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from archsim.architecture import Architecture, Memory
from archsim.constraints import Constraints
from archsim.nest import Leaf
from archsim.tiles import Reaches
from einsum.cascade import Cascade, Role
from mapper.structure import Structure

Depths: TypeAlias = tuple[tuple[str, int], ...]
"""The memories that hold a tensor and the loops above it there, outermost first."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What the grammar of `mapper/space.py` allows for the holds of a structure."""

    structure: Structure
    leaves: tuple[Leaf, ...]
    cascade: Cascade
    architecture: Architecture
    reaches: Reaches
    constraints: Constraints

    def of(self, tensor: str) -> Iterator[Depths]:
        """Every way to hold `tensor`, not holding it on chip at all included."""
        return (depths for depths in self._all(tensor) if self._allowed(tensor, depths))

    def users(self, tensor: str) -> tuple[Leaf, ...]:
        """The Einsums of the group that read or write `tensor`."""
        return tuple(leaf for leaf in self.leaves if tensor in leaf.tensors)

    def stays(self, tensor: str) -> bool:
        """Would the tensor never leave a hold, because all that use it are in the group?"""
        here = {leaf.einsum.name for leaf in self.leaves}
        return self.cascade.tensor(tensor).role is Role.INTERMEDIATE and all(
            einsum.name in here for einsum in self.cascade.steps if tensor in einsum.tensors
        )

    def _all(self, tensor: str) -> Iterator[Depths]:
        deepest = self.structure.shared_depth(tensor)
        depths = self._depths(tensor, deepest)
        memories = tuple(memory.name for memory in self._buffers(tensor))
        for buffers in _nested(memories, depths):
            yield buffers
            if deepest >= len(self.structure.outer):
                for memory in self._registers(tensor, bool(buffers)):
                    yield (*buffers, (memory.name, deepest))

    def _allowed(self, tensor: str, depths: Depths) -> bool:
        """Do all Einsums find `tensor` where they have to, and nowhere else?"""
        if not self.constraints.keeping:
            return True
        held = {memory for memory, _ in depths}
        if not depths or not self.stays(tensor):
            held.add(self.architecture.root.name)
        for leaf in self.users(tensor):
            outside = False
            for memory in self.architecture.path(leaf.unit):
                keeping = self.constraints.keeping.get((leaf.einsum.name, memory.name))
                there = memory.name in held
                if keeping and there and tensor not in keeping.may:
                    return False
                if keeping and not there and tensor in keeping.must:
                    return False
                if keeping and not there and tensor in keeping.backs and not outside:
                    return False
                outside |= there
        return True

    def _depths(self, tensor: str, deepest: int) -> tuple[int, ...]:
        """The depths that are worth a hold.

        Right below a loop over a rank that the tensor does not have, it would hold the same tile
        as right above the loop, and fetch it again in every turn.
        """
        users = self.users(tensor)
        ranks = {
            name
            for leaf in users
            for reached in self.reaches.used(tensor, leaf.einsum)
            for name in reached.variables
        }
        some = users[0].einsum
        loops = self.structure.loops
        return tuple(
            depth
            for depth in range(deepest + 1)
            if depth == 0
            or loops[depth - 1] in ranks
            or self.structure.depth_in(some, depth - 1) in self.structure.forks(some, depth)
        )

    def _buffers(self, tensor: str) -> tuple[Memory, ...]:
        """The shared memories below the root that all users of `tensor` reach."""
        paths = [self.architecture.path(leaf.unit) for leaf in self.users(tensor)]
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
        users = self.users(tensor)
        apart = {leaf.unit for leaf in users if not buffered and _sums_across(leaf, tensor)}
        units = {leaf.unit for leaf in users} - apart
        return tuple(
            memory
            for memory in self.architecture.memories
            if memory.per_unit in units and memory.holds(tensor)
        )


def _nested(memories: tuple[str, ...], depths: tuple[int, ...]) -> Iterator[Depths]:
    """Depths for `memories`, outermost first: each is skipped, or not above the one before."""
    if not memories:
        yield ()
        return
    first, *inner = memories
    yield from _nested(tuple(inner), depths)
    for number, depth in enumerate(depths):
        for rest in _nested(tuple(inner), depths[number:]):
            yield ((first, depth), *rest)


def _sums_across(leaf: Leaf, tensor: str) -> bool:
    """Does the Einsum add up `tensor` over several PEs?"""
    reduced = leaf.einsum.reduced_variables if leaf.einsum.tensor == tensor else ()
    return any(step.dim and step.variable in reduced for step in leaf.steps)
