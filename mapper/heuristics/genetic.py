"""A genetic search: the best of a population are crossed at a common cut, and changed.

Holland, "Adaptation in Natural and Artificial Systems", 1975; crossing at cuts keeps whole fused
groups together, which is what they are good for.
"""

from __future__ import annotations

from random import Random

from mapper.heuristics.best import Best
from mapper.heuristics.genome import Draw, Genome
from mapper.limits import NO_LIMITS, Limits, Tick
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult

_POPULATION = 24
_ELITE = 6


def genetic(
    problem: MapProblem,
    objective: Objective,
    front: tuple[Amount, ...] = (),
    limits: Limits = NO_LIMITS,
    tick: Tick = lambda _: None,
) -> SearchResult:
    """The best mapping of all generations. Raises `SpecError` if none of them fits."""
    best, random = Best(problem, objective, front, limits, tick), Random(limits.seed)
    draw = Draw(problem, objective)
    ranked: list[tuple[float, Genome]] = []
    while best.goes_on:
        if len(ranked) < _POPULATION:
            child = draw.genome(random)
        else:
            ranked = sorted(ranked, key=lambda one: one[0])[:_POPULATION]
            first, second = (random.choice(ranked[:_ELITE])[1] for _ in range(2))
            child = draw.changed(_crossed(first, second, random), random)
        ranked.append((best.weigh(child), child))
    return best.result()


def _crossed(first: Genome, second: Genome, random: Random) -> Genome:
    """The front of the one and the back of the other, at a cut that both have."""
    cuts = sorted(set(_cuts(first)) & set(_cuts(second)))
    if not cuts:
        return first
    place = random.choice(cuts)
    front = tuple(gene for gene, end in zip(first, _ends(first), strict=True) if end <= place)
    back = tuple(gene for gene, end in zip(second, _ends(second), strict=True) if end > place)
    return front + back


def _ends(genome: Genome) -> list[int]:
    ends, total = [], 0
    for gene in genome:
        total += len(gene.segment)
        ends.append(total)
    return ends


def _cuts(genome: Genome) -> list[int]:
    return _ends(genome)[:-1]
