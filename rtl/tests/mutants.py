"""Arrays that are broken on purpose: in their table, and in their hardware."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rtl.build import ROOT
from rtl.control.operations import Op1d
from rtl.control.program import Program
from rtl.control.words import CAPTURE, SLOT_1D, SLOT_2D, Fields, width

PARTS: dict[str, tuple[Fields, int]] = {
    "2D": (SLOT_2D, width(SLOT_1D) + width(CAPTURE)),
    "1D": (SLOT_1D, width(CAPTURE)),
    "capture": (CAPTURE, 0),
}
"""The parts of a row, with the bits that follow each."""


@dataclass(frozen=True)
class TableMutant:
    """A program with one thing wrong."""

    name: str
    program: Program


@dataclass(frozen=True)
class SourceMutant:
    """`old` in `rtl/src/<file>` becomes `new`."""

    name: str
    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return self.name

    def write(self, folder: Path) -> Path:
        """The broken file, in `folder`."""
        text = (ROOT / "src" / self.file).read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.file} has no single {self.old!r}"
        path = folder / self.file
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")
        return path


def get(row: int, part: str, field: str) -> int:
    """A field of a row."""
    shift, bits = _place(part, field)
    return row >> shift & (1 << bits) - 1


def put(row: int, part: str, field: str, value: int) -> int:
    """The row with that field changed."""
    shift, bits = _place(part, field)
    return row & ~(((1 << bits) - 1) << shift) | value << shift


def _place(part: str, field: str) -> tuple[int, int]:
    fields, shift = PARTS[part]
    for name, bits in reversed(fields):
        if name == field:
            return shift, bits
        shift += bits
    raise KeyError(field)


def without_one_slot(program: Program) -> Iterator[TableMutant]:
    """Every slot of the table left out, one at a time."""
    for number, row in enumerate(program.rows):
        for part, (fields, shift) in PARTS.items():
            mask = ((1 << width(fields)) - 1) << shift
            if row & mask:
                yield _row(program, number, row & ~mask, f"row {number} without {part}")


def one_stage_off(program: Program) -> Iterator[TableMutant]:
    """Every slot of the first phase done for the tile step before, one at a time.

    Not those of a lane's exponential beyond its first: they name no tile, and the correction that
    the first tile step then lacks is multiplied by zero.
    """
    phase = program.phases[0]
    for number, row in enumerate(program.rows[: phase.interval]):
        for part, (fields, shift) in PARTS.items():
            busy = row >> shift & (1 << width(fields)) - 1
            if part == "1D" and get(row, part, "op") == Op1d.EXP.value:
                continue
            stage = get(row, part, "stage") + 1
            if busy and stage < phase.stages:
                changed = put(row, part, "stage", stage)
                yield _row(program, number, changed, f"row {number}, {part} a stage late")


def others(program: Program) -> Iterator[TableMutant]:
    """What a generator of control words could get wrong."""
    first, *rest = program.phases
    last = program.rows[: first.interval - 1] + program.rows[first.interval :]
    shorter = replace(first, interval=first.interval - 1)
    later = [replace(one, base=one.base - 1) for one in rest]
    yield TableMutant("a cycle shorter", replace(program, rows=last, phases=(shorter, *later)))
    phases = (replace(first, first=0), *rest)
    yield TableMutant("no initial values", replace(program, phases=phases))
    phases = (replace(first, first=first.first + 1), *rest)
    yield TableMutant("initial values twice", replace(program, phases=phases))
    phases = (replace(first, steps=first.steps - 1), *rest)
    yield TableMutant("a tile less", replace(program, phases=phases))
    copy, multiply = Op1d.COPY.value, Op1d.MUL.value
    for name, rows in (
        ("corrections", range(first.interval)),
        ("divisions", range(first.interval, len(program.rows))),
    ):
        changed = tuple(
            put(row, "1D", "op", copy)
            if number in rows and get(row, "1D", "op") == multiply
            else row
            for number, row in enumerate(program.rows)
        )
        yield TableMutant(f"no {name}", replace(program, rows=changed))


def _row(program: Program, number: int, row: int, name: str) -> TableMutant:
    rows = (*program.rows[:number], row, *program.rows[number + 1 :])
    return TableMutant(name, replace(program, rows=rows))


SOURCE_MUTANTS = (
    SourceMutant(
        "old and new maximum swapped",
        "pe_1d.sv",
        "        factor_a = c;\n        factor_b = fp_pkg::minus_one(Lane);\n        addend = a;",
        "        factor_a = a;\n        factor_b = fp_pkg::minus_one(Lane);\n        addend = c;",
    ),
    SourceMutant(
        "key words a cycle late",
        "row_network.sv",
        "assign read_addr_o = {addr_q, addr_i};",
        "assign read_addr_o = {addr_q, addr_q[0]};",
    ),
    SourceMutant(
        "truncated sums",
        "fp_pkg.sv",
        "up = magnitude[27] && (magnitude[28] || magnitude[26:0] != 27'd0);",
        "up = 1'b0;",
    ),
    SourceMutant(
        "masked tiles are no numbers",
        "pe_2d_pkg.sv",
        "(register_a == MinusInfinity) ? MinusInfinity : result",
        "result",
    ),
    SourceMutant(
        "a maximum begins at zero",
        "column_network.sv",
        "TopMinusInfinity: top_o[column] = MinusInfinity;",
        "TopMinusInfinity: top_o[column] = 32'd0;",
    ),
)
"""Caught in every run of the tests."""

MORE_SOURCE_MUTANTS = (
    SourceMutant(
        "the maximum is not rounded",
        "pe_1d.sv",
        "fp_pkg::widen(Format, fp_pkg::narrow(Format, fp_pkg::maximum(Lane, a, c)))",
        "fp_pkg::maximum(Lane, a, c)",
    ),
    SourceMutant(
        "no bypass of what is captured",
        "pe_1d.sv",
        "bypass = captured ? column : stored;",
        "bypass = stored;",
    ),
    SourceMutant(
        "pointers never turn",
        "sequencer.sv",
        "(further == stream.limit) ? stream.base : further",
        "further",
    ),
    SourceMutant(
        "lanes keep in step",
        "array_1d.sv",
        "else ctrl_q <= {ctrl_q[Lanes-2:0], ctrl_i};",
        "else ctrl_q <= {Lanes{ctrl_i}};",
    ),
    SourceMutant(
        "no control for the second row",
        "row_network.sv",
        "else ctrl_q <= {ctrl_q[Rows-2:0], ctrl_i};",
        "else ctrl_q <= {{(Rows-1){pe_ctrl_t'('0)}}, ctrl_i};",
    ),
    SourceMutant(
        "one coefficient too far",
        "pe_2d_pkg.sv",
        "exp2_coefficient(degree, degree)",
        "exp2_coefficient(degree, degree - 4'd1)",
    ),
    SourceMutant(
        "the power is lost",
        "pe_2d_pkg.sv",
        "fp_pkg::scale(result, after.power)",
        "result",
    ),
    SourceMutant(
        "weights are not rounded",
        "array_1d.sv",
        "assign narrowed[lane] = fp_pkg::narrow(Format, result[lane]);",
        "assign narrowed[lane] = {16'd0, result[lane][31:16]};",
    ),
    SourceMutant(
        "a phase ends with steps under way",
        "sequencer.sv",
        "else if (next_phase) begin\n      valid_q <= '0;",
        "else if (next_phase) begin\n      valid_q <= valid_q;",
    ),
)
"""The others, caught every night."""
