"""The least that a whole cascade moves, however its Einsums are fused, for every size of buffer.

Every tensor that passes force to be held (`demands`) is either held or moved, and the bound is the
lowest over all such choices of a sum over Einsums. Each Einsum may use the buffer as if it had all
of it. In its part stand

- the inputs and outputs of the cascade (an input that several Einsums read, at one of them), as
  often as the best nest makes them pass (`archsim.movement.nest`);
- intermediates, without their first coverage, which may stay on chip: what is read again from the
  backing store, and sums that leave before they are complete;
- what is held across passes, with its fiber complete in its tile;
- running values, which stay or go and return (`archsim.movement.states`).

A tensor that is held constrains also Einsums that do not use it. Say T is held whole along m,
and an intermediate A with rank m goes on chip from a user of T to another Einsum X. Both tiles are
above that user in one nest. If T's is further out, X is under it as well; if A's is, it has no
smaller spans. Either way X is under a tile of all of m, and of the ranks that T and A share. So
X has this tile beside it, or A is moved too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from archsim.movement.curve import Curve, least, total
from archsim.movement.demands import Demand, demands
from archsim.movement.nest import Stay, nest_curve
from archsim.movement.states import States
from archsim.movement.stays import Stays
from archsim.tiles import Reach
from einsum.cascade import Einsum, Role

_MOST_CHOICES = 8
"""Tensors for which both ways, held and moved, are tried; others are taken to be for free."""


@dataclass(frozen=True)
class Fusion:
    """A cascade with sizes whose Einsums may be fused in any way.

    No point of an Einsum is computed twice. Tensors are held in whole tiles.
    """

    stays: Stays

    @cached_property
    def demands(self) -> tuple[Demand, ...]:
        """What passes force to be held or moved."""
        return demands(self.stays)[:_MOST_CHOICES]

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Intermediates that carry what a demand has to hold on to other Einsums."""
        names = {link for demand in self.demands for link in self._links(demand)}
        names |= {state.link for state in self._states.found}
        forced = {demand.tensor for demand in self.demands}
        cascade = self.stays.cascade
        free = [t.name for t in cascade.tensors if t.name in names - forced]
        return tuple(free[: max(0, _MOST_CHOICES - len(self.demands))])

    @cached_property
    def _states(self) -> States:
        return States(self.stays)

    @cached_property
    def curve(self) -> Curve:
        """The lowest sum over all choices of what is held."""
        return least([*self._choices()])

    def _choices(self) -> Iterator[Curve]:
        for moved in product((False, True), repeat=len(self.links)):
            away = dict(zip(self.links, moved, strict=True))
            for ways in product(*(range(2 + (d.again > 1)) for d in self.demands)):
                held = {d.tensor: d for d, way in zip(self.demands, ways, strict=True) if not way}
                spilled = {
                    d.tensor: (d, d.again if way == 1 else 1)
                    for d, way in zip(self.demands, ways, strict=True)
                    if way
                }
                # Moved once only, it is held for the other passes.
                floor = max(
                    (d.fiber_bytes for d, w in zip(self.demands, ways, strict=True) if w > 1),
                    default=0.0,
                )
                links = {name for name, gone in away.items() if not gone} | held.keys()
                parts = [self._part(one, held, frozenset(links)) for one in self._einsums]
                parts.append(self._spills(away, spilled))
                yield total(parts).with_at_least(floor)

    def _spills(self, away: Mapping[str, bool], spilled: Mapping[str, tuple[Demand, int]]) -> Curve:
        """What is written and read again because it is not held."""
        parts = {name: 2.0 * self.stays.used_bytes(name) for name, gone in away.items() if gone}
        for name, (demand, loads) in spilled.items():
            parts[name] = demand.stored_bytes + loads * demand.loaded_bytes
        return Curve.constant({"": 0.0, **parts})

    @cached_property
    def _einsums(self) -> tuple[Einsum, ...]:
        return self.stays.cascade.steps

    @cached_property
    def _charged(self) -> Mapping[str, str]:
        """By tensor, the reader at which its reads are counted: the one that repeats most."""
        found = {}
        for tensor in self.stays.cascade.tensors:
            readers = self.stays.readers(tensor.name)
            if readers:
                most = max(readers, key=lambda one: self._repeated(tensor.name, one))
                found[tensor.name] = most.name
        return found

    def _repeated(self, tensor: str, einsum: Einsum) -> int:
        own = self.stays.reach(tensor, einsum).variables
        total = 1
        for name, extent in self.stays.space(einsum):
            total *= 1 if name in own else extent
        return total

    def _part(self, einsum: Einsum, held: Mapping[str, Demand], links: frozenset[str]) -> Curve:
        """What `einsum` moves of the tensors that are counted at it."""
        stays, cascade = self.stays, self.stays.cascade
        found = []
        for name in stays.read(einsum):
            if stays.is_running(name):
                continue
            stay = stays.input_of(name, einsum)
            if cascade.tensor(name).role is not Role.INPUT:
                stay = replace(stay, free=stay.least)
            if self._charged[name] != einsum.name:
                stay = Stay(stay.reach, stay.element_bytes)
            found.append(self._whole(stay, held))
        if not stays.is_running(einsum.tensor):
            stay = stays.output_of(einsum)
            if cascade.tensor(einsum.tensor).role is not Role.OUTPUT:
                stay = replace(stay, free=stay.least)
            found.append(self._whole(stay, held))
        for demand in held.values():
            shared = self._reached(demand, links).get(einsum.name)
            if shared is not None and demand.tensor not in einsum.tensors:
                found.append(self._beside(demand, shared))
        found += self._states.of(einsum, links)
        curve = nest_curve(stays.space(einsum), tuple(found))
        unmoved = stays.unmoved(einsum)
        if unmoved and cascade.tensor(einsum.tensor).role is Role.OUTPUT:
            return total([curve, Curve.constant(unmoved)])
        return curve

    def _whole(self, stay: Stay, held: Mapping[str, Demand]) -> Stay:
        demand = held.get(stay.reach.tensor)
        return stay if demand is None else replace(stay, whole=demand.whole)

    def _beside(self, demand: Demand, shared: frozenset[str]) -> Stay:
        """The tile under which a linked Einsum runs: it need not live as long as the others."""
        producer = self.stays.cascade.producer(demand.tensor)
        user = producer or self.stays.readers(demand.tensor)[0]
        reach = self.stays.reach(demand.tensor, user)
        kept = tuple(dim for dim in reach.dimensions if {name for name, _ in dim.terms} <= shared)
        return Stay(
            Reach(demand.tensor, kept),
            self.stays.element_bytes(demand.tensor),
            whole=demand.whole,
            alone=True,
        )

    # Which Einsums are linked to the users of a tensor, and by which ranks.

    def _links(self, demand: Demand) -> Iterator[str]:
        for tensor in self.stays.cascade.tensors:
            if tensor.role is Role.INTERMEDIATE and self._carries(tensor.name, demand):
                yield tensor.name

    def _carries(self, tensor: str, demand: Demand) -> bool:
        """Does every element of `tensor` belong to one coordinate of what is held whole?"""
        if tensor == demand.tensor or self.stays.is_running(tensor):
            return False
        return all(
            all(dim.unique for dim in reach.dimensions)
            and demand.whole & self._iterated(einsum) <= reach.variables
            and bool(demand.whole & self._iterated(einsum))
            for einsum in self._users(tensor)
            for reach in (self.stays.reach(tensor, einsum),)
        )

    def _iterated(self, einsum: Einsum) -> frozenset[str]:
        return frozenset(einsum.variables)

    def _users(self, tensor: str) -> tuple[Einsum, ...]:
        return tuple(one for one in self._einsums if tensor in one.tensors)

    def _reached(self, demand: Demand, links: frozenset[str]) -> Mapping[str, frozenset[str]]:
        """By linked Einsum, the variables of the tile of `demand.tensor` above it."""
        found: dict[str, frozenset[str]] = {}
        waiting: deque[tuple[Einsum, frozenset[str]]] = deque()
        for einsum in self._users(demand.tensor):
            waiting.append((einsum, self.stays.reach(demand.tensor, einsum).variables))
        while waiting:
            einsum, shared = waiting.popleft()
            if einsum.name in found:
                continue
            found[einsum.name] = shared
            for name in einsum.tensors:
                if name in links and self._carries(name, demand):
                    both = shared & self.stays.reach(name, einsum).variables
                    waiting.extend((user, both) for user in self._users(name))
        return found
