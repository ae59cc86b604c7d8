"""Attainable data movement of a cascade: curves against the size of the buffer, and a chip on it.

After Orojenesis (Huang et al., "Mind the Gap: Attainable Data Movement and Operational Intensity
Bounds for Tensor Algorithms", ISCA 2024), whose curves these are, with the passes of the
cascade to say what fusion can save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from archsim.amounts import Array
from archsim.architecture import Architecture
from archsim.movement.curve import Curve, total
from archsim.movement.demands import Demand
from archsim.movement.fused import Fusion
from archsim.movement.nest import nest_curve
from archsim.movement.schedule import cascade_bound, einsum_bound
from archsim.movement.stays import Stays
from archsim.report import CostReport
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError, choices
from einsum.shapes import Shapes


@dataclass(frozen=True, eq=False)
class Attainable:
    """Lower bounds of the bytes that go to and from the backing store.

    `fused` holds for every mapping of the cascade, `alone` for an Einsum by itself, `unfused`
    for all Einsums one after another. `demands` is what passes force to be held or moved.
    """

    stays: Stays
    fused: Curve
    alone: Mapping[str, Curve]
    unfused: Curve
    demands: tuple[Demand, ...]

    def any_order(self, buffer_bytes: Array) -> Array:
        """What moves in any order of operations, tiles or not (`archsim.movement.schedule`)."""
        return cascade_bound(self.stays, self.demands, buffer_bytes)

    def any_order_alone(self, einsum: str, buffer_bytes: Array) -> Array:
        """The same for one Einsum by itself."""
        return einsum_bound(self.stays, _einsum(self.stays.cascade, einsum), buffer_bytes)


def attainable(shapes: Shapes) -> Attainable:
    """The curves of the cascade of `shapes`."""
    stays = Stays(shapes)
    fusion = Fusion(stays)
    alone = {einsum.name: unfused_curve(stays, einsum) for einsum in shapes.cascade.steps}
    return Attainable(stays, fusion.curve, alone, total([*alone.values()]), fusion.demands)


def unfused_curve(stays: Stays, einsum: Einsum) -> Curve:
    """The least that an Einsum by itself moves."""
    curve = nest_curve(stays.space(einsum), stays.unfused(einsum))
    return total([curve, Curve.constant({"": 0.0, **stays.unmoved(einsum)})])


def attainable_bytes(shapes: Shapes, architecture: Architecture) -> float:
    """What every mapping of the cascade on `architecture` moves at least.

    See `Fusion` for which mappings. `inf` if the chip is too small for any.
    """
    return float(Fusion(Stays(shapes)).curve.at(chip_bytes(shapes.cascade, architecture)))


def chip_bytes(cascade: Cascade, architecture: Architecture) -> float:
    """All that a chip can hold: its memories, and the operands and results in its PEs."""
    sizes = [
        inf
        if memory.size_bytes is None
        else memory.size_bytes * architecture.instances(memory.name)
        for memory in architecture.memories
        if memory.name != architecture.root.name
    ]
    return sum(sizes) + operand_bytes(cascade, architecture)


def operand_bytes(cascade: Cascade, architecture: Architecture) -> float:
    """What the PEs hold of the point that they compute."""
    widest = max(
        sum(cascade.tensor(name).format.bits_per_value for name in einsum.tensors) / 8
        for einsum in cascade.steps
    )
    return widest * sum(architecture.pes(unit.name) for unit in architecture.units)


def held_bytes(report: CostReport, cascade: Cascade, architecture: Architecture) -> float:
    """What a mapping holds on chip, counted as `chip_bytes` does."""
    held = sum(
        one.occupied_bytes * architecture.instances(one.memory)
        for one in report.memories
        if one.memory != architecture.root.name
    )
    return held + operand_bytes(cascade, architecture)


def buffer_sizes(curves: Sequence[Curve]) -> Array:
    """Powers of two from the smallest buffer that can compute to the last step of all curves."""
    first = min(float(curve.buffer_bytes[0]) for curve in curves)
    last = max(float(curve.buffer_bytes[-1]) for curve in curves)
    return 2.0 ** np.arange(np.ceil(np.log2(max(first, 1.0))), np.ceil(np.log2(last)) + 1)


def _einsum(cascade: Cascade, name: str) -> Einsum:
    for einsum in cascade.steps:
        if einsum.name == name:
            return einsum
    raise SpecError(
        f"{cascade.name} has no Einsum {name}",
        rule=choices(name, [einsum.name for einsum in cascade.steps]),
    )
