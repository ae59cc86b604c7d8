"""Walking a nest: trips, extents, holds, what the loops leave to the unit."""

from __future__ import annotations

import numpy as np
import pytest

from archsim.mapping import Compute, For, Hold, Nest, Spread
from archsim.nest import Leaf, shared_steps, walk
from einsum.errors import SpecError
from tests.archsim.two_by_two import MATMUL, cascade, chip, fork, shapes

CHAIN = """ranks M, N, K, L
inputs A[M, K], B[K, N], C[N, L]
T[m, n] = A[m, k] * B[k, n]
Z[m, l] = T[m, n] * C[n, l]
"""


def leaves(text: str, nest: Nest, **sizes: int) -> tuple[Leaf, ...]:
    return walk(nest, cascade(text), chip(), shapes(text, **sizes).sizes, {})


def trips(leaf: Leaf) -> list[tuple[str, float, str]]:
    return [(step.variable, float(step.trips), step.dim) for step in leaf.steps]


def test_loops_of_the_nest_then_what_is_left() -> None:
    (leaf,) = leaves(
        MATMUL,
        (
            *(For("m", 4), For("k", 3), Spread("m", "array.rows", 2)),
            Compute("Z", "array"),
        ),
        M=8,
        N=5,
        K=3,
    )
    assert trips(leaf) == [
        *[("m", 2, ""), ("k", 1, ""), ("m", 2, "array.rows")],
        # The unit goes through the rest, reduced variables innermost.
        *[("m", 2, ""), ("n", 5, ""), ("k", 3, "")],
    ]
    assert float(leaf.points) == 8 * 5 * 3
    assert float(leaf.cycles_per_point) == 2 * 2 * 5 * 3
    assert {name: float(leaf.array_extents[name]) for name in "mnk"} == {"m": 4, "n": 5, "k": 3}


def test_uneven_tiles_take_whole_steps_but_no_points_beyond_the_rank() -> None:
    nest = (For("m", 4), Spread("m", "array.rows"), Compute("Z", "array"))
    (leaf,) = leaves(MATMUL, nest, M=10, N=1, K=1)
    assert trips(leaf)[:3] == [("m", 3, ""), ("m", 2, "array.rows"), ("m", 2, "")]
    assert float(leaf.cycles_per_point) == 3 * 2
    assert float(leaf.points) == 10


def test_a_tile_is_no_larger_than_what_it_divides() -> None:
    (leaf,) = leaves(MATMUL, (For("m", 100), For("m", 3), Compute("Z", "scalar")), M=5, N=1, K=1)
    assert [t for _, t, _ in trips(leaf)][:2] == [1, 2]


def test_spreads_share_a_dimension() -> None:
    nest = (
        *(Spread("m", "vector.lanes", 2), Spread("n", "vector.lanes")),
        Compute("Z", "vector"),
    )
    (leaf,) = leaves(MATMUL, nest, M=4, N=4, K=1)
    assert trips(leaf)[:2] == [("m", 2, "vector.lanes"), ("n", 2, "vector.lanes")]


def test_a_spread_takes_no_more_than_there_is() -> None:
    nest = (Spread("m", "vector.lanes"), Compute("Z", "vector"))
    assert trips(leaves(MATMUL, nest, M=3, N=1, K=1)[0])[0] == ("m", 3, "vector.lanes")
    too_wide = (Spread("m", "array.rows", 2), Spread("n", "array.rows", 2), Compute("Z", "array"))
    with pytest.raises(SpecError, match=r"n is spread 2 wide over array.rows, which has 1 left"):
        leaves(MATMUL, too_wide, M=4, N=4, K=1)


def test_branches_share_the_loops_above() -> None:
    nest = (
        For("m", 1),
        Hold(("T",), "buffer"),
        fork((For("k", 2), Compute("T", "array")), (Compute("Z", "scalar"),)),
    )
    first, second = leaves(CHAIN, nest, M=4, N=2, K=4, L=2)
    assert (first.einsum.name, first.unit, second.einsum.name) == ("T", "array", "Z")
    assert shared_steps(first, second) == 1
    assert shared_steps(first, first) == len(first.steps)
    assert first.holds[0].position == second.holds[0].position
    assert first.hold_of("T") == first.holds
    assert first.hold_of("A") == ()


def test_forks_that_take_a_place_away() -> None:
    """A branch loses what it held where another one holds or computes."""
    nest = (
        For("m", 1),
        fork(
            (Hold(("A",), "buffer"), Compute("T", "array")),
            (Hold(("C",), "bank"), Compute("Z", "array")),
        ),
    )
    first, _ = leaves(CHAIN, nest, M=4, N=2, K=4, L=2)
    assert first.holds[0].forks == ()  # nothing else in the buffer
    assert first.forks == (1,)  # but the other Einsum on the array


def test_what_lies_in_a_memory_is_not_held_there_again() -> None:
    nest = (
        *(Hold(("A", "B"), "buffer"), For("m", 1), Hold(("A", "Z"), "buffer")),
        Compute("Z", "scalar"),
    )
    (leaf,) = leaves(MATMUL, nest, M=2, N=2, K=2)
    assert [held.hold.tensors for held in leaf.holds] == [("A", "B"), ("Z",)]
    spilled = (Hold(("A",), "buffer", spilled=0.5), *nest[1:])
    assert len(leaves(MATMUL, spilled, M=2, N=2, K=2)[0].hold_of("A")) == 2


def test_free_tiles_are_arrays() -> None:
    nest = (For("m", "free"), For("m", 2), Compute("Z", "scalar"))
    (leaf,) = walk(
        nest,
        cascade(MATMUL),
        chip(),
        shapes(MATMUL, M=8, N=1, K=1).sizes,
        {"free": np.asarray([1.0, 2.0, 4.0, 16.0])},
    )
    assert leaf.steps[0].trips.tolist() == [8, 4, 2, 1]
    assert leaf.steps[1].trips.tolist() == [1, 1, 2, 4]
    with pytest.raises(SpecError, match="tile size free of m has no value"):
        walk(nest, cascade(MATMUL), chip(), shapes(MATMUL, M=8, N=1, K=1).sizes, {})


@pytest.mark.parametrize(
    ("nest", "message"),
    [
        ((For("x"), Compute("Z", "array")), "loops over x"),
        ((Compute("Y", "array"),), "computes Y, which is no Einsum"),
        ((Spread("m", "array.depth"), Compute("Z", "array")), "no dimension array.depth"),
    ],
)
def test_names_that_are_not_there(nest: Nest, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        leaves(MATMUL, nest, M=2, N=2, K=2)
