"""Energy: action counts times a component library, in two accountings.

`docs/energy.md` states what every operation counts and why the two differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from archsim.architecture import Architecture, ComputeUnit, Memory
from archsim.area import pe_pitch_mm
from archsim.components import Library
from archsim.memory_models import MemoryCost
from archsim.nest import Array
from archsim.transfer import Direction, Transfer
from archsim.work import Work
from einsum.cascade import Cascade


class Accounting(Enum):
    """Which accesses count.

    COMPLETE: every access of every instance. PUBLISHED: as the FuseMax artifact counts, with
    its faults, to check against its results: the register files of an array as if it had one
    PE, operations of several steps without their accesses, no network.
    """

    COMPLETE = "complete"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Published:
    """What else a published evaluation counted otherwise.

    It left out the energy of the components `omits`, and took the memories of `priced` in the
    place of the architecture's own (None: its own).
    """

    omits: frozenset[str] = frozenset()
    priced: Architecture | None = None


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
    published: Published | None = None,
) -> tuple[EnergyTerm, ...]:
    """Every energy term of a mapping; `published` says more about the `PUBLISHED` accounting."""
    pricing = Pricing(cascade, architecture, library, accounting, published or Published())
    return pricing.terms(moved, works)


@dataclass(frozen=True, slots=True)
class Pricing:
    """What the actions of a cascade on an architecture cost; it looks every price up once."""

    cascade: Cascade
    architecture: Architecture
    library: Library
    accounting: Accounting
    published: Published = Published()
    _memories: dict[str, MemoryCost] = field(default_factory=dict, compare=False, repr=False)
    _hops_pj: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    def terms(
        self, moved: Iterable[Transfer], works: Iterable[Work] = ()
    ) -> tuple[EnergyTerm, ...]:
        """The terms of some movements and operations, without those that cost nothing."""
        terms = [term for one in works for term in self.operations(one)]
        terms += [term for transfer in moved for term in self.movement(transfer)]
        return tuple(term for term in terms if np.any(term.energy_pj > 0))

    def operations(self, one: Work) -> Iterator[EnergyTerm]:
        """The operations of an Einsum."""
        unit = self.architecture.unit(one.unit)
        private = private_memory(self.architecture, unit)
        bits = self._argument_bits(one.einsum)
        for operation, count in one.operations:
            total = one.points * count
            per_operation = sum(steps * self._component(name) for name, steps in operation.uses)
            yield EnergyTerm(
                unit.name, operation.name, one.einsum, "", total, total * per_operation
            )
            steps = operation.cycles
            if private and steps > 1 and self.accounting is Accounting.COMPLETE:
                # The argument is kept for the further steps; the running value is chained.
                yield self._access(private, "write", one.einsum, "", total, bits)
                yield self._access(private, "read", one.einsum, "", total * (steps - 1), bits)

    def _argument_bits(self, einsum: str) -> float:
        """The width of the widest operand: what an operation's argument is computed in."""
        step = next(e for e in self.cascade.steps if e.name == einsum)
        used = (*(access.tensor for access in step.inputs), step.tensor)
        return max(self.cascade.tensor(name).format.bits_per_value for name in used)

    def _component(self, name: str) -> float:
        if self.accounting is Accounting.PUBLISHED and name in self.published.omits:
            return 0.0
        return self.library.operation_cost(name, self.architecture.node_nm).energy_pj

    def movement(self, transfer: Transfer) -> Iterator[EnergyTerm]:
        """Both ends of a transfer, and the network between a memory and an array."""
        bits = self.cascade.tensor(transfer.tensor).format.bits_per_value
        actions = ("read", "write") if transfer.direction is Direction.DOWN else ("write", "read")
        ends = ((transfer.upper, transfer.elements), (transfer.lower, transfer.deliveries))
        units = {unit.name: unit for unit in self.architecture.units}
        for (name, values), action in zip(ends, actions, strict=True):
            if name not in units:
                memory = self.architecture.memory(name)
                yield self._access(memory, action, transfer.einsum, transfer.tensor, values, bits)
        if self.accounting is Accounting.COMPLETE and np.any(transfer.hops > 0):
            name = transfer.lower
            array = units.get(name) or units[self.architecture.memory(name).per_unit or ""]
            yield self._hops(array, transfer, bits)

    def _access(
        self, memory: Memory, action: str, einsum: str, tensor: str, values: Array, bits: float
    ) -> EnergyTerm:
        if self.accounting is Accounting.PUBLISHED:
            priced = self.published.priced.memories if self.published.priced else ()
            memory = next((one for one in priced if one.name == memory.name), memory)
            if memory.per_unit is not None:
                values = values / self.architecture.pes(memory.per_unit)
        cost = self._price(memory)
        accesses = values * (bits / memory.access_bits)
        each = cost.read_pj if action == "read" else cost.write_pj
        return EnergyTerm(memory.name, action, einsum, tensor, accesses, accesses * each)

    def _price(self, memory: Memory) -> MemoryCost:
        if memory.name not in self._memories:
            self._memories[memory.name] = self.library.memory_cost(
                memory.component, memory.size_bytes, memory.access_bits, self.architecture.node_nm
            )
        return self._memories[memory.name]

    def _hops(self, unit: ComputeUnit, transfer: Transfer, bits: float) -> EnergyTerm:
        """A hop carries an element to the neighbouring PE, one PE pitch away."""
        if unit.name not in self._hops_pj:
            wire = self.library.operation_cost("wire", self.architecture.node_nm).energy_pj
            pitch = pe_pitch_mm(unit, self.architecture, self.library)
            self._hops_pj[unit.name] = pitch * wire
        return EnergyTerm(
            "network",
            "hop",
            transfer.einsum,
            transfer.tensor,
            transfer.hops,
            transfer.hops * (bits * self._hops_pj[unit.name]),
        )


def private_memory(architecture: Architecture, unit: ComputeUnit) -> Memory | None:
    """The memory that every PE of `unit` has for itself, if there is one."""
    return next((m for m in architecture.memories if m.per_unit == unit.name), None)
