"""The state of the simulated machine: a clock, the DRAM channel, and the tiles of every stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from archsim.simulation.program import Action, Kind, Program, Stream, tiles
from einsum.errors import SpecError

Observer: TypeAlias = "Callable[[Transferred | Waited], None]"
Counts: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transferred:
    """DRAM was busy with tile number `number` of a stream from `begin` to `end`."""

    stream: int
    number: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Waited:
    """The machine stood still for a stream, from `begin` to `end`."""

    stream: int
    begin: int
    end: int


@dataclass(slots=True)
class Tiles:
    """A stream's tiles: `waiting` holds when those that were requested can be acquired.

    Of a load they arrive then; of a store their place is free again. With it stands by how many
    cycles a port made that later. `left` is how many more
    will be requested, `acquired` and `released` how many were.
    """

    stream: Stream
    left: int
    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    requested: int = 0
    acquired: int = 0
    released: int = 0


@dataclass(slots=True)
class Machine:
    """Executes actions in the order of schedule time; `now` is real time, in cycles.

    `stalls` is by stream: how long the machine stood still for it; `port_stalls` is the part of it
    that ports account for. `channel_free` is when DRAM has done all requests, `held_up` by how
    many cycles ports made that later.
    """

    program: Program
    now: int = 0
    channel_free: int = 0
    held_up: int = 0
    tiles: list[Tiles] = field(default_factory=list)
    stalls: list[int] = field(default_factory=list)
    port_stalls: list[int] = field(default_factory=list)
    observer: Observer | None = None

    def start(self) -> None:
        """Request the first tiles of every load, as many as have room; all places are free."""
        for number, stream in enumerate(self.program.streams):
            self.tiles.append(Tiles(stream, tiles(self.program, number)))
            self.stalls.append(0)
            self.port_stalls.append(0)
        for copy in range(max((s.copies for s in self.program.streams), default=0)):
            for number, stream in enumerate(self.program.streams):
                if copy < stream.copies and stream.kind is Kind.LOAD:
                    self._request(number)
                elif copy < stream.copies:
                    self.tiles[number].waiting.append((0, 0))

    def act(self, action: Action, number: int) -> None:
        """Do `action` now; the machine stands still as long as it must wait."""
        own = self.tiles[number]
        match action:
            case Action.ACQUIRE:
                if not own.waiting:
                    raise _deadlock(own)
                ready, held_up = own.waiting.popleft()
                wait = max(0, ready - self.now)
                self.stalls[number] += wait
                self.port_stalls[number] += min(wait, held_up)
                if wait and self.observer is not None:
                    self.observer(Waited(number, self.now, self.now + wait))
                self.now += wait
                own.acquired += 1
            case Action.RELEASE:
                own.released += 1
                self._request(number)

    def finish(self) -> int:
        """Wait until everything is written; the cycles that this takes."""
        left = max(0, self.channel_free - self.now)
        self.now += left
        return left

    def _request(self, number: int) -> None:
        own = self.tiles[number]
        if own.left == 0:
            return
        own.left -= 1
        begin = max(self.now, self.channel_free)
        self.held_up = min(self.held_up, begin - self.now) + own.stream.port_cycles
        self.channel_free = begin + own.stream.service_cycles
        own.waiting.append((self.channel_free + own.stream.latency_cycles, self.held_up))
        if self.observer is not None:
            self.observer(Transferred(number, own.requested, begin, self.channel_free))
        own.requested += 1

    # What the future depends on, and nothing else: times from now on.

    def state(self) -> tuple[object, ...]:
        """Equal states behave equally as long as requests are left."""
        busy = max(0, self.channel_free - self.now)
        return (busy, min(busy, self.held_up), *(self._ahead(own) for own in self.tiles))

    def _ahead(self, own: Tiles) -> tuple[tuple[int, int], ...]:
        waits = ((max(0, ready - self.now), held_up) for ready, held_up in own.waiting)
        return tuple((wait, min(wait, held_up)) for wait, held_up in waits)

    def counts(self) -> Counts:
        """What grows from period to period: time, stalls, and tiles by stream."""
        moved = ((own.requested, own.acquired, own.released) for own in self.tiles)
        stalls = (*self.stalls, *self.port_stalls)
        return (self.now, *stalls, *(count for counts in moved for count in counts))

    def periods_left(self, before: Counts) -> int:
        """How many more times what happened since `before` can happen just so."""
        first = 1 + 2 * len(self.tiles)
        most = [
            own.left // requested
            for number, own in enumerate(self.tiles)
            if (requested := own.requested - before[first + 3 * number]) > 0
        ]
        return max(0, min(most, default=1 << 62))

    def repeat(self, before: Counts, times: int) -> None:
        """What happened since `before`, `times` more times."""
        grown = [new - old for new, old in zip(self.counts(), before, strict=True)]
        shift = grown[0] * times
        self.now += shift
        self.channel_free += shift
        for number, own in enumerate(self.tiles):
            self.stalls[number] += grown[1 + number] * times
            self.port_stalls[number] += grown[1 + len(self.tiles) + number] * times
            first = 1 + 2 * len(self.tiles) + 3 * number
            requested, acquired, released = (grown[first + i] * times for i in range(3))
            own.requested += requested
            own.acquired += acquired
            own.released += released
            own.left -= requested
            own.waiting = deque((ready + shift, held_up) for ready, held_up in own.waiting)


def _deadlock(own: Tiles) -> SpecError:
    stream = own.stream
    size = (stream.copies + 1) * stream.tile_bytes
    return SpecError(
        f"deadlock: {stream.memory} is {stream.tile_bytes:,} bytes short: tile {own.acquired} of "
        f"{stream.tensor} is needed while the {stream.copies} before it are still in use",
        rule=f"hold {stream.tensor} with copies: {stream.copies + 1}, which takes {size:,} bytes",
    )
