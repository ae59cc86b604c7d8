"""Exact search: the best way to cut a cascade into fused groups, and the best group for each cut.

The cuts are paths in a graph whose edges are runs of Einsums. An edge first weighs what bounds
say that its group needs at least; when a best path uses it, it is searched and weighs what its
best groups cost. A best path of searched edges only is optimal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate, combinations

from archsim.architecture import Architecture
from archsim.components import Library
from archsim.constraints import FREE, Constraints
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping import Policy
from einsum.cascade import Cascade
from einsum.shapes import Shapes
from mapper.front import Front
from mapper.fused_group import FusedGroup, best_groups, group_bound
from mapper.infeasible import shortage
from mapper.limits import NO_LIMITS, Limits, Tick
from mapper.objective import Amount, Cost, Objective, Ranking
from mapper.problem import MapProblem
from mapper.result import Certificate, SearchResult, Solution
from mapper.selection import Tally

Path = tuple["_Edge", ...]


@dataclass
class _Edge:
    """A run of Einsums: what bounds say of its group, and the best groups found so far."""

    first: int
    last: int
    bound: Cost
    groups: tuple[FusedGroup, ...] = ()
    proven: bool = False

    @property
    def least(self) -> tuple[tuple[Cost, FusedGroup | None], ...]:
        """What its group costs at least."""
        return self.found if self.proven else ((self.bound, None),)

    @property
    def found(self) -> tuple[tuple[Cost, FusedGroup | None], ...]:
        """What is found."""
        return tuple((group.cost, group) for group in self.groups)


@dataclass(frozen=True, slots=True)
class _Cuts:
    """A way to cut, and which groups it takes; None for those that are not searched yet."""

    edges: tuple[_Edge, ...] = ()
    groups: tuple[FusedGroup | None, ...] = ()

    @property
    def unsearched(self) -> _Edge | None:
        return next((e for e, g in zip(self.edges, self.groups, strict=True) if g is None), None)

    def then(self, edge: _Edge, group: FusedGroup | None) -> _Cuts:
        return _Cuts((*self.edges, edge), (*self.groups, group))


@dataclass
class _Search:
    problem: MapProblem
    objective: Objective
    ranking: Ranking
    edges: dict[tuple[int, int], _Edge]
    tally: Tally = field(default_factory=Tally)

    def run(self, deadline: float, tick: Tick) -> tuple[Front[_Cuts], Front[_Cuts]]:
        """The best cuts, and what none can be below: the same, unless the deadline came first."""
        while True:
            best = self._best(lambda edge: edge.least)
            if not best.entries:
                raise shortage(self.problem)
            waiting = [edge for _, cuts in best.entries if (edge := cuts.unsearched)]
            if not waiting:
                return best, best
            if time.process_time() > deadline:
                known = self._best(lambda edge: edge.found)
                if known.entries:
                    return known, best
                waiting = [e for e in self._shortest() if not e.groups and not e.proven]
            edge = waiting[0]
            segment = self.problem.einsums[edge.first : edge.last]
            tick(", ".join(einsum.name for einsum in segment))
            edge.groups, edge.proven = best_groups(
                segment, self.problem, self.objective, self.ranking, self.tally, deadline
            )

    def _shortest(self) -> list[_Edge]:
        """The groups that cannot be cut."""
        ends = {edge.last for edge in self.edges.values()}
        return [
            edge
            for edge in self.edges.values()
            if not any(edge.first < end < edge.last for end in ends)
        ]

    def _best(
        self, weights: Callable[[_Edge], tuple[tuple[Cost, FusedGroup | None], ...]]
    ) -> Front[_Cuts]:
        """The best ways from the first Einsum to the last (edges only lead forward)."""
        count = len(self.problem.einsums)
        start = Front[_Cuts](self.ranking, [(Cost(0.0, 0.0, 0.0), _Cuts())])
        fronts = [start, *(Front[_Cuts](self.ranking) for _ in range(count))]
        for (begin, end), edge in sorted(self.edges.items(), key=lambda one: one[0][1]):
            for weight, group in weights(edge):
                for before, cuts in fronts[begin].entries:
                    fronts[end].add(before + weight, cuts.then(edge, group))
        return fronts[count]


def search(
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    library: Library,
    objective: Objective = Objective.LATENCY,
    time_limit_s: float = float("inf"),
    tick: Tick = lambda _: None,
    *,
    policy: Policy = Policy.OVERLAPPED,
    imperfect: bool = False,
    width: int | None = None,
    constraints: Constraints = FREE,
) -> SearchResult:
    """The best mapping of the space of `mapper/space.py`, ties broken as `Objective` says.

    After `time_limit_s` of CPU time the best so far is returned, with its gap; `tick` is called
    with the Einsums of every group that is searched. Raises `SpecError` if nothing fits: it
    names the memory and the missing bytes.
    """
    problem = MapProblem(
        cascade, shapes, architecture, library, policy, imperfect, width, constraints
    )
    return exact(problem, objective, (), Limits(time_limit_s), tick)


def exact(
    problem: MapProblem,
    objective: Objective,
    front: tuple[Amount, ...] = (),
    limits: Limits = NO_LIMITS,
    tick: Tick = lambda _: None,
) -> SearchResult:
    """The best mapping by `objective`; with `front`, all that are best by those amounts."""
    begun = time.process_time()
    ranking = Ranking(front, total=False) if front else objective.ranking
    edges = _edges(problem)
    one = _Search(problem, objective, ranking, edges)
    best, bound = one.run(begun + limits.time_limit_s, tick)
    solutions = tuple(
        sorted(
            (Solution(_mapping(cuts), cost) for cost, cuts in best.entries),
            key=lambda found: objective.key(found.cost),
        )
    )
    tally = one.tally
    certificate = Certificate(
        space_size=tally.points,
        evaluated=tally.complete,
        pruned_by_capacity=tally.over_capacity,
        pruned_by_bound=tally.over_bound,
        groups_searched=tally.groups,
        groups_pruned=len(edges) - tally.groups,
        lower_bound=min((cost for cost, _ in bound.entries), key=objective.key),
        proven_optimal=bound is best,
        cpu_s=time.process_time() - begun,
    )
    return SearchResult(objective, solutions, certificate)


def lower_bound(problem: MapProblem, objective: Objective) -> Cost:
    """What no mapping of the space is below, before any of it is searched."""
    one = _Search(problem, objective, objective.ranking, _edges(problem))
    bound = one._best(lambda edge: edge.least)
    return min((cost for cost, _ in bound.entries), key=objective.key)


def _edges(problem: MapProblem) -> dict[tuple[int, int], _Edge]:
    width = problem.width or len(problem.einsums)
    places = (0, *accumulate(len(run) for run in problem.runs))
    return {
        (i, j): _Edge(i, j, group_bound(problem.einsums[i:j], problem))
        for i, j in combinations(places, 2)
        if j - i <= width
    }


def _mapping(cuts: _Cuts) -> LoopMapping:
    return LoopMapping("best", tuple(found.group for found in cuts.groups if found))
