"""The cost of a cascade on an architecture, mapped in a given way."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from archsim.architecture import Architecture
from archsim.area import total_area_um2
from archsim.bounds import bounds
from archsim.closed_form import ClosedForm, check_complete, closed_form
from archsim.components import Library
from archsim.energy import Accounting, EnergyTerm, Published, energy
from archsim.free_tiles import choose_tiles, overflow
from archsim.latency import memory_times
from archsim.legality import check_loops, check_nodes
from archsim.mapping import Mapping as LoopMapping
from archsim.report import (
    CostReport,
    EinsumCost,
    EnergyCost,
    MemoryCost,
    TensorTraffic,
    UnitCost,
)
from archsim.tiles import Reaches
from archsim.transfer import Direction
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.shapes import Shapes


def evaluate(
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    mapping: LoopMapping,
    library: Library,
    published: Published | None = None,
) -> CostReport:
    """Latency, traffic, energy, area and utilization of `mapping`, with their bounds.

    Free tile sizes of `mapping` are chosen first. `published` is what the published accounting
    counts otherwise. Raises `SpecError` if the mapping does not fit: it names
    the memory and the missing bytes.
    """
    check_complete(cascade, mapping)
    check_nodes(mapping, cascade, architecture)
    mapping = choose_tiles(cascade, shapes, architecture, mapping)
    form = closed_form(cascade, shapes, architecture, mapping)
    check_loops(form.leaves, Reaches.of(form.leaves, shapes), architecture)
    _check_fit(form, architecture, mapping)
    latency = float(form.latency_s)
    complete, as_published = (
        energy(form.transfers, form.works, cascade, architecture, library, accounting, published)
        for accounting in (Accounting.COMPLETE, Accounting.PUBLISHED)
    )
    useful = {one.einsum: float(one.useful_points) for one in form.works}
    units = _units(form, architecture, latency)
    root = architecture.root.name
    macs = sum(float(one.macs) for one in form.works)
    return CostReport(
        cascade=cascade.name,
        architecture=architecture.name,
        mapping=mapping,
        shape=dict(shapes.sizes),
        latency_s=latency,
        compute_s=float(sum(form.compute_s)),
        memory_s=float(sum(times.get(root, np.asarray(0.0)) for times in form.memory_s)),
        dram_traffic_bytes=float(form.moved_bytes.get(root, np.asarray(0.0))),
        energy_pj_complete=_total(complete),
        energy_pj_published=_total(as_published),
        area_um2=total_area_um2(architecture, library),
        util_2d=_utilization(units, architecture, 2),
        util_1d=_utilization(units, architecture, 1),
        util_useful_macs=_share(macs, latency * architecture.clock_hz * _mac_pes(architecture)),
        bounds=bounds(shapes, architecture, useful),
        einsums=_einsums(form, architecture, complete),
        units=units,
        memories=_memories(form, cascade, architecture),
        tensors=_tensors(form, cascade, architecture),
        energies=_energies(complete, as_published),
    )


def _check_fit(form: ClosedForm, architecture: Architecture, mapping: LoopMapping) -> None:
    for name, short in overflow(form, architecture).items():
        if float(short) > 0:
            raise SpecError(
                f"mapping {mapping.name} does not fit {architecture.name}: {name} needs "
                f"{float(form.occupied_bytes[name]):,.0f} bytes and is {float(short):,.0f} short",
                rule="use smaller tiles, hold fewer tensors there, or make the memory larger",
            )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _total(terms: Iterable[EnergyTerm]) -> float:
    return float(sum(float(term.energy_pj) for term in terms))


def _mac_pes(architecture: Architecture) -> int:
    """PEs of the unit that has most of them: where contractions belong."""
    return max(architecture.pes(unit.name) for unit in architecture.units)


def _units(form: ClosedForm, architecture: Architecture, latency: float) -> tuple[UnitCost, ...]:
    rows = []
    for unit in architecture.units:
        busy = sum(float(one.cycles) for one in form.works if one.unit == unit.name)
        busy_s = busy / architecture.clock_hz
        pes = architecture.pes(unit.name)
        rows.append(UnitCost(unit.name, pes, busy_s, _share(busy_s, latency)))
    return tuple(rows)


def _utilization(units: tuple[UnitCost, ...], architecture: Architecture, dims: int) -> float:
    """Busy share of the busiest array of `dims` dimensions; 0 if there is none."""
    shares = [one.utilization for one in units if len(architecture.unit(one.unit).dims) == dims]
    return max(shares, default=0.0)


def _einsums(
    form: ClosedForm, architecture: Architecture, terms: tuple[EnergyTerm, ...]
) -> tuple[EinsumCost, ...]:
    spent: dict[str, float] = {}
    for term in terms:
        spent[term.einsum] = spent.get(term.einsum, 0.0) + float(term.energy_pj)
    return tuple(
        EinsumCost(
            one.einsum,
            one.unit,
            float(one.cycles) / architecture.clock_hz,
            float(one.points),
            float(one.useful_points),
            spent.get(one.einsum, 0.0),
        )
        for one in form.works
    )


def _tensors(
    form: ClosedForm, cascade: Cascade, architecture: Architecture
) -> tuple[TensorTraffic, ...]:
    memories = [memory.name for memory in architecture.memories]
    moved: dict[tuple[str, str], list[float]] = {}
    for transfer in form.transfers:
        width = cascade.tensor(transfer.tensor).format.bits_per_value / 8
        down = transfer.direction is Direction.DOWN
        ends = (
            (transfer.upper, transfer.elements, 0 if down else 1),
            (transfer.lower, transfer.deliveries, 1 if down else 0),
        )
        for memory, values, column in ends:
            if memory in memories:
                entry = moved.setdefault((memory, transfer.tensor), [0.0, 0.0])
                entry[column] += float(values) * width
    order = sorted(moved, key=lambda key: memories.index(key[0]))
    return tuple(TensorTraffic(memory, tensor, *moved[memory, tensor]) for memory, tensor in order)


def _memories(
    form: ClosedForm, cascade: Cascade, architecture: Architecture
) -> tuple[MemoryCost, ...]:
    traffic = _tensors(form, cascade, architecture)
    rows = []
    for memory in architecture.memories:
        own = [one for one in traffic if one.memory == memory.name]
        read, written = sum(t.read_bytes for t in own), sum(t.write_bytes for t in own)
        instances = architecture.instances(memory.name)
        bandwidth = memory.bandwidth_bytes_per_s
        limits = {memory.name: bandwidth * instances} if bandwidth else {}
        seconds = memory_times({memory.name: np.asarray(read + written)}, limits)
        rows.append(
            MemoryCost(
                memory.name,
                read,
                written,
                float(seconds.get(memory.name, np.asarray(0.0))),
                float(form.occupied_bytes.get(memory.name, np.asarray(0.0))),
                memory.size_bytes,
            )
        )
    return tuple(rows)


def _energies(
    complete: tuple[EnergyTerm, ...], published: tuple[EnergyTerm, ...]
) -> tuple[EnergyCost, ...]:
    totals: dict[tuple[str, str], list[float]] = {}
    for column, terms in enumerate((complete, published)):
        for term in terms:
            entry = totals.setdefault((term.owner, term.action), [0.0, 0.0])
            entry[column] += float(term.energy_pj)
    return tuple(EnergyCost(owner, action, *pair) for (owner, action), pair in totals.items())
