"""Traffic of a mapping, in closed form.

For a tensor T and a place in the nest, T's elements pass that place once for every full
coverage of T: each loop above it whose variable T does not have repeats the coverage, unless
every loop between it and the place leaves T's tile as it is (the tile is then still there).
This is the reuse rule of Timeloop (Parashar et al., ISPASS 2019, section VI), extended to loop
trees: a tensor that is written and read under one hold lives there and never goes further up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from archsim.activity import Activity
from archsim.architecture import Architecture
from archsim.nest import ONE, Array, Held, Leaf
from archsim.tiles import Reach, coverage, reach
from einsum.cascade import Cascade, Role
from einsum.expression import Access


class Direction(Enum):
    """Which way the elements of a `Transfer` go."""

    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Elements of a tensor that move between a memory and what is below it.

    `upper` is a memory, `lower` a memory or a unit. `elements` are the accesses of `upper`,
    `deliveries` those at `lower`: more where one element is sent to many instances, or where
    partial sums of many instances are added on their way up.
    """

    einsum: str
    group: int
    tensor: str
    upper: str
    lower: str
    direction: Direction
    elements: Array
    deliveries: Array


def transfers(
    leaves: tuple[Leaf, ...], cascade: Cascade, architecture: Architecture, activity: Activity
) -> tuple[Transfer, ...]:
    """All movements of data that the mapping behind `leaves` causes."""
    return tuple(_Flow(leaves, cascade, architecture, activity).all())


def home(tensor: str, leaves: tuple[Leaf, ...], cascade: Cascade) -> Held | None:
    """The hold in which an intermediate lives: the outermost that all its users share.

    None if it lives in the root memory, as inputs and outputs of the cascade do.
    """
    if cascade.tensor(tensor).role is not Role.INTERMEDIATE:
        return None
    chains = [leaf.hold_of(tensor) for leaf in leaves if tensor in leaf.tensors]
    users = [e for e in cascade.steps if tensor in (e.tensor, *(a.tensor for a in e.inputs))]
    if len(chains) < len(users) or not all(chains):
        return None
    outermost = chains[0][0]
    return outermost if all(c[0].position == outermost.position for c in chains) else None


@dataclass(frozen=True, slots=True)
class _Place:
    """A place on the way to an Einsum, seen by one tensor: `depth` loops stand above it."""

    leaf: Leaf
    depth: int
    reached: Reach
    lives_at: int  # loops above the place where the tensor comes into being

    @property
    def repeats(self) -> Array:
        """How many times all of the tensor passes here."""
        total, changed = ONE, np.asarray(False)
        for index in range(self.depth - 1, -1, -1):
            step = self.leaf.steps[index]
            if step.dim:
                continue
            if step.variable in self.reached.variables:
                changed = changed | (step.trips > 1)
            elif index < self.lives_at:
                total = total * step.trips
            else:
                total = total * np.where(changed, step.trips, 1.0)
        return total

    @property
    def stepped(self) -> frozenset[str]:
        """The variables that the accesses step through: the tensor's own and the repeating."""
        found, changed = set(self.reached.variables), False
        for index in range(self.depth - 1, -1, -1):
            step = self.leaf.steps[index]
            many = bool(np.any(step.trips > 1))
            if step.variable in self.reached.variables:
                changed = changed or many
            elif not step.dim and (changed or index < self.lives_at) and many:
                found.add(step.variable)
        return frozenset(found)

    def first(self, reduced: frozenset[str]) -> Array:
        """Of the repeats, those that start a new sum: not caused by reduced variables."""
        total = ONE
        for step in self.leaf.steps[: self.depth]:
            if not step.dim and step.variable not in self.reached.variables | reduced:
                total = total * step.trips
        return np.minimum(total, self.repeats)

    def fan(self, start: int) -> Array:
        """Instances that share one element between `start` and here."""
        total = ONE
        for step in self.leaf.steps[start : self.depth]:
            if step.dim and step.variable not in self.reached.variables:
                total = total * step.trips
        return total


@dataclass(frozen=True, slots=True)
class _Flow:
    leaves: tuple[Leaf, ...]
    cascade: Cascade
    architecture: Architecture
    activity: Activity

    def all(self) -> Iterator[Transfer]:
        homes = {t.name: home(t.name, self.leaves, self.cascade) for t in self.cascade.tensors}
        done: set[tuple[tuple[int, ...], str]] = set()
        for leaf in self.leaves:
            for tensor in leaf.tensors:
                chain = leaf.hold_of(tensor)
                for above, held in zip((None, *chain), chain, strict=False):
                    if (held.position, tensor) not in done:
                        done.add((held.position, tensor))
                        yield from self._refill(tensor, held, above, leaf, homes[tensor])
                yield from self._operands(tensor, leaf, chain[-1] if chain else None, homes[tensor])

    def _refill(
        self, tensor: str, held: Held, above: Held | None, leaf: Leaf, lives: Held | None
    ) -> Iterator[Transfer]:
        """What moves between a hold and the place above it."""
        if lives is not None and lives.position == held.position:
            return
        below = [x for x in self.leaves if any(h.position == held.position for h in x.holds)]
        outside = [x for x in self.leaves if all(h.position != held.position for h in x.holds)]
        written = any(x.einsum.tensor == tensor for x in below)
        read = any(a.tensor == tensor for x in below for a in x.einsum.inputs)
        wanted = self.cascade.tensor(tensor).role is Role.OUTPUT or any(
            a.tensor == tensor for x in outside for a in x.einsum.inputs
        )
        carried = bool(self.cascade.iterative_variables(tensor))
        place = _Place(
            leaf,
            held.depth,
            reach(tensor, leaf.einsum, self.cascade),
            lives.depth if lives else 0,
        )
        once = coverage(place.reached, leaf.steps[: held.depth], held.extents, leaf.full)
        once = once * self.activity.moved(leaf.einsum, held.extents, place.stepped)
        once = once * (1.0 - held.hold.spilled)
        fan = place.fan(above.depth if above else 0)
        upper = above.hold.memory if above else self.architecture.root.name
        base = Transfer(
            leaf.einsum.name, leaf.group, tensor, upper, held.hold.memory, Direction.DOWN, ONE, ONE
        )
        if read and (not written or carried):
            down = once * place.repeats
            yield from self._split(replace(base, elements=down, deliveries=down * fan), above)
        elif written:
            reduced = frozenset(
                name
                for x in below
                if x.einsum.tensor == tensor
                for name in x.einsum.reduced_variables
            )
            down = once * (place.repeats - place.first(reduced))
            if np.any(down > 0):
                yield from self._split(replace(base, elements=down, deliveries=down * fan), above)
        if written and (wanted or carried or bool(np.any(place.repeats > 1))):
            up = once * place.repeats
            yield from self._split(
                replace(base, direction=Direction.UP, elements=up, deliveries=up * fan), above
            )

    def _operands(
        self, tensor: str, leaf: Leaf, held: Held | None, lives: Held | None
    ) -> Iterator[Transfer]:
        """What the unit itself reads and writes, at the innermost place that has the tensor."""
        for access in leaf.einsum.inputs:
            if access.tensor == tensor:
                yield from self._split(self._operand(access, leaf, held, lives), held)
        if leaf.einsum.tensor != tensor:
            return
        result = self._operand(leaf.einsum.output, leaf, held, lives)
        yield from self._split(replace(result, direction=Direction.UP), held)
        again = self._sums_read_again(result, leaf, held, lives)
        if np.any(again > 0):
            fan = np.divide(result.deliveries, result.elements)
            yield from self._split(replace(result, elements=again, deliveries=again * fan), held)

    def _operand(
        self, access: Access, leaf: Leaf, held: Held | None, lives: Held | None
    ) -> Transfer:
        memory = held.hold.memory if held else self.architecture.root.name
        base = Transfer(
            leaf.einsum.name, leaf.group, access.tensor, memory, leaf.unit, Direction.DOWN, ONE, ONE
        )
        if self._is_private(memory, leaf):
            # A register file next to the PE is accessed once for every point.
            points = leaf.points * self.activity.executed(leaf)
            return replace(base, elements=points, deliveries=points)
        place = self._operand_place(access, leaf, lives)
        values = coverage(place.reached, leaf.steps, {}, leaf.full) * place.repeats
        values = values * self.activity.moved(leaf.einsum, leaf.array_extents, place.stepped)
        fan = place.fan(held.depth if held else 0)
        return replace(base, elements=values, deliveries=values * fan)

    def _sums_read_again(
        self, result: Transfer, leaf: Leaf, held: Held | None, lives: Held | None
    ) -> Array:
        """Partial sums that come back to be added to: all but the first of each result."""
        if not leaf.einsum.reductions:
            return ONE * 0.0
        place = self._operand_place(leaf.einsum.output, leaf, lives)
        once = coverage(place.reached, leaf.steps, {}, leaf.full)
        if self._is_private(result.upper, leaf):
            return np.maximum(result.elements - once * place.repeats, 0.0)
        share = result.elements / (once * place.repeats)
        reduced = frozenset(leaf.einsum.reduced_variables)
        return once * share * (place.repeats - place.first(reduced))

    def _operand_place(self, access: Access, leaf: Leaf, lives: Held | None) -> _Place:
        reached = reach(access.tensor, leaf.einsum, self.cascade, access)
        return _Place(leaf, len(leaf.steps), reached, lives.depth if lives else 0)

    def _is_private(self, memory: str, leaf: Leaf) -> bool:
        return self.architecture.memory(memory).per_unit == leaf.unit

    def _split(self, transfer: Transfer, held: Held | None) -> Iterator[Transfer]:
        """A transfer from `held`, or in part from the root memory if a part was spilled."""
        spilled = held.hold.spilled if held else 0.0
        root = self.architecture.root.name
        for upper, share in ((transfer.upper, 1.0 - spilled), (root, spilled)):
            if share > 0.0:
                yield replace(
                    transfer,
                    upper=upper,
                    elements=transfer.elements * share,
                    deliveries=transfer.deliveries * share,
                )
