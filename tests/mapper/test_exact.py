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
from einsum.cascade import Einsum
from einsum.errors import SpecError
from mapper.fused_group import group_bound
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

CASES, DRAWN_CASES = 150, 20
NIGHTLY_CASES, NIGHTLY_DRAWN_CASES = 500, 100
WALKED = (16, 700)
"""The combinations of loop orders and holds that are walked; each of them has many tile sizes."""
NIGHTLY_WALKED = (700, 8_000)
DRAWS, NIGHTLY_DRAWS = 40, 400

FRONT = (Amount.LATENCY, Amount.ENERGY, Amount.BUFFER)
_COLUMNS = (Amount.LATENCY, Amount.TRAFFIC, Amount.ENERGY, Amount.BUFFER)
_NEAR = 1e-9
"""Sums of the same amounts in another order; different mappings are never that close here."""


@pytest.mark.parametrize("seed", range(CASES))
def test_exact_is_brute_force(seed: int) -> None:
    check_all(walkable(Random(seed), WALKED), tuple(Objective))


@pytest.mark.parametrize("seed", range(DRAWN_CASES))
def test_exact_is_not_beaten_by_draws(seed: int) -> None:
    check_drawn(problem(Random(-seed)), some_objectives(seed), DRAWS, Random(seed))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(CASES, CASES + NIGHTLY_CASES))
def test_exact_is_brute_force_at_length(seed: int) -> None:
    check_all(walkable(Random(seed), NIGHTLY_WALKED), tuple(Objective))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(DRAWN_CASES, DRAWN_CASES + NIGHTLY_DRAWN_CASES))
def test_exact_is_not_beaten_by_many_draws(seed: int) -> None:
    check_drawn(problem(Random(-seed)), tuple(Objective), NIGHTLY_DRAWS, Random(seed))


def some_objectives(seed: int) -> tuple[Objective, ...]:
    """Two of them, different ones for neighbours."""
    every = list(Objective)
    return every[seed % len(every)], every[(seed + 2) % len(every)]


def walkable(random: Random, bounds: tuple[int, int]) -> MapProblem:
    """A problem whose mappings are neither too few nor too many to walk."""
    while True:
        one = problem(random)
        if bounds[0] <= evaluations(one) <= bounds[1]:
            return one


def check_all(one: MapProblem, objectives: tuple[Objective, ...]) -> None:
    """The objectives and the front, against all mappings."""
    found = enumerate_all(one)
    for segment, costs in found.groups.items():
        check_bound(one, segment, costs)
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


def check_bound(one: MapProblem, segment: tuple[Einsum, ...], costs: Costs) -> None:
    """No group costs less than its bound says."""
    bound = group_bound(segment, one)
    least = [bound.amount(which) for which in _COLUMNS]
    assert np.all(costs >= np.asarray(least) * (1 - _NEAR))


def check_drawn(
    one: MapProblem, objectives: tuple[Objective, ...], draws: int, random: Random
) -> None:
    """The objectives, against those of some mappings that are legal and fit."""
    drawn = [cost_of(draw(one, random), one) for _ in range(draws)]
    costs = np.concatenate([NOTHING, *(cost for cost in drawn if cost is not None)])
    if not len(costs):
        return
    for objective in objectives:
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
