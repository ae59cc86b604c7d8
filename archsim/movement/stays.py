"""What the tensors of an Einsum move, at least, when all of them pass a place `repeats` times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from archsim.activity import Activity
from archsim.amounts import ONE
from archsim.compulsory import reached_elements
from archsim.movement.nest import Stay
from archsim.tiles import Reach, Reaches, tile_elements
from einsum.cascade import Cascade, Einsum, Role
from einsum.shapes import Shapes


@dataclass(frozen=True)
class Stays:
    """The tensors of the Einsums of a cascade with sizes.

    Of a tensor that an Einsum reads in several ways one counts. What an Einsum reads of its own
    result, as a recurrence does, may stay where it is.
    """

    shapes: Shapes

    @property
    def cascade(self) -> Cascade:
        return self.shapes.cascade

    @cached_property
    def activity(self) -> Activity:
        return Activity.of(self.cascade, self.shapes)

    @cached_property
    def _reaches(self) -> Reaches:
        return Reaches(self.shapes, {tensor.name: frozenset() for tensor in self.cascade.tensors})

    def space(self, einsum: Einsum) -> tuple[tuple[str, int], ...]:
        """The extent of every variable that `einsum` iterates."""
        return tuple(self.shapes.space(einsum).items())

    def element_bytes(self, tensor: str) -> float:
        return self.cascade.tensor(tensor).format.bits_per_value / 8

    def is_running(self, tensor: str) -> bool:
        """Is it updated step by step, and need not exist as a whole?"""
        return bool(self.cascade.iterative_variables(tensor))

    def read(self, einsum: Einsum) -> Iterator[str]:
        """The tensors that `einsum` reads, without its own."""
        names = dict.fromkeys(access.tensor for access in einsum.inputs)
        return (name for name in names if name != einsum.tensor)

    def readers(self, tensor: str) -> tuple[Einsum, ...]:
        return tuple(one for one in self.cascade.steps if tensor in self.read(one))

    def reach(self, tensor: str, einsum: Einsum) -> Reach:
        """How `einsum` writes `tensor`, or the way of reading that takes most of it."""
        if tensor == einsum.tensor:
            return self._reaches.output(einsum)
        return max(
            self._reaches.read(tensor, einsum),
            key=lambda reached: reached_elements(reached, einsum, self.activity),
        )

    def reached_bytes(self, tensor: str, einsum: Einsum) -> float:
        """The bytes of `tensor` that useful points of `einsum` read or write."""
        elements = reached_elements(self.reach(tensor, einsum), einsum, self.activity)
        return elements * self.element_bytes(tensor)

    def used_bytes(self, tensor: str) -> float:
        """The bytes of `tensor` that must enter or leave if it is not on chip already.

        An input or an output as the Einsum that uses most of it; of an intermediate, what its
        readers take.
        """
        readers = self.readers(tensor)
        if self.cascade.tensor(tensor).role is Role.OUTPUT:
            producer = self.cascade.producer(tensor)
            readers += (producer,) if producer else ()
        return max((self.reached_bytes(tensor, one) for one in readers), default=0.0)

    def passing_bytes(self, tensor: str, einsum: Einsum) -> float:
        """The bytes of one coverage of `tensor` that no skipped tile saves.

        A tile is skipped if a condition fails at all of its points, so no less of a coverage
        passes than the share of the iteration space at which all conditions hold.
        """
        space = self.shapes.space(einsum)
        share = self.activity.useful_points(einsum) / prod(space.values())
        full = {name: ONE * extent for name, extent in space.items()}
        elements = float(tile_elements(self.reach(tensor, einsum), full))
        return elements * share * self.element_bytes(tensor)

    def input_of(self, tensor: str, einsum: Einsum) -> Stay:
        """A tensor that `einsum` reads from the backing store."""
        return Stay(
            self.reach(tensor, einsum),
            self.element_bytes(tensor),
            least=self.used_bytes(tensor)
            if self.cascade.tensor(tensor).role is Role.INPUT
            else self.reached_bytes(tensor, einsum),
            passing=self.passing_bytes(tensor, einsum),
        )

    def output_of(self, einsum: Einsum) -> Stay:
        """The result, written to the backing store; sums that are not complete come back."""
        tensor = einsum.tensor
        passing = self.passing_bytes(tensor, einsum)
        return Stay(
            self.reach(tensor, einsum),
            self.element_bytes(tensor),
            least=self.used_bytes(tensor),
            passing=passing,
            returns=passing if einsum.reductions else 0.0,
        )

    def unfused(self, einsum: Einsum) -> tuple[Stay, ...]:
        """All tensors of an Einsum that is computed by itself."""
        return (*(self.input_of(name, einsum) for name in self.read(einsum)), *self._result(einsum))

    def _result(self, einsum: Einsum) -> tuple[Stay, ...]:
        return () if self.is_running(einsum.tensor) else (self.output_of(einsum),)

    def unmoved(self, einsum: Einsum) -> dict[str, float]:
        """Bytes of a running result, which is written once whatever the nest."""
        running = self.is_running(einsum.tensor)
        return {einsum.tensor: self.used_bytes(einsum.tensor)} if running else {}
