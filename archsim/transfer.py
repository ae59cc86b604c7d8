"""One movement of data between a memory and what is below it, with all instances of both."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum
from typing import NamedTuple

from archsim.amounts import NOTHING, ONE, Array, amount, some, where
from archsim.architecture import Architecture
from archsim.nest import Held, Leaf
from archsim.tiles import Reach


class Direction(Enum):
    """Which way the elements of a `Transfer` go."""

    DOWN = "down"
    UP = "up"


class Transfer(NamedTuple):
    """Elements of a tensor that move between a memory and what is below it.

    `upper` is a memory, `lower` a memory or a unit. `elements` are the accesses of `upper`, all
    its instances together, `deliveries` those at `lower`: more where one element is sent to many
    instances, or where partial sums of many instances are added on their way up. `hops` counts
    how often an element goes from one PE of an array to the next one.
    """

    einsum: str
    group: int
    tensor: str
    upper: str
    lower: str
    direction: Direction
    elements: Array
    deliveries: Array
    hops: Array


class Way(NamedTuple):
    """How an access goes from `above`, a hold (None: the root memory), to `lower`, or back up.

    Sums over the variables `single` that come back go to one of the instances that make them.
    """

    architecture: Architecture
    leaf: Leaf
    reached: Reach
    above: Held | None
    lower: str
    direction: Direction
    single: frozenset[str] = frozenset()

    def transfers(self, elements: Array) -> Iterator[Transfer]:
        """The movement of `elements`; a part of it is the root's if `above` spilled a part.

        `elements` is counted at one instance of the memory above, or at all PEs together if it
        is a register file that each of them has.
        """
        if not some(elements > NOTHING):
            return
        root = self.architecture.root.name
        if self.above is None:
            yield from self._transfer(root, elements, private=False)
            return
        spilled, memory = self.above.hold.spilled, self.above.hold.memory
        private = is_private(self.architecture, self.above, self.leaf)
        private = private and self.lower == self.leaf.unit
        own = elements * (1.0 - spilled) if spilled else elements
        if not private:
            own = own * copies(
                self.leaf, self.reached, self.architecture.dims_between(root, memory)
            )
        yield from self._transfer(memory, own, private)
        if spilled:
            yield from self._transfer(root, elements * spilled, private)

    def _transfer(self, upper: str, moved: Array, private: bool) -> Iterator[Transfer]:
        if upper == self.lower or not some(moved > NOTHING):
            return
        fan = ONE
        if not private:
            between = self.architecture.dims_between(upper, self.lower)
            apart = between & self.architecture.unicast
            # Instances that access the same element each for itself, and that share one access.
            moved = moved * copies(self.leaf, self.reached, apart)
            fan = copies(self.leaf, self.reached, between - apart, self.single)
        yield Transfer(
            self.leaf.einsum.name,
            self.leaf.group,
            self.reached.tensor,
            upper,
            self.lower,
            self.direction,
            moved,
            moved * fan,
            moved * fan * self._distance(upper),
        )

    def _distance(self, upper: str) -> Array:
        """Hops of one delivery: none but between an array and a memory outside of it.

        A PE takes what it shares from its neighbour, and a sum goes on to the next PE. What only
        one PE of a 2D array gets or makes crosses half of its rows on the average.
        """
        array = self.architecture.array_of(self.lower)
        if array is None or array == self.architecture.array_of(upper):
            return NOTHING
        dims = self.architecture.array_dims(array)
        if len(dims) < 2:
            return ONE
        rows = ONE
        for step in self.leaf.spatial:
            if step.dim == dims[0]:
                rows = rows * step.trips
        alone = copies(self.leaf, self.reached, dims) == ONE
        return where(alone, (rows + ONE) / amount(2.0), ONE)


def copies(
    leaf: Leaf, reached: Reach, dims: Collection[str], single: frozenset[str] = frozenset()
) -> Array:
    """Over how many instances along `dims` the same elements are spread, but for `single`."""
    total = ONE
    if not dims:
        return total
    for step in leaf.spatial:
        if step.dim in dims and not (step.variable in reached.variables or step.variable in single):
            total = total * step.trips
    return total


def is_private(architecture: Architecture, held: Held | None, leaf: Leaf) -> bool:
    """Does a hold keep its tensors in the register files of the PEs that compute `leaf`?"""
    return held is not None and architecture.array_of(held.hold.memory) == leaf.unit
