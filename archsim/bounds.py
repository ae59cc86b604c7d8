"""What no mapping can beat: compulsory traffic and the time that the hardware needs at least."""

from __future__ import annotations

from collections.abc import Mapping

from archsim.architecture import Architecture, ComputeUnit
from archsim.report import Bounds
from archsim.work import needed, operation_on, supports
from einsum.cascade import Cascade, Einsum, Role
from einsum.errors import SpecError


def bounds(
    cascade: Cascade,
    sizes: Mapping[str, int],
    architecture: Architecture,
    useful_points: Mapping[str, float],
) -> Bounds:
    """Lower bounds for `cascade` on `architecture`.

    Compulsory traffic reads every input once and writes every output once. The compute bound
    is the longer of two: all units share all Einsums perfectly; or one unit does what no other
    can. The roofline is the longer of computing and moving the compulsory bytes.
    """
    moved = 0.0
    for tensor in cascade.tensors:
        if tensor.role is Role.INTERMEDIATE:
            continue
        elements = 1.0
        for rank in tensor.ranks:
            elements *= sizes[rank]
        moved += elements * tensor.format.bits_per_value / 8
    compute = _compute_bound(cascade, architecture, useful_points) / architecture.clock_hz
    bandwidth = architecture.root.bandwidth_bytes_per_s
    memory = moved / bandwidth if bandwidth else 0.0
    return Bounds(moved, compute, max(compute, memory))


def _compute_bound(
    cascade: Cascade, architecture: Architecture, useful_points: Mapping[str, float]
) -> float:
    shared = 0.0
    alone: dict[str, float] = {}
    for einsum in cascade.steps:
        able = [unit for unit in architecture.units if supports(unit, einsum)]
        if not able:
            raise SpecError(
                f"no unit of {architecture.name} can compute {einsum.name}",
                rule="; ".join(
                    f"{unit.name} has {', '.join(sorted(o.name for o in unit.operations))}"
                    for unit in architecture.units
                ),
            )
        rate = sum(_rate(einsum, unit, architecture) for unit in able)
        points = useful_points[einsum.name]
        shared += points / rate if rate else 0.0
        if len(able) == 1 and rate:
            alone[able[0].name] = alone.get(able[0].name, 0.0) + points / rate
    return max([shared, *alone.values()])


def _rate(einsum: Einsum, unit: ComputeUnit, architecture: Architecture) -> float:
    """Points per cycle with every PE busy."""
    cycles = sum(
        operation_on(unit, name, einsum).cycles * count
        for name, count in needed(einsum, unit).items()
    )
    return architecture.pes(unit.name) / max(cycles, 1e-9)
