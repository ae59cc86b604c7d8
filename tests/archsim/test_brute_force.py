"""The closed form against a walk of the same nest, point by point."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.closed_form import closed_form
from archsim.mapping_text import loop_nest
from archsim.tiles import Reaches
from tests.archsim.brute_force import BruteForce, Key
from tests.archsim.random_mappings import KINDS, TINY, UNEVEN, Problem

SEEDS = st.randoms(use_true_random=False)


def both(problem: Problem) -> tuple[dict[Key, tuple[float, float]], ...]:
    """Elements and deliveries by movement: by closed form, and counted."""
    shapes, mapping = problem
    form = closed_form(shapes.cascade, shapes, TINY, mapping)
    running = Reaches.of(form.leaves, shapes).running
    walked = BruteForce(shapes, TINY, mapping, dict(running))
    elements: defaultdict[Key, float] = defaultdict(float)
    deliveries: defaultdict[Key, float] = defaultdict(float)
    for one in form.transfers:
        key = (one.upper, one.lower, one.tensor, one.direction.value)
        elements[key] += float(one.elements)
        deliveries[key] += float(one.deliveries)
    for work in form.works:
        key = ("points", work.unit, work.einsum, "")
        elements[key] = deliveries[key] = float(work.points)
        walked.elements[key] = walked.deliveries[key] = walked.points[work.einsum]
    # The walk knows no parts of tiles: what lies in a memory is moved there again.
    keys = sorted(key for key in {*elements, *walked.elements} if key[0] != key[1])
    return (
        {key: (elements[key], deliveries[key]) for key in keys},
        {key: (walked.elements[key], walked.deliveries[key]) for key in keys},
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(random=SEEDS)
def test_equal_where_tiles_are_even(kind: str, random: Random) -> None:
    problem = KINDS[kind](random)
    ours, counted = both(problem)
    assert ours == counted, loop_nest(problem[1])


@pytest.mark.parametrize("kind", UNEVEN)
@settings(max_examples=60, deadline=None)
@given(random=SEEDS)
def test_never_less_where_they_are_not(kind: str, random: Random) -> None:
    problem = UNEVEN[kind](random)
    ours, counted = both(problem)
    for key, (elements, deliveries) in counted.items():
        assert ours[key][0] >= elements - 1e-9, (key, loop_nest(problem[1]))
        assert ours[key][1] >= deliveries - 1e-9, (key, loop_nest(problem[1]))


def test_the_walk_counts_what_is_counted_by_hand() -> None:
    """So that the two are not wrong together: see test_traffic.TestStationarity."""
    from archsim.mapping import Compute, For, Group, Mapping, Spread
    from einsum.parser import parse_cascade
    from einsum.shapes import bind
    from tests.archsim.random_mappings import MATMUL

    shapes = bind(parse_cascade(MATMUL), {"M": 4, "N": 4, "K": 4})
    nest = (
        *(For("m", 2), For("n", 2), Spread("m", "array.rows", 2), Spread("n", "array.columns", 2)),
        Compute("Z", "array"),
    )
    running = dict.fromkeys(("A", "B", "Z"), frozenset[str]())
    walked = BruteForce(shapes, TINY, Mapping("", (Group(nest),)), running)
    assert walked.elements == {
        ("dram", "array", "A", "down"): 32,
        ("dram", "array", "B", "down"): 32,
        ("dram", "array", "Z", "up"): 16,
    }
    assert walked.deliveries["dram", "array", "A", "down"] == 64
