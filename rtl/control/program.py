"""The sequencer's program for a schedule: its table, phases and streams, and where the data lie.

Nothing here knows attention: the slots are those of the schedule, the operations follow from the
Einsums' expressions, and registers and banks from how long values live.
"""

from __future__ import annotations

from dataclasses import dataclass

from archsim.schedule import Schedule
from einsum.cascade import Cascade
from rtl.control.assemble import Assembler
from rtl.control.phases import phases
from rtl.control.places import Space
from rtl.control.streams import Region, Stream
from rtl.control.words import PHASE_WORD, STREAM_WORD, Word


@dataclass(frozen=True)
class PhaseWord:
    """A phase as the sequencer has it."""

    base: int
    interval: int
    stages: int
    steps: int
    first: int
    back: int
    trips: int
    halt: bool

    @property
    def fields(self) -> tuple[tuple[str, int], ...]:
        """The values of a word `PHASE_WORD`."""
        return (
            ("base", self.base),
            ("interval", self.interval),
            ("stages", self.stages),
            ("steps", self.steps),
            ("first", self.first),
            ("back", self.back),
            ("trips", self.trips),
            ("halt", int(self.halt)),
        )


@dataclass(frozen=True)
class Program:
    """What the sequencer executes. `rows` are encoded; `regions` are by memory, in order."""

    rows: tuple[int, ...]
    phases: tuple[PhaseWord, ...]
    streams: tuple[Stream, ...]
    regions: tuple[tuple[Space, tuple[Region, ...]], ...]

    def region(self, tensor: str, space: Space) -> Region:
        """Where `tensor` is in `space`."""
        return next(one for one in dict(self.regions)[space] if one.tensor == tensor)

    @property
    def values(self) -> Region:
        """The running sum of weighted values, the largest and last in the lanes' banks."""
        banks = dict(self.regions)[Space.STATE]
        return max(banks, key=lambda region: (region.elements, region.base))

    def size(self, space: Space) -> int:
        """Words (or registers) of a bank that are used."""
        return max((one.limit for one in dict(self.regions).get(space, ())), default=0)

    @property
    def phase_words(self) -> tuple[int, ...]:
        """The phases, encoded."""
        return tuple(Word(PHASE_WORD, one.fields).encode() for one in self.phases)

    @property
    def stream_words(self) -> tuple[int, ...]:
        """The streams, encoded."""
        return tuple(Word(STREAM_WORD, one.fields).encode() for one in self.streams)


def program(schedule: Schedule, cascade: Cascade, n: int) -> Program:
    """The program of `schedule`, which was found with skew for an `n` x `n` array.

    Raises `SpecError` for what the array cannot do, or where a field of the table is too narrow.
    """
    found = phases(schedule)
    assembler = Assembler.of(tuple(one.pipeline for one in found), cascade, n)
    rows: list[int] = []
    words = []
    for number, one in enumerate(found):
        interval, table = assembler.table(number)
        words.append(
            PhaseWord(
                len(rows),
                interval,
                assembler.stages(number),
                one.pipeline.steps,
                assembler.first_steps(number),
                one.back,
                one.trips,
                number == len(found) - 1,
            )
        )
        rows += table
    return Program(tuple(rows), tuple(words), assembler.streams, assembler.regions)
