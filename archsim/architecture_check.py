"""The rules of an architecture."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from archsim.architecture import FUSED, Architecture, ComputeUnit, Dim, Memory
from einsum.errors import SpecError, choices
from einsum.operators import OPERATORS

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class PlacedError(SpecError):
    """A broken rule, with the path of the key in the YAML text that breaks it."""

    def __init__(self, message: str, rule: str, *path: str) -> None:
        super().__init__(message, rule=rule)
        self.path = path


def check(architecture: Architecture) -> None:
    """Raises `SpecError` at the first rule that `architecture` breaks."""
    _check_name(architecture.name, "architecture")
    _check_positive(architecture.clock_hz, "the clock", "clock")
    _check_positive(architecture.node_nm, "the technology node", "node")
    if not (architecture.launch_s >= 0 and math.isfinite(architecture.launch_s)):
        raise PlacedError(
            f"a launch takes {architecture.launch_s:g} s", "it is a finite time", "launch"
        )
    if not 0 <= architecture.overlap <= 1:
        raise PlacedError(
            f"the overlap is {architecture.overlap:g}", "it is a share from 0 to 1", "overlap"
        )
    if not architecture.units:
        raise PlacedError("there is no compute unit", "name at least one", "units")
    names: set[str] = set()
    named = [("memories", memory.name) for memory in architecture.memories]
    named += [("units", unit.name) for unit in architecture.units]
    for kind, name in named:
        _check_name(name, kind, name)
        if name in names:
            raise PlacedError(
                f"{name} is defined twice", "memories and units have different names", kind, name
            )
        names.add(name)
    for memory in architecture.memories:
        _check_memory(memory)
    _check_tree({memory.name: memory for memory in architecture.memories})
    for unit in architecture.units:
        _check_unit(unit, architecture)
    _check_private(architecture)


def _check_memory(memory: Memory) -> None:
    place = ("memories", memory.name)
    _check_name(memory.component, *place, "component")
    own_ports = {
        "read_bandwidth": memory.read_bytes_per_s,
        "write_bandwidth": memory.write_bytes_per_s,
    }
    limits = {"size": memory.size_bytes, "bandwidth": memory.bandwidth_bytes_per_s, **own_ports}
    for key, value in limits.items():
        if value is not None:
            _check_positive(value, f"the {key} of {memory.name}", *place, key)
    for key, value in own_ports.items():
        if value is not None and (memory.bandwidth_bytes_per_s or memory.parent is None):
            raise PlacedError(
                f"{memory.name} has a {key} beside a port for both"
                if memory.bandwidth_bytes_per_s
                else f"the root {memory.name} has a {key}",
                "write bandwidth, or read_bandwidth and write_bandwidth; the root has one port",
                *place,
                key,
            )
    if memory.access_bits < 1:
        raise PlacedError(
            f"an access of {memory.name} moves {memory.access_bits} bits",
            "it moves at least 1",
            *place,
            "access",
        )
    _check_dims(memory.fanout, *place, "fanout")
    for tensor in (*(memory.tensors or ()), *memory.bypass):
        _check_name(tensor, *place)


def _check_tree(memories: dict[str, Memory]) -> None:
    roots = [name for name, memory in memories.items() if memory.parent is None]
    for name, memory in memories.items():
        if memory.cache and (memory.parent not in roots or memory.per_unit or memory.fanout):
            raise PlacedError(
                f"{name} is a cache, but not one memory right below the root",
                "a cache has the root as its parent, is not per PE and has no fanout",
                "memories",
                name,
                "cache",
            )
        if memory.cache and memory.size_bytes is None:
            raise PlacedError(
                f"the cache {name} has no size", "write size: 50 MB", "memories", name
            )
    if len(roots) != 1:
        raise PlacedError(
            f"{len(roots)} memories have no parent" + (f": {', '.join(roots)}" if roots else ""),
            "exactly one memory is the root; the others name their parent",
            "memories",
        )
    for name, memory in memories.items():
        seen = [name]
        while memory.parent is not None:
            if memory.parent not in memories:
                raise PlacedError(
                    f"{memory.name} is below {memory.parent}, which is no memory",
                    choices(memory.parent, memories),
                    "memories",
                    memory.name,
                    "parent",
                )
            if memory.parent in seen:
                raise PlacedError(
                    f"{' -> '.join((*seen, memory.parent))} is a cycle",
                    "memories form a tree",
                    "memories",
                    memory.name,
                    "parent",
                )
            memory = memories[memory.parent]
            seen.append(memory.name)


def _check_unit(unit: ComputeUnit, architecture: Architecture) -> None:
    place = ("units", unit.name)
    memories = [memory.name for memory in architecture.memories]
    if unit.memory not in memories:
        raise PlacedError(
            f"{unit.name} reads {unit.memory}, which is no memory",
            choices(unit.memory, memories),
            *place,
            "memory",
        )
    _check_dims(unit.dims, *place, "dims")
    if not unit.operations:
        raise PlacedError(f"{unit.name} has no operations", "name at least one", *place)
    known = (*OPERATORS, *FUSED)
    seen: set[str] = set()
    for operation in unit.operations:
        at = (*place, "operations", operation.name)
        if operation.name not in known:
            raise PlacedError(
                f"{operation.name} is not an operation", choices(operation.name, known), *at
            )
        if operation.name in seen:
            raise PlacedError(f"{operation.name} is given twice", "give it once", *at)
        seen.add(operation.name)
        _check_positive(operation.cycles, f"{operation.name} of {unit.name}", *at, "cycles")
        if operation.pipe:
            _check_name(operation.pipe, *at, "pipe")
        for component, count in operation.uses:
            _check_name(component, *at, "uses", component)
            _check_positive(count, f"the count of {component}", *at, "uses", component)
    for component, count in unit.components:
        _check_name(component, *place, "components", component)
        _check_positive(count, f"the count of {component}", *place, "components", component)


def _check_private(architecture: Architecture) -> None:
    """A memory of every PE stands at the end of the path of the unit that has the PEs."""
    memories = {memory.name: memory for memory in architecture.memories}
    units = {unit.name: unit for unit in architecture.units}
    for memory in architecture.memories:
        place = ("memories", memory.name)
        above = memories[memory.parent].per_unit if memory.parent is not None else None
        if above is not None and memory.per_unit != above:
            raise PlacedError(
                f"{memory.name} is below {memory.parent}, which every PE of {above} has",
                f"write per: {above}, or another parent",
                *place,
                "parent",
            )
        if memory.per_unit is None:
            continue
        if memory.parent is None:
            raise PlacedError("the root cannot belong to a unit", "give it a parent", *place, "per")
        if memory.per_unit not in units:
            raise PlacedError(
                f"{memory.name} is per PE of {memory.per_unit}, which is no unit",
                choices(memory.per_unit, units),
                *place,
                "per",
            )
        if memory not in architecture.path(memory.per_unit):
            raise PlacedError(
                f"{memory.name} is per PE of {memory.per_unit}, which does not read it",
                f"write memory: {memory.name} in {memory.per_unit}",
                *place,
                "per",
            )
    for unit in architecture.units:
        owner = memories[unit.memory].per_unit
        if owner not in (None, unit.name):
            raise PlacedError(
                f"{unit.name} reads {unit.memory}, which every PE of {owner} has for itself",
                "a unit reads a shared memory or its own",
                "units",
                unit.name,
                "memory",
            )


def _check_dims(dims: Iterable[Dim], *path: str) -> None:
    seen: set[str] = set()
    for one in dims:
        _check_name(one.name, *path, one.name)
        if one.name in seen:
            raise PlacedError(f"dimension {one.name} is given twice", "give it once", *path)
        seen.add(one.name)
        if one.size < 1:
            raise PlacedError(f"{one.name} is {one.size}", "a dimension is at least 1", *path)


def _check_positive(value: float, what: str, *path: str) -> None:
    if not 0 < value < math.inf:
        raise PlacedError(f"{what} is {value:g}", "it is greater than 0", *path)


def _check_name(name: str, *path: str) -> None:
    if not _NAME.fullmatch(name):
        raise PlacedError(
            f"{name!r} is not a name", "a name is a letter, then letters, digits, _ and -", *path
        )
