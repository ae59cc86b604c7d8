"""Serial chains: against brute force and random mappings, and against the evaluation."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from archsim.architecture import Architecture
from archsim.closed_form import closed_form
from archsim.constraints import check_constraints
from archsim.evaluate import evaluate
from archsim.mapping import Policy
from einsum.errors import SpecError
from mapper.chain.search import chain
from mapper.limits import Limits
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult
from tests.mapper.chain.chains import (
    CORE,
    FORK,
    MAPPED,
    MATMUL,
    PAIR,
    SQUARE,
    chain_problem,
    deep_chip,
    flat_chip,
    stationary,
)
from tests.mapper.chain.oracle import (
    assembled,
    cost_of,
    least_energy,
    random_private,
    shared_loops,
    sizes_of,
)

OBJECTIVES = (Objective.ENERGY, Objective.LATENCY, Objective.TRAFFIC, Objective.EDP)


def random_sizes(random: Random, most: int = 8) -> dict[str, int]:
    return {rank: random.choice([n for n in (1, 2, 3, 4, 6, 8) if n <= most]) for rank in "MNKOPEF"}


def checked(found: SearchResult, problem: MapProblem) -> SearchResult:
    """The result, whose costs the evaluation agrees with and whose constraints hold."""
    cost, chip = found.cost, problem.architecture
    report = evaluate(problem.cascade, problem.shapes, chip, found.mapping, problem.library)
    assert cost.energy_pj == pytest.approx(report.energy_pj_complete, rel=1e-9)
    assert cost.latency_s == pytest.approx(report.latency_s, rel=1e-9)
    assert cost.traffic_bytes == pytest.approx(report.dram_traffic_bytes, rel=1e-9)
    form = closed_form(problem.cascade, problem.shapes, chip, found.mapping)
    check_constraints(form.leaves, problem.cascade, chip, problem.constraints)
    assert found.certificate.proven_optimal
    return found


@pytest.mark.parametrize("seed", range(12))
def test_one_einsum_is_as_good_as_any_nest(seed: int) -> None:
    random = Random(seed)
    sizes = {rank: random.choice((1, 2, 3, 4)) for rank in "MNK"}
    problem = chain_problem(MATMUL, sizes, flat_chip(random, random.randint(1, 20)))
    found = checked(chain(problem, Objective.ENERGY), problem)
    assert found.value == pytest.approx(least_energy(problem), rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_two_einsums_are_as_good_as_any_trees(seed: int) -> None:
    random = Random(seed)
    sizes = {rank: random.choice((2, 3)) for rank in "MNK"}
    problem = chain_problem(MAPPED, sizes, flat_chip(random, random.randint(2, 12)))
    found = checked(chain(problem, Objective.ENERGY), problem)
    assert found.value == pytest.approx(least_energy(problem), rel=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_no_random_mapping_is_better(seed: int) -> None:
    random = Random(seed)
    text = random.choice((MATMUL, PAIR, CORE))
    chip = flat_chip(random, random.choice((4, 10, 30, 100)))
    problem = chain_problem(text, random_sizes(random), chip)
    found = checked(chain(problem, Objective.ENERGY), problem)
    quick = checked(chain(problem, Objective.LATENCY), problem)
    everywhere = list(shared_loops(problem))
    inside = [e.tensor for e in problem.einsums[:-1]]
    for _ in range(40):
        loops = random.choice(everywhere)
        kept = tuple((t, len(loops)) for t in inside) if loops or random.random() < 0.5 else ()
        names = frozenset(t for t, _ in kept)
        branches = tuple(
            random_private(e, {**sizes_of(problem, e), **dict(loops)}, names, random)
            for e in problem.einsums
        )
        cost = cost_of(assembled(loops, kept, branches), problem)
        if cost is not None:
            assert found.cost.energy_pj <= cost[0] * (1 + 1e-9)
            assert quick.cost.latency_s <= cost[1] * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_nested_memories_spreads_and_constraints(seed: int) -> None:
    random = Random(seed)
    text = random.choice((MATMUL, PAIR, CORE))
    sizes = {rank: random.choice((2, 4, 8)) for rank in "MNKOPEF"}
    chip = deep_chip(random, random.choice((20, 60, 200)), random.choice((12, 24)))
    problem = chain_problem(text, sizes, chip)
    if text != MATMUL or random.random() < 0.5:
        problem = replace(problem, constraints=stationary(problem))
    checked(chain(problem, random.choice(OBJECTIVES)), problem)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_inputs_that_several_einsums_read(objective: Objective) -> None:
    random = Random(5)
    sizes = {"M": 8, "N": 6, "K": 4}
    problem = chain_problem(FORK, sizes, flat_chip(random, 40))
    found = checked(chain(problem, objective), problem)
    apart = checked(chain(replace(problem, width=1), objective), problem)
    assert found.value <= apart.value
    assert len(apart.mapping.groups) == 3


def test_edp_is_no_worse_than_at_the_least_energy_and_latency() -> None:
    for seed in range(3):
        random = Random(seed)
        problem = chain_problem(PAIR, random_sizes(random, 4), deep_chip(random, 60, 24))
        problem = replace(problem, constraints=stationary(problem))
        product = chain(problem, Objective.EDP).value
        for objective in (Objective.ENERGY, Objective.LATENCY, Objective.TRAFFIC):
            cost = chain(problem, objective).cost
            assert product <= cost.energy_pj * cost.latency_s * (1 + 1e-9)


def test_more_room_never_costs_more() -> None:
    energies = []
    for values in (4, 16, 64, 256, 1024):
        problem = chain_problem(CORE, dict.fromkeys("MPEF", 8), flat_chip(Random(1), values))
        energies.append(chain(problem, Objective.ENERGY).value)
    assert energies == sorted(energies, reverse=True)
    assert energies[0] > energies[-1]


def test_the_best_so_far_comes_with_its_bound() -> None:
    problem = chain_problem(CORE, dict.fromkeys("MPEF", 8), flat_chip(Random(1), 30))
    best = chain(problem, Objective.ENERGY)
    early = chain(problem, Objective.ENERGY, limits=Limits(0.0))
    assert not early.certificate.proven_optimal
    assert early.lower_bound <= best.value <= early.value
    assert early.gap >= 1


def test_it_is_deterministic() -> None:
    problem = chain_problem(CORE, dict.fromkeys("MPEF", 8), flat_chip(Random(1), 30))
    first = chain(problem, Objective.ENERGY).mapping.digest
    assert chain(problem, Objective.ENERGY).mapping.digest == first


def _latched(chip: Architecture) -> Architecture:
    return replace(chip, units=tuple(replace(unit, latches=True) for unit in chip.units))


def test_what_it_does_not_cover_is_refused() -> None:
    problem = chain_problem(MATMUL, dict.fromkeys("MNK", 4), flat_chip(Random(0), 10))
    with pytest.raises(SpecError, match="one Einsum after another"):
        chain(replace(problem, policy=Policy.OVERLAPPED), Objective.ENERGY)
    with pytest.raises(SpecError, match="divide"):
        chain(replace(problem, imperfect=True), Objective.ENERGY)
    with pytest.raises(SpecError, match="minimise one of"):
        chain(problem, Objective.BUFFER)
    with pytest.raises(SpecError, match="minimise one of"):
        chain(problem, Objective.ENERGY, (Amount.LATENCY, Amount.ENERGY))
    with pytest.raises(SpecError, match="latches"):
        chain(replace(problem, architecture=_latched(problem.architecture)), Objective.ENERGY)
    square = chain_problem(SQUARE, {"M": 4}, flat_chip(Random(0), 10))
    with pytest.raises(SpecError, match="accesses X"):
        chain(square, Objective.ENERGY)
