"""The fibers of a tensor that a cascade can traverse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from einsum.walks import Age, Walks


@dataclass(frozen=True, slots=True)
class Fiber:
    """A run of elements of `tensor` along `rank`, all other coordinates fixed.

    `rank` is innermost: a partition, or a rank without any. Along a partition the coordinates are
    its own and those of the partitions inside it that the tensor has; the variables of the
    partitions outside it are `fixed`. Along the outermost one it is the fiber of the declared
    rank, or of what the tensor has of it: `is_entire` tells which.

    `coordinates` holds the dimensions of the tensor that make up one coordinate; there is more
    than one such set if the rank stands twice. Of a tensor that is iterative along another rank
    there are two fibers, the one that an iteration reads (`age` is OLD) and the one it writes.
    """

    tensor: str
    rank: str
    coordinates: tuple[frozenset[int], ...]
    fixed: frozenset[str] = frozenset()
    is_entire: bool = True
    age: Age | None = None

    @property
    def dimensions(self) -> frozenset[int]:
        """All dimensions of the tensor along which the fiber runs."""
        return frozenset[int]().union(*self.coordinates)


def fibers(walks: Walks, tensor: str) -> Iterator[Fiber]:
    """Every fiber of `tensor`: one per rank and partition, outermost first, in its ranks' order."""
    ranks = walks.cascade.tensor(tensor).ranks
    for declared in dict.fromkeys(walks.cascade.declared(rank) for rank in ranks):
        leaves = walks.leaf_ranks(declared)
        holding = {
            leaf: [d for d, rank in enumerate(ranks) if leaf in walks.leaf_ranks(rank)]
            for leaf in leaves
        }
        present = [leaf for leaf in leaves if holding[leaf]]
        for place, leaf in enumerate(present):
            together = zip_longest(*(holding[inner] for inner in present[place:]))
            coordinates = tuple(frozenset(d for d in ds if d is not None) for ds in together)
            fixed = frozenset(outer.lower() for outer in present[:place])
            fiber = Fiber(tensor, leaf, coordinates, fixed, tuple(present) == leaves)
            for age in _ages(walks, fiber):
                yield Fiber(tensor, leaf, coordinates, fixed, fiber.is_entire, age)


def _ages(walks: Walks, fiber: Fiber) -> tuple[Age | None, ...]:
    recurrence = walks.recurrences.get(fiber.tensor)
    if recurrence is None or recurrence.dimension in fiber.dimensions:
        return (None,)
    return (Age.OLD, Age.NEW)
