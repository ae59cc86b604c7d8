"""Random sampling: the best of independent draws."""

from __future__ import annotations

from random import Random

from mapper.heuristics.best import Best
from mapper.heuristics.genome import Draw
from mapper.limits import NO_LIMITS, Limits, Tick
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult


def sampling(
    problem: MapProblem,
    objective: Objective,
    front: tuple[Amount, ...] = (),
    limits: Limits = NO_LIMITS,
    tick: Tick = lambda _: None,
) -> SearchResult:
    """The best of `limits.draws` random mappings. Raises `SpecError` if none of them fits."""
    best, random = Best(problem, objective, front, limits, tick), Random(limits.seed)
    draw = Draw(problem, objective)
    while best.goes_on:
        best.weigh(draw.genome(random))
    return best.result()
