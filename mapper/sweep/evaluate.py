"""Evaluating points in batches: points that take the same steps are computed together.

Points with the same names (model, cascade, mapping, ...) form a group. The first of them is
evaluated as it is, by `archsim`, on numbers that record what becomes of them; the recording then
serves every point of the group that passes its guards, and the next point that passes none is
recorded in its turn. What has been recorded is kept for the next batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from archsim.library import DEFAULT, load_library
from mapper.sweep.formula import Column
from mapper.sweep.outcome import METRICS, Outcome, Status
from mapper.sweep.points import Points, text_levels
from mapper.sweep.program import Sorter, length
from mapper.sweep.recording import Tape
from mapper.sweep.samplers import Indices
from mapper.sweep.spec import Sweep
from mapper.sweep.stages import (
    ColumnLibrary,
    Names,
    Numbers,
    Stage,
    record_costs,
    record_scores,
    record_tiles,
)
from mapper.sweep.tiles import choose

_STAGES = 256  # recordings kept for a group of points: more means that they hardly serve again
_GROUPS = 64

Columns = Mapping[str, Column]


def evaluate_points(points: Points) -> Outcome:
    """Metrics, status and reason of every point; no point's failure touches another one."""
    return _evaluator(points.sweep).evaluate(points)


@dataclass
class Recordings:
    """The stages of one kind for one group of points, on one tape."""

    stages: list[Stage] = field(default_factory=list)
    tape: Tape = field(default_factory=Tape)
    _sorter: Sorter | None = None

    def each(
        self,
        columns: Columns,
        record: Callable[[Tape, Numbers], Stage],
        use: Callable[[Stage, Indices, Columns], None],
    ) -> None:
        """Calls `use` with a stage, the rows that it is right for and their columns, for all."""
        left = np.arange(length(columns))
        if self.stages:
            if self._sorter is None:
                self._sorter = Sorter.of(self.tape, [stage.guards for stage in self.stages])
            sorted_to = self._sorter.sort(columns)
            for number in np.unique(sorted_to[sorted_to >= 0]).tolist():
                rows = np.flatnonzero(sorted_to == number)
                use(self.stages[number], rows, _rows(columns, rows))
            left = np.flatnonzero(sorted_to < 0)
        while left.size:
            if len(self.stages) >= _STAGES:
                self.stages, self.tape = [], Tape()
            first = {name: _number(column[left[0]]) for name, column in columns.items()}
            stage = record(self.tape, first)
            passed = Sorter.of(self.tape, [stage.guards]).sort(_rows(columns, left)) == 0
            passed[0] = True  # it is what was recorded, also where a guard is lost to rounding
            use(stage, left[passed], _rows(columns, left[passed]))
            left = left[~passed]
            self.stages.append(stage)
            self._sorter = None


@dataclass
class _Group:
    """What is known about the points that share all their names."""

    names: Names
    library: ColumnLibrary
    tiles: Recordings = field(default_factory=Recordings)
    scores: dict[tuple[str, ...], Recordings] = field(default_factory=dict)
    costs: dict[tuple[str, ...], Recordings] = field(default_factory=dict)


@dataclass
class Results:
    """What a batch comes to, filled row by row."""

    metrics: dict[str, Column]
    reasons: dict[int, str] = field(default_factory=dict)

    @staticmethod
    def empty(count: int) -> Results:
        return Results({name: np.full(count, np.nan) for name in METRICS})

    def fail(self, rows: Indices, reasons: list[str]) -> None:
        self.reasons |= dict(zip(rows.tolist(), reasons, strict=True))

    def put(self, rows: Indices, found: Columns) -> None:
        for name, column in found.items():
            self.metrics[name][rows] = column


class Evaluator:
    """Evaluates the points of one sweep, and remembers how."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        library = load_library(*DEFAULT, *sweep.components)
        self._library = ColumnLibrary(library.name, library.components)
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._texts = {
            one.name: texts
            for one in sweep.parameters
            if (texts := text_levels(sweep, one.name)) is not None
        }

    def evaluate(self, points: Points) -> Outcome:
        """As `evaluate_points`, for points of this sweep."""
        results = Results.empty(len(points))
        valid = self._refuse_impossible(points, results)
        for names, rows in self._grouped(points, valid):
            numbers = {
                name: points.columns[name][rows]
                for name in points.columns
                if name not in self._texts
            }
            for name, value in self.sweep.base.items():
                if not isinstance(value, str):
                    numbers[name] = np.full(len(rows), value)
            if not numbers:
                numbers = {"": np.zeros(len(rows))}  # something has to tell how many there are
            self._evaluate_group(self._group(names), rows, numbers, results)
        return self._judged(points, results)

    def _refuse_impossible(self, points: Points, results: Results) -> Indices:
        """The rows whose linked parameters all have a value; the others fail."""
        valid = np.ones(len(points), dtype=np.bool_)
        for name, column in points.columns.items():
            lost = valid & ~np.isfinite(column)
            rows = np.flatnonzero(lost)
            results.fail(rows, [f"{name} has no value"] * len(rows))
            valid &= ~lost
        return np.flatnonzero(valid)

    def _grouped(self, points: Points, rows: Indices) -> list[tuple[dict[str, str], Indices]]:
        """Rows by the names that they have."""
        fixed = {name: v for name, v in self.sweep.base.items() if isinstance(v, str)}
        if not self._texts or not rows.size:
            return [(fixed, rows)] if rows.size else []
        code = np.zeros(len(rows), dtype=np.int64)
        for name, texts in self._texts.items():
            code = code * len(texts) + points.columns[name][rows].astype(np.int64)
        found = []
        for one in np.unique(code):
            own = rows[code == one]
            names = {
                name: texts[int(points.columns[name][own[0]])]
                for name, texts in self._texts.items()
            }
            found.append((fixed | names, own))
        return found

    def _group(self, names: dict[str, str]) -> _Group:
        key = tuple(names.values())
        if key not in self._groups:
            if len(self._groups) >= _GROUPS:
                self._groups.pop(next(iter(self._groups)))
            self._groups[key] = _Group(names, self._library)
        return self._groups[key]

    def _evaluate_group(
        self, group: _Group, rows: Indices, numbers: Columns, results: Results
    ) -> None:
        def use(stage: Stage, chosen: Indices, columns: Columns) -> None:
            if stage.failure is not None:
                results.fail(rows[chosen], stage.reasons(columns))
            else:
                self._with_tiles(group, rows[chosen], columns, stage.run(columns), results)

        def record(tape: Tape, one: Numbers) -> Stage:
            return record_tiles(tape, group.names, _apart(one, ())[0])

        group.tiles.each(numbers, record, use)

    def _with_tiles(
        self, group: _Group, rows: Indices, numbers: Columns, spans: Columns, results: Results
    ) -> None:
        free = tuple(name.removeprefix("span ") for name in spans if name.startswith("span "))
        costs = group.costs.setdefault(free, Recordings())
        if free:
            scores = group.scores.setdefault(free, Recordings())

            def record(tape: Tape, one: Numbers) -> Stage:
                settings, tiles = _apart(one, free)
                return record_scores(tape, group.names, settings, tiles)

            chosen = choose(free, numbers, spans, lambda c, use: scores.each(c, record, use))
            results.fail(rows[chosen.lost], chosen.reasons)
            rows, numbers = rows[chosen.kept], _rows(numbers, chosen.kept) | chosen.tiles

        def use(stage: Stage, passed: Indices, columns: Columns) -> None:
            if stage.failure is not None:
                results.fail(rows[passed], stage.reasons(columns))
            else:
                results.put(rows[passed], stage.run(columns))

        def record_all(tape: Tape, one: Numbers) -> Stage:
            settings, tiles = _apart(one, free)
            return record_costs(tape, group.names, settings, tiles, group.library)

        if rows.size:
            costs.each(numbers, record_all, use)

    def _judged(self, points: Points, results: Results) -> Outcome:
        count = len(points)
        status = np.full(count, Status.DONE, dtype=np.int8)
        failed = np.fromiter(results.reasons, dtype=np.int64, count=len(results.reasons))
        status[failed] = Status.FAILED
        for lost in np.flatnonzero(np.isnan(results.metrics["latency_s"])).tolist():
            results.reasons.setdefault(lost, "it has no latency")
            status[lost] = Status.FAILED
        known: dict[str, Column] = {
            name: np.asarray(value, dtype=np.float64)
            for name, value in self.sweep.constants.items()
        }
        known |= {**points.columns, **results.metrics}
        for constraint in self.sweep.constraints:
            holds: NDArray[np.bool_] = np.broadcast_to(constraint.holds(known), (count,))
            broken = np.flatnonzero((status == Status.DONE) & ~holds)
            status[broken] = Status.INFEASIBLE
            values = {
                name: np.broadcast_to(known[name], (count,))[broken] for name in constraint.names
            }
            for place, row in enumerate(broken.tolist()):
                shown = ", ".join(f"{name} is {v[place]:.6g}" for name, v in values.items())
                results.reasons[row] = f"{constraint} does not hold: {shown}"
        return Outcome(results.metrics, status, results.reasons)


@lru_cache(maxsize=4)
def _evaluator(sweep: Sweep) -> Evaluator:
    return Evaluator(sweep)


def _rows(columns: Columns, rows: Indices) -> dict[str, Column]:
    return {name: column[rows] for name, column in columns.items()}


def _apart(numbers: Numbers, tiles: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """Settings, and sizes of free tiles."""
    own = {name: numbers[name] for name in tiles}
    return {name: numbers[name] for name in numbers if name not in own and name}, own


def _number(value: float) -> float:
    return int(value) if float(value).is_integer() else float(value)
