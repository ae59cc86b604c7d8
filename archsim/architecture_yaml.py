"""Architectures as YAML, both ways; `docs/architecture.md` is the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import PurePath
from types import MappingProxyType
from typing import TypeVar

import yaml

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.architecture_check import PlacedError
from archsim.quantities import Unit, Value, format_quantity, parse_quantity
from archsim.section import Path, Section, open_section
from einsum.errors import Source, SpecError, choices

T = TypeVar("T")


_CHIP_KEYS = ("clock", "node", "launch", "overlap")


class _Yes(Enum):
    TRUE = "true"
    FALSE = "false"


def parse_architecture(
    source: Source,
    overrides: Sequence[tuple[str, str]] = (),
    names: Mapping[str, Value] = MappingProxyType({}),
) -> Architecture:
    """The architecture that `source` describes, with the values of `overrides` in their places.

    `names` are numbers that the values may name besides the parameters. Raises `SpecError` with
    the place of what is wrong.
    """
    plain = open_section(source)
    top = open_section(
        source, {_locate(path, plain): Source(path, value) for path, value in overrides}
    )
    top.names.update(names)
    try:
        name = top.text("architecture") if "architecture" in top else PurePath(source.name).stem
        description = top.text("description") if "description" in top else ""
        if "parameters" in top:
            _read_parameters(top.section("parameters"))
        architecture = Architecture(
            name=name,
            clock_hz=top.quantity("clock", Unit.HERTZ),
            node_nm=top.quantity("node", Unit.NANOMETRES),
            memories=tuple(_read_memory(*entry) for entry in top.sections("memories")),
            units=tuple(_read_unit(*entry) for entry in top.sections("units")),
            launch_s=top.quantity("launch", Unit.SECONDS, positive=False)
            if "launch" in top
            else 0.0,
            overlap=top.quantity("overlap", Unit.COUNT, positive=False)
            if "overlap" in top
            else 1.0,
            description=description,
            parameters=tuple(one for one in top.names.items() if one[0] not in names),
            source=source,
            overrides=tuple(overrides),
        )
        top.done()
    except PlacedError as error:
        raise error.located(source, top.place(error.path)) from None
    return architecture


def _locate(path: str, top: Section) -> Path:
    """Where in the YAML the value at a dotted path stands: `array_2d.rows` is a dimension."""
    first, *rest = path.split(".")
    parts = {part: top.section(part) for part in ("parameters", "memories", "units") if part in top}
    if not rest and first in parts.get("parameters", ()):
        return ("parameters", first)
    if not rest and first in _CHIP_KEYS:
        return (first,)
    for part, dims in (("memories", "fanout"), ("units", "dims")):
        if rest and first in parts.get(part, ()):
            entry = parts[part].section(first)
            if len(rest) == 1 and dims in entry and rest[0] in entry.section(dims):
                return (part, first, dims, *rest)
            for key in rest[:-1]:
                if key not in entry:
                    raise SpecError(
                        f"there is no {path} to change",
                        rule=choices(key, list(entry)),
                        source=top.source,
                        span=entry.span,
                    )
                entry = entry.section(key)
            return (part, first, *rest)
    valid = [*_CHIP_KEYS, *parts.get("parameters", ())]
    valid += [f"{name}.KEY" for part in ("memories", "units") for name in parts.get(part, ())]
    raise SpecError(f"there is no {path} to change", rule=choices(path, valid), source=top.source)


# Reading.


def _read_parameters(section: Section) -> None:
    for name in section:
        section.names[name] = section.scalar(
            name, lambda text: parse_quantity(text, Unit.COUNT, section.names)
        )


def _read_memory(name: str, section: Section) -> Memory:
    memory = Memory(
        name=name,
        parent=_optional(section, "parent", section.text),
        component=section.text("component"),
        size_bytes=_optional(section, "size", lambda key: section.quantity(key, Unit.BYTES)),
        bandwidth_bytes_per_s=_optional(
            section, "bandwidth", lambda key: section.quantity(key, Unit.BYTES_PER_S)
        ),
        access_bits=section.integer("access", unit=Unit.BITS),
        fanout=_read_dims(section, "fanout"),
        per_unit=_optional(section, "per", section.text),
        tensors=frozenset(section.texts("tensors")) if "tensors" in section else None,
        bypass=frozenset(section.texts("bypass") if "bypass" in section else ()),
        read_bytes_per_s=_optional(
            section, "read_bandwidth", lambda key: section.quantity(key, Unit.BYTES_PER_S)
        ),
        write_bytes_per_s=_optional(
            section, "write_bandwidth", lambda key: section.quantity(key, Unit.BYTES_PER_S)
        ),
        cache="cache" in section and section.choice("cache", _Yes) is _Yes.TRUE,
    )
    section.done()
    return memory


def _read_unit(name: str, section: Section) -> ComputeUnit:
    unit = ComputeUnit(
        name=name,
        memory=section.text("memory"),
        dims=_read_dims(section, "dims"),
        operations=tuple(_read_operation(*entry) for entry in section.sections("operations")),
        components=_read_counts(section, "components"),
        latches="latches" not in section or section.choice("latches", _Yes) is _Yes.TRUE,
    )
    section.done()
    return unit


def _read_operation(name: str, section: Section) -> Operation:
    uses = section.section("uses") if "uses" in section else None
    operation = Operation(
        name,
        section.quantity("cycles", Unit.COUNT),
        tuple((key, uses.quantity(key, Unit.COUNT)) for key in uses) if uses else (),
        section.text("pipe") if "pipe" in section else "",
    )
    section.done()
    return operation


def _read_dims(section: Section, key: str) -> tuple[Dim, ...]:
    sizes = dict(_read_counts(section, key))
    unicast = section.texts("unicast") if "unicast" in section else ()
    for name in unicast:
        if name not in sizes:
            section.fail("unicast", f"there is no dimension {name}", rule=choices(name, sizes))
    return tuple(Dim(name, size, name not in unicast) for name, size in sizes.items())


def _read_counts(section: Section, key: str) -> tuple[tuple[str, int], ...]:
    if key not in section:
        return ()
    counts = section.section(key)
    return tuple((name, counts.integer(name)) for name in counts)


def _optional(section: Section, key: str, read: Callable[[str], T]) -> T | None:
    return read(key) if key in section else None


# Printing.


def print_architecture(architecture: Architecture, *, described: bool = True) -> str:
    """YAML that loads back to an equal architecture, with its parameters written out."""
    lines = [f"architecture: {architecture.name}"]
    if described and architecture.description:
        lines.append(f"description: {_quoted(architecture.description)}")
    lines += [
        f"clock: {format_quantity(architecture.clock_hz, Unit.HERTZ)}",
        f"node: {format_quantity(architecture.node_nm, Unit.NANOMETRES)}",
    ]
    if architecture.launch_s:
        lines.append(f"launch: {format_quantity(architecture.launch_s, Unit.SECONDS)}")
    if architecture.overlap != 1:
        lines.append(f"overlap: {format_quantity(architecture.overlap, Unit.COUNT)}")
    lines += ["", "memories:"]
    for memory in architecture.memories:
        lines += [f"  {memory.name}:", *(f"    {line}" for line in _memory_lines(memory))]
    lines += ["", "units:"]
    for unit in architecture.units:
        lines += [f"  {unit.name}:", *(f"    {line}" for line in _unit_lines(unit))]
    return "\n".join(lines) + "\n"


def _memory_lines(memory: Memory) -> list[str]:
    size = memory.size_bytes
    values = {
        "parent": memory.parent,
        "per": memory.per_unit,
        "component": memory.component,
        "size": None if size is None else format_quantity(size, Unit.BYTES),
        "bandwidth": _bandwidth(memory.bandwidth_bytes_per_s),
        "read_bandwidth": _bandwidth(memory.read_bytes_per_s),
        "write_bandwidth": _bandwidth(memory.write_bytes_per_s),
        "access": format_quantity(memory.access_bits, Unit.BITS),
        "fanout": _dims(memory.fanout),
        "unicast": _unicast(memory.fanout),
        "tensors": None if memory.tensors is None else f"[{', '.join(sorted(memory.tensors))}]",
        "bypass": f"[{', '.join(sorted(memory.bypass))}]" if memory.bypass else None,
        "cache": "true" if memory.cache else None,
    }
    return [f"{key}: {value}" for key, value in values.items() if value is not None]


def _unit_lines(unit: ComputeUnit) -> list[str]:
    lines = [f"memory: {unit.memory}"]
    if unit.dims:
        lines.append(f"dims: {_dims(unit.dims)}")
    if (unicast := _unicast(unit.dims)) is not None:
        lines.append(f"unicast: {unicast}")
    lines.append("operations:")
    for operation in unit.operations:
        cycles = format_quantity(operation.cycles, Unit.COUNT)
        uses = f", uses: {_counts(operation.uses)}" if operation.uses else ""
        pipe = f", pipe: {operation.pipe}" if operation.pipe else ""
        lines.append(f"  {operation.name}: {{cycles: {cycles}{pipe}{uses}}}")
    if unit.components:
        lines.append(f"components: {_counts(unit.components)}")
    if not unit.latches:
        lines.append("latches: false")
    return lines


def _dims(dims: tuple[Dim, ...]) -> str | None:
    return _counts((one.name, one.size) for one in dims) if dims else None


def _unicast(dims: tuple[Dim, ...]) -> str | None:
    names = [one.name for one in dims if not one.multicast]
    return f"[{', '.join(names)}]" if names else None


def _bandwidth(value: float | None) -> str | None:
    return None if value is None else format_quantity(value, Unit.BYTES_PER_S)


def _counts(pairs: Iterable[tuple[str, Value]]) -> str:
    inner = ", ".join(f"{name}: {format_quantity(value, Unit.COUNT)}" for name, value in pairs)
    return f"{{{inner}}}"


def _quoted(text: str) -> str:
    # A wide double-quoted scalar is one line, whatever the text holds.
    written = yaml.safe_dump(text, default_style='"', width=1 << 20, allow_unicode=True)
    return str(written).strip()
