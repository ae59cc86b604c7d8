"""The loop order in which a cascade holds the fewest elements.

Loops over the ranks that every Einsum has in its output, and in which no iteration reads what
another one computes, are *parallel*: they are outermost, and a footprint is what one of their
iterations holds (an input that they share is fetched again). Of all orders of the other declared
ranks, each with its partitions in their order, the one with the least total footprint is taken,
where those that take several passes or carry a recurrence stay outside the others: they cut the
cascade into loop nests that run one after another. A rank of which the cascade gives no size
counts as very long; ties go to the rank that more Einsums iterate, then to the one declared first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from einsum.footprint import Footprint, Tenancy
from einsum.nests import Nests
from einsum.traversal import Traversals
from einsum.walks import Walks

_LONG = 1 << 20


@dataclass(frozen=True)
class LoopOrder:
    """The loop order of a cascade and what it makes of every tensor."""

    walks: Walks
    traversals: tuple[Traversals, ...]

    @cached_property
    def tenancies(self) -> tuple[Tenancy, ...]:
        tensors = self.walks.cascade.tensors
        return tuple(Tenancy(self.walks, tensor.name, self.nests) for tensor in tensors)

    @cached_property
    def nests(self) -> dict[str, Nests]:
        """By variable, the loops over it."""
        return {
            variable: Nests(self.walks, variable, frozenset(group[:place]))
            for group in self._groups
            for place, variable in enumerate(group)
        }

    @cached_property
    def footprints(self) -> dict[str, Footprint]:
        inner = [name for group in self.order for name in group]
        return {
            tenancy.tensor: tenancy.footprint(inner, self.parallel) for tenancy in self.tenancies
        }

    @cached_property
    def parallel(self) -> tuple[str, ...]:
        """The variables of the parallel loops."""
        shared = frozenset.intersection(*(step.kept for step in self.walks.producers.values()))
        shared -= self._crossed
        return tuple(name for group in self._groups for name in group if name in shared)

    @cached_property
    def _crossed(self) -> frozenset[str]:
        """The variables of loops in which an iteration reads what another one has computed."""
        pairs = (
            (written, index)
            for tensor, producer in self.walks.producers.items()
            for step in self.walks.consumers[tensor]
            for read in step.reads_of(tensor)
            for written, index in zip(producer.write, read.indices, strict=True)
        )
        return frozenset(
            n for written, index in pairs if index != written for n in written.position
        )

    @cached_property
    def order(self) -> tuple[tuple[str, ...], ...]:
        """The variables of the other loops, outermost first, those of one declared rank together.

        A shortest path over the sets of ranks placed so far: how much a rank adds as the next
        loop depends only on which ranks are outside it.
        """
        groups = [tuple(n for n in group if n not in self.parallel) for group in self._groups]
        groups = sorted(filter(None, groups), key=lambda group: -self._sharing(group))
        best: dict[frozenset[str], tuple[int, tuple[int, ...]]] = {frozenset(): (0, ())}
        for _ in groups:
            longer: dict[frozenset[str], tuple[int, tuple[int, ...]]] = {}
            for placed, (held, path) in best.items():
                left = [number for number in range(len(groups)) if number not in path]
                first = [number for number in left if not self._cuts.isdisjoint(groups[number])]
                for number in first or left:
                    new = (held + self._added(placed, groups[number]), (*path, number))
                    key = placed.union(groups[number])
                    longer[key] = min(longer.get(key, new), new)
            best = longer
        ((_, path),) = best.values()
        return tuple(groups[number] for number in path)

    @cached_property
    def _cuts(self) -> frozenset[str]:
        """The variables of ranks that take several passes or carry a recurrence."""
        repeated = (t.variables | t.fiber.fixed for t in self.traversals if t.count > 1)
        running = (r.variables for r in self.walks.recurrences.values())
        return frozenset[str]().union(*repeated, *running)

    def _added(self, placed: frozenset[str], group: tuple[str, ...]) -> int:
        """The elements that are held from one of the loops in `group` on."""
        return sum(
            tenancy.footprint((*placed, *group), self.parallel).elements(self._sizes)
            for tenancy in self.tenancies
            if tenancy.stops.isdisjoint(placed) and not tenancy.stops.isdisjoint(group)
        )

    def _sharing(self, group: tuple[str, ...]) -> int:
        steps = self.walks.producers.values()
        return sum(not step.variables.isdisjoint(group) for step in steps)

    @cached_property
    def _groups(self) -> tuple[tuple[str, ...], ...]:
        iterated = frozenset[str]().union(*(step.variables for step in self.walks.steps))
        ranks = self.walks.cascade.ranks
        groups = (tuple(r.lower() for r in self.walks.leaf_ranks(rank.name)) for rank in ranks)
        return tuple(tuple(n for n in group if n in iterated) for group in groups)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        cascade = self.walks.cascade
        given = dict(cascade.shape)
        sizes = {}
        for rank in cascade.ranks:
            for part in rank.partitions:
                sizes[part] = given.get(part, _LONG)
            whole = prod(sizes[part] for part in rank.partitions) if rank.partitions else _LONG
            sizes[rank.name] = given.get(rank.name, whole)
        return sizes
