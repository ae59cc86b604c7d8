"""Energy: action counts times a component library, in two accountings.

`docs/energy.md` states what every operation counts and why the two differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from archsim.amounts import NOTHING, Array, amount, some
from archsim.architecture import Architecture, ComputeUnit, Memory
from archsim.area import pe_pitch_mm
from archsim.components import Library
from archsim.kept import kept
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


class EnergyTerm(NamedTuple):
    """`actions` times the same action of `owner`, for `einsum` (and `tensor`, if it moves data)."""

    owner: str
    action: str
    einsum: str
    tensor: str
    actions: Array
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
    return _pricings(architecture, cascade, library, published)[accounting].terms(moved, works)


class _Price(NamedTuple):
    """What an access of a memory costs; of so many `instances` only one counts (None: all do)."""

    access_bits: Array
    read_pj: Array
    write_pj: Array
    instances: Array | None


@dataclass(frozen=True)
class Pricing:
    """What the actions of a cascade on an architecture cost; it looks every price up once."""

    cascade: Cascade
    architecture: Architecture
    library: Library
    accounting: Accounting
    published: Published = Published()
    _prices: dict[str, _Price] = field(default_factory=dict, compare=False, repr=False)
    _hops_pj: dict[str, float] = field(default_factory=dict, compare=False, repr=False)
    _components: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    def terms(
        self, moved: Iterable[Transfer], works: Iterable[Work] = ()
    ) -> tuple[EnergyTerm, ...]:
        """The terms of some movements and operations, without those that cost nothing."""
        terms = [term for one in works for term in self.operations(one)]
        terms += [term for transfer in moved for term in self.movement(transfer)]
        return tuple([term for term in terms if some(term.energy_pj > NOTHING)])

    def operations(self, one: Work) -> Iterator[EnergyTerm]:
        """The operations of an Einsum."""
        unit = self.architecture.unit(one.unit)
        private = private_memory(self.architecture, unit)
        bits = self._argument_bits[one.einsum]
        for operation, count in one.operations:
            total = one.points * count
            per_operation = sum(steps * self._component(name) for name, steps in operation.uses)
            yield EnergyTerm(
                unit.name, operation.name, one.einsum, "", total, total * per_operation
            )
            steps = operation.cycles
            if private and steps > 1 and self.accounting is Accounting.COMPLETE:
                # The argument is kept for the further steps; the running value is chained.
                name = private.name
                yield self._access(name, "write", one.einsum, "", total, bits)
                yield self._access(name, "read", one.einsum, "", total * (steps - 1), bits)

    @cached_property
    def _value_bits(self) -> dict[str, Array]:
        """The width of each tensor's values."""
        return {name: amount(bits) for name, bits in self.cascade.value_bits.items()}

    @cached_property
    def _argument_bits(self) -> dict[str, Array]:
        """The width of the widest operand of each Einsum: what its operations' arguments have."""
        width = self._value_bits
        return {step.name: max(width[name] for name in step.tensors) for step in self.cascade.steps}

    def _component(self, name: str) -> float:
        if self.accounting is Accounting.PUBLISHED and name in self.published.omits:
            return 0.0
        if name not in self._components:
            cost = self.library.operation_cost(name, self.architecture.node_nm)
            self._components[name] = cost.energy_pj
        return self._components[name]

    def movement(self, transfer: Transfer) -> Iterator[EnergyTerm]:
        """Both ends of a transfer, and the network between a memory and an array."""
        bits = self._value_bits[transfer.tensor]
        upper, lower = transfer.upper, transfer.lower
        above, below = (
            ("read", "write") if transfer.direction is Direction.DOWN else ("write", "read")
        )
        einsum, tensor = transfer.einsum, transfer.tensor
        yield self._access(upper, above, einsum, tensor, transfer.elements, bits)
        array = self.architecture.array_of(lower)
        if lower != array:
            yield self._access(lower, below, einsum, tensor, transfer.deliveries, bits)
        if self.accounting is Accounting.COMPLETE and array and some(transfer.hops > NOTHING):
            yield self._hops(self.architecture.unit(array), transfer, bits)

    def _access(
        self, memory: str, action: str, einsum: str, tensor: str, values: Array, bits: Array
    ) -> EnergyTerm:
        price = self._prices.get(memory) or self._price(self.architecture.memory(memory))
        if price.instances is not None:
            values = values / price.instances
        accesses = values * (bits / price.access_bits)
        each = price.read_pj if action == "read" else price.write_pj
        return EnergyTerm(memory, action, einsum, tensor, accesses, accesses * each)

    def _price(self, memory: Memory) -> _Price:
        instances = None
        if self.accounting is Accounting.PUBLISHED:
            priced = self.published.priced.memories if self.published.priced else ()
            memory = next((one for one in priced if one.name == memory.name), memory)
            if memory.per_unit is not None:
                instances = amount(self.architecture.pes(memory.per_unit))
        cost = self.library.memory_cost(
            memory.component, memory.size_bytes, memory.access_bits, self.architecture.node_nm
        )
        bits, read, write = map(amount, (memory.access_bits, cost.read_pj, cost.write_pj))
        self._prices[memory.name] = _Price(bits, read, write, instances)
        return self._prices[memory.name]

    def _hops(self, unit: ComputeUnit, transfer: Transfer, bits: Array) -> EnergyTerm:
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


@kept
def _pricings(
    architecture: Architecture, cascade: Cascade, library: Library, published: Published | None
) -> dict[Accounting, Pricing]:
    """The prices of a cascade's actions in both accountings."""
    return {
        accounting: Pricing(cascade, architecture, library, accounting, published or Published())
        for accounting in Accounting
    }


def private_memory(architecture: Architecture, unit: ComputeUnit) -> Memory | None:
    """The memory that every PE of `unit` has for itself, if there is one."""
    return next((m for m in architecture.memories if m.per_unit == unit.name), None)
