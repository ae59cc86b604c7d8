"""From a schedule to the program that the simulator executes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, inf, prod

from archsim.architecture import Architecture
from archsim.nest import Held, Leaf
from archsim.ports import Port, ports
from archsim.schedule import Block as Planned
from archsim.schedule import Pipeline, Repeat, Schedule, port_bytes
from archsim.simulation.program import (
    Action,
    Again,
    Block,
    Kind,
    Program,
    Run,
    Stream,
    Touch,
    tiles,
)
from archsim.tiles import Reaches
from archsim.transfer import Direction, Transfer
from einsum.cascade import Cascade

# What no memory holds goes through a FIFO, in pieces that keep DRAM busy for this many cycles.
_PIECE_CYCLES = 32


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a simulation adds to an architecture.

    With `skew` results cross the rows of 2D arrays. DRAM moves whole bursts of `burst_bytes`, and
    `dram_latency_s` passes after the last; `infinite_dram` takes no time at all.
    """

    skew: bool = True
    dram_latency_s: float = 100e-9
    burst_bytes: int = 64
    infinite_dram: bool = False


@dataclass(frozen=True, slots=True)
class _Flow:
    """A transfer from or to the root memory, and the Einsums at its other end."""

    transfer: Transfer
    held: Held | None
    users: tuple[Leaf, ...]

    @property
    def kind(self) -> Kind:
        return Kind.LOAD if self.transfer.direction is Direction.DOWN else Kind.STORE


@dataclass(frozen=True)
class Builder:
    """Makes the program of one schedule."""

    found: Schedule
    reaches: Reaches
    architecture: Architecture
    transfers: tuple[Transfer, ...]
    hardware: Hardware

    @property
    def cascade(self) -> Cascade:
        return self.reaches.shapes.cascade

    def program(self) -> Program:
        """Runs with their touches; streams with the bytes that the closed form counts."""
        flows = tuple(self._flows())
        touches: dict[int, list[Touch]] = {i: [] for i, _ in enumerate(self.found.pipelines)}
        for number, flow in enumerate(flows):
            for pipeline, touch in self._touches(number, flow):
                touches[pipeline].append(touch)
        numbers = iter(range(len(self.found.pipelines)))

        def block(planned: Planned) -> Block:
            match planned:
                case Pipeline(schedule=steady, steps=steps):
                    number = next(numbers)
                    own = tuple(touches[number])
                    return Run(number, steps, steady.ii_cycles, steady.stages, own)
                case Repeat(trips, blocks):
                    return Again(trips, tuple(map(block, blocks)))

        blocks = tuple(map(block, self.found.blocks))
        empty = Program(blocks, tuple(self._stream(flow, 0.0) for flow in flows))
        return Program(
            blocks,
            tuple(
                self._stream(flow, self._bytes(flow) / max(1, tiles(empty, number)))
                for number, flow in enumerate(flows)
            ),
        )

    def _flows(self) -> Iterator[_Flow]:
        leaves = {
            (leaf.group, leaf.einsum.name): leaf
            for pipeline in self.found.pipelines
            for leaf in pipeline.body.leaves
        }
        root = self.architecture.root.name
        for transfer in self.transfers:
            if transfer.upper != root or float(transfer.elements) <= 0:
                continue
            leaf = leaves[transfer.group, transfer.einsum]
            chain = leaf.hold_of(transfer.tensor)
            held = next((one for one in chain if one.hold.memory == transfer.lower), None)
            users: tuple[Leaf, ...] = (leaf,)
            if held and transfer.direction is Direction.DOWN and leaf.reads(transfer.tensor):
                same = (one for one in leaves.values() if one.group == leaf.group)
                users = tuple(
                    one for one in same if one.is_under(held) and one.reads(transfer.tensor)
                )
            yield _Flow(transfer, held, users)

    def _touches(self, number: int, flow: _Flow) -> Iterator[tuple[int, Touch]]:
        """In the first pipeline that uses a tile it is acquired, in the last one released."""
        names = {leaf.einsum.name for leaf in flow.users}
        users = [
            (i, pipeline, [leaf for leaf in pipeline.body.leaves if leaf.einsum.name in names])
            for i, pipeline in enumerate(self.found.pipelines)
            if pipeline.group == flow.transfer.group
        ]
        users = [(i, pipeline, leaves) for i, pipeline, leaves in users if leaves]
        for (i, pipeline, leaves), action in (
            (users[0], Action.ACQUIRE),
            (users[-1], Action.RELEASE),
        ):
            windows = [pipeline.schedule.window_of[leaf.einsum.name] for leaf in leaves]
            steps, runs = self._periods(flow, pipeline, leaves[0])
            offset = (
                min(begin for begin, _ in windows)
                if action is Action.ACQUIRE
                else max(end for _, end in windows)
            )
            yield i, Touch(number, action, offset, steps, runs)

    def _periods(self, flow: _Flow, pipeline: Pipeline, leaf: Leaf) -> tuple[int, int]:
        """How many steps one tile serves, or 0 and how many runs."""
        body, steps = pipeline.body, leaf.steps
        around = [i for i in (*body.outer, *body.loops) if not steps[i].dim and steps[i].trips > 1]
        ways = self.reaches.used(flow.transfer.tensor, leaf.einsum)
        own = {name for reached in ways for name in reached.variables}
        last = -1
        if flow.held is not None:
            depth = flow.held.depth
            turning = (i for i in around if i < depth and steps[i].variable in own)
            last = max(turning, default=-1)
        elif around:
            last = self._piece(flow, body.runs * body.steps, [int(steps[i].trips) for i in around])
            last = around[last]
        if last in body.loops:
            inside = (int(steps[i].trips) for i in body.loops if i > last and not steps[i].dim)
            return min(pipeline.steps, prod(inside)), 1
        return 0, prod(int(steps[i].trips) for i in body.outer if i > last and not steps[i].dim)

    def _piece(self, flow: _Flow, steps: int, trips: list[int]) -> int:
        """The innermost loop whose iterations move enough for a transfer of its own."""
        size = self._bytes(flow) / steps
        least = _PIECE_CYCLES * (self.architecture.root.bandwidth_bytes_per_s or 0.0)
        for index in range(len(trips) - 1, 0, -1):
            if size * self.architecture.clock_hz >= least:
                return index
            size *= trips[index]
        return 0

    def _bytes(self, flow: _Flow) -> float:
        root = self.architecture.root.name
        return port_bytes(flow.transfer, Port(root, root, True, True, inf), self.cascade)

    def _stream(self, flow: _Flow, tile_bytes: float) -> Stream:
        root, clock = self.architecture.root, self.architecture.clock_hz
        size = ceil(tile_bytes - 1e-9)
        lower = flow.transfer.lower
        bursts = -(-size // self.hardware.burst_bytes) * self.hardware.burst_bytes
        bandwidth = None if self.hardware.infinite_dram else root.bandwidth_bytes_per_s
        dram = ceil(bursts * clock / bandwidth - 1e-9) if bandwidth else 0
        port = 0 if self.hardware.infinite_dram else self._port_cycles(lower, size, flow.kind)
        # Nobody waits for the far end of a store.
        waits = flow.kind is Kind.LOAD and not self.hardware.infinite_dram
        latency = round(self.hardware.dram_latency_s * clock) if waits else 0
        service = max(dram, port)
        # A FIFO holds what is used, what is on its way, and what is moved.
        fifo = 2 + latency // max(1, service)
        copies = flow.held.hold.copies if flow.held else fifo
        return Stream(
            flow.transfer.tensor, lower, flow.kind, copies, size, service, latency, service - dram
        )

    def _port_cycles(self, memory: str, size: int, kind: Kind) -> int:
        """Cycles that a tile needs at a memory's port, in what the units leave of it."""
        own = (one for one in ports(self.architecture) if one.memory == memory)
        port = next((one for one in own if (one.writes if kind is Kind.LOAD else one.reads)), None)
        if port is None:
            return 0
        per_cycle = port.bytes_per_s / self.architecture.clock_hz
        root = self.architecture.root.name
        used = sum(
            port_bytes(one, port, self.cascade) for one in self.transfers if one.upper != root
        )
        free = per_cycle - used / self.found.cycles
        return ceil(size / free - 1e-9) if free > 0 else 1 << 40
