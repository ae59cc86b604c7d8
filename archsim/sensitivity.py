"""What a change of the hardware would gain, told from a simulation before the change is made.

The initiation interval cannot fall below the next busiest resource: that is the prediction. It is
for the re-run to confirm, as the changed machine may be mapped or filled differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from archsim.architecture import Architecture
from archsim.schedule import Pipeline
from archsim.simulate import Simulation
from archsim.simulation.program import Cause
from archsim.work import needed, operation_on


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `path` and `value` are as for `Architecture.with_parameter`, or empty.

    `wider` multiplies the width of units, `faster` the bandwidth of DRAM; `multiply_adds` names
    a unit on which products are fused into sums (`archsim.multiply_add`).
    """

    name: str
    path: str = ""
    value: str = ""
    wider: Mapping[str, float] = field(default_factory=dict, hash=False)
    faster: float = 1.0
    multiply_adds: str = ""


def changes(architecture: Architecture) -> tuple[Change, ...]:
    """Single changes worth asking about: widths, exponentials, multiply-adds, DRAM, buffers."""
    found: list[Change] = []
    for unit in architecture.units:
        if len(unit.dims) == 1:
            (dim,) = unit.dims
            path = f"{unit.name}.{dim.name}"
            found.append(
                Change(f"{unit.name} twice as wide", path, f"{2 * dim.size}", {unit.name: 2.0})
            )
        for operation in unit.operations:
            if operation.name == "exp" and operation.cycles > 1:
                path = f"{unit.name}.operations.exp.cycles"
                found.append(Change(f"exp in 1 cycle on {unit.name}", path, "1"))
        if any(operation.name == "mac" for operation in unit.operations):
            name = f"multiply-adds on {unit.name}"
            found.append(Change(name, multiply_adds=unit.name))
    for memory in architecture.memories:
        if memory is architecture.root and memory.bandwidth_bytes_per_s is not None:
            value = f"{2 * memory.bandwidth_bytes_per_s:.0f} B/s"
            path = f"{memory.name}.bandwidth"
            found.append(Change(f"{memory.name} twice as fast", path, value, faster=2.0))
        elif memory.per_unit is None and memory.size_bytes is not None:
            value = f"{2 * memory.size_bytes:.0f} B"
            found.append(Change(f"{memory.name} twice as large", f"{memory.name}.size", value))
    return tuple(found)


def predicted_ii(
    pipeline: Pipeline, architecture: Architecture, change: Change, gone: frozenset[str]
) -> int:
    """The interval that the loads of `pipeline` allow on the changed `architecture`.

    `gone` are Einsums that the change does away with.
    """
    loads: dict[str, float] = {}
    for leaf in pipeline.body.leaves:
        if leaf.einsum.name in gone:
            continue
        unit = architecture.unit(leaf.unit)
        per_point = sum(
            operation_on(unit, name, leaf.einsum).cycles * count
            for name, count in needed(leaf.einsum, unit).items()
        )
        inner = pipeline.body.inner(leaf)
        points = prod(float(step.trips) for step in inner if not step.dim)
        # A wider unit helps as far as it is now passed over several times.
        across = {step.variable for step in inner if step.dim}
        passes = prod(float(s.trips) for s in inner if not s.dim and s.variable in across)
        cycles = points * per_point / min(passes, change.wider.get(unit.name, 1.0))
        loads[unit.name] = loads.get(unit.name, 0.0) + cycles
    return max(round(max(loads.values())), pipeline.schedule.rec_mii)


def predicted_cycles(before: Simulation, change: Change, interval: int) -> float:
    """What the changed machine would take if its main pipeline had this interval."""
    main = before.schedule.main
    saved = main.runs * main.steps * (main.schedule.ii_cycles - interval)
    waited = before.stalls[before.critical][Cause.DRAM]
    return before.cycles - saved - waited * (1.0 - 1.0 / change.faster)
