"""Where every tensor of a phase is: registers and banks, as rings of as many tiles as are alive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from archsim.nest import Leaf
from archsim.schedule import Pipeline
from einsum.expression import Access, variables
from rtl.control.operations import Op1d, Op2d, Operation
from rtl.control.rings import Use
from rtl.control.slots import Slot


class Space(Enum):
    """The memories of the array."""

    KEYS = "keys"  # a bank for each row
    QUERIES = "queries"  # a bank for each column
    PE = "pe"  # registers of the 2D PEs
    LANE = "lane"  # registers of the lanes
    STATE = "state"  # a bank for each lane
    OUTPUT = "output"  # another one


@dataclass(frozen=True)
class Work:
    """An Einsum in a phase: its operation and its slots."""

    leaf: Leaf
    operation: Operation
    slots: tuple[Slot, ...]
    pipeline: Pipeline

    @property
    def name(self) -> str:
        return self.leaf.einsum.name

    @property
    def tensor(self) -> str:
        return self.leaf.einsum.tensor

    @property
    def inner(self) -> tuple[str, ...]:
        """The variables that its elements step through in time."""
        own = self.pipeline.body.inner(self.leaf)
        return tuple(step.variable for step in own if not step.dim and step.trips > 1)

    @property
    def operands(self) -> tuple[Access, ...]:
        own = self.operation
        return tuple(one for one in (own.a, own.b, own.c, own.left, own.top) if one is not None)

    def element(self, access: Access, slot: Slot) -> int:
        """Which element of the tile of `access` a slot uses."""
        return slot.element if set(variables(access)) & set(self.inner) else 0

    def reads(self, access: Access) -> Iterator[tuple[int, int]]:
        """Element and cycle of every reading of `access`.

        An exponential has its argument after the first step; a reciprocal needs it throughout.
        """
        for slot in self.slots:
            if slot.step == 0 or self.operation.op is Op1d.RECIPROCAL:
                yield self.element(access, slot), slot.cycle

    @property
    def leaves_column(self) -> bool:
        """Does its result leave the 2D array at the bottom?"""
        return self.operation.op in (Op2d.MAX, Op2d.SUM, Op2d.WEIGHTED)

    def writes(self, rows: int) -> Iterator[tuple[int, int]]:
        """Element of the result, and the cycle at whose end (or, if captured, in which) it is."""
        seen = set()
        for slot in self.slots:
            element = self.element(self.leaf.einsum.output, slot)
            if not slot.last or element in seen:
                continue  # a sum's register is taken with its first term
            seen.add(element)
            yield element, slot.cycle + (rows if self.leaves_column else 0)


def uses(writer: Work, readers: tuple[tuple[Work, Access, int], ...], rows: int) -> tuple[Use, ...]:
    """When each element of the writer's result is written and last read.

    Each reader comes with its access and how many cycles later than its own slots it reads.
    """
    last: dict[int, int] = {}
    for work, access, later in readers:
        for element, cycle in work.reads(access):
            last[element] = max(last.get(element, 0), cycle + later)
    return tuple(
        Use(element, cycle, last.get(element, cycle), writer.leaves_column)
        for element, cycle in writer.writes(rows)
    )
