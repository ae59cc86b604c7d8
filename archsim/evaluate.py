"""The cost of a cascade on an architecture, mapped in a given way."""

from __future__ import annotations

from archsim.amounts import NOTHING
from archsim.architecture import Architecture
from archsim.bounds import bounds
from archsim.closed_form import ClosedForm, check_complete, closed_form
from archsim.components import Library
from archsim.energy import Accounting, EnergyTerm, Published, energy
from archsim.free_tiles import choose_tiles, overflow
from archsim.legality import check_loops, check_nodes
from archsim.mapping import Mapping as LoopMapping
from archsim.ports import ports
from archsim.report import (
    CostReport,
    EinsumCost,
    EnergyCost,
    MemoryCost,
    TensorTraffic,
    UnitCost,
)
from archsim.tiles import Reaches
from archsim.totals import Totals, share, totals
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
    check_fit(form, architecture, mapping)
    complete, as_published = (
        energy(form.transfers, form.works, cascade, architecture, library, accounting, published)
        for accounting in (Accounting.COMPLETE, Accounting.PUBLISHED)
    )
    useful = {one.einsum: float(one.useful_points) for one in form.works}
    total = totals(form, architecture, library, complete, as_published)
    tensors = _tensors(form, cascade, architecture)
    return CostReport(
        cascade=cascade.name,
        architecture=architecture.name,
        mapping=mapping,
        shape=dict(shapes.sizes),
        latency_s=float(total.latency_s),
        compute_s=float(total.compute_s),
        memory_s=float(total.memory_s),
        dram_traffic_bytes=float(total.dram_traffic_bytes),
        energy_pj_complete=float(total.energy_pj_complete),
        energy_pj_published=float(total.energy_pj_published),
        area_um2=float(total.area_um2),
        util_2d=float(total.util_2d),
        util_1d=float(total.util_1d),
        util_useful_macs=float(total.util_useful_macs),
        bounds=bounds(shapes, architecture, useful),
        einsums=_einsums(form, architecture, complete),
        units=_units(total, architecture),
        memories=_memories(form, tensors, architecture),
        tensors=tensors,
        energies=_energies(complete, as_published),
    )


def check_fit(form: ClosedForm, architecture: Architecture, mapping: LoopMapping) -> None:
    """`SpecError` with the missing bytes where a memory is too small for what it holds."""
    for name, short in overflow(form, architecture).items():
        if short > 0:
            raise SpecError(
                f"mapping {mapping.name} does not fit {architecture.name}: {name} needs "
                f"{form.occupied_bytes[name]:,.0f} bytes and is {short:,.0f} short",
                rule="use smaller tiles, hold fewer tensors there, or make the memory larger",
            )


def _units(total: Totals, architecture: Architecture) -> tuple[UnitCost, ...]:
    return tuple(
        UnitCost(
            unit.name,
            architecture.pes(unit.name),
            float(total.busy_s[unit.name]),
            float(share(total.busy_s[unit.name], total.latency_s)),
        )
        for unit in architecture.units
    )


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
        width = cascade.value_bits[transfer.tensor] / 8
        down = transfer.direction is Direction.DOWN
        above = moved.setdefault((transfer.upper, transfer.tensor), [0.0, 0.0])
        above[0 if down else 1] += float(transfer.elements) * width
        if not architecture.is_unit(transfer.lower):
            below = moved.setdefault((transfer.lower, transfer.tensor), [0.0, 0.0])
            below[1 if down else 0] += float(transfer.deliveries) * width
    order = sorted(moved, key=lambda key: memories.index(key[0]))
    return tuple(TensorTraffic(memory, tensor, *moved[memory, tensor]) for memory, tensor in order)


def _memories(
    form: ClosedForm, traffic: tuple[TensorTraffic, ...], architecture: Architecture
) -> tuple[MemoryCost, ...]:
    rows = []
    for memory in architecture.memories:
        own = [one for one in traffic if one.memory == memory.name]
        read, written = sum(t.read_bytes for t in own), sum(t.write_bytes for t in own)
        seconds = max(
            (
                (read * port.reads + written * port.writes) / port.bytes_per_s
                for port in ports(architecture)
                if port.memory == memory.name
            ),
            default=0.0,
        )
        rows.append(
            MemoryCost(
                memory.name,
                read,
                written,
                seconds,
                float(form.occupied_bytes.get(memory.name, NOTHING)),
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
