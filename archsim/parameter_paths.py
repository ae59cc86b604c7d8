"""Every value of an architecture that `with_parameter` can change, by its path."""

from __future__ import annotations

from collections.abc import Mapping

from archsim.architecture import Architecture
from archsim.architecture_yaml import parse_architecture
from archsim.quantities import Unit, Value
from einsum.errors import Source


def parameter_units(architecture: Architecture) -> dict[str, Unit | None]:
    """What each path measures, in the order of the text; None where the value is a name.

    >>> from archsim.load import load_architecture
    >>> parameter_units(load_architecture("fusemax-cloud"))["array_2d.rows"]
    <Unit.COUNT: ('a count', {})>
    """
    found: dict[str, Unit | None] = {
        "clock": Unit.HERTZ,
        "node": Unit.NANOMETRES,
        "launch": Unit.SECONDS,
        "overlap": Unit.COUNT,
    }
    found |= dict.fromkeys((name for name, _ in architecture.parameters), Unit.COUNT)
    for memory in architecture.memories:
        found |= {
            f"{memory.name}.size": Unit.BYTES,
            f"{memory.name}.bandwidth": Unit.BYTES_PER_S,
            f"{memory.name}.read_bandwidth": Unit.BYTES_PER_S,
            f"{memory.name}.write_bandwidth": Unit.BYTES_PER_S,
            f"{memory.name}.access": Unit.BITS,
            f"{memory.name}.component": None,
        }
        found |= {f"{memory.name}.{one.name}": Unit.COUNT for one in memory.fanout}
    for unit in architecture.units:
        found |= {f"{unit.name}.{one.name}": Unit.COUNT for one in unit.dims}
        for operation in unit.operations:
            path = f"{unit.name}.operations.{operation.name}"
            found[f"{path}.cycles"] = Unit.COUNT
            found |= {f"{path}.uses.{name}": Unit.COUNT for name, _ in operation.uses}
        found |= {f"{unit.name}.components.{name}": Unit.COUNT for name, _ in unit.components}
    return found


def parameter_values(architecture: Architecture) -> dict[str, float]:
    """The numbers among `parameter_units`, in base units; what is unbounded is left out."""
    found: dict[str, float] = {
        "clock": architecture.clock_hz,
        "node": architecture.node_nm,
        "launch": architecture.launch_s,
        "overlap": architecture.overlap,
        **dict(architecture.parameters),
    }
    for memory in architecture.memories:
        own = {
            "size": memory.size_bytes,
            "bandwidth": memory.bandwidth_bytes_per_s,
            "read_bandwidth": memory.read_bytes_per_s,
            "write_bandwidth": memory.write_bytes_per_s,
            "access": memory.access_bits,
        }
        found |= {f"{memory.name}.{key}": value for key, value in own.items() if value is not None}
        found |= {f"{memory.name}.{one.name}": one.size for one in memory.fanout}
    for unit in architecture.units:
        found |= {f"{unit.name}.{one.name}": one.size for one in unit.dims}
        for operation in unit.operations:
            path = f"{unit.name}.operations.{operation.name}"
            found[f"{path}.cycles"] = operation.cycles
            found |= {f"{path}.uses.{name}": count for name, count in operation.uses}
        found |= {f"{unit.name}.components.{name}": count for name, count in unit.components}
    return found


def with_values(architecture: Architecture, values: Mapping[str, Value | str]) -> Architecture:
    """`architecture` with values changed by path: names, or numbers in base units.

    As `Architecture.with_parameter`, but numbers stay what they are: they are not written as
    text and read again. Raises `SpecError` for a path or a value that cannot be.
    """
    units = parameter_units(architecture)
    names: dict[str, Value] = {}
    overrides = list(architecture.overrides)
    for number, (path, value) in enumerate(values.items()):
        unit = units.get(path)
        if isinstance(value, str) or unit is None:
            overrides.append((path, str(value)))
            continue
        name = f"value_{number}"
        names[name] = value
        base = next((word for word, factor in unit.factors.items() if factor == 1), "")
        overrides.append((path, f"{name} {base}".strip()))
    source = architecture.source or Source(architecture.name, str(architecture))
    return parse_architecture(source, overrides, names)
