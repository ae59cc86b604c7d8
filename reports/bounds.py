"""Attainable data movement as tables: what a buffer of some size must move, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from archsim.engineering import binary, engineering
from archsim.movement.attainable import (
    Attainable,
    attainable,
    buffer_sizes,
    chip_bytes,
    held_bytes,
)
from archsim.movement.curve import Curve
from archsim.report import CostReport
from archsim.text_table import TextTable
from einsum.cascade import Role
from reports.problem import Target

_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Mark:
    """A mapping: what it holds on chip at most, and what it moves."""

    name: str
    buffer_bytes: float
    traffic_bytes: float


@dataclass(frozen=True, eq=False)
class Study:
    """One cascade on one chip: its curves and the mappings to compare."""

    target: Target
    found: Attainable
    marks: tuple[Mark, ...] = ()

    @property
    def name(self) -> str:
        return self.target.cascade.name

    @property
    def chip_bytes(self) -> float:
        """What the chip can hold altogether."""
        return chip_bytes(self.target.cascade, self.target.architecture)

    @property
    def once(self) -> Mapping[str, float]:
        """By tensor, the bytes that move with a buffer that holds everything."""
        stays = self.found.stays
        return {
            tensor.name: 0.0 if tensor.role is Role.INTERMEDIATE else stays.used_bytes(tensor.name)
            for tensor in self.target.cascade.tensors
        }

    @property
    def compulsory_bytes(self) -> float:
        return sum(self.once.values())

    def sizes(self) -> list[float]:
        """Sizes of a buffer for a table: powers of four until no step is left, and the chip's."""
        found = self.found
        powers = buffer_sizes([found.fused, *found.alone.values()])[::2].tolist()
        known = self.chip_bytes if np.isfinite(self.chip_bytes) else powers[-1]
        return sorted({*powers, known})


def study(target: Target) -> Study:
    """The curves of what is to be mapped."""
    return Study(target, attainable(target.shapes))


def mark(name: str, target: Target, report: CostReport) -> Mark:
    """The place of an evaluated mapping on the curves."""
    held = held_bytes(report, target.cascade, target.architecture)
    return Mark(name, held, report.dram_traffic_bytes)


def curve_table(study: Study) -> TextTable:
    """The bounds of the cascade, by what fits on chip."""
    found = study.found
    rows = []
    for size in study.sizes():
        fused = float(found.fused.at(size))
        chip = " (chip)" if size == study.chip_bytes else ""
        rows.append(
            (
                binary(size) + chip,
                _bytes(fused),
                f"{fused / study.compulsory_bytes:.4g}" if study.compulsory_bytes else "-",
                _bytes(float(found.any_order(np.asarray(size)))),
                _bytes(float(found.unfused.at(size))),
                _excess(study, found.fused, size) if np.isfinite(fused) else "nothing fits",
            )
        )
    return TextTable(
        f"{study.name}: bytes to and from {study.target.architecture.root.name}, at least",
        ">>>>><",
        ("on chip", "fused", "x once", "any order", "unfused", "moves more than once (fused)"),
        tuple(rows),
    )


def einsum_table(study: Study, einsum: str) -> TextTable:
    """The bounds of one Einsum by itself."""
    found = study.found
    curve, rows = found.alone[einsum], []
    for size in study.sizes():
        moved = float(curve.at(size))
        least = float(found.any_order_alone(einsum, np.asarray(size)))
        once = float(curve.moved_bytes[-1])
        chip = " (chip)" if size == study.chip_bytes else ""
        rows.append(
            (
                binary(size) + chip,
                _bytes(moved),
                f"{moved / once:.4g}" if once else "-",
                _bytes(least),
                ", ".join(_repeats(curve, size)) if np.isfinite(moved) else "nothing fits",
            )
        )
    return TextTable(
        f"{einsum} by itself: bytes to and from {study.target.architecture.root.name}, at least",
        ">>>><",
        ("on chip", "tiled", "x once", "any order", "moves more than once"),
        tuple(rows),
    )


def tensor_table(study: Study) -> TextTable:
    """By tensor, from which size on it moves once, or not at all, and what it waits for."""
    demands = {one.tensor: one for one in study.found.demands}
    rows = []
    for name, once in study.once.items():
        first = _settled(study.found.fused, name, once)
        demand = demands.get(name)
        if first is None or (once == 0 and demand is None and first <= _start(study)):
            continue
        rows.append(
            (
                name,
                _bytes(once),
                binary(first),
                binary(demand.fiber_bytes) if demand else "-",
                "; ".join(demand.reasons) if demand else "reuse across tiles",
            )
        )
    return TextTable(
        "from which size on a tensor need not move again",
        "<>>><",
        ("tensor", "once", "on chip", "fiber", "because"),
        tuple(rows),
    )


def mark_table(study: Study) -> TextTable:
    """Mappings beside the bound for what they hold."""
    rows = []
    for one in study.marks:
        least = float(study.found.fused.at(one.buffer_bytes))
        ratio = f"{one.traffic_bytes / least:.4g}" if least else "-"
        rows.append(
            (one.name, binary(one.buffer_bytes), _bytes(one.traffic_bytes), _bytes(least), ratio)
        )
    return TextTable(
        "mappings",
        "<>>>>",
        ("mapping", "holds on chip", "moves", "at least", "x bound"),
        tuple(rows),
    )


def to_json(study: Study, einsum: str | None) -> dict[str, object]:
    """All steps of the curves, in bytes."""
    found = study.found
    at_chip = float(found.fused.at(study.chip_bytes))
    names = [einsum] if einsum else list(found.alone)
    return {
        "cascade": study.name,
        "model": study.target.model.name if study.target.model else None,
        "architecture": study.target.architecture.name,
        "shape": dict(study.target.shapes.sizes),
        "compulsory_bytes": study.compulsory_bytes,
        "chip_bytes": study.chip_bytes,
        "bound_bytes": at_chip,
        "fused": _steps(found.fused),
        "unfused": _steps(found.unfused),
        "einsums": {name: _steps(found.alone[name]) for name in names},
        "any_order": [
            {"buffer_bytes": size, "moved_bytes": float(found.any_order(np.asarray(size)))}
            for size in study.sizes()
        ],
        "demands": [
            {
                "tensor": one.tensor,
                "fiber_bytes": one.fiber_bytes,
                "again": one.again,
                "reasons": list(one.reasons),
            }
            for one in found.demands
        ],
        "mappings": [
            {
                "name": one.name,
                "buffer_bytes": one.buffer_bytes,
                "dram_traffic_bytes": one.traffic_bytes,
                "bound_bytes": float(found.fused.at(one.buffer_bytes)),
            }
            for one in study.marks
        ],
    }


def _steps(curve: Curve) -> list[dict[str, object]]:
    return [
        {
            "buffer_bytes": float(size),
            "moved_bytes": float(moved),
            "tensors": {
                name: float(part)
                for name, part in zip(curve.tensors, parts, strict=True)
                if part and name
            },
        }
        for size, moved, parts in zip(
            curve.buffer_bytes, curve.moved_bytes, curve.parts, strict=True
        )
    ]


def _excess(study: Study, curve: Curve, size: float) -> str:
    """Tensors that move more often than once, the most bytes first."""
    once, parts = study.once, curve.parts_at(size)
    extra = {
        name: part - once[name]
        for name, part in parts.items()
        if name and part > once[name] * (1 + _SLACK)
    }
    texts = [
        f"{name} x{parts[name] / once[name]:.4g}" if once[name] else f"{name} off chip"
        for name in sorted(extra, key=lambda name: -extra[name])
    ]
    return ", ".join(texts)


def _repeats(curve: Curve, size: float) -> list[str]:
    last, parts = curve.parts_at(float("inf")), curve.parts_at(size)
    extra = {name: part for name, part in parts.items() if part > last[name] * (1 + _SLACK)}
    order = sorted(extra, key=lambda name: last[name] - extra[name])
    return [f"{name} x{extra[name] / last[name]:.4g}" for name in order if last[name]]


def _settled(curve: Curve, name: str, once: float) -> float | None:
    """From which size on the part of a tensor stays at `once`; None if it is not in the curve."""
    if name not in curve.tensors:
        return None
    above = np.flatnonzero(curve.parts[:, curve.tensors.index(name)] > once * (1 + _SLACK))
    first = int(above[-1]) + 1 if above.size else 0
    return float(curve.buffer_bytes[min(first, len(curve.buffer_bytes) - 1)])


def _start(study: Study) -> float:
    return float(study.found.fused.buffer_bytes[0])


def _bytes(value: float) -> str:
    return engineering(value, "B") if np.isfinite(value) else "-"
