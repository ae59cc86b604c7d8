"""From slots to rows of the sequencer's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import assert_never

from archsim.schedule import Pipeline
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.expression import Access
from rtl.control.locate import Locator
from rtl.control.operations import Op1d, Op2d, Operation, operation
from rtl.control.places import Space, Work
from rtl.control.slots import Slot, slots
from rtl.control.streams import Region, Stream
from rtl.control.words import CAPTURE, SLOT_1D, SLOT_2D, STREAMS, Word, width

_TOP_ZERO, _TOP_MINUS_INFINITY, _TOP_QUERY, _TOP_LANE, _TOP_COEFFICIENT = range(5)
_FROM_REGISTER, _FROM_BANK, _FROM_ZERO, _FROM_MINUS_INFINITY = range(4)
_TO_REGISTER, _TO_BANK, _TO_OUTPUT = range(3)

_COMMUTATIVE = (Op1d.MUL, Op1d.MAC)

Fields = dict[str, int]


@dataclass(frozen=True)
class Assembler:
    """Makes the tables of all phases on an `n` x `n` array."""

    works: tuple[tuple[Work, ...], ...]
    locator: Locator
    n: int

    @staticmethod
    def of(pipelines: tuple[Pipeline, ...], cascade: Cascade, n: int) -> Assembler:
        """The assembler of these phases; every operand has its place."""
        works = tuple(tuple(_works(pipeline, cascade)) for pipeline in pipelines)
        assembler = Assembler(works, Locator(cascade, works, n), n)
        if len(assembler.streams) > STREAMS:
            raise SpecError(
                f"this schedule needs {len(assembler.streams)} address streams",
                rule=f"the sequencer has {STREAMS}",
            )
        return assembler

    @property
    def streams(self) -> tuple[Stream, ...]:
        """All streams; complete once every table is made."""
        assert self._tables
        return tuple(self.locator.streams)

    @property
    def regions(self) -> tuple[tuple[Space, tuple[Region, ...]], ...]:
        """All regions by memory; complete once every table is made."""
        assert self._tables
        return tuple(
            (space, tuple(r for (s, _), r in self.locator.regions.items() if s is space))
            for space in Space
        )

    def stages(self, phase: int) -> int:
        """Tile steps under way at a time."""
        return self.works[phase][0].pipeline.schedule.stages

    def first_steps(self, phase: int) -> int:
        """Tile steps of a run that take initial values."""
        return self.locator.first_steps(phase)

    def table(self, phase: int) -> tuple[int, tuple[int, ...]]:
        """The interval of a phase, and its encoded rows."""
        return self._tables[phase]

    @cached_property
    def _tables(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        return tuple(self._table(phase) for phase, _ in enumerate(self.works))

    def _table(self, phase: int) -> tuple[int, tuple[int, ...]]:
        interval = self.works[phase][0].pipeline.schedule.ii_cycles
        parts: dict[str, dict[int, Fields]] = {"2d": {}, "1d": {}, "capture": {}}
        for work in self.works[phase]:
            for slot in work.slots:
                for part, cycle, fields in self._parts(phase, work, slot):
                    row, stage = cycle % interval, cycle // interval
                    assert row not in parts[part], f"{work.name} collides in row {row}"
                    parts[part][row] = {**fields, "stage": stage}
        layouts = (("2d", SLOT_2D), ("1d", SLOT_1D), ("capture", CAPTURE))
        rows = []
        for row in range(interval):
            word = 0
            for part, layout in layouts:
                fields = parts[part].get(row, {})
                word = word << width(layout) | Word(layout, tuple(fields.items())).encode()
            rows.append(word)
        return interval, tuple(rows)

    def _parts(self, phase: int, work: Work, slot: Slot) -> Iterator[tuple[str, int, Fields]]:
        """What a slot puts into the table, and in which cycle of its tile step."""
        match work.operation.op:
            case Op2d():
                yield "2d", slot.cycle, self._slot_2d(phase, work, slot)
                if work.leaves_column:
                    target = self._written(phase, work, slot, Space.LANE)
                    yield "capture", slot.cycle + self.n, {"en": 1, **_under("target", target)}
            case Op1d():
                yield "1d", slot.cycle, self._slot_1d(phase, work, slot)
            case _:
                assert_never(work.operation.op)

    def _slot_2d(self, phase: int, work: Work, slot: Slot) -> Fields:
        own = work.operation
        fields: Fields = {"op": own.op.value, "step": 0}
        if own.a is not None and slot.step == 0:
            fields |= _under("a", self._read(phase, work, slot, own.a))
        if own.left is not None:
            fields |= _under("left", self._input(phase, work, slot, own.left, Space.KEYS))
        match own.op:
            case Op2d.MAC:
                assert own.top is not None
                written = _under("d", self._written(phase, work, slot, Space.PE))
                top = _under("top", self._input(phase, work, slot, own.top, Space.QUERIES))
                same = {f"a.{key[2:]}": value for key, value in written.items()}
                fields |= {**written, **same, **top}
                fields |= {"first": int(slot.element == 0), "select": _TOP_QUERY}
            case Op2d.MAX:
                fields["select"] = _TOP_MINUS_INFINITY
            case Op2d.SUM | Op2d.WEIGHTED:
                fields["select"] = _TOP_ZERO
            case Op2d.SUB | Op2d.SCALE:
                if slot.step == 0:
                    assert own.top is not None
                    fields |= _under("top", self._read(phase, work, slot, own.top))
                    fields["select"] = _TOP_LANE
                else:
                    # Horner's rule: the highest coefficient is in the PE, the others come down.
                    fields |= {"op": Op2d.EXP.value, "step": slot.step - 1}
                    fields |= {"select": _TOP_COEFFICIENT, "top.offset": slot.steps - 1 - slot.step}
                if slot.last:
                    fields |= _under("d", self._written(phase, work, slot, Space.PE))
            case Op2d.NOP | Op2d.EXP:
                raise AssertionError("no Einsum is one of these")
            case _:
                raise AssertionError("a lane's operation on the 2D array")
        return fields

    def _slot_1d(self, phase: int, work: Work, slot: Slot) -> Fields:
        own = self._ordered(work.operation)
        fields: Fields = {"op": own.op.value, "step": slot.step, "last": int(slot.last)}
        exponential = own.op is Op1d.SUB and slot.step > 0
        if exponential:
            fields |= {"op": Op1d.EXP.value, "step": slot.step - 1}
        if own.a is not None and not exponential:
            source = self._source(own.a)
            fields |= {"source": source, "initially": source}
            if self._behind(phase, work, own.a):
                zero = self.locator.initial(own.a.tensor) == 0
                fields["initially"] = _FROM_ZERO if zero else _FROM_MINUS_INFINITY
            fields |= _under("a", self._read(phase, work, slot, own.a, bank=source == _FROM_BANK))
        for name, access in (("b", own.b), ("c", own.c)):
            if access is not None and not exponential:
                if self._behind(phase, work, access):
                    raise SpecError(f"{work.name}: only one operand can be a running value")
                fields |= _under(name, self._read(phase, work, slot, access))
        if slot.last:
            fields |= self._result(phase, work, slot)
        return fields

    def _result(self, phase: int, work: Work, slot: Slot) -> Fields:
        space = self.locator.space(work.tensor)
        if space is Space.OUTPUT:
            stream = self.locator.output(phase, work)
            place = (stream, work.element(work.leaf.einsum.output, slot))
            return {"target": _TO_OUTPUT, **_under("d", place)}
        fields = _under("d", self._written(phase, work, slot, space))
        fields["target"] = _TO_BANK if space is Space.STATE else _TO_REGISTER
        if self.locator.copied(work.tensor):
            fields |= _under("copy", self._written(phase, work, slot, Space.LANE))
            fields["copy_en"] = 1
        return fields

    # Places.

    def _ordered(self, own: Operation) -> Operation:
        """A factor that is kept in a bank comes first: only operand a can come from there."""
        swapped = (
            own.op in _COMMUTATIVE
            and own.a is not None
            and own.b is not None
            and self._source(own.b) == _FROM_BANK
            and self._source(own.a) != _FROM_BANK
        )
        return replace(own, a=own.b, b=own.a) if swapped else own

    def _source(self, access: Access) -> int:
        bank = self.locator.space(access.tensor) is Space.STATE
        return _FROM_BANK if bank else _FROM_REGISTER

    def _behind(self, phase: int, work: Work, access: Access) -> int:
        return next(
            read.behind or 0
            for read in self.locator.reads[access.tensor]
            if read.phase == phase and read.work is work and read.access == access
        )

    def _input(
        self, phase: int, work: Work, slot: Slot, access: Access, space: Space
    ) -> tuple[int, int]:
        return self.locator.input(phase, work, access, space), work.element(access, slot)

    def _read(
        self, phase: int, work: Work, slot: Slot, access: Access, bank: bool = False
    ) -> tuple[int, int]:
        space = self.locator.space(access.tensor)
        if space is Space.STATE and not bank:
            space = Space.LANE
        element = work.element(access, slot)
        if self.locator.writer[access.tensor][0] != phase:
            stream, places = self.locator.final(phase, work, access, space)
        else:
            behind = self._behind(phase, work, access)
            stream, places = self.locator.ring(phase, access.tensor, space, behind)
        return stream, element % places

    def _written(self, phase: int, work: Work, slot: Slot, space: Space) -> tuple[int, int]:
        stream, places = self.locator.ring(phase, work.tensor, space)
        return stream, work.element(work.leaf.einsum.output, slot) % places


def _works(pipeline: Pipeline, cascade: Cascade) -> Iterator[Work]:
    of = slots(pipeline)
    for leaf in pipeline.body.leaves:
        own = operation(leaf, "array_2d.rows", "array_2d.columns")
        yield Work(leaf, own, of[leaf.einsum.name], pipeline)


def _under(name: str, place: tuple[int, int]) -> Fields:
    return {f"{name}.stream": place[0], f"{name}.offset": place[1]}
