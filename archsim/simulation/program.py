"""What the simulator executes: runs of tile steps, and the tiles that they take from DRAM.

Time has two scales. A step's moments are given in *schedule time*, in which nothing ever waits.
When a tile is not there the whole machine stands still until it is (one sequencer steps through the
table of the schedule), so that real time is schedule time plus all stalls so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Kind(Enum):
    """Does a stream bring tiles in, or take them out?"""

    LOAD = "load"
    STORE = "store"


class Cause(Enum):
    """Why a unit does nothing."""

    DEPENDENCY = "dependency"
    PORT = "port"
    DRAM = "dram"
    FILL = "fill"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class Stream:
    """Tiles of one tensor on their way between DRAM and `memory`, one after another.

    `copies` tiles have room there. DRAM is busy with one tile for `service_cycles`, of which
    `port_cycles` only because the port of `memory` is slower than DRAM; `latency_cycles` more
    pass until the tile can be used.
    """

    tensor: str
    memory: str
    kind: Kind
    copies: int
    tile_bytes: int
    service_cycles: int
    latency_cycles: int = 0
    port_cycles: int = 0


class Action(Enum):
    """What happens to a stream's current tile.

    ACQUIRE: a load's tile must have arrived; a store's place must be free. RELEASE: a load's
    place is free, and the next tile is requested; a store's tile is complete, and is written.
    """

    RELEASE = 0
    ACQUIRE = 1


@dataclass(frozen=True, slots=True)
class Touch:
    """An action on stream number `stream`, `offset` cycles after a tile step begins.

    It happens in the first (ACQUIRE) or last (RELEASE) of every `steps` tile steps, in the first
    or last of every `runs` runs; `steps` 0 means the first or last step of the run.
    """

    stream: int
    action: Action
    offset: int
    steps: int
    runs: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """`steps` tile steps that begin every `ii` cycles; it ends `stages - 1` intervals later.

    `number` is unique within a program, where it is that of the schedule's pipeline.
    """

    number: int
    steps: int
    ii: int
    stages: int
    touches: tuple[Touch, ...]

    @property
    def cycles(self) -> int:
        """How long it takes if it never waits."""
        return (self.steps + self.stages - 1) * self.ii


@dataclass(frozen=True, slots=True)
class Again:
    """`blocks` one after another, `trips` times."""

    trips: int
    blocks: tuple[Block, ...]


Block: TypeAlias = Run | Again


@dataclass(frozen=True, slots=True)
class Program:
    """What runs, and the streams it touches."""

    blocks: tuple[Block, ...]
    streams: tuple[Stream, ...]


def runs(blocks: tuple[Block, ...], times: int = 1) -> Iterator[tuple[Run, int]]:
    """Every run and how often it is done."""
    for block in blocks:
        match block:
            case Run():
                yield block, times
            case Again(trips, inner):
                yield from runs(inner, times * trips)


def occurrences(touch: Touch, run: Run) -> int:
    """How often `touch` happens in a run that it takes part in."""
    return -(-run.steps // touch.steps) if touch.steps else 1


def tiles(program: Program, stream: int) -> int:
    """How many tiles of a stream the program acquires."""
    total = 0
    for run, times in runs(program.blocks):
        for touch in run.touches:
            if touch.stream == stream and touch.action is Action.ACQUIRE:
                total += -(-times // touch.runs) * occurrences(touch, run)
    return total
