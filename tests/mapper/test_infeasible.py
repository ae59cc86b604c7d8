"""Where nothing fits: which memory, by how many bytes, and that the change named is enough."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from archsim.constraints import Constraints, Keeping
from einsum.errors import SpecError
from einsum.parser import parse_cascade
from einsum.shapes import bind
from mapper.objective import Objective
from mapper.problem import MapProblem
from mapper.search import exact
from tests.mapper.test_search import CHAIN, LIBRARY, chip

CASCADE = parse_cascade(CHAIN, "chain")
SHAPES = bind(CASCADE, {"M": 4, "N": 4, "K": 8})
TENSORS = frozenset("ABZY")


def problem(sizes: dict[str, float], keeping: dict[tuple[str, str], Keeping]) -> MapProblem:
    """The chain on a chip with memories of these bytes, under demands on them."""
    architecture = chip(1000)
    memories = tuple(
        replace(memory, size_bytes=sizes.get(memory.name, memory.size_bytes))
        for memory in architecture.memories
    )
    return MapProblem(
        CASCADE,
        SHAPES,
        replace(architecture, memories=memories),
        LIBRARY,
        constraints=Constraints(keeping),
    )


def all_in(memory: str, tensors: frozenset[str]) -> dict[tuple[str, str], Keeping]:
    """Both Einsums keep what they use of `tensors` in a memory."""
    return {(name, memory): Keeping(tensors, TENSORS) for name in "ZY"}


def change_named(error: SpecError) -> tuple[str, float, float]:
    """The memory, how many bytes it lacks, and how many are enough."""
    found = re.search(r"(\w+) is ([\d,]+) bytes short\n.*: \w+ of ([\d,]+) bytes", str(error))
    assert found is not None, str(error)
    short, enough = (float(text.replace(",", "")) for text in found.groups()[1:])
    return found[1], short, enough


@pytest.mark.parametrize(
    ("memory", "size", "keeping"),
    [
        ("buffer", 4.0, all_in("buffer", TENSORS)),
        ("buffer", 9.0, all_in("buffer", TENSORS)),
        ("buffer", 3.0, all_in("buffer", frozenset("AB"))),
        ("rf", 1.0, {("Z", "rf"): Keeping(frozenset("A"), TENSORS)}),
        ("rf", 2.0, {("Z", "rf"): Keeping(frozenset("AB"), TENSORS)}),
    ],
)
def test_the_nearest_change_is_enough_and_needed(
    memory: str, size: float, keeping: dict[tuple[str, str], Keeping]
) -> None:
    with pytest.raises(SpecError) as caught:
        exact(problem({memory: size}, keeping), Objective.LATENCY)
    named, short, enough = change_named(caught.value)
    assert named == memory
    assert enough == size + short
    exact(problem({memory: enough}, keeping), Objective.LATENCY)
    with pytest.raises(SpecError, match="has no mapping on"):
        exact(problem({memory: enough - 1}, keeping), Objective.LATENCY)


def test_two_memories_that_are_too_small_are_not_blamed_alone() -> None:
    keeping = {
        **all_in("buffer", frozenset("AB")),
        ("Z", "rf"): Keeping(frozenset("A"), TENSORS),
    }
    with pytest.raises(SpecError, match="no memory is too small alone"):
        exact(problem({"buffer": 1.0, "rf": 1.0}, keeping), Objective.LATENCY)


def test_demands_that_no_size_meets_are_refused_as_such() -> None:
    nothing = {("Z", "buffer"): Keeping(frozenset("A"), frozenset("B"))}
    with pytest.raises(SpecError, match="no memory is too small alone"):
        exact(problem({}, nothing), Objective.LATENCY)
