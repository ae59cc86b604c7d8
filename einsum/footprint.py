"""Live footprints: the least number of elements of each tensor held from first to last use.

All Einsums stand in one order of loops, which `einsum.loop_order` chooses. The outermost are the
parallel ones, and the footprint is that of one iteration of those (what is reused across them is
fetched again). For a tensor, from the outermost of the other loops inwards:

- the loop over one of its ranks needs one element at a time, if the Einsum that writes it and all
  that read it share the loop (`einsum.nests`); more where neighbours are read together (`X[n - 1]`,
  `I[p + r]`). If one of them waits for a later loop, this rank and all that are left are held;
- the loop over its iterative rank holds the running value, or two where the old one is still read
  beside the new, with all ranks that are left, as the next iteration reads them;
- a loop over a rank that it does not have, but an Einsum that writes or reads it iterates, adds to
  it or reads it again and again: all ranks that are left are held;
- any other loop does not concern it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from einsum.errors import SpecError
from einsum.nests import Nests
from einsum.walks import Age, Index, Read, Step, Walks


@dataclass(frozen=True, slots=True)
class Footprint:
    """A number of elements: `count` times the sizes of `ranks`.

    >>> str(Footprint(("M0", "F"), 2))
    '2*M0*F'
    """

    ranks: tuple[str, ...] = ()
    count: int = 1

    def __str__(self) -> str:
        factors = [str(self.count)] if self.count > 1 or not self.ranks else []
        return "*".join((*factors, *self.ranks))

    def elements(self, sizes: Mapping[str, int]) -> int:
        """The number for given sizes, which `einsum.shapes.bind` gives for all ranks.

        Raises `SpecError` if a rank has none.
        """
        missing = [rank for rank in self.ranks if rank not in sizes]
        if missing:
            raise SpecError(
                f"no size for {', '.join(missing)}",
                rule=f"the footprint {self} needs the sizes of {', '.join(self.ranks)}",
            )
        return self.count * prod(sizes[rank] for rank in self.ranks)


@dataclass(frozen=True, slots=True)
class Extent:
    """A dimension of a tensor, or a partition's share of it, and the loops that walk it.

    `depth` elements are live while the loops walk it (and `window`, the sizes of the ranks that
    slide about its coordinate). `is_walked`: the loops can walk it, because all accesses index
    it alike and none is late; `late` are those that are.
    """

    rank: str
    loops: tuple[str, ...]
    is_walked: bool
    is_running: bool = False
    depth: int = 1
    window: tuple[str, ...] = ()
    late: tuple[Read, ...] = ()


@dataclass(frozen=True)
class Tenancy:
    """What loops make of one tensor."""

    walks: Walks
    tensor: str
    nests: Mapping[str, Nests]

    @cached_property
    def accessors(self) -> tuple[Step, ...]:
        producer = self.walks.producers.get(self.tensor)
        return (*((producer,) if producer else ()), *self.walks.consumers[self.tensor])

    @cached_property
    def stops(self) -> frozenset[str]:
        """The loops at which the tensor must be held."""
        reused = frozenset[str]().union(*(step.variables for step in self.accessors))
        walked = [extent for extent in self.extents if extent.is_walked and not extent.is_running]
        return reused.difference(*(extent.loops for extent in walked))

    def footprint(self, loops: Iterable[str], parallel: Collection[str]) -> Footprint:
        """What is held with `loops` in this order, inside the `parallel` ones."""
        passed: set[str] = set()
        for loop in loops:
            if loop in self.stops:
                return self._held(passed, loop, parallel)
            passed.add(loop)
        return self._held(passed, None, parallel)

    def _held(self, passed: set[str], stop: str | None, parallel: Collection[str]) -> Footprint:
        count, ranks = 1, list[str]()
        at = next((extent for extent in self.extents if stop in extent.loops), None)
        for extent in self.extents:
            if set(extent.loops) <= set(parallel):
                continue
            is_running = extent is at and extent.is_running
            if extent.is_walked and (is_running or not passed.isdisjoint(extent.loops)):
                count *= extent.depth
                ranks += extent.window
            elif stop is not None and not (at and self._is_last_only(extent, at)):
                ranks.append(extent.rank)
        return Footprint(self._joined(ranks), count)

    def _is_last_only(self, extent: Extent, at: Extent) -> bool:
        """Of a running value that waits in `at`, is only the last one of each coordinate read?"""
        late = [self.walks.age(read) for read in at.late]
        return extent.is_running and bool(late) and set(late) == {Age.FINAL}

    def _joined(self, ranks: list[str]) -> tuple[str, ...]:
        """`M` for all partitions of M."""
        for rank in self.walks.cascade.ranks:
            if rank.partitions and set(rank.partitions) <= set(ranks):
                ranks[ranks.index(rank.partitions[0])] = rank.name
                ranks = [name for name in ranks if name not in rank.partitions]
        return tuple(ranks)

    # Its dimensions.

    @cached_property
    def extents(self) -> tuple[Extent, ...]:
        ranks = self.walks.cascade.tensor(self.tensor).ranks
        return tuple(e for d, rank in enumerate(ranks) for e in self._extents(d, rank))

    def _extents(self, dimension: int, rank: str) -> tuple[Extent, ...]:
        indices = self._indices(dimension)
        positions = list(dict.fromkeys(index.position for index in indices))
        loops = tuple(dict.fromkeys(name for position in positions for name in position))
        leaves = self.walks.leaf_ranks(rank)
        recurrence = self.walks.recurrences.get(self.tensor)
        if recurrence is not None and recurrence.dimension == dimension:
            late = self._late(dimension, loops)
            depth = max(1, self._span(indices) - self._is_updated_in_place())
            return (Extent(rank, loops, len(positions) == 1 and not late, True, depth, (), late),)
        parts = [(rank, loops)]
        if len(positions) == 1 and len(leaves) == len(loops):
            parts = [(leaf, (name,)) for leaf, name in zip(leaves, loops, strict=True)]
        found = []
        for part, names in parts:
            late = self._late(dimension, names)
            is_inner = names == parts[-1][1]
            depth = self._span(indices) if is_inner else 1
            window = self._window(indices) if is_inner else ()
            walked = len(positions) == 1 and not late
            found.append(Extent(part, names, walked, False, depth, window, late))
        return tuple(found)

    def _indices(self, dimension: int) -> tuple[Index, ...]:
        """All ways in which the dimension is indexed, by a variable."""
        producer = self.walks.producers.get(self.tensor)
        accesses = [producer.write] if producer else []
        readers = self.walks.consumers[self.tensor]
        accesses += [read.indices for step in readers for read in step.reads_of(self.tensor)]
        indices = dict.fromkeys(indices[dimension] for indices in accesses)
        return tuple(index for index in indices if index.constant is None)

    def _late(self, dimension: int, loops: Collection[str]) -> tuple[Read, ...]:
        return tuple(
            read for name in loops for read in self.nests[name].late(self.tensor, dimension)
        )

    def _span(self, indices: Collection[Index]) -> int:
        """How many neighbours are live: 2 for `X[n]` and `X[n - 1]`."""
        shifts = [index.shift for index in indices] or [0]
        return max(shifts) - min(shifts) + 1

    def _window(self, indices: Collection[Index]) -> tuple[str, ...]:
        names = dict.fromkeys(name for index in indices for name in index.window)
        return tuple(self.walks.cascade.rank_of_variable[name] for name in names)

    def _is_updated_in_place(self) -> bool:
        """Is the old value dead when the new one is written over it?"""
        return not any(
            self._is_read_beside_new(step, read)
            for step in self.walks.consumers[self.tensor]
            for read in step.reads_of(self.tensor)
            if self.walks.age(read) is Age.OLD
        )

    def _is_read_beside_new(self, step: Step, read: Read) -> bool:
        """Is the old value, which `step` reads, needed once the new one is there?"""
        producer = self.walks.producers[self.tensor]
        if step is producer:
            return not self._is_aligned(read, producer)
        # Where both stand in a loop that reads the old value again, the two interleave.
        loops = step.variables - {name for index in read.indices for name in index.position}
        return self.walks.follows(step, self.tensor) or any(
            self.walks.follows(other, self.tensor)
            and self.walks.follows(other, step.tensor)
            and not loops.isdisjoint(other.variables)
            for other in self.walks.steps
        )

    def _is_aligned(self, read: Read, producer: Step) -> bool:
        pairs = zip(read.indices, producer.write, strict=True)
        return all(index.position == written.position for index, written in pairs)
