"""The totals of a mapping from its closed form; arrays where the closed form has arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archsim.amounts import NOTHING, ONE, Array, amount, maximum, total, where
from archsim.architecture import Architecture
from archsim.area import total_area_um2
from archsim.closed_form import ClosedForm
from archsim.components import Library
from archsim.energy import EnergyTerm


@dataclass(frozen=True, slots=True)
class Totals:
    """What a whole mapping costs; `docs/energy.md` has the two accountings.

    `compute_s` and `memory_s` are the times of the units and of the root memory in `latency_s`,
    `buffer_bytes` the most that the shared memories on chip hold, `busy_s` the time that each
    unit works.
    """

    latency_s: Array
    compute_s: Array
    memory_s: Array
    dram_traffic_bytes: Array
    buffer_bytes: Array
    energy_pj_complete: Array
    energy_pj_published: Array
    area_um2: Array
    busy_s: Mapping[str, Array]
    util_2d: Array
    util_1d: Array
    util_useful_macs: Array


def totals(
    form: ClosedForm,
    architecture: Architecture,
    library: Library,
    complete: Iterable[EnergyTerm],
    published: Iterable[EnergyTerm],
) -> Totals:
    """The totals, with the energy terms of both accountings."""
    root, clock = architecture.root.name, architecture.clock_hz
    latency = form.latency_s
    busy = {
        unit.name: total(w.cycles for w in form.works if w.unit == unit.name) / clock
        for unit in architecture.units
    }
    shared = [m.name for m in architecture.memories if m.parent is not None and m.per_unit is None]
    held = [
        form.occupied_bytes[name] * architecture.instances(name)
        for name in shared
        if name in form.occupied_bytes
    ]
    pes = NOTHING  # of the unit that has most of them: where contractions belong
    for unit in architecture.units:
        pes = maximum(pes, amount(architecture.pes(unit.name)))
    macs = total(one.macs for one in form.works)
    return Totals(
        latency,
        total(form.compute_s),
        total(times.get(root, NOTHING) for times in form.memory_s),
        form.moved_bytes.get(root, NOTHING),
        total(held),
        total(term.energy_pj for term in complete),
        total(term.energy_pj for term in published),
        NOTHING + total_area_um2(architecture, library),
        busy,
        _utilization(busy, latency, architecture, 2),
        _utilization(busy, latency, architecture, 1),
        share(macs, latency * clock * pes),
    )


def share(part: Array, whole: Array) -> Array:
    """`part / whole`, 0 where there is nothing."""
    some = whole != NOTHING
    return where(some, part / where(some, whole, ONE), NOTHING)


def _utilization(
    busy: Mapping[str, Array], latency: Array, architecture: Architecture, dims: int
) -> Array:
    """Busy share of the busiest array of `dims` dimensions (2: or more); 0 if there is none."""
    highest = NOTHING
    for unit in architecture.units:
        if min(2, len(unit.dims)) == dims:
            highest = maximum(highest, share(busy[unit.name], latency))
    return highest
