"""Cycle simulation of a mapping: how long it takes when fills, ports and DRAM are counted too.

One sequencer steps through the table of the modulo schedule; where a tile has not arrived, or has
no place to go, the machine stands still. The result says for every unit what it did in each
cycle, and by cause how the closed form differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from archsim.architecture import Architecture
from archsim.closed_form import ClosedForm, closed_form
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping import Policy
from archsim.schedule import Pipeline, Schedule, schedule
from archsim.simulation.build import Builder, Hardware
from archsim.simulation.engine import Engine
from archsim.simulation.machine import Machine
from archsim.simulation.program import Cause, Kind, Program
from archsim.tiles import Reaches
from einsum.cascade import Cascade
from einsum.shapes import Shapes

Stalls = Mapping[Cause, int]


@dataclass(frozen=True, slots=True)
class Traffic:
    """A stream's tiles: moved between DRAM and `memory`, and still there at the end."""

    tensor: str
    memory: str
    kind: Kind
    tiles: int
    moved_bytes: int
    released_bytes: int
    resident_bytes: int
    stall_cycles: int


@dataclass(frozen=True)
class Simulation:
    """What happened. For every unit `busy` and its `stalls` add up to `cycles`.

    `difference` splits `cycles` less the closed form of the policy `pipelined` by cause.
    """

    schedule: Schedule
    program: Program
    cycles: int
    busy: Mapping[str, int]
    stalls: Mapping[str, Stalls]
    closed_form_cycles: float
    difference: Mapping[Cause, float]
    traffic: tuple[Traffic, ...]
    util_2d: float
    util_1d: float

    @property
    def latency_s(self) -> float:
        return self.cycles / self.schedule.clock_hz

    @property
    def closed_form_latency_s(self) -> float:
        return self.closed_form_cycles / self.schedule.clock_hz

    @property
    def critical(self) -> str:
        """The unit that is busy most."""
        return max(self.busy, key=lambda unit: self.busy[unit])


def simulate(
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    mapping: LoopMapping,
    hardware: Hardware | None = None,
) -> Simulation:
    """Execute `mapping`, whose tile sizes are all given, tile step by tile step.

    Raises `SpecError` if it does not fit, has no schedule, or deadlocks: it names the buffer, the
    missing bytes and the tile.
    """
    hardware = hardware or Hardware()
    groups = tuple(replace(group, policy=Policy.PIPELINED) for group in mapping.groups)
    form = closed_form(cascade, shapes, architecture, replace(mapping, groups=groups))
    ideal = schedule(cascade, shapes, architecture, mapping)
    found = ideal
    if hardware.skew:
        found = schedule(cascade, shapes, architecture, mapping, skew=True)
    program = program_of(found, shapes, architecture, form, hardware)
    machine = Machine(program)
    writing = Engine(program, machine).execute()
    draining = _lag(found, architecture) if hardware.skew else 0
    expected = float(ideal.cycles)
    if not hardware.infinite_dram:
        expected = float(form.latency_s) * architecture.clock_hz
    cycles = machine.now + draining
    waits = dict.fromkeys(Cause, 0)
    waits[Cause.DRAM] += writing
    waits[Cause.PORT] += sum(machine.port_stalls)
    waits[Cause.DRAM] += sum(machine.stalls) - sum(machine.port_stalls)
    busy, stalls = _units(found, architecture, waits, draining)
    return Simulation(
        found,
        program,
        cycles,
        busy,
        stalls,
        expected,
        _difference(found, ideal, expected - ideal.cycles, waits, draining),
        tuple(_traffic(machine)),
        _share(busy, architecture, 2) / cycles,
        _share(busy, architecture, 1) / cycles,
    )


def program_of(
    found: Schedule,
    shapes: Shapes,
    architecture: Architecture,
    form: ClosedForm,
    hardware: Hardware,
) -> Program:
    """What the simulator executes for a schedule and the traffic of its closed form."""
    reaches = Reaches.of(form.leaves, shapes)
    return Builder(found, reaches, architecture, form.transfers, hardware).program()


def _lag(found: Schedule, architecture: Architecture) -> int:
    """The last PE of the units that work last does so this many cycles behind the first one.

    A lane follows its column: it lags behind by its place in the row, and that results have
    crossed the rows the schedule knows.
    """
    last = dict(found.pipelines[-1].schedule.loads)
    units = (unit for unit in architecture.units if unit.name in last)
    return max((sum(dim.size - 1 for dim in unit.dims) for unit in units), default=0)


def _units(
    found: Schedule, architecture: Architecture, waits: Stalls, draining: int
) -> tuple[dict[str, int], dict[str, Stalls]]:
    """Busy cycles and stalls of every unit that the mapping uses."""
    used = {name for one in found.pipelines for name, _ in one.schedule.loads}
    busy: dict[str, int] = {}
    stalls: dict[str, Stalls] = {}
    for unit in (one.name for one in architecture.units if one.name in used):
        own = {**waits, Cause.DRAIN: draining}
        busy[unit] = 0
        for pipeline in found.pipelines:
            worked, fill, drain = _occupied(pipeline, unit)
            busy[unit] += pipeline.runs * worked
            own[Cause.FILL] += pipeline.runs * fill
            own[Cause.DRAIN] += pipeline.runs * drain
            idle = pipeline.run_cycles - worked - fill - drain
            own[Cause.DEPENDENCY] += pipeline.runs * idle
        stalls[unit] = own
    return busy, stalls


def _occupied(pipeline: Pipeline, unit: str) -> tuple[int, int, int]:
    """Of one run: cycles that a unit works, waits for its first task, and rests after the last.

    Filling and draining together are the stages beyond the first; what else is idle is waiting
    for others.
    """
    steady = pipeline.schedule
    pulses = [p for one in steady.placements for p in one.pulses if p.resource == unit]
    if not pulses:
        return 0, 0, 0
    stages = (steady.stages - 1) * steady.ii_cycles
    fill = min(stages, min(p.offset for p in pulses))
    return pipeline.steps * dict(steady.loads)[unit], fill, stages - fill


def _share(busy: Mapping[str, int], architecture: Architecture, dims: int) -> int:
    own = (busy[name] for name in busy if len(architecture.unit(name).dims) == dims)
    return max(own, default=0)


def _difference(
    found: Schedule, ideal: Schedule, moving: float, waits: Stalls, draining: int
) -> dict[Cause, float]:
    """The simulated cycles less those of the closed form, by cause.

    `moving` cycles the closed form has counted on top of computing, where memories are its limit.
    """

    def steps(one: Schedule) -> int:
        return sum(p.runs * p.steps * p.schedule.ii_cycles for p in one.pipelines)

    filling = (found.cycles - steps(found)) - (ideal.cycles - steps(ideal))
    return {
        Cause.DEPENDENCY: float(steps(found) - steps(ideal)),
        Cause.PORT: float(waits[Cause.PORT]),
        Cause.DRAM: waits[Cause.DRAM] - moving,
        Cause.FILL: float(filling),
        Cause.DRAIN: float(draining),
    }


def _traffic(machine: Machine) -> list[Traffic]:
    rows = []
    for own, stall in zip(machine.tiles, machine.stalls, strict=True):
        size = own.stream.tile_bytes
        load = own.stream.kind is Kind.LOAD
        resident = own.requested - own.released if load else own.released - own.requested
        rows.append(
            Traffic(
                own.stream.tensor,
                own.stream.memory,
                own.stream.kind,
                own.requested,
                own.requested * size,
                own.released * size,
                resident * size,
                stall,
            )
        )
    return rows
