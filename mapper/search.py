"""Exact search: the best way to cut a cascade into fused groups, and the best group for each cut.

The cuts are paths in a graph whose edges are runs of Einsums. An edge first weighs what bounds
say that its group needs at least; when a shortest path uses it, it is searched and weighs what its
best group costs. A shortest path of searched edges only is optimal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from archsim.activity import Activity
from archsim.architecture import Architecture
from archsim.components import Library
from archsim.mapping import Mapping as LoopMapping
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError
from einsum.graph import order
from einsum.shapes import Shapes
from mapper.fused_group import FusedGroup, best_group, group_bound
from mapper.objective import Cost, Objective
from mapper.selection import Tally


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a search proved: the size of its space, what was pruned and why, and its bound."""

    space_size: int
    evaluated: int
    pruned_by_capacity: int
    pruned_by_bound: int
    groups_searched: int
    groups_pruned: int
    lower_bound: Cost
    proven_optimal: bool
    cpu_s: float


@dataclass(frozen=True)
class SearchResult:
    """The best mapping found, its cost by the search's own sums, and the proof."""

    objective: Objective
    mapping: LoopMapping
    cost: Cost
    certificate: Certificate

    @property
    def value(self) -> float:
        """The objective's first amount."""
        return self.objective.key(self.cost)[0]

    @property
    def lower_bound(self) -> float:
        """What no mapping in the space can be below, in the objective's first amount."""
        return self.objective.key(self.certificate.lower_bound)[0]

    @property
    def gap(self) -> float:
        """`value` over `lower_bound`: 1 is optimal."""
        return self.value / self.lower_bound if self.lower_bound else 1.0


@dataclass
class _Edge:
    first: int
    last: int
    cost: Cost
    group: FusedGroup | None = None
    searched: bool = False
    feasible: bool = True


@dataclass
class _Search:
    cascade: Cascade
    shapes: Shapes
    architecture: Architecture
    library: Library
    objective: Objective
    einsums: tuple[Einsum, ...]
    activity: Activity
    tally: Tally = field(default_factory=Tally)
    shortage: SpecError | None = None

    def run(self, deadline: float, tick: Callable[[str], None]) -> tuple[list[_Edge], bool]:
        """The best path; False if the deadline came before it was proven."""
        count = len(self.einsums)
        edges = {
            (i, j): _Edge(i, j, self._bound(i, j))
            for i in range(count)
            for j in range(i + 1, count + 1)
        }
        while True:
            path = self._shortest(edges, count)
            if path is None:
                raise self.shortage or SpecError(
                    f"{self.cascade.name} has no mapping on {self.architecture.name}"
                )
            pending = [edge for edge in path if not edge.searched]
            if not pending:
                return path, True
            if time.process_time() > deadline and all(e.searched for e in self._fallback(edges)):
                return self._fallback(edges), False
            edge = pending[0]
            tick(", ".join(e.name for e in self.einsums[edge.first : edge.last]))
            self._search(edge)

    def _bound(self, first: int, last: int) -> Cost:
        return group_bound(
            self.einsums[first:last],
            self.cascade,
            self.shapes,
            self.architecture,
            self.library,
            self.activity,
        )

    def _search(self, edge: _Edge) -> None:
        edge.searched = True
        segment = self.einsums[edge.first : edge.last]
        try:
            edge.group = best_group(
                segment,
                self.cascade,
                self.shapes,
                self.architecture,
                self.library,
                self.objective,
                self.tally,
            )
        except SpecError as error:
            edge.feasible, self.shortage = False, error
            return
        edge.cost = edge.group.cost

    def _shortest(self, edges: dict[tuple[int, int], _Edge], count: int) -> list[_Edge] | None:
        """The path of least key through feasible edges (they only lead forward)."""
        zero = Cost(0.0, 0.0, 0.0)
        best: list[tuple[Cost, list[_Edge]] | None] = [(zero, [])] + [None] * count
        for end in range(1, count + 1):
            for start in range(end):
                before, edge = best[start], edges[start, end]
                if before is None or not edge.feasible:
                    continue
                cost = before[0] + edge.cost
                now = best[end]
                if now is None or self.objective.key(cost) < self.objective.key(now[0]):
                    best[end] = (cost, [*before[1], edge])
        last = best[count]
        return None if last is None else last[1]

    def _fallback(self, edges: dict[tuple[int, int], _Edge]) -> list[_Edge]:
        """The best path of searched edges, or the Einsums one by one if there is none."""
        searched = {
            k: e if e.searched else _Edge(*k, e.cost, feasible=False) for k, e in edges.items()
        }
        path = self._shortest(searched, len(self.einsums))
        return path or [edges[i, i + 1] for i in range(len(self.einsums))]


def search(
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    library: Library,
    objective: Objective = Objective.LATENCY,
    time_limit_s: float = float("inf"),
    tick: Callable[[str], None] = lambda _: None,
) -> SearchResult:
    """The best mapping of the space of `mapper/space.py`, ties broken as `Objective` says.

    After `time_limit_s` of CPU time the best so far is returned, with its gap; `tick` is called
    with the Einsums of every group that is searched. Raises `SpecError` if nothing fits: it
    names the memory and the missing bytes.
    """
    begun = time.process_time()
    einsums = tuple(einsum for einsum in order(cascade) if not einsum.is_initial)
    activity = Activity.of(cascade, shapes)
    one = _Search(cascade, shapes, architecture, library, objective, einsums, activity)
    path, proven = one.run(begun + time_limit_s, tick)
    total = sum((edge.cost for edge in path[1:]), start=path[0].cost)
    bound = total if proven else _whole_bound(one)
    groups = tuple(edge.group.group for edge in path if edge.group)
    possible = len(einsums) * (len(einsums) + 1) // 2
    searched = one.tally.groups
    certificate = Certificate(
        space_size=one.tally.points,
        evaluated=one.tally.complete,
        pruned_by_capacity=one.tally.over_capacity,
        pruned_by_bound=one.tally.over_bound,
        groups_searched=searched,
        groups_pruned=possible - searched,
        lower_bound=bound,
        proven_optimal=proven,
        cpu_s=time.process_time() - begun,
    )
    return SearchResult(objective, LoopMapping("best", groups), total, certificate)


def _whole_bound(one: _Search) -> Cost:
    bounds = [one._bound(i, i + 1) for i in range(len(one.einsums))]
    whole = one._bound(0, len(one.einsums))
    return Cost(
        whole.latency_s,
        min(whole.traffic_bytes, sum(b.traffic_bytes for b in bounds)),
        min(whole.energy_pj, sum(b.energy_pj for b in bounds)),
    )
