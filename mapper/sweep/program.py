"""A recorded computation as a program over columns: one row a point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.sweep.formula import Column
from mapper.sweep.per_value import PerValue
from mapper.sweep.recording import (
    COLUMNWISE,
    Operand,
    Place,
    Recorded,
    Tape,
    is_elementwise,
)

Columns = Mapping[str, Column]
Guards = Mapping[int, bool]
Mask = NDArray[np.bool_]

ROWS = 4096
"""Rows at a time: as many as leave a program's columns in the cache."""


@dataclass(frozen=True, slots=True)
class _Instruction:
    """Computes `target` from columns and constants; then the columns `dropped` are not needed."""

    target: int
    function: Callable[..., Any]
    operands: tuple[Operand, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Computes `outputs` from columns of a tape's inputs, row by row.

    Every step is elementwise, so that a row's results do not depend on the other rows.
    """

    inputs: tuple[tuple[int, str], ...]
    outputs: tuple[Operand, ...]
    instructions: tuple[_Instruction, ...]

    @staticmethod
    def of(tape: Tape, outputs: Iterable[Any]) -> Program:
        """The program for recorded numbers and constants."""
        places: tuple[Operand, ...] = tuple(
            Place(one.step) if isinstance(one, Recorded) else float(one) for one in outputs
        )
        return Program._for(tape, places)

    @staticmethod
    def _for(tape: Tape, places: tuple[Operand, ...]) -> Program:
        wanted = [one.step for one in places if isinstance(one, Place)]
        inputs = tuple((n, step.name) for n, step in enumerate(tape.steps) if step.function is None)
        return Program(inputs, places, _instructions(tape, wanted))

    def run(self, columns: Columns) -> list[Column]:
        """The outputs, one column each."""
        count = length(columns)
        results = [np.empty(count) for _ in self.outputs]
        for start in range(0, count, ROWS):
            rows = slice(start, min(start + ROWS, count))
            for result, value in zip(results, self._execute(columns, rows), strict=True):
                result[rows] = value
        return results

    def _execute(self, columns: Columns, rows: slice) -> list[Any]:
        values: dict[int, Any] = {step: columns[name][rows] for step, name in self.inputs}
        with np.errstate(all="ignore"):
            for one in self.instructions:
                operands = [values[o.step] if type(o) is Place else o for o in one.operands]
                values[one.target] = one.function(*operands)
                for step in one.dropped:
                    del values[step]
        return [values[o.step] if isinstance(o, Place) else o for o in self.outputs]


@dataclass(frozen=True, slots=True)
class Sorter:
    """Says which of several recordings on one tape serves a row: the one whose guards it passes."""

    program: Program
    guards: tuple[tuple[tuple[int, bool], ...], ...]

    @staticmethod
    def of(tape: Tape, recordings: Sequence[Guards]) -> Sorter:
        """For recordings with these guards."""
        steps = sorted({step for guards in recordings for step in guards})
        place = {step: number for number, step in enumerate(steps)}
        return Sorter(
            Program._for(tape, tuple(map(Place, steps))),
            tuple(tuple((place[s], outcome) for s, outcome in g.items()) for g in recordings),
        )

    def sort(self, columns: Columns) -> NDArray[np.int64]:
        """The number of the recording for every row; -1 if it is none of them."""
        count = length(columns)
        found = np.full(count, -1, dtype=np.int64)
        for start in range(0, count, ROWS):
            rows = slice(start, min(start + ROWS, count))
            size = rows.stop - rows.start
            values = self.program._execute(columns, rows)
            left = np.ones(size, dtype=np.bool_)
            for number, guards in enumerate(self.guards):
                passed = left.copy()
                for place, outcome in guards:
                    compare = np.logical_and if outcome else np.greater  # and, and not
                    compare(passed, values[place], out=passed)
                found[rows][passed] = number
                left &= ~passed
                if not left.any():
                    break
        return found


def _instructions(tape: Tape, wanted: Sequence[int]) -> tuple[_Instruction, ...]:
    """What computes the steps `wanted`, and nothing else."""
    needed = set[int]()
    open_steps = list(wanted)
    while open_steps:
        step = open_steps.pop()
        if step not in needed:
            needed.add(step)
            open_steps += [o.step for o in tape.steps[step].operands if isinstance(o, Place)]
    keep, found = set(wanted), []
    for target in sorted(needed, reverse=True):  # from the end: what is met first is used last
        one = tape.steps[target]
        if one.function is None:
            continue
        used = {o.step for o in one.operands if isinstance(o, Place)}
        dropped = tuple(sorted(used - keep))
        function = columnwise(one.function)
        found.append(_Instruction(target, function, one.operands, dropped))
        keep |= used
    return tuple(reversed(found))


@lru_cache(maxsize=4096)
def columnwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` for columns in the place of numbers."""
    if function in COLUMNWISE:
        return COLUMNWISE[function]
    return function if is_elementwise(function) else PerValue(function)


def length(columns: Columns) -> int:
    """The number of rows."""
    return len(next(iter(columns.values())))
