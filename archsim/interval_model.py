"""Is there a schedule with a given initiation interval? Asked of OR-tools' CP-SAT, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from archsim.reservation import allowed, collides
from archsim.task_graph import Life, Mode, TaskGraph, lag_between

_EFFORT = 2.0  # CP-SAT's deterministic seconds: equal runs give equal schedules
_STAGE, _COPY = 1000, 10  # a stage weighs more than all copies, copies more than cycles


class Outcome(Enum):
    """What the solver can say of an interval."""

    FOUND = "found"
    REFUTED = "refuted"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Solution:
    """By task its start and mode, by life the number of tiles that exist at a time."""

    starts: tuple[int, ...]
    modes: tuple[int, ...]
    tiles: tuple[int, ...]


def decide(graph: TaskGraph, ii: int) -> tuple[Outcome, Solution | None]:
    """A schedule with interval `ii`, of few stages and copies, or a proof that there is none."""
    if graph.res_mii > ii:
        return Outcome.REFUTED, None
    modes = [[i for i, mode in enumerate(t.modes) if not collides(mode, ii)] for t in graph.tasks]
    if not all(modes):
        return Outcome.REFUTED, None
    found = _Model(graph, ii, modes, bounded=True).solve()
    if found[0] is Outcome.OPEN and any(len(own) > 1 for own in modes):
        # Too many ways to decide: without interleaving there are fewer, though no proof.
        simple = _Model(graph, ii, [own[:1] for own in modes], bounded=True).solve()
        return simple if simple[1] is not None else found
    return found


def least_shortage(
    graph: TaskGraph, ii: int
) -> tuple[str, float, tuple[tuple[Life, int], ...]] | None:
    """The memory that lacks most at `ii`, how many bytes, and the tiles beyond the mapping's."""
    modes = [[i for i, mode in enumerate(t.modes) if not collides(mode, ii)] for t in graph.tasks]
    _, solution = _Model(graph, ii, modes, bounded=False).solve()
    if solution is None:
        return None
    worst: tuple[str, float, tuple[tuple[Life, int], ...]] | None = None
    for memory, free in graph.free_bytes:
        beyond = tuple(
            (life, tiles - life.covered)
            for life, tiles in zip(graph.lives, solution.tiles, strict=True)
            if life.memory == memory and tiles > life.covered
        )
        short = sum(extra * life.tile_bytes for life, extra in beyond) - free
        if short > 0 and (worst is None or short > worst[1]):
            worst = memory, short, beyond
    return worst


class _Model:
    """One interval's model. Built and solved once."""

    def __init__(self, graph: TaskGraph, ii: int, modes: list[list[int]], bounded: bool) -> None:
        from ortools.sat.python import cp_model  # slow to load, and most commands do not need it

        self.graph, self.ii, self.modes, self.cp = graph, ii, modes, cp_model
        self.model: Any = cp_model.CpModel()
        self.horizon = self._horizon()
        self.starts = [self.model.new_int_var(0, self.horizon, t.name) for t in graph.tasks]
        self.chosen = [
            {mode: self.model.new_bool_var(f"{task.name} mode {mode}") for mode in own}
            for task, own in zip(graph.tasks, modes, strict=True)
        ]
        for own in self.chosen:
            self.model.add_exactly_one(own.values())
        self._collisions()
        self._dependences()
        self._residences()
        self.extra = [self._tiles(life) for life in graph.lives]
        if bounded:
            self._room()
        self._objective()

    def _horizon(self) -> int:
        graph = self.graph
        work = sum(max(mode.length for mode in task.modes) for task in graph.tasks)
        delays = sum(edge.delay for edge in graph.dependences)
        return work + delays + self.ii * len(graph.tasks)

    def _begin(self, einsum: str) -> Any:
        return self._moment(einsum, lambda mode: mode.window(einsum).begin)

    def _end(self, einsum: str, elementwise: bool = False) -> Any:
        return self._moment(
            einsum,
            lambda mode: (
                mode.window(einsum).element_end if elementwise else mode.window(einsum).end
            ),
        )

    def _moment(self, einsum: str, offset: Any) -> Any:
        task = self.graph.task_of[einsum]
        return self.starts[task] + sum(
            offset(self.graph.tasks[task].modes[number]) * literal
            for number, literal in self.chosen[task].items()
        )

    def _collisions(self) -> None:
        count = len(self.graph.tasks)
        for one in range(count):
            for other in range(one + 1, count):
                pairs = [
                    (a, b, allowed(self._mode(one, a), self._mode(other, b), self.ii))
                    for a in self.modes[one]
                    for b in self.modes[other]
                ]
                if all(free == ((0, self.ii - 1),) for _, _, free in pairs):
                    continue
                gap = self.model.new_int_var(0, self.ii - 1, f"gap {one} {other}")
                laps = self.horizon // self.ii + 1
                turns = self.model.new_int_var(-laps, laps, f"turns {one} {other}")
                self.model.add(self.starts[other] - self.starts[one] == gap + self.ii * turns)
                for a, b, free in pairs:
                    domain = self.cp.Domain.from_intervals([list(part) for part in free])
                    self.model.add_linear_expression_in_domain(gap, domain).only_enforce_if(
                        self.chosen[one][a], self.chosen[other][b]
                    )

    def _mode(self, task: int, number: int) -> Mode:
        return self.graph.tasks[task].modes[number]

    def _dependences(self) -> None:
        for edge in self.graph.dependences:
            source, target = self.graph.task_of[edge.source], self.graph.task_of[edge.target]
            if source == target:
                for number, literal in self.chosen[source].items():
                    mode = self._mode(source, number)
                    late = lag_between(edge, mode, mode) > edge.distance * self.ii
                    if edge.distance and late:
                        self.model.add(literal == 0)
                continue
            written = self._end(edge.source, edge.elementwise) + edge.delay
            self.model.add(self._begin(edge.target) + edge.distance * self.ii >= written)

    def _residences(self) -> None:
        for held in self.graph.residences:
            room = (held.period * (held.copies - 1) + 1) * self.ii
            for last in held.readers:
                for first in held.readers:
                    self.model.add(self._end(last) - self._begin(first) <= room)

    def _tiles(self, life: Life) -> Any:
        most = self.horizon // self.ii + 2 + max((d for _, d in life.readers), default=0)
        tiles = self.model.new_int_var(1, most, f"tiles of {life.tensor}")
        born = self._begin(life.writer) + life.delay
        for reader, distance in life.readers:
            dead = self._end(reader, life.elementwise) + distance * self.ii
            self.model.add(self.ii * tiles >= dead - born)
        extra = self.model.new_int_var(0, most, f"extra tiles of {life.tensor}")
        self.model.add(extra >= tiles - life.covered)
        return tiles, extra

    def _room(self) -> None:
        for memory, free in self.graph.free_bytes:
            terms = [
                int(-(-life.tile_bytes // 1)) * extra
                for life, (_, extra) in zip(self.graph.lives, self.extra, strict=True)
                if life.memory == memory
            ]
            if terms:
                self.model.add(sum(terms) <= int(free // 1))

    def _objective(self) -> None:
        stages = self.model.new_int_var(1, self.horizon // self.ii + 2, "stages")
        for task, own in enumerate(self.chosen):
            length = sum(self._mode(task, n).length * literal for n, literal in own.items())
            self.model.add(self.ii * stages >= self.starts[task] + length)
        copies = sum(extra for _, extra in self.extra)
        tiles = sum(tiles for tiles, _ in self.extra)
        self.model.minimize(_STAGE * stages + _COPY * copies + tiles)

    def solve(self) -> tuple[Outcome, Solution | None]:
        solver: Any = self.cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 1
        solver.parameters.max_deterministic_time = _EFFORT
        status = solver.solve(self.model)
        if status == self.cp.INFEASIBLE:
            return Outcome.REFUTED, None
        if status not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            return Outcome.OPEN, None
        starts = [solver.value(start) for start in self.starts]
        first = min(starts)
        modes = [
            next(mode for mode, literal in own.items() if solver.value(literal))
            for own in self.chosen
        ]
        return Outcome.FOUND, Solution(
            tuple(start - first for start in starts),
            tuple(modes),
            tuple(max(1, solver.value(tiles)) for tiles, _ in self.extra),
        )
