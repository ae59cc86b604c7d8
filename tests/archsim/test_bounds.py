"""Lower bounds: by hand, and that no mapping is below them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.bounds import bounds, compute_bound, least_makespan
from archsim.compulsory import compulsory_bytes
from einsum.shapes import Shapes
from tests.archsim.two_by_two import MATMUL, chip, shapes


def useful(bound: Shapes, **points: float) -> dict[str, float]:
    return {einsum.name: points.get(einsum.name, 1.0) for einsum in bound.cascade.steps}


@pytest.mark.parametrize(
    ("text", "sizes", "size"),
    [
        (MATMUL, {"M": 4, "N": 5, "K": 6}, 24 + 30 + 20),
        # An intermediate moves nothing; bf16 takes two bytes.
        (
            "ranks M\ninputs A[M]\nT[m] = A[m] * 2\nZ[m] = T[m] + 1\n",
            {"M": 10},
            2 * (10 + 10),
        ),
        # A running tensor is an intermediate, unless it is the result.
        (
            "ranks I, P\ninputs A[I, P]\noutputs O\n"
            "R[0, p] = 0\nR[i + 1, p] = R[i, p] + A[i, p]\nO[p] = R[I, p]\n",
            {"I": 8, "P": 3},
            2 * (24 + 3),
        ),
        (
            "ranks I, P\ninputs A[I, P]\noutputs R\nR[0, p] = 0\nR[i + 1, p] = R[i, p] + A[i, p]\n",
            {"I": 8, "P": 3},
            2 * (24 + 24),
        ),
        # What no window covers is not read.
        (
            "ranks P, R, W\ninputs I[W], F[R]\nO[p] = I[p + r] * F[r]\n",
            {"P": 8, "R": 3, "W": 100},
            2 * ((8 + 3 - 1) + 3 + 8),
        ),
        # Every second value of I.
        (
            "ranks P, W\ninputs I[W]\nO[p] = I[p * 2] + 1\n",
            {"P": 8, "W": 16},
            2 * (8 + 8),
        ),
        # Key m is seen by the queries p >= m only: no query sees the last ones.
        (
            "ranks M, P\ninputs K[M]\nS[p] = max(m) K[m] if m <= p\n",
            {"M": 10, "P": 4},
            2 * (4 + 4),
        ),
        # Half of an output is there.
        (
            "ranks M, P\ninputs K[M], Q[P]\nS[m, p] = K[m] * Q[p] if m <= p\n",
            {"M": 4, "P": 4},
            2 * (4 + 4 + 10),
        ),
        # A tensor that is read in two ways is read once.
        (
            "ranks I, J, K\ninputs X[I, K]\nG[i, j] = X[i, k] * X[j, k]\n",
            {"I": 4, "J": 4, "K": 2},
            2 * (8 + 16),
        ),
        # An uneven partition has as many values as its rank.
        (
            "ranks M -> (M1, M0)\ninputs X[M]\nZ[m1, m0] = X[m1, m0] * 2\n",
            {"M": 10, "M0": 4},
            2 * (10 + 10),
        ),
    ],
)
def test_compulsory_bytes(text: str, sizes: dict[str, int], size: float) -> None:
    assert compulsory_bytes(shapes(text, **sizes)) == size


def test_roofline() -> None:
    bound = shapes(MATMUL, M=8, N=8, K=8)
    found = bounds(bound, chip(), useful(bound, Z=512))
    # 8 PEs in the two banks, 4 lanes and a scalar unit: 13 products a cycle at most.
    assert found.compute_s == pytest.approx(512 / 13 / 1e9)
    assert found.compulsory_bytes == 3 * 64
    assert found.roofline_s == pytest.approx(3 * 64 / 1e9)


def test_bandwidth_without_a_limit() -> None:
    bound = shapes(MATMUL, M=8, N=8, K=8)
    memories = tuple(replace(one, bandwidth_bytes_per_s=None) for one in chip().memories)
    found = bounds(bound, replace(chip(), memories=memories), useful(bound, Z=512))
    assert found.roofline_s == found.compute_s


def test_an_einsum_that_one_unit_alone_can_compute() -> None:
    bound = shapes("ranks M\ninputs A[M]\nT[m] = A[m] / 2\nZ[m] = T[m] + 1\n", M=8)
    cycles = compute_bound(bound.cascade.steps, chip(), useful(bound, T=400, Z=0))
    # 4 lanes and the scalar unit divide, at 2 cycles each.
    assert cycles == pytest.approx(400 * 2 / 5)


def test_jobs_with_a_choice_of_machines() -> None:
    assert least_makespan([{"a": 3.0}, {"a": 1.0}]) == 4
    assert least_makespan([{"a": 4.0, "b": 4.0}]) == pytest.approx(2)
    assert least_makespan([{"a": 3.0}, {"a": 1.0, "b": 2.0}]) == pytest.approx(3)
    assert least_makespan([]) == 0
    assert least_makespan([{"a": 0.0, "b": 0.0}]) == 0
    assert least_makespan([{"a": 9.0}, {"b": 1.0, "c": 1.0}]) == 9
    both = [{"a": 6.0, "b": 1.0}, {"a": 1.0, "b": 9.0}]
    assert least_makespan([{"a": 3.0}, *both]) == pytest.approx(3.7)


@given(
    st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=1, max_size=6),
    st.floats(0, 100),
    st.floats(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_two_machines_reach_the_dual_bound(
    pairs: list[tuple[float, float]], one: float, other: float
) -> None:
    work = [{"a": one}, {"b": other}, *({"a": own, "b": its} for own, its in pairs)]
    # Time on `a` costs a share of 1, on `b` the rest: no schedule is cheaper than every job's
    # cheaper machine, and some share, at which a job is indifferent, makes this the makespan.
    shares = [0.0, 1.0, *(its / (own + its) for own, its in pairs)]
    least = max(
        share * one
        + (1 - share) * other
        + sum(min(share * own, (1 - share) * its) for own, its in pairs)
        for share in shares
    )
    assert least_makespan(work) == pytest.approx(least)
