"""The best mappings that a heuristic has met, and whether it goes on."""

from __future__ import annotations

from math import inf
from time import process_time

from archsim.mapping import Mapping as LoopMapping
from einsum.errors import SpecError
from mapper.front import Front
from mapper.fused_group import FusedGroup
from mapper.heuristics.genome import Draw, Genome, total_cost
from mapper.limits import Limits, Tick
from mapper.objective import Amount, Objective, Ranking
from mapper.problem import MapProblem
from mapper.result import Certificate, SearchResult, Solution
from mapper.search import lower_bound


class Best:
    """Weighs genomes one after another until the limits are reached."""

    def __init__(
        self,
        problem: MapProblem,
        objective: Objective,
        front: tuple[Amount, ...],
        limits: Limits,
        tick: Tick,
    ) -> None:
        self.draws = 0
        self._fitting = 0
        self._draw = Draw(problem, objective)
        self._limits, self._tick = limits, tick
        self._begun = process_time()
        ranking = Ranking(front, total=False) if front else objective.ranking
        self._front = Front[tuple[FusedGroup, ...]](ranking)

    @property
    def goes_on(self) -> bool:
        """Are there draws and time left? The first one is always made."""
        if self.draws == 0:
            return True
        in_time = process_time() - self._begun < self._limits.time_limit_s
        return self.draws < self._limits.draws and in_time

    def weigh(self, genome: Genome) -> float:
        """The value of the objective; infinite if the mapping does not fit."""
        self.draws += 1
        self._tick(f"draw {self.draws} of {self._limits.draws}")
        groups = self._draw.priced(genome)
        if groups is None:
            return inf
        self._fitting += 1
        cost = total_cost(groups)
        self._front.add(cost, groups)
        return self._draw.objective.value_of(cost)

    def result(self) -> SearchResult:
        """What was found. Raises `SpecError` if nothing fitted."""
        problem, objective = self._draw.problem, self._draw.objective
        if not self._front.entries:
            raise SpecError(
                f"none of {self.draws} random mappings fits {problem.architecture.name}",
                rule="search exactly, or draw more",
            )
        solutions = (
            Solution(LoopMapping("best", tuple(group.group for group in groups)), cost)
            for cost, groups in self._front.entries
        )
        bound = lower_bound(problem, objective)
        certificate = Certificate(
            space_size=self.draws,
            evaluated=self._fitting,
            pruned_by_capacity=self.draws - self._fitting,
            pruned_by_bound=0,
            groups_searched=0,
            groups_pruned=0,
            lower_bound=bound,
            proven_optimal=False,
            cpu_s=process_time() - self._begun,
        )
        ordered = sorted(solutions, key=lambda one: objective.key(one.cost))
        return SearchResult(objective, tuple(ordered), certificate)
