"""Simulated annealing: one mapping that is changed, worse ones accepted less and less often.

Kirkpatrick, Gelatt and Vecchi, "Optimization by Simulated Annealing", Science 1983. Costs are
compared by their ratio, so that the temperature has no unit.
"""

from __future__ import annotations

from math import exp, inf, log
from random import Random

from mapper.heuristics.best import Best
from mapper.heuristics.genome import Draw
from mapper.limits import NO_LIMITS, Limits, Tick
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult

_HOT, _COLD = 0.5, 0.005  # accepts a cost that is e^0.5 times higher with probability 1/e


def annealing(
    problem: MapProblem,
    objective: Objective,
    front: tuple[Amount, ...] = (),
    limits: Limits = NO_LIMITS,
    tick: Tick = lambda _: None,
) -> SearchResult:
    """The best mapping on the way. Raises `SpecError` if none of them fits."""
    best, random = Best(problem, objective, front, limits, tick), Random(limits.seed)
    draw = Draw(problem, objective)
    here = draw.genome(random)
    value = best.weigh(here)
    while best.goes_on:
        temperature = _HOT * (_COLD / _HOT) ** (best.draws / limits.draws)
        other = draw.changed(here, random)
        found = best.weigh(other)
        if found <= value or random.random() < _acceptance(value, found, temperature):
            here, value = other, found
    return best.result()


def _acceptance(value: float, found: float, temperature: float) -> float:
    if found == inf or value <= 0:
        return 0.0
    return exp(-log(found / value) / temperature)
