"""The neighbours of a mapping."""

from __future__ import annotations

from collections import Counter

import pytest

from archsim.evaluate import evaluate
from archsim.mapping import Compute, For, Group, Hold, Mapping, nodes
from einsum.errors import SpecError
from einsum.parser import parse_cascade
from einsum.shapes import bind
from mapper.alternatives import Alternative, alternatives, cut
from mapper.objective import Objective
from mapper.problem import MapProblem
from mapper.search import exact
from tests.mapper.test_search import CHAIN, LIBRARY, MATMUL, ONLINE, chip

CASES = [
    (MATMUL, {"M": 8, "N": 4, "K": 4}),
    (CHAIN, {"M": 4, "N": 4, "K": 4}),
    (ONLINE, {"R": 4, "N": 8}),
]


def problem(text: str, shape: dict[str, int]) -> MapProblem:
    cascade = parse_cascade(text, "case")
    return MapProblem(cascade, bind(cascade, shape), chip(40), LIBRARY)


@pytest.mark.parametrize(("text", "shape"), CASES)
@pytest.mark.parametrize("objective", [Objective.LATENCY, Objective.ENERGY])
def test_each_is_another_mapping_with_the_same_einsums(
    text: str, shape: dict[str, int], objective: Objective
) -> None:
    best = exact(problem(text, shape), objective).mapping
    found = [*alternatives(best), *cut(best)]
    assert found
    digests = Counter(one.mapping.digest for one in found)
    assert best.digest not in digests
    assert all(one.change for one in found)
    for one in found:
        assert _computed(one.mapping) == _computed(best)


@pytest.mark.parametrize(("text", "shape"), CASES)
def test_every_choice_has_its_alternatives(text: str, shape: dict[str, int]) -> None:
    best = exact(problem(text, shape), Objective.ENERGY).mapping
    changes = Counter(one.change for one in alternatives(best))
    holds, doubled, halved = Counter[str](), Counter[str](), Counter[str]()
    for group in best.groups:
        for node in nodes(group.nest):
            match node:
                case Hold(tensors, memory):
                    holds.update(f"{tensor} not held in {memory}" for tensor in tensors)
                case For(name, int(tile)):
                    doubled[f"tile of {name} {tile * 2} in place of {tile}"] += 1
                    halved[f"tile of {name} {tile // 2} in place of {tile}"] += tile > 1
                case _:
                    pass
    for wanted in (holds, doubled, halved):
        for change, times in wanted.items():
            assert changes[change] >= times


@pytest.mark.parametrize(("text", "shape"), CASES)
def test_legal_ones_of_the_space_are_no_better(text: str, shape: dict[str, int]) -> None:
    one = problem(text, shape)
    best = exact(one, Objective.ENERGY)
    left_out = [x for x in alternatives(best.mapping) if "not held" in x.change]
    spent = [found for x in left_out if isinstance(found := evaluated(one, x), float)]
    assert all(energy_pj >= best.value * (1 - 1e-12) for energy_pj in spent)
    assert spent or not left_out


def test_those_that_cannot_be_have_a_reason() -> None:
    found = []
    for text, shape in CASES:
        one = problem(text, shape)
        best = exact(one, Objective.TRAFFIC).mapping
        found += [evaluated(one, other) for other in (*alternatives(best), *cut(best))]
    reasons = {str(one).splitlines()[0] for one in found if isinstance(one, SpecError)}
    assert any("bytes and is" in reason for reason in reasons)
    assert any(isinstance(one, float) for one in found)


def evaluated(one: MapProblem, other: Alternative) -> float | SpecError:
    """Its energy in pJ, or why it cannot be."""
    try:
        report = evaluate(one.cascade, one.shapes, one.architecture, other.mapping, LIBRARY)
    except SpecError as error:
        return error
    return report.energy_pj_complete


def _computed(mapping: Mapping) -> list[str]:
    return sorted(compute.einsum for compute in mapping.computes)


def test_a_group_of_two_can_be_cut_once() -> None:
    one = problem(CHAIN, {"M": 4, "N": 4, "K": 4})
    fused = next(
        result.mapping
        for objective in Objective
        if len((result := exact(one, objective)).mapping.groups) == 1
    )
    (apart,) = cut(fused)
    assert apart.change == "Z and Y not fused"
    assert [_computed_in(group) for group in apart.mapping.groups] == ["Z", "Y"]
    assert list(cut(apart.mapping)) == []


def _computed_in(group: Group) -> str:
    (name,) = [node.einsum for node in nodes(group.nest) if isinstance(node, Compute)]
    return name
