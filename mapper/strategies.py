"""The registry of searches: all have one signature."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from mapper.chain.search import chain
from mapper.heuristics.annealing import annealing
from mapper.heuristics.genetic import genetic
from mapper.heuristics.sampling import sampling
from mapper.limits import Limits, Tick
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult
from mapper.search import exact


class Strategy(Protocol):
    """Finds mappings; with amounts in `front`, all that are best by those."""

    def __call__(
        self,
        problem: MapProblem,
        objective: Objective,
        front: tuple[Amount, ...] = ...,
        limits: Limits = ...,
        tick: Tick = ...,
    ) -> SearchResult: ...


class StrategyName(Enum):
    """How to search."""

    EXACT = "exact"
    CHAIN = "chain"
    RANDOM = "random"
    ANNEALING = "annealing"
    GENETIC = "genetic"


STRATEGIES: Mapping[StrategyName, Strategy] = {
    StrategyName.EXACT: exact,
    StrategyName.CHAIN: chain,
    StrategyName.RANDOM: sampling,
    StrategyName.ANNEALING: annealing,
    StrategyName.GENETIC: genetic,
}
