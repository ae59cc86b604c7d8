"""The proof, tested: on random small problems the search finds what brute force finds.

`enumeration` walks the whole grammar and evaluates every mapping; `exact` has to find the least of
each objective and all of the Pareto front. Where there are too many mappings to walk, none that is
drawn from the grammar may be better than what was found.
"""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from archsim.evaluate import evaluate
from einsum.errors import SpecError
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult, Solution
from mapper.search import exact
from tests.mapper.enumeration import (
    NOTHING,
    Costs,
    cost_of,
    draw,
    enumerate_all,
    evaluations,
    undominated,
)
from tests.mapper.random_problems import problem

CASES = 150
WALKED = 400
"""The most combinations of loop orders and holds that are walked; each has many tile sizes."""
DRAWN = 25
NIGHTLY = 600
NIGHTLY_WALKED = 12_000
NIGHTLY_DRAWN = 300

FRONT = (Amount.LATENCY, Amount.ENERGY, Amount.BUFFER)
_COLUMNS = (Amount.LATENCY, Amount.TRAFFIC, Amount.ENERGY, Amount.BUFFER)
_NEAR = 1e-9
"""Sums of the same amounts in another order; different mappings are never that close here."""


@pytest.mark.parametrize("seed", range(CASES))
def test_exact_is_brute_force(seed: int) -> None:
    one, two = (list(Objective)[(seed + turn) % len(Objective)] for turn in (0, 2))
    check(problem(Random(seed)), (one, two), WALKED, DRAWN, Random(seed))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(CASES, CASES + NIGHTLY))
def test_exact_is_brute_force_at_length(seed: int) -> None:
    wanted = tuple(Objective)
    check(problem(Random(seed)), wanted, NIGHTLY_WALKED, NIGHTLY_DRAWN, Random(seed))


def check(
    one: MapProblem, objectives: tuple[Objective, ...], walked: int, drawn: int, random: Random
) -> None:
    """The objectives and the front, against all mappings or against some of them."""
    if evaluations(one) > walked:
        costs = [
            cost for _ in range(drawn) if (cost := cost_of(draw(one, random), one)) is not None
        ]
        for objective in objectives:
            check_not_better(one, objective, np.concatenate([NOTHING, *costs]))
        return
    found = enumerate_all(one)
    if not len(found.costs):
        with pytest.raises(SpecError, match="has no mapping on"):
            exact(one, objectives[0])
        return
    for objective in objectives:
        result = exact(one, objective)
        check_result(one, result)
        assert result.certificate.space_size <= found.mappings
        np.testing.assert_allclose(
            objective.key(result.cost), least(objective, found.costs), rtol=_NEAR
        )
    result = exact(one, Objective.LATENCY, FRONT)
    check_result(one, result)
    check_front(result, found.costs)


def check_not_better(one: MapProblem, objective: Objective, costs: Costs) -> None:
    if not len(costs):
        return
    result = exact(one, objective)
    check_result(one, result)
    value = objective.value_of(result.cost)
    assert np.all(values(objective, costs) >= value * (1 - _NEAR))


def check_result(one: MapProblem, result: SearchResult) -> None:
    """Proven, and every mapping costs what is said of it."""
    assert result.certificate.proven_optimal
    assert result.gap == 1.0
    for solution in result.solutions:
        check_cost(one, solution)


def check_cost(one: MapProblem, solution: Solution) -> None:
    chip = one.architecture
    report = evaluate(one.cascade, one.shapes, chip, solution.mapping, one.library)
    theirs = (report.latency_s, report.dram_traffic_bytes, report.energy_pj_complete)
    cost = solution.cost
    np.testing.assert_allclose(
        (cost.latency_s, cost.traffic_bytes, cost.energy_pj), theirs, rtol=1e-12
    )
    whole = cost_of(solution.mapping, one)  # None if it breaks a constraint
    assert whole is not None
    assert cost.buffer_bytes == whole[0, 3]


def values(objective: Objective, costs: Costs) -> Costs:
    """What the objective minimises."""
    if objective is Objective.EDP:
        return np.asarray(costs[:, 0] * costs[:, 2])
    return np.asarray(costs[:, _COLUMNS.index(Amount(objective.value))])


def least(objective: Objective, costs: Costs) -> tuple[float, ...]:
    """The objective of the best, and the other amounts of its ranking, compared one by one."""
    found = []
    for which in (None, *objective.ranking.amounts):
        column = values(objective, costs) if which is None else costs[:, _COLUMNS.index(which)]
        found.append(float(column.min()))
        costs = costs[column <= found[-1] * (1 + _NEAR)]
    return tuple(found)


def check_front(result: SearchResult, costs: Costs) -> None:
    """The same amounts as those of all mappings that no other is better than."""
    places = [_COLUMNS.index(which) for which in FRONT]
    rounded = np.unique([[float(f"{x:.9e}") for x in row[places]] for row in costs], axis=0)
    padded = np.hstack([rounded, np.zeros((len(rounded), 1))])
    wanted = undominated(padded)[:, :3]
    ours = np.asarray([[solution.cost.amount(w) for w in FRONT] for solution in result.solutions])
    ours = ours[np.lexsort([[float(f"{x:.9e}") for x in column] for column in ours.T[::-1]])]
    np.testing.assert_allclose(ours, wanted, rtol=_NEAR)
