"""Every strategy of the registry: legal, deterministic by seed, and never better than exact."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from archsim.evaluate import evaluate
from archsim.mapping import Policy
from einsum.parser import parse_cascade
from einsum.shapes import bind
from mapper.limits import Limits
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult
from mapper.search import exact
from mapper.strategies import STRATEGIES, StrategyName
from tests.mapper.test_search import CHAIN, LIBRARY, ONLINE, chip

PROBLEMS = {
    "chain": (CHAIN, {"M": 4, "N": 4, "K": 4}, 40, Policy.OVERLAPPED, None),
    "roomy": (CHAIN, {"M": 4, "N": 4, "K": 4}, 1000, Policy.OVERLAPPED, None),
    "serial": (CHAIN, {"M": 4, "N": 2, "K": 6}, 40, Policy.SERIAL, None),
    "alone": (CHAIN, {"M": 4, "N": 4, "K": 2}, 40, Policy.OVERLAPPED, 1),
    "online": (ONLINE, {"R": 4, "N": 8}, 40, Policy.OVERLAPPED, None),
}
FRONT = (Amount.LATENCY, Amount.BUFFER)
# Chains are serial only, and have tests of their own.
GENERAL = [one for one in StrategyName if one is not StrategyName.CHAIN]
EVERY = pytest.mark.parametrize("name", GENERAL)


@cache
def problem(name: str) -> MapProblem:
    text, shape, size, policy, width = PROBLEMS[name]
    cascade = parse_cascade(text, name)
    architecture = chip(size)
    if name == "roomy":  # every draw fits
        architecture = architecture.with_parameter("rf.size", "1 KB")
    return MapProblem(
        cascade, bind(cascade, shape), architecture, LIBRARY, policy, imperfect=True, width=width
    )


@cache
def best(name: str, objective: Objective) -> SearchResult:
    return exact(problem(name), objective)


@EVERY
@pytest.mark.parametrize("case", PROBLEMS)
@pytest.mark.parametrize("objective", [Objective.LATENCY, Objective.EDP, Objective.BUFFER])
def test_what_is_found_is_legal_and_not_better_than_exact(
    name: StrategyName, case: str, objective: Objective
) -> None:
    one = problem(case)
    result = STRATEGIES[name](one, objective, limits=Limits(draws=12))
    report = evaluate(one.cascade, one.shapes, one.architecture, result.mapping, LIBRARY)
    assert result.cost.latency_s == pytest.approx(report.latency_s, rel=1e-12)
    assert result.cost.traffic_bytes == pytest.approx(report.dram_traffic_bytes, rel=1e-12)
    assert result.cost.energy_pj == pytest.approx(report.energy_pj_complete, rel=1e-12)
    assert result.value >= best(case, objective).value * (1 - 1e-12)
    assert result.lower_bound <= best(case, objective).value * (1 + 1e-12)
    assert all(group.policy is one.policy for group in result.mapping.groups)
    if one.width == 1:
        assert len(result.mapping.groups) == len(one.einsums)


@EVERY
def test_only_the_exact_search_proves_anything(name: StrategyName) -> None:
    result = STRATEGIES[name](problem("chain"), Objective.ENERGY, limits=Limits(draws=5))
    assert result.certificate.proven_optimal == (name is StrategyName.EXACT)
    assert result.gap >= 1.0


@EVERY
def test_the_same_seed_gives_the_same_result(name: StrategyName) -> None:
    limits = Limits(draws=15, seed=7)
    first, again = (
        STRATEGIES[name](problem("online"), Objective.EDP, limits=limits) for _ in range(2)
    )
    assert first.mapping == again.mapping
    assert first.solutions == again.solutions


@pytest.mark.parametrize("name", [one for one in GENERAL if one is not StrategyName.EXACT])
def test_other_seeds_draw_others(name: StrategyName) -> None:
    found = {
        STRATEGIES[name](
            problem("roomy"), Objective.TRAFFIC, limits=Limits(draws=1, seed=seed)
        ).mapping.digest
        for seed in range(8)
    }
    assert len(found) > 1


@EVERY
def test_a_front_has_no_point_that_another_is_better_than(name: StrategyName) -> None:
    result = STRATEGIES[name](problem("chain"), Objective.LATENCY, FRONT, Limits(draws=20))
    points = [tuple(one.cost.amount(which) for which in FRONT) for one in result.solutions]
    assert points == sorted(points)
    for (latency, buffer), (slower, smaller) in pairwise(points):
        assert slower > latency
        assert smaller < buffer


@EVERY
def test_with_no_time_there_is_a_mapping_still(name: StrategyName) -> None:
    draws: list[str] = []
    limits = Limits(time_limit_s=0.0)
    result = STRATEGIES[name](problem("roomy"), Objective.LATENCY, (), limits, draws.append)
    assert {compute.einsum for compute in result.mapping.computes} == {"Z", "Y"}
    assert result.gap >= 1.0
    if name is not StrategyName.EXACT:
        assert len(draws) == 1


@EVERY
def test_progress_is_told(name: StrategyName) -> None:
    said: list[str] = []
    STRATEGIES[name](problem("chain"), Objective.LATENCY, (), Limits(draws=9), said.append)
    assert said
    if name is not StrategyName.EXACT:
        assert said[-1] == "draw 9 of 9"
