"""Its architectures: a chain of memories above compute units, with energies and rates.

What cannot be said in an `Architecture` is refused with its place: spatial dimensions,
leakage, network and toll components, and rates of reading and writing that differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from archsim.architecture import Architecture, ComputeUnit, Memory, Operation
from archsim.components import (
    Component,
    Library,
    MemoryComponent,
    OperationComponent,
    OperationCost,
    Scaling,
)
from archsim.memory_models import PerBit
from archsim.quantities import Unit, parse_quantity
from archsim.section import Section
from archsim.work import needed
from einsum.errors import Source
from mapper.accelforge.sets import Tensors, holds, tensors
from mapper.accelforge.text import open_spec
from mapper.accelforge.workload import Workload

_NODE_NM = 45.0  # of no effect: every component keeps its cost at all nodes
_JOULE = 1e12  # pJ
_SHARED_PORT = "sum(a.n_calls / a.throughput for a in actions)"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What one memory must and may hold while one Einsum runs."""

    must: Tensors
    may: Tensors


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture with the costs of its components, and the constraints of its text.

    `keeping` is by Einsum and memory, `units` lists the units that each Einsum may run on.
    """

    architecture: Architecture
    library: Library
    keeping: Mapping[tuple[str, str], Keeping]
    units: Mapping[str, tuple[str, ...]]


def load_machine(
    source: Source,
    workload: Workload,
    values: Mapping[str, int | float | str] | None = None,
    name: str = "machine",
) -> Machine:
    """The architecture in the text of an AccelForge file, for the Einsums of `workload`.

    Energies are per access as written, in joules there and in picojoules here. A unit reads and
    writes its operands for every point (`latches` is off). Raises `SpecError` with the place of
    what is not supported.
    """
    top = open_spec(source, values or {})
    reader = _Reader(workload)
    for node in top.section("arch").listed("nodes"):
        reader.read(node)
    top.done()
    if not reader.memories or not reader.units:
        top.fail("arch", "there is no memory or no compute unit", rule="it needs one of each")
    clock = max(reader.rates.values())
    units = tuple(replace(unit, operations=reader.operations(unit, clock)) for unit in reader.units)
    architecture = Architecture(name, clock, _NODE_NM, tuple(reader.memories), units)
    return Machine(
        architecture, Library(name, tuple(reader.components)), reader.keeping, reader.allowed
    )


class _Reader:
    """Reads the nodes in their order: each stands below those before it."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.memories: list[Memory] = []
        self.units: list[ComputeUnit] = []
        free = OperationCost(0.0, 0.0)  # without a network component data moves for nothing
        wire = OperationComponent("wire", "any", _NODE_NM, "AccelForge", free, Scaling.NONE)
        self.components: list[Component] = [wire]
        self.rates: dict[str, float] = {}
        self.keeping: dict[tuple[str, str], Keeping] = {}
        self.allowed: dict[str, tuple[str, ...]] = dict.fromkeys(workload.names, ())

    def read(self, node: Section) -> None:
        """Adds one node."""
        node.offer("name", "actions", "area", "leak_power")
        match node.table.tag:
            case "!Memory":
                self._memory(node)
            case "!Compute":
                self._unit(node)
            case tag:
                node.fail("name", f"{tag or 'a node without a tag'} cannot be imported")
        if "spatial" in node:
            node.fail("spatial", "spatial dimensions cannot be imported yet")
        if "leak_power" in node and _number(node, "leak_power") != 0:
            node.fail("leak_power", "leakage is not modelled", rule="leak_power is 0")
        if "area" in node:
            _number(node, "area")  # of the chip's, which nothing here depends on
        node.done()

    def _memory(self, node: Section) -> None:
        name = node.text("name")
        if "total_latency" in node and node.text("total_latency") != _SHARED_PORT:
            node.fail("total_latency", "only the default latency can be imported")
        read, write = _action(node, "read"), _action(node, "write")
        if read.rate != write.rate or read.bits != write.bits:
            node.fail("actions", f"{name} reads and writes differently, which cannot be imported")
        size = _bound(node, "size") if "size" in node else None
        memory = Memory(
            name,
            self.memories[-1].name if self.memories else None,
            name,
            None if size is None else size / 8,
            None if read.rate is None else read.rate * read.bits / 8,
            read.bits,
        )
        model = PerBit(read.energy_pj / read.bits, write.energy_pj / read.bits, 0.0)
        self.components.append(MemoryComponent(name, _NODE_NM, "AccelForge", model, Scaling.NONE))
        self._keep(node, name)
        self.memories.append(memory)

    def _keep(self, node: Section, name: str) -> None:
        part = node.section("tensors") if "tensors" in node else None
        for einsum, sets in self.workload.names.items():
            above = {
                memory: keeping.must | keeping.may
                for (other, memory), keeping in self.keeping.items()
                if other == einsum
            }
            names = {**sets, **above}
            keep, may = _set(part, "keep", names), _set(part, "may_keep", names)
            if may is None:
                may = sets["All"] if keep is None else frozenset()
            keep = keep or frozenset()
            self.keeping[einsum, name] = Keeping(keep, may | keep)
        if part is not None:
            part.done()

    def _unit(self, node: Section) -> None:
        name = node.text("name")
        if not self.memories:
            node.fail("name", f"{name} has no memory above it")
        compute = _action(node, "compute")
        self.rates[name] = compute.rate or 1.0
        cost = OperationCost(compute.energy_pj, 0.0)
        self.components.append(
            OperationComponent(name, "any", _NODE_NM, "AccelForge", cost, Scaling.NONE)
        )
        self.units.append(ComputeUnit(name, self.memories[-1].name, (), (), (), latches=False))
        for einsum, sets in self.workload.names.items():
            enabled = "enabled" not in node or node.scalar(
                "enabled",
                lambda text, sets=sets: holds(text, sets),  # type: ignore[misc]
            )
            if enabled:
                self.allowed[einsum] = (*self.allowed[einsum], name)

    def operations(self, unit: ComputeUnit, clock: float) -> tuple[Operation, ...]:
        """One operation a point for each Einsum that may run on `unit`, all at the same cost."""
        one = Operation("mac", clock / self.rates[unit.name], ((unit.name, 1.0),))
        fused = replace(unit, operations=(one,))
        cascade = self.workload.cascade
        names = {
            name
            for einsum in cascade.steps
            if unit.name in self.allowed[einsum.name]
            for name in needed(einsum, fused)
        }
        return tuple(replace(one, name=name) for name in sorted(names))


@dataclass(frozen=True, slots=True)
class _Action:
    energy_pj: float
    rate: float | None
    bits: int


def _action(node: Section, wanted: str) -> _Action:
    part = next((one for one in node.listed("actions") if one.text("name") == wanted), None)
    if part is None:
        node.fail("actions", f"there is no action {wanted}", rule=f"name one {wanted}")
    bits = part.integer("bits_per_action") if "bits_per_action" in part else 1
    rate = _bound(part, "throughput") if "throughput" in part else None
    action = _Action(_number(part, "energy") * _JOULE, rate, bits)
    part.done()
    return action


def _bound(node: Section, key: str) -> float | None:
    """A number, or None for `inf`."""
    return None if node.text(key).strip() in ("inf", ".inf") else _number(node, key)


def _number(node: Section, key: str) -> float:
    return float(node.scalar(key, lambda text: parse_quantity(text, Unit.COUNT)))


def _set(part: Section | None, key: str, names: Mapping[str, Tensors]) -> Tensors | None:
    if part is None or key not in part:
        return None
    return part.scalar(key, lambda text: tensors(text, names))
