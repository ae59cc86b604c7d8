"""What a search found, and what it proved."""

from __future__ import annotations

from dataclasses import dataclass

from archsim.mapping import Mapping as LoopMapping
from mapper.objective import Cost, Objective


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


@dataclass(frozen=True, slots=True)
class Solution:
    """A mapping, and its cost by the search's own sums."""

    mapping: LoopMapping
    cost: Cost


@dataclass(frozen=True)
class SearchResult:
    """The best mappings found, best by the objective first, and the proof.

    There is more than one where several amounts are wanted at once.
    """

    objective: Objective
    solutions: tuple[Solution, ...]
    certificate: Certificate

    @property
    def mapping(self) -> LoopMapping:
        """The best by the objective."""
        return self.solutions[0].mapping

    @property
    def cost(self) -> Cost:
        """Its cost, by the search's own sums."""
        return self.solutions[0].cost

    @property
    def value(self) -> float:
        """What the objective minimises."""
        return self.objective.value_of(self.cost)

    @property
    def lower_bound(self) -> float:
        """What no mapping in the space can be below, in the objective's unit."""
        return self.objective.value_of(self.certificate.lower_bound)

    @property
    def gap(self) -> float:
        """`value` over `lower_bound`: 1 is optimal."""
        if self.value <= self.lower_bound:
            return 1.0
        return self.value / self.lower_bound if self.lower_bound else float("inf")
