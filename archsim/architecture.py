"""Architectures: a tree of memories and the compute units that read them, as immutable values.

An `Architecture` is always whole and checked: building one raises `SpecError` when a rule of
`docs/architecture.md` is broken. `str(architecture)` is its YAML, which loads back to an equal
value.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from einsum.errors import Source, SpecError, choices

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dim:
    """A named spatial dimension: `rows` of an array, `cores` of a chip.

    Without `multicast` nothing is sent to several instances at once, nor summed on the way back.
    """

    name: str
    size: int
    multicast: bool = True


@dataclass(frozen=True, slots=True)
class Memory:
    """A storage level.

    `component` names its entry in the component library. `size_bytes` None is unbounded, a
    bandwidth None never limits; all are per instance. Reads and writes share one port of
    `bandwidth_bytes_per_s`, or each has a port of its own. One access moves
    `access_bits`. Every instance of `parent` (None for the root) has `fanout` instances below it;
    with `per_unit` there is one for each PE of that unit instead. Only `tensors` (None: all) may
    be held, and never those of `bypass`. A `cache` keeps what passes it by itself: mappings hold
    nothing there (`archsim.cache`).
    """

    name: str
    parent: str | None
    component: str
    size_bytes: float | None
    bandwidth_bytes_per_s: float | None
    access_bits: int
    fanout: tuple[Dim, ...] = ()
    per_unit: str | None = None
    tensors: frozenset[str] | None = None
    bypass: frozenset[str] = frozenset()
    read_bytes_per_s: float | None = None
    write_bytes_per_s: float | None = None
    cache: bool = False

    def holds(self, tensor: str) -> bool:
        """May a mapping keep `tensor` here?"""
        if self.cache or tensor in self.bypass:
            return False
        return self.tensors is None or tensor in self.tensors


@dataclass(frozen=True, slots=True)
class Operation:
    """What a PE can do: cycles for one, and the actions of components that one costs.

    `name` is an operator of einsum, or a fused one of `FUSED`. Operations of different `pipe`s of
    a PE overlap, those of one pipe add up.
    """

    name: str
    cycles: float
    uses: tuple[tuple[str, float], ...] = ()
    pipe: str = ""


FUSED = ("mac", "sub_exp")
"""Operations besides einsum's operators: a multiply-accumulate, and exp of a difference."""


@dataclass(frozen=True, slots=True)
class ComputeUnit:
    """An array of PEs below each instance of `memory`, the innermost memory that it reads.

    `dims` are its dimensions (none: a scalar unit). `components` is the hardware of one PE
    with its count, for the area. A unit that `latches` keeps an operand or a sum while the next
    point needs the same one; another one reads and writes them for every point.
    """

    name: str
    memory: str
    dims: tuple[Dim, ...]
    operations: tuple[Operation, ...]
    components: tuple[tuple[str, int], ...] = ()
    latches: bool = True

    @property
    def pipes(self) -> tuple[str, ...]:
        """The pipes of one PE; there is at least one."""
        return tuple(dict.fromkeys(operation.pipe for operation in self.operations))


@dataclass(frozen=True)
class Architecture:
    """A chip: its memories (a tree), its compute units, its clock and its technology node.

    Every fused group takes `launch_s` to start. Of the work of all units but the busiest one a
    share of `overlap` is hidden where Einsums overlap.
    `parameters` are the named values its text was written in, `source` that text and
    `overrides` what `with_parameter` changed: how the value was made, not part of what it is.
    """

    name: str
    clock_hz: float
    node_nm: float
    memories: tuple[Memory, ...]
    units: tuple[ComputeUnit, ...]
    launch_s: float = 0.0
    overlap: float = 1.0
    description: str = field(default="", compare=False)
    parameters: tuple[tuple[str, float], ...] = field(default=(), compare=False)
    source: Source | None = field(default=None, compare=False, repr=False)
    overrides: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        from archsim.architecture_check import check  # the rules read the finished value

        check(self)

    def __str__(self) -> str:
        from archsim.architecture_yaml import print_architecture

        return print_architecture(self)

    @cached_property
    def digest(self) -> str:
        """Content hash: equal for equal architectures, stable between runs and machines."""
        from archsim.architecture_yaml import print_architecture

        return hashlib.sha256(print_architecture(self, described=False).encode()).hexdigest()

    # Names.

    @cached_property
    def _memories(self) -> dict[str, Memory]:
        return {memory.name: memory for memory in self.memories}

    @cached_property
    def _units(self) -> dict[str, ComputeUnit]:
        return {unit.name: unit for unit in self.units}

    def memory(self, name: str) -> Memory:
        """The memory called `name`; `SpecError` lists them if there is none."""
        found = self._memories.get(name)
        return found or _named("memory", name, self._memories, self.name)

    def unit(self, name: str) -> ComputeUnit:
        """The compute unit called `name`; `SpecError` lists them if there is none."""
        found = self._units.get(name)
        return found or _named("compute unit", name, self._units, self.name)

    @cached_property
    def _dims(self) -> dict[str, int]:
        owners = (*self._memories, *self._units)
        return {f"{own}.{one.name}": one.size for own in owners for one in self.own_dims(own)}

    @property
    def dims(self) -> list[str]:
        """Every spatial dimension: `array_2d.rows`, `local_buffer.cores`."""
        return list(self._dims)

    def dim_size(self, dim: str) -> int:
        """The size of a dimension of `dims`."""
        return _named("dimension", dim, self._dims, self.name)

    def own_dims(self, name: str) -> tuple[Dim, ...]:
        """The dimensions of a unit, or the fanout of a memory."""
        if name in self._units:
            return self._units[name].dims
        return _named("memory or unit", name, self._memories, self.name).fanout

    def is_unit(self, name: str) -> bool:
        """Is there a compute unit of this name? No memory has it then."""
        return name in self._units

    def array_dims(self, unit: str) -> tuple[str, ...]:
        """The dimensions of a unit alone: `array_2d.rows`, `array_2d.columns`."""
        return self._array_dims[self.unit(unit).name]

    @cached_property
    def _array_dims(self) -> dict[str, tuple[str, ...]]:
        return {
            unit.name: tuple(f"{unit.name}.{one.name}" for one in unit.dims) for unit in self.units
        }

    def array_of(self, name: str) -> str | None:
        """The unit `name`, or the one whose PEs have the memory `name`."""
        if name not in self._arrays:
            self.memory(name)
        return self._arrays[name]

    @cached_property
    def _arrays(self) -> dict[str, str | None]:
        return {m.name: m.per_unit for m in self.memories} | {name: name for name in self._units}

    @cached_property
    def unicast(self) -> frozenset[str]:
        """The dimensions of `dims` across which nothing is shared."""
        owners = (*self._memories, *self._units)
        dims = ((own, one) for own in owners for one in self.own_dims(own))
        return frozenset(f"{own}.{one.name}" for own, one in dims if not one.multicast)

    # The tree.

    @cached_property
    def root(self) -> Memory:
        """The memory that everything comes from: DRAM."""
        return next(memory for memory in self.memories if memory.parent is None)

    def path(self, unit: str) -> tuple[Memory, ...]:
        """The memories of `unit`, from the root to the innermost."""
        return self._upwards(self.unit(unit).memory)[::-1]

    def dims_above(self, unit: str) -> tuple[str, ...]:
        """The dimensions that the PEs of `unit` are spread over, from the root inwards."""
        return self._dims_above[self.unit(unit).name]

    @cached_property
    def _dims_above(self) -> dict[str, tuple[str, ...]]:
        owners = {
            unit: (*(memory.name for memory in self.path(unit)), unit) for unit in self._units
        }
        return {
            unit: tuple(f"{own}.{one.name}" for own in owners[unit] for one in self.own_dims(own))
            for unit in self._units
        }

    def instance_dims(self, name: str) -> frozenset[str]:
        """The dimensions that tell the instances of a memory, or the PEs of a unit, apart."""
        if name not in self._instance_dims:
            self.memory(name)
        return self._instance_dims[name]

    @cached_property
    def _instance_dims(self) -> dict[str, frozenset[str]]:
        found = {unit: frozenset(self.dims_above(unit)) for unit in self._units}
        for memory in self.memories:
            above = self._upwards(memory.name)
            fanout = frozenset(f"{one.name}.{dim.name}" for one in above for dim in one.fanout)
            private = memory.per_unit
            found[memory.name] = fanout if private is None else found[private]
        return found

    def dims_between(self, upper: str, lower: str) -> frozenset[str]:
        """The dimensions that tell the instances of `lower` below one of `upper` apart."""
        if (upper, lower) not in self._dims_between:  # then there is no such name
            return self.instance_dims(lower) - self.instance_dims(upper)
        return self._dims_between[upper, lower]

    @cached_property
    def _dims_between(self) -> dict[tuple[str, str], frozenset[str]]:
        dims = self._instance_dims
        return {(upper, lower): dims[lower] - dims[upper] for upper in dims for lower in dims}

    def above(self, memory: str) -> tuple[Memory, ...]:
        """`memory` and all memories above it, from the inside out."""
        return self._upwards(self.memory(memory).name)

    def _upwards(self, memory: str | None) -> tuple[Memory, ...]:
        found: list[Memory] = []
        while memory is not None:
            found.append(self._memories[memory])
            memory = found[-1].parent
        return tuple(found)

    def instances(self, name: str) -> int:
        """How many of a memory, or of a whole array, the chip has."""
        if name not in self._units:
            _named("memory or unit", name, self._memories, self.name)
        return self._instances[name]

    @cached_property
    def _instances(self) -> dict[str, int]:
        return {name: self._count(name) for name in (*self._memories, *self._units)}

    def _count(self, name: str) -> int:
        if name in self._units:
            shared = (m for m in self._upwards(self._units[name].memory) if m.per_unit is None)
            return self._count(next(shared).name)
        memory = self._memories[name]
        if memory.per_unit is not None:
            above = _product(self.unit(memory.per_unit).dims) * self._count(memory.per_unit)
        else:
            above = 1 if memory.parent is None else self._count(memory.parent)
        return above * _product(memory.fanout)

    def pes(self, unit: str) -> int:
        """All PEs of `unit` on the chip."""
        return _product(self.unit(unit).dims) * self.instances(unit)

    # Variations.

    def with_parameter(self, path: str, value: str | float) -> Architecture:
        """This architecture with one value changed, read as if it stood in the text.

        `path` is a parameter (`N`), a key of the chip (`clock`), of a memory or a unit
        (`global_buffer.size`, `dram.bandwidth`), a dimension (`array_2d.rows`), or a key of an
        operation (`array_1d.operations.exp.cycles`). Raises `SpecError` for a path that does
        not exist and for a value without its unit.
        """
        from archsim.architecture_yaml import parse_architecture

        source = self.source or Source(self.name, str(self))
        return parse_architecture(source, (*self.overrides, (path, str(value))))


def _named(kind: str, name: str, valid: dict[str, T], owner: str) -> T:
    if name not in valid:
        raise SpecError(f"{owner} has no {kind} {name}", rule=choices(name, valid))
    return valid[name]


def _product(dims: Iterable[Dim]) -> int:
    return math.prod(one.size for one in dims)
