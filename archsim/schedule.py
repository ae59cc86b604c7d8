"""The pipelined schedule of a mapping: which loops overlap their tile steps, and how tightly.

A level of a group's loop nest either starts its tile steps one initiation interval apart, or does
its parts one after another; of the two the faster one is taken, innermost levels first. So
FuseMax's (m1, p) loops become the pipeline, and the division that follows them its epilogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import TypeAlias

import numpy as np

from archsim.activity import Activity
from archsim.architecture import Architecture
from archsim.loop_tree import Body, End, Level, Part, body_of, loop_tree
from archsim.mapping import Mapping as LoopMapping
from archsim.modulo import ModuloSchedule, modulo_schedule
from archsim.nest import walk
from archsim.occupancy import occupied_bytes
from archsim.ports import Port, ports
from archsim.tile_step import Machine
from archsim.tiles import Reaches
from archsim.traffic import transfers
from archsim.transfer import Transfer
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.shapes import Shapes


@dataclass(frozen=True)
class Pipeline:
    """Loops whose tile steps start `schedule.ii_cycles` apart, without interruption in a run.

    `steps` is of one run: on average, where conditions leave some runs fewer than others.
    """

    group: int
    schedule: ModuloSchedule
    runs: int
    steps: int
    body: Body = field(compare=False, repr=False)

    @property
    def run_cycles(self) -> int:
        """One run: an interval for every step, and one for each of the other stages."""
        return (self.steps + self.schedule.stages - 1) * self.schedule.ii_cycles

    @property
    def cycles(self) -> int:
        """All runs."""
        return self.runs * self.run_cycles


@dataclass(frozen=True)
class Repeat:
    """Blocks that run one after another, `trips` times."""

    trips: int
    blocks: tuple[Block, ...]


Block: TypeAlias = Pipeline | Repeat


def pipelines(blocks: tuple[Block, ...]) -> Iterator[Pipeline]:
    """All pipelines of `blocks`, in order."""
    for block in blocks:
        match block:
            case Pipeline():
                yield block
            case Repeat(_, inner):
                yield from pipelines(inner)


@dataclass(frozen=True)
class Schedule:
    """The pipelines of a mapping and the order in which they run."""

    cascade: str
    architecture: str
    mapping: str
    clock_hz: float
    blocks: tuple[Block, ...]

    @cached_property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """All pipelines, in the order of the nest."""
        return tuple(pipelines(self.blocks))

    @property
    def main(self) -> Pipeline:
        """The pipeline that takes most of the time."""
        return max(self.pipelines, key=lambda one: one.cycles)

    @property
    def epilogue(self) -> tuple[Pipeline, ...]:
        """What else the main pipeline's group does."""
        main = self.main
        return tuple(one for one in self.pipelines if one.group == main.group and one is not main)

    @property
    def epilogue_cycles(self) -> int:
        """Cycles of one tile of it: FuseMax's division takes F for every tile of queries."""
        return sum(one.schedule.ii_cycles for one in self.epilogue)

    @property
    def cycles(self) -> int:
        """The closed form of the policy `pipelined`, memories left out."""
        return sum(one.cycles for one in self.pipelines)

    def group_cycles(self, group: int) -> int:
        """The same of one group."""
        return sum(one.cycles for one in self.pipelines if one.group == group)


def schedule(
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    mapping: LoopMapping,
    skew: bool = False,
) -> Schedule:
    """The shortest steady states of `mapping`, whose tile sizes are all given.

    With `skew` results that leave a 2D array first cross its rows. Raises `SpecError` if the
    mapping does not fit a memory, or if further copies of tiles do not, and for dealt loops.
    """
    leaves = tuple(
        leaf
        for number, group in enumerate(mapping.groups)
        for leaf in walk(group.nest, cascade, architecture, shapes.sizes, {}, number)
    )
    if dealt := next((step for leaf in leaves for step in leaf.dealt), None):
        raise SpecError(
            f"mapping {mapping.name} deals its loop over {dealt.variable} over {dealt.dealt}, and "
            "there is no schedule for tasks",
            rule="evaluate it as overlapped or serial",
        )
    reaches = Reaches.of(leaves, shapes)
    activity = Activity.of(cascade, shapes)
    moved = transfers(leaves, reaches, architecture, activity)
    occupied = occupied_bytes(leaves, reaches, architecture)
    free = {
        memory.name: memory.size_bytes - float(occupied.get(memory.name, np.asarray(0.0)))
        for memory in architecture.memories
        if memory.size_bytes is not None
    }
    for memory, left in free.items():
        if left < 0:
            size = architecture.memory(memory).size_bytes or 0.0
            raise SpecError(
                f"mapping {mapping.name} does not fit {architecture.name}: {memory} is "
                f"{-left:,.0f} bytes short in the first tile step",
                rule=f"the nearest size that suffices is {size - left:,.0f} bytes",
            )
    machine = Machine(reaches, architecture, skew, free, mapping.in_order)
    planner = _Planner(machine, activity, moved)
    found: list[Block] = []
    for number, group in enumerate(mapping.groups):
        own = tuple(leaf for leaf in leaves if leaf.group == number)
        found.append(planner.plan(loop_tree(group.nest, own)))
    return Schedule(
        cascade.name, architecture.name, mapping.name, architecture.clock_hz, tuple(found)
    )


@dataclass(frozen=True)
class _Planner:
    machine: Machine
    activity: Activity
    moved: tuple[Transfer, ...]

    def plan(self, part: Part) -> Block:
        """What runs in each iteration of the loops around `part`."""
        match part:
            case End():
                return self._pipeline(body_of(part))
            case Level(parts):
                serial = Repeat(body_of(part).steps, tuple(map(self.plan, parts)))
                if not all(map(_fusible, parts)):
                    return serial
                body = body_of(part)
                if self.machine.crosses(body):
                    return self._pipeline(body)  # one after another has no time for crossing
                graph = self.machine.task_graph(body, self._ports(body))
                serial_cycles = sum(one.cycles for one in pipelines((serial,)))
                if graph.res_mii * body.runs * body.steps >= serial_cycles:
                    return serial  # no overlap can make up for it
                whole = self._pipeline(body)
                return whole if whole.cycles < serial_cycles else serial

    def _pipeline(self, body: Body) -> Pipeline:
        found = modulo_schedule(self.machine.task_graph(body, self._ports(body)))
        executed = max(float(self.activity.executed(leaf)) for leaf in body.leaves)
        steps = ceil(body.steps * executed - 1e-9)
        return Pipeline(body.leaves[0].group, found, body.runs, steps, body)

    def _ports(self, body: Body) -> Mapping[str, int]:
        """Cycles of every port per tile step: what units and the memory above move through it."""
        machine = self.machine.architecture
        names = {leaf.einsum.name for leaf in body.leaves}
        own = [one for one in self.moved if one.einsum in names]
        found = {}
        for port in ports(machine):
            if port.memory == machine.root.name:
                continue
            moved = sum(port_bytes(one, port, self.machine.cascade) for one in own)
            per_cycle = port.bytes_per_s / machine.clock_hz
            found[port.name] = ceil(moved / (body.runs * body.steps) / per_cycle - 1e-9)
        return found


def _fusible(part: Part) -> bool:
    """Can it be one task? Nested loops that keep several units busy are a pipeline themselves."""
    match part:
        case End():
            return True
        case Level(parts):
            units = {leaf.unit for leaf in part.leaves}
            return len(units) == 1 or all(isinstance(inner, End) for inner in parts)


def port_bytes(transfer: Transfer, port: Port, cascade: Cascade) -> float:
    """What `transfer` moves through `port`, in bytes."""
    return float(port.values(transfer)) * cascade.tensor(transfer.tensor).format.bits_per_value / 8
