"""Unit rates of a GPU: those that its own microbenchmarks measured, in place of the preset's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archsim.architecture import Architecture
from reports.gpu.model import peak_flops


@dataclass(frozen=True, slots=True)
class Rate:
    """A unit rate, what it is counted in, and where it is from."""

    name: str
    value: float
    unit: str
    source: str


PRESET = "preset (published)"
MEASURED = "measured"


def ceilings(architecture: Architecture) -> dict[str, float]:
    """The rates of `architecture`: `copy`, `l2`, `gemm`, `exp` per second, `launch` in seconds."""
    root = architecture.root
    found = {"gemm": peak_flops(architecture), "launch": architecture.launch_s}
    if root.bandwidth_bytes_per_s is not None:
        found["copy"] = root.bandwidth_bytes_per_s
    for memory in architecture.memories:
        if memory.cache and memory.bandwidth_bytes_per_s is not None:
            found["l2"] = memory.bandwidth_bytes_per_s
    for unit in architecture.units:
        for operation in unit.operations:
            if operation.name == "exp":
                rate = architecture.pes(unit.name) / operation.cycles * architecture.clock_hz
                found["exp"] = rate
    return found


def calibrated(architecture: Architecture, measured: Mapping[str, float]) -> Architecture:
    """`architecture` with the rates of `measured`, which are named as those of `ceilings`.

    The clock stays: a unit that is slower than its specification takes more cycles.
    """
    published = ceilings(architecture)
    found = architecture
    for name, value in measured.items():
        slower = published[name] / value if value > 0 else 1.0
        match name:
            case "copy":
                found = found.with_parameter(f"{found.root.name}.bandwidth", f"{value!r} B/s")
            case "l2":
                cache = next(memory.name for memory in found.memories if memory.cache)
                found = found.with_parameter(f"{cache}.bandwidth", f"{value!r} B/s")
            case "launch":
                found = found.with_parameter("launch", f"{value!r} s")
            case "gemm":
                found = _slower(found, "mac", slower, largest=True)
            case "exp":
                found = _slower(_slower(found, "exp", slower), "exp2", slower)
            case _:
                raise AssertionError(f"{name} is not one of {', '.join(published)}")
    return found


def rates(architecture: Architecture, measured: Mapping[str, float]) -> tuple[Rate, ...]:
    """Every rate that a prediction used, and whether it was measured."""
    units = {"copy": "B/s", "l2": "B/s", "gemm": "FLOP/s", "exp": "1/s", "launch": "s"}
    return tuple(
        Rate(name, measured.get(name, value), units[name], MEASURED if name in measured else PRESET)
        for name, value in ceilings(architecture).items()
    )


def _slower(
    architecture: Architecture, operation: str, factor: float, *, largest: bool = False
) -> Architecture:
    """`operation` with `factor` times the cycles: of all units, or of the `largest` one alone."""
    having = [
        (unit.name, own.cycles)
        for unit in architecture.units
        for own in unit.operations
        if own.name == operation
    ]
    if largest:
        having = [max(having, key=lambda pair: architecture.pes(pair[0]))]
    for unit, cycles in having:
        path = f"{unit}.operations.{operation}.cycles"
        architecture = architecture.with_parameter(path, repr(float(cycles) * factor))
    return architecture
