"""Energy: action counts times a component library, in two accountings.

`docs/energy.md` states what every operation counts and why the two differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from archsim.architecture import Architecture, ComputeUnit, Memory
from archsim.area import pe_pitch_mm
from archsim.components import Library
from archsim.nest import Array
from archsim.traffic import Direction, Transfer
from archsim.work import Work
from einsum.cascade import Cascade


class Accounting(Enum):
    """Which accesses count.

    COMPLETE: every access of every instance. PUBLISHED: as the FuseMax artifact counts, with
    its faults, to check against its results: the register files of an array as if it had one
    PE, partial sums that arrive in another array's register files once per product, no network.
    """

    COMPLETE = "complete"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class EnergyTerm:
    """`count` times the same action of `owner`, for `einsum` (and `tensor`, if it moves data)."""

    owner: str
    action: str
    einsum: str
    tensor: str
    count: Array
    energy_pj: Array


def energy(
    moved: Iterable[Transfer],
    works: Iterable[Work],
    cascade: Cascade,
    architecture: Architecture,
    library: Library,
    accounting: Accounting,
    omitted: frozenset[str] = frozenset(),
) -> tuple[EnergyTerm, ...]:
    """Every energy term of a mapping.

    `omitted` names components that the `PUBLISHED` accounting counts as zero.
    """
    book = _Book(cascade, architecture, library, accounting, omitted)
    terms = [term for one in works for term in book.operations(one)]
    terms += [term for transfer in moved for term in book.movement(transfer)]
    return tuple(term for term in terms if np.any(term.energy_pj > 0))


@dataclass(frozen=True, slots=True)
class _Book:
    cascade: Cascade
    architecture: Architecture
    library: Library
    accounting: Accounting
    omitted: frozenset[str]

    def operations(self, one: Work) -> Iterator[EnergyTerm]:
        unit = self.architecture.unit(one.unit)
        private = private_memory(self.architecture, unit)
        for operation, count in one.operations:
            total = one.points * count
            per_operation = sum(steps * self._component(name) for name, steps in operation.uses)
            yield EnergyTerm(
                unit.name, operation.name, one.einsum, "", total, total * per_operation
            )
            steps = sum(number for _, number in operation.uses)
            if private and steps > 1 and self.accounting is Accounting.COMPLETE:
                # The argument is read again in every further step; the running value is chained.
                again = total * (steps - 1)
                yield self._access(private, "read", one.einsum, "", again, 16.0)

    def _component(self, name: str) -> float:
        if self.accounting is Accounting.PUBLISHED and name in self.omitted:
            return 0.0
        return self.library.operation_cost(name, self.architecture.node_nm).energy_pj

    def movement(self, transfer: Transfer) -> Iterator[EnergyTerm]:
        """Both ends of a transfer, and the network between a memory and an array."""
        upper = self.architecture.memory(transfer.upper)
        bits = self.cascade.tensor(transfer.tensor).format.bits_per_value
        down = transfer.direction is Direction.DOWN
        units = {unit.name: unit for unit in self.architecture.units}
        unit = units.get(transfer.lower)
        yield self._access(
            upper,
            "read" if down else "write",
            transfer.einsum,
            transfer.tensor,
            transfer.elements,
            bits,
        )
        if unit is None:
            lower = self.architecture.memory(transfer.lower)
            yield self._access(
                lower,
                "write" if down else "read",
                transfer.einsum,
                transfer.tensor,
                transfer.deliveries,
                bits,
            )
        elif upper.per_unit != unit.name and self.accounting is Accounting.COMPLETE:
            yield self._hops(unit, transfer, bits)

    def _access(
        self, memory: Memory, action: str, einsum: str, tensor: str, values: Array, bits: float
    ) -> EnergyTerm:
        cost = self.library.memory_cost(
            memory.component, memory.size_bytes, memory.access_bits, self.architecture.node_nm
        )
        accesses = values * (bits / memory.access_bits)
        if self.accounting is Accounting.PUBLISHED and memory.per_unit is not None:
            unit = self.architecture.unit(memory.per_unit)
            if len(unit.dims) > 1:
                accesses = accesses / self.architecture.pes(unit.name)
        each = cost.read_pj if action == "read" else cost.write_pj
        return EnergyTerm(memory.name, action, einsum, tensor, accesses, accesses * each)

    def _hops(self, unit: ComputeUnit, transfer: Transfer, bits: float) -> EnergyTerm:
        """Every PE that an element reaches takes it from its neighbour, one PE pitch away."""
        pitch = pe_pitch_mm(unit, self.architecture, self.library)
        wire = self.library.operation_cost("wire", self.architecture.node_nm).energy_pj
        return EnergyTerm(
            "network",
            "hop",
            transfer.einsum,
            transfer.tensor,
            transfer.deliveries,
            transfer.deliveries * (bits * pitch * wire),
        )


def private_memory(architecture: Architecture, unit: ComputeUnit) -> Memory | None:
    """The memory that every PE of `unit` has for itself, if there is one."""
    return next((m for m in architecture.memories if m.per_unit == unit.name), None)
