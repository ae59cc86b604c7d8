"""What running values move: between the tiles of their iterative rank they stay, or go and return.

A running tensor (`RNV[m1 + 1, f, p]`) is updated in place. Where the loops above its tile step
through the iterative rank, with a loop over other ranks of it in between, every step but the last
writes it out and every step but the first reads it back, as with partial sums. An Einsum from
which it gets an intermediate A on chip is under its tile too, or under a tile of A that spans as
much of the ranks that both have (the argument of `archsim.movement.fused`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from archsim.movement.nest import Stay
from archsim.movement.stays import Stays
from archsim.tiles import Reach
from einsum.cascade import Einsum, Role


@dataclass(frozen=True, slots=True)
class State:
    """A running tensor, counted at `einsum`, to which `link` leads ("" at its own Einsum)."""

    tensor: str
    einsum: str
    link: str


@dataclass(frozen=True)
class States:
    """The running tensors of a cascade."""

    stays: Stays

    @cached_property
    def found(self) -> tuple[State, ...]:
        """Each running tensor at the Einsum with most points, of its own one and those linked to
        it, that reads an input of the cascade.
        """
        states = []
        for tensor in self.stays.cascade.tensors:
            producer = self.stays.cascade.producer(tensor.name)
            if producer is not None and self.stays.is_running(tensor.name):
                choices = [*self._candidates(producer)]
                if choices:
                    states.append(max(choices, key=lambda one: self._points(one.einsum)))
        return tuple(states)

    def of(self, einsum: Einsum, links: frozenset[str]) -> Iterator[Stay]:
        """The running values that are counted at `einsum`, if `links` stay on chip."""
        for state in self.found:
            if state.einsum == einsum.name and (not state.link or state.link in links):
                yield self._stay(state, einsum)

    def _candidates(self, producer: Einsum) -> Iterator[State]:
        if self._reads_input(producer):
            yield State(producer.tensor, producer.name, "")
        running = set(self.stays.cascade.iterative_variables(producer.tensor))
        for name in self.stays.read(producer):
            source = self.stays.cascade.producer(name)
            if source is None or self.stays.is_running(name) or not self._reads_input(source):
                continue
            reaches = [self.stays.reach(name, one) for one in (source, producer)]
            plain = all(dim.unique for reach in reaches for dim in reach.dimensions)
            if plain and all(running <= reach.variables for reach in reaches):
                yield State(producer.tensor, source.name, name)

    def _reads_input(self, einsum: Einsum) -> bool:
        cascade = self.stays.cascade
        return any(cascade.tensor(n).role is Role.INPUT for n in self.stays.read(einsum))

    def _points(self, einsum: str) -> int:
        return prod(extent for _, extent in self.stays.space(self._steps[einsum]))

    @cached_property
    def _steps(self) -> Mapping[str, Einsum]:
        return {one.name: one for one in self.stays.cascade.steps}

    def _stay(self, state: State, einsum: Einsum) -> Stay:
        stays, cascade = self.stays, self.stays.cascade
        producer = self._steps[state.tensor]
        running = frozenset(cascade.iterative_variables(state.tensor))
        shared = frozenset(einsum.variables) & frozenset(producer.variables)
        if state.link:
            shared &= stays.reach(state.link, einsum).variables
        whole = stays.reach(state.tensor, producer)
        steps = prod(stays.shapes.extent(name) for name in running)
        passing = stays.passing_bytes(state.tensor, producer) / steps
        kept = tuple(
            dim
            for dim in whole.dimensions
            if dim.unique and {name for name, _ in dim.terms} <= shared - running
        )
        written = cascade.tensor(state.tensor).role is not Role.OUTPUT
        return Stay(
            Reach(state.tensor, kept),
            stays.element_bytes(state.tensor),
            returns=passing * (2.0 if written else 1.0),
            alone=bool(state.link),
            apart=frozenset(einsum.variables) - running,
        )
