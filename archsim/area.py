"""Area: the instances of an architecture's memories and PEs, times a component library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archsim.architecture import Architecture, ComputeUnit
from archsim.components import Library
from archsim.kept import kept


@dataclass(frozen=True, slots=True)
class AreaRow:
    """All instances of one component in one memory or unit."""

    owner: str
    component: str
    instances: int
    area_um2: float


@kept
def area(architecture: Architecture, library: Library) -> tuple[AreaRow, ...]:
    """Every memory, and every component in the PEs of every unit."""
    node = architecture.node_nm
    rows = []
    for memory in architecture.memories:
        count = architecture.instances(memory.name)
        cost = library.memory_cost(memory.component, memory.size_bytes, memory.access_bits, node)
        rows.append(AreaRow(memory.name, memory.component, count, count * cost.area_um2))
    for unit in architecture.units:
        for component, each in unit.components:
            count = architecture.pes(unit.name) * each
            cost_um2 = library.operation_cost(component, node).area_um2
            rows.append(AreaRow(unit.name, component, count, count * cost_um2))
    return tuple(rows)


def total_area_um2(architecture: Architecture, library: Library) -> float:
    """The sum of `area`."""
    return sum(row.area_um2 for row in area(architecture, library))


def unit_area_um2(unit: ComputeUnit, architecture: Architecture, library: Library) -> float:
    """All PEs of `unit` with the memories that each has for itself."""
    owners = {m.name for m in architecture.memories if m.per_unit == unit.name} | {unit.name}
    return sum(row.area_um2 for row in area(architecture, library) if row.owner in owners)


def pe_pitch_mm(unit: ComputeUnit, architecture: Architecture, library: Library) -> float:
    """The distance of neighbouring PEs of `unit`, taken as squares without gaps."""
    each = unit_area_um2(unit, architecture, library) / architecture.pes(unit.name)
    pitch_um: float = np.sqrt(each).item()
    return pitch_um / 1000
