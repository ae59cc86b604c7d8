"""Its architectures: memories and compute units below one another, with energies and rates.

A container, or any node, with spatial dimensions multiplies what stands below it. Dimensions in
front of a memory become its fanout; a container's that only one unit stands below become the
array of that unit, and the memories inside the register files of its PEs.

What cannot be said in an `Architecture` is refused with its place: leakage, networks and tolls,
energies that are left to component models, ports that reading and writing share at two rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.components import (
    Component,
    Library,
    MemoryComponent,
    OperationComponent,
    OperationCost,
    Scaling,
)
from archsim.constraints import Constraints, Keeping, Spreading
from archsim.memory_models import PerBit
from archsim.section import Section
from archsim.work import needed
from einsum.errors import Source
from mapper.accelforge.dimensions import Fanout, read_fanouts
from mapper.accelforge.sets import Tensors, holds, number, tensors
from mapper.accelforge.text import open_spec
from mapper.accelforge.workload import Workload

T = TypeVar("T")

_NODE_NM = 45.0  # of no effect: every component keeps its cost at all nodes
_JOULE = 1e12  # pJ
_SHARED_PORT = "sum(a.n_calls / a.throughput for a in actions)"
_OWN_PORTS = "max(a.n_calls / a.throughput for a in actions)"
_NO_COST = ("Dummy", "DummyStorage", "DummyCompute")


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture with the costs of its components, and the constraints of its text.

    `dims` gives the node and the name there of each spatial dimension.
    """

    architecture: Architecture
    library: Library
    constraints: Constraints
    dims: Mapping[str, tuple[str, str]]


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
    return reader.machine(name)


class _Reader:
    """Reads the nodes in their order: each stands below those before it."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.bits = {t.name: t.format.bits_per_value for t in workload.cascade.tensors}
        self.memories: list[Memory] = []
        self.units: list[ComputeUnit] = []
        self.fanouts: tuple[Fanout, ...] = ()  # of the nodes since the last memory
        self.below: dict[str, tuple[Fanout, ...]] = {}
        free = OperationCost(0.0, 0.0)  # without a network component data moves for nothing
        wire = OperationComponent("wire", "any", _NODE_NM, "AccelForge", free, Scaling.NONE)
        self.components: list[Component] = [wire]
        self.rates: dict[str, float] = {}
        self.keeping: dict[tuple[str, str], Keeping] = {}
        self.allowed: dict[str, tuple[str, ...]] = dict.fromkeys(workload.names, ())

    def read(self, node: Section) -> None:
        """Adds one node."""
        node.offer("name", "actions", "area", "leak_power", "component_class", "spatial")
        name = node.text("name")
        own = read_fanouts(node, name, self.workload)
        match node.table.tag:
            case "!Memory":
                self.below[name] = (*self.fanouts, *own)
                self.fanouts = ()
                self._memory(node, name)
            case "!Compute":
                self.below[name] = (*self.fanouts, *own)
                self._unit(node, name)
            case "!Container":
                self.fanouts += own
            case tag:
                node.fail("name", f"{tag or 'a node without a tag'} cannot be imported")
        if "leak_power" in node and self._number(node, "leak_power") != 0:
            node.fail("leak_power", "leakage is not modelled", rule="leak_power is 0")
        if "area" in node:
            self._number(node, "area")  # of the chip's, which nothing here depends on
        node.done()

    # Nodes.

    def _memory(self, node: Section, name: str) -> None:
        read, write = self._action(node, "read"), self._action(node, "write")
        if read.bits != write.bits:
            node.fail("actions", f"{name} reads and writes differently, which cannot be imported")
        latency = node.text("total_latency") if "total_latency" in node else _SHARED_PORT
        if latency not in (_SHARED_PORT, _OWN_PORTS):
            node.fail("total_latency", "only a sum or a maximum over actions can be imported")
        shared = latency == _SHARED_PORT
        if shared and read.rate != write.rate:
            node.fail(
                "actions",
                f"{name} reads and writes differently through one port, which cannot be imported",
                rule=f"write total_latency: {_OWN_PORTS}",
            )
        memory = Memory(
            name,
            self.memories[-1].name if self.memories else None,
            name,
            self._size(node),
            read.bytes_per_s if shared else None,
            read.bits,
            read_bytes_per_s=None if shared else read.bytes_per_s,
            write_bytes_per_s=None if shared else write.bytes_per_s,
        )
        model = PerBit(read.energy_pj / read.bits, write.energy_pj / read.bits, 0.0)
        self.components.append(MemoryComponent(name, _NODE_NM, "AccelForge", model, Scaling.NONE))
        self._keep(node, name)
        self.memories.append(memory)

    def _size(self, node: Section) -> float | None:
        """Bytes, as many as the Einsum that needs most is given; None if there is no bound."""
        if "size" not in node:
            return None
        sizes = (
            node.scalar("size", _each(lambda text, sets: number(text, sets, self.bits), sets))
            for sets in self.workload.names.values()
        )
        bits = max(sizes)
        return None if bits == math.inf else bits / 8

    def _keep(self, node: Section, name: str) -> None:
        part = node.section("tensors") if "tensors" in node else None
        for einsum, sets in self.workload.names.items():
            # What memories further out hold is up to the mapping: all they may, or what they must.
            above = {m: k for (e, m), k in self.keeping.items() if e == einsum}
            most = {**sets, **{m: keeping.must | keeping.may for m, keeping in above.items()}}
            least = {**sets, **{m: keeping.must for m, keeping in above.items()}}
            keep, may = _set(part, "keep", most), _set(part, "may_keep", most)
            if may is None:
                may = sets["All"] if keep is None else frozenset()
            keep = keep or frozenset()
            backs = (_set(part, "keep", least) or frozenset()) - keep
            self.keeping[einsum, name] = Keeping(keep, may | keep | backs, backs)
        if part is not None:
            part.done()

    def _unit(self, node: Section, name: str) -> None:
        if not self.memories:
            node.fail("name", f"{name} has no memory above it")
        if "total_latency" in node and node.text("total_latency") not in (_SHARED_PORT, _OWN_PORTS):
            node.fail("total_latency", "only a sum or a maximum over actions can be imported")
        compute = self._action(node, "compute")
        if compute.rate is None:
            node.fail("actions", f"{name} has no throughput", rule="write one: its time is not 0")
        self.rates[name] = compute.rate
        cost = OperationCost(compute.energy_pj, 0.0)
        self.components.append(
            OperationComponent(name, "any", _NODE_NM, "AccelForge", cost, Scaling.NONE)
        )
        self.units.append(ComputeUnit(name, self.memories[-1].name, (), (), (), latches=False))
        for einsum, sets in self.workload.names.items():
            if "enabled" not in node or node.scalar("enabled", _each(holds, sets)):
                self.allowed[einsum] = (*self.allowed[einsum], name)

    def _action(self, node: Section, wanted: str) -> _Action:
        kind = node.text("component_class") if "component_class" in node else ""
        listed = node.listed("actions") if "actions" in node else ()
        part = next((one for one in listed if one.text("name") == wanted), None)
        if part is None and kind in _NO_COST:
            return _Action(0.0, None, 1)
        if part is None:
            node.fail("actions", f"there is no action {wanted}", rule=f"name one {wanted}")
        if kind not in (*_NO_COST, "") and not {"energy", "throughput"} <= set(part):
            node.fail(
                "component_class",
                f"the model {kind} cannot be imported",
                rule="give every action its energy and its throughput",
            )
        bits = part.integer("bits_per_action") if "bits_per_action" in part else 1
        rate = self._number(part, "throughput") if "throughput" in part else math.inf
        energy = self._number(part, "energy") if "energy" in part or kind not in _NO_COST else 0.0
        part.done()
        if rate <= 0 or not math.isfinite(energy) or energy < 0:
            node.fail("actions", f"{wanted} has a rate of {rate:g} and an energy of {energy:g}")
        return _Action(energy * _JOULE, None if rate == math.inf else rate, bits)

    def _number(self, node: Section, key: str) -> float:
        return node.scalar(key, lambda text: number(text, {}, {}))

    # The whole.

    def machine(self, name: str) -> Machine:
        """What the nodes make together."""
        arrays = self._arrays()
        memories = tuple(self._placed(memory, arrays) for memory in self.memories)
        units = tuple(
            replace(unit, dims=_dims((*arrays.get(unit.name, ((), ()))[1], *self.below[unit.name])))
            for unit in self.units
        )
        whole = Architecture(name, 1.0, _NODE_NM, memories, tuple(map(self._stub, units)))
        clock = self.rates[max(units, key=lambda unit: whole.pes(unit.name)).name]
        units = tuple(replace(unit, operations=self._operations(unit, clock)) for unit in units)
        fanouts = {
            f"{owner}.{one.dim.name}": one for owner, own in self.below.items() for one in own
        }
        for unit, (first, own) in arrays.items():
            moved = {f"{first}.{one.dim.name}": f"{unit}.{one.dim.name}" for one in own}
            fanouts = {moved.get(dim, dim): one for dim, one in fanouts.items()}
        return Machine(
            replace(whole, clock_hz=clock, units=units),
            Library(name, tuple(self.components)),
            Constraints(self.keeping, _spreading(fanouts), self.allowed),
            {dim: (one.node, one.name) for dim, one in fanouts.items()},
        )

    def _arrays(self) -> dict[str, tuple[str, tuple[Fanout, ...]]]:
        """By unit, the outermost memory inside its PEs and the fanout that makes them.

        They are the memories from the last one with a fanout of a container on, if just one unit
        reads them.
        """
        found = {}
        names = [memory.name for memory in self.memories]
        spread = [name for name in names if self.below[name]]
        if spread and names.index(spread[-1]) > 0:
            inside = names[names.index(spread[-1]) :]
            users = [unit.name for unit in self.units if unit.memory in inside]
            own = self.below[spread[-1]]
            if len(users) == 1 and all(one.node != spread[-1] for one in own):
                found[users[0]] = (spread[-1], own)
        return found

    def _placed(
        self, memory: Memory, arrays: Mapping[str, tuple[str, tuple[Fanout, ...]]]
    ) -> Memory:
        names = [one.name for one in self.memories]
        for unit, (first, _) in arrays.items():
            if names.index(memory.name) >= names.index(first):
                return replace(memory, per_unit=unit)
        return replace(memory, fanout=_dims(self.below[memory.name]))

    def _stub(self, unit: ComputeUnit) -> ComputeUnit:
        return replace(unit, operations=(Operation("mac", 1.0),))

    def _operations(self, unit: ComputeUnit, clock: float) -> tuple[Operation, ...]:
        """One operation a point for each Einsum that may run on `unit`, all at the same cost."""
        one = Operation("mac", clock / self.rates[unit.name], ((unit.name, 1.0),))
        fused = replace(unit, operations=(one,))
        names = {
            name
            for einsum in self.workload.cascade.steps
            if unit.name in self.allowed[einsum.name]
            for name in needed(einsum, fused)
        }
        return tuple(replace(one, name=name) for name in sorted(names or {"mac"}))


@dataclass(frozen=True, slots=True)
class _Action:
    energy_pj: float
    rate: float | None
    bits: int

    @property
    def bytes_per_s(self) -> float | None:
        return None if self.rate is None else self.rate * self.bits / 8


def _each(
    read: Callable[[str, Mapping[str, Tensors]], T], sets: Mapping[str, Tensors]
) -> Callable[[str], T]:
    return lambda text: read(text, sets)


def _set(part: Section | None, key: str, names: Mapping[str, Tensors]) -> Tensors | None:
    if part is None or key not in part:
        return None
    return part.scalar(key, _each(tensors, names))


def _dims(fanouts: tuple[Fanout, ...]) -> tuple[Dim, ...]:
    return tuple(one.dim for one in fanouts)


def _spreading(fanouts: Mapping[str, Fanout]) -> dict[tuple[str, str], Spreading]:
    return {
        (einsum, dim): spreading
        for dim, one in fanouts.items()
        for einsum, spreading in one.spreading.items()
        if spreading != Spreading()
    }
