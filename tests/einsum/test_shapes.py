"""Sizes: what follows from what, and which accesses stay inside their tensors."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einsum.errors import SpecError
from einsum.expression import Variable
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind

TILES = """
ranks M -> (M1, M0), P
shape M0 = 4
constants W = 3
inputs X[M, P]
Y[m1, p] = max(m0) X[m1, m0, p] if m <= p + W
"""

CONVOLUTION = """
ranks P, R, W
inputs I[W], K[R]
Y[p] = I[p + r] * K[r]
"""

RUNNING = """
ranks M, P
inputs X[M, P]
RM[0, p] = -inf
RM[m + 1, p] = max(RM[m, p], X[m, p])
Y[p] = RM[M, p]
"""


def shapes(text: str, **given: int) -> Shapes:
    return bind(parse_cascade(text), given)


def refusal(text: str, **given: int) -> SpecError:
    with pytest.raises(SpecError) as caught:
        shapes(text, **given)
    return caught.value


@given(st.integers(1, 10**7), st.integers(1, 10**4))
def test_the_outer_partition_is_rounded_up(m: int, m0: int) -> None:
    sizes = shapes(TILES, M=m, M0=m0, P=1).sizes
    assert (sizes["M1"] - 1) * m0 < m <= sizes["M1"] * m0


@given(st.integers(1, 10**7), st.integers(1, 10**4))
def test_the_inner_partition_is_rounded_up(m: int, m1: int) -> None:
    sizes = shapes(TILES, M=m, M1=m1, P=1).sizes
    assert m1 * (sizes["M0"] - 1) < m <= m1 * sizes["M0"]


def test_a_rank_follows_from_its_partitions() -> None:
    assert shapes(TILES, M1=7, P=1).size("M") == 28


def test_three_partitions() -> None:
    text = TILES.replace("(M1, M0)", "(M2, M1, M0)").replace("m1,", "m2, m1,")
    assert dict(shapes(text, M=100, M1=3, P=1).sizes) == {
        "M": 100,
        "M2": 9,
        "M1": 3,
        "M0": 4,
        "P": 1,
    }


def test_what_is_given_goes_before_the_defaults() -> None:
    bound = shapes(TILES, M=64, M0=16, P=2, W=9)
    assert (bound.size("M1"), bound.symbol("W"), bound.symbol("M0")) == (4, 9, 16)
    assert shapes(TILES, M=64, P=2).constants == {"W": 3}


def test_a_default_gives_way_when_the_rest_is_given() -> None:
    assert shapes(TILES, M=64, M1=2, P=1).size("M0") == 32


def test_an_iterative_rank_has_room_for_the_initial_value() -> None:
    bound = shapes(RUNNING, M=8, P=5)
    assert bound.extents("RM") == (9, 5)
    assert bound.extents("X") == (8, 5)
    assert bound.extents("Y") == (5,)


def test_a_partitioned_rank_in_terms_of_what_is_iterated() -> None:
    bound = shapes(TILES, M=10, P=1)
    whole = bound.affine(Variable("m"), {"m1", "m0"})
    assert [whole.at({"m1": i, "m0": j}) for i, j in ((0, 3), (2, 1))] == [3, 9]
    parts = [bound.affine(Variable(name), {"m"}) for name in ("m1", "m0")]
    assert [tuple(part.at({"m": m}) for part in parts) for m in (3, 9)] == [(0, 3), (2, 1)]


def test_a_window_gets_the_least_size_that_fits() -> None:
    assert shapes(CONVOLUTION, P=10, R=3).size("W") == 12
    assert shapes(CONVOLUTION, P=10, R=3, W=20).size("W") == 20


def test_huge_sizes_take_no_memory() -> None:
    tracemalloc.start()
    bound = shapes(TILES, M=1 << 40, P=1 << 40, M0=1 << 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bound.extents("Y") == (1 << 30, 1 << 40)
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("text", "given", "parts"),
    [
        (TILES, {"Q": 4, "P": 1}, ["unknown rank Q", "M1", "W"]),
        (TILES, {}, ["no size for 1 of (M, M1), P", "M=64K"]),
        (CONVOLUTION, {}, ["no size for P, R"]),
        (TILES, {"M": 10, "M1": 2, "M0": 4, "P": 1}, ["M = 10, M1 = 2 * M0 = 4", "all but one"]),
        (TILES, {"M": 0, "P": 1}, ["rank M has size 0"]),
        (TILES, {"M": True, "P": 1}, ["rank M has size True"]),
        (CONVOLUTION, {"P": 10, "R": 3, "W": 11}, ["Y accesses I[p + r]", "W = 11", "least 12"]),
    ],
)
def test_refusals(text: str, given: dict[str, int], parts: list[str]) -> None:
    error = str(refusal(text, **given))
    assert [part for part in parts if part not in error] == []


def test_an_error_points_at_the_access() -> None:
    error = refusal(CONVOLUTION, P=10, R=3, W=11)
    assert error.span is not None
    line = CONVOLUTION.splitlines()[error.span.line - 1]
    start = error.span.column - 1
    assert line[start : start + error.span.length] == "I[p + r]"


def test_a_condition_keeps_an_access_inside() -> None:
    padded = "ranks P, R, W\ninputs I[W], K[R]\nY[p] = I[p + r - 1] * K[r]"
    assert "down to -1" in str(refusal(padded, P=10, R=3, W=12))
    low = padded + " if p + r >= 1"
    assert "up to 11" in str(refusal(low, P=10, R=4, W=10))
    assert shapes(low + " and p + r <= W", P=10, R=4, W=10).size("W") == 10


def test_the_absence_of_an_operand_keeps_an_access_inside() -> None:
    text = "ranks M, P\ninputs X[P], Z[M]\nA[p] = X[p] if p < 4\nB[p] = A[p] + Z[p]"
    assert shapes(text, M=4, P=9).size("M") == 4
    assert "only 3" in str(refusal(text, M=3, P=9))


def test_a_rank_indexed_by_the_variable_of_another() -> None:
    text = "ranks I, J\ninputs X[I]\nY[j] = X[j]"
    assert shapes(text, I=5, J=5).size("I") == 5
    error = str(refusal(text, I=4, J=5))
    assert "shapes clash" in error
    assert "J <= I" in error


def test_a_recurrence_may_stop_early_but_not_start_late() -> None:
    step = "RM[m + 1, p] = max(RM[m, p], X[m, p])"
    assert shapes(RUNNING.replace(step, step + " if m <= p"), M=4, P=4).size("M") == 4
    error = refusal(RUNNING.replace(step, step + " if m >= 1"), M=4, P=4)
    assert "RM reads RM[m, p] where it is absent" in str(error)
