"""The interpreter: products, accesses, conditions, and what its callers give and get."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interpreted import ATTENTION, ONLINE, Array, attention, compute, conditional

from einsum.errors import SpecError
from einsum.interpret import run
from einsum.parser import parse_cascade

# Products and sums.


@given(
    st.lists(st.lists(st.sampled_from("abcd"), unique=True, max_size=4), min_size=1, max_size=3),
    st.data(),
)
def test_products_are_those_of_numpy(factors: list[list[str]], data: st.DataObject) -> None:
    used = sorted({name for factor in factors for name in factor})
    kept = data.draw(st.lists(st.sampled_from(used), unique=True)) if used else []
    names = [f"T{i}" for i in range(len(factors))]
    lists = [f"{n}[{', '.join(f)}]" for n, f in zip(names, factors, strict=True)]
    text = "\n".join(
        [
            "ranks A, B, C, D\nshape A = 2, B = 3, C = 4, D = 5",
            f"inputs {', '.join(part.upper() for part in lists)}",
            f"Z[{', '.join(kept)}] = {' * '.join(lists)}",
        ]
    )
    found = compute(text)
    subscripts = f"{','.join(map(''.join, factors))}->{''.join(kept)}"
    expected = np.einsum(subscripts, *(found[name] for name in names))
    np.testing.assert_allclose(found["Z"], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "fold"), [("max", np.max), ("min", np.min), ("prod", np.prod), ("sum", np.sum)]
)
def test_reductions(name: str, fold: Callable[..., Array]) -> None:
    found = compute(f"ranks M, P\ninputs X[M, P]\nZ[p] = {name}(m) X[m, p]", M=5, P=4)
    np.testing.assert_allclose(found["Z"], fold(found["X"], axis=0))


def test_reductions_are_applied_from_the_last_to_the_first() -> None:
    text = "ranks M, E, P\ninputs X[M, E], Y[E, P]\nZ[p] = max(m) sum(e) X[m, e] * Y[e, p]"
    found = compute(text, M=5, E=6, P=3)
    np.testing.assert_allclose(found["Z"], (found["X"] @ found["Y"]).max(axis=0))


def test_a_sum_counts_the_points_that_its_expression_does_not_mention() -> None:
    text = "ranks M, P\ninputs X[P]\nZ[p] = sum(m) X[p] * X[p] * (m - m + 1)"
    found = compute(text, M=7, P=3)
    np.testing.assert_allclose(found["Z"], 7 * found["X"] ** 2)


def test_variables_and_symbols_are_values() -> None:
    text = (
        "ranks M -> (M1, M0), P\nconstants W = -2\ninputs X[M]\n"
        "Y[m1, m0] = m + W / M0\nZ[p] = p ** 2 - P\nA[m1, m0] = X[m] + m1 * 10 + m0"
    )
    found = compute(text, M=6, M0=3, P=4)
    assert found["Y"].tolist() == [[m - 2 / 3 for m in range(3)], [m - 2 / 3 for m in (3, 4, 5)]]
    assert found["Z"].tolist() == [-4, -3, 0, 5]
    np.testing.assert_allclose(found["A"].ravel() - found["X"], [0, 1, 2, 10, 11, 12])


def test_every_operator_computes_elementwise() -> None:
    text = "ranks M\ninputs X[M]\nY[m] = gelu(X[m]) + silu(X[m]) + sigmoid(X[m]) * max(X[m], 0)"
    found = compute(text, M=50)
    x = found["X"]
    logistic = 1 / (1 + np.exp(-x))
    phi = np.array([(1 + math.erf(v / math.sqrt(2))) / 2 for v in x])
    np.testing.assert_allclose(found["Y"], x * phi + x * logistic + logistic * np.maximum(x, 0))


# Accesses.


def test_convolution() -> None:
    text = "ranks P, R, W\ninputs I[W], K[R]\nY[p] = I[p + r] * K[r]"
    found = compute(text, P=20, R=5)
    np.testing.assert_allclose(found["Y"], np.correlate(found["I"], found["K"], "valid"))


def test_strided_and_padded_convolution() -> None:
    text = (
        "ranks C, P, R, W\ninputs I[C, W], K[C, R]\n"
        "Y[p] = I[c, 2 * p + r - 1] * K[c, r] if 2 * p + r >= 1 and 2 * p + r <= W"
    )
    found = compute(text, C=3, P=5, R=3, W=10)
    padded = np.pad(found["I"], ((0, 0), (1, 1)))
    rows = [np.correlate(i, k, "valid") for i, k in zip(padded, found["K"], strict=True)]
    np.testing.assert_allclose(found["Y"], np.sum(rows, axis=0)[::2])


def test_an_index_that_is_no_view() -> None:
    text = "ranks H, G, M\nconstants S = 3\ninputs X[G, M]\nY[h, m] = X[h // S, M - 1 - m]"
    found = compute(text, H=6, G=2, M=4)
    np.testing.assert_array_equal(found["Y"], found["X"].repeat(3, axis=0)[:, ::-1])


def test_diagonals_constants_and_scalars() -> None:
    text = "ranks M, P\ninputs X[M, M], S[]\nT[] = X[m, m]\nY[p] = T * X[0, p] + X[M - 1, 2] * S"
    found = compute(text, M=4, P=3)
    x = found["X"]
    np.testing.assert_allclose(found["Y"], x.trace() * x[0, :3] + x[3, 2] * found["S"])


@pytest.mark.parametrize("m", [1, 5, 6, 7])
def test_a_rank_and_its_partitions_are_the_same_elements(m: int) -> None:
    text = """
ranks M -> (M2, M1, M0)
shape M1 = 2, M0 = 3
inputs X[M]
A[m2, m1, m0] = X[m2, m1, m0]
B[m] = A[m]
C[m] = A[m // M0 // M1, m // M0 % M1, m % M0]
S[] = A[m2, m1, m0]
L[] = max(m2, m1, m0) A[m2, m1, m0]
"""
    found = compute(text, M=m)
    x = found["X"]
    np.testing.assert_array_equal(found["B"], x)
    np.testing.assert_array_equal(found["C"], x)
    np.testing.assert_allclose(found["S"], x.sum())
    assert found["L"] == x.max()
    tail = found.present("A")
    assert (tail is None) == (m % 6 == 0)
    assert found["A"].reshape(-1)[m:].tolist() == [0.0] * (-m % 6)


# Conditions.


def test_causal_and_windowed_softmax() -> None:
    text = conditional(ATTENTION, "QK", "m <= p and p - m < W")
    found = compute(text, E=4, F=3, M=12, P=12, W=5)
    m, p = np.indices((12, 12))
    masked = (m > p) | (p - m >= 5)
    np.testing.assert_allclose(found["AV"], attention(found, masked))
    present = found.present("SN")
    assert present is not None
    np.testing.assert_array_equal(present, ~masked)
    assert found["SN"][masked].tolist() == [0.0] * masked.sum()
    assert found.present("AV") is None


def test_a_row_without_points_is_the_identity() -> None:
    text = conditional(ATTENTION, "QK", "m < p")
    found = compute(text, E=4, F=3, M=6, P=6)
    assert found["GM"][0] == -np.inf
    assert found["SD"][0] == 0
    assert found["AV"][:, 0].tolist() == [0, 0, 0]
    m, p = np.indices((6, 6))
    np.testing.assert_allclose(found["AV"][:, 1:], attention(found, m >= p)[:, 1:])


def test_the_sum_of_no_quotients_is_zero() -> None:
    text = "ranks M, P\ninputs X[M, P], Y[M], D[P]\nZ[p] = X[m, p] * Y[m] / D[p] if m < p"
    found = compute(text, {"D": [0.0, 2.0, 4.0]}, M=2, P=3)
    x, y = found["X"], found["Y"]
    np.testing.assert_allclose(found["Z"], [0, x[0, 1] * y[0] / 2, x[:, 2] @ y / 4])


def test_what_an_absent_point_would_give_does_not_spread() -> None:
    text = "ranks M, P\ninputs X[M, P], Y[M]\nZ[p] = X[m, p] * Y[m] if m <= p"
    inputs = {"X": np.arange(9.0).reshape(3, 3), "Y": np.array([1, np.nan, np.inf])}
    found = compute(text, inputs, M=3, P=3)
    assert found["Z"][0] == 0
    assert np.isnan(found["Z"][1:]).all()


def test_a_condition_without_reduced_variables_leaves_the_rest_absent() -> None:
    text = "ranks M, P\ninputs X[M, P]\nZ[p] = X[m, p] if p < 2\nY[] = max(p) (-Z[p] * Z[p])"
    found = compute(text, M=3, P=5)
    present = found.present("Z")
    assert present is not None
    assert present.tolist() == [True, True, False, False, False]
    assert found["Y"] == (-(found["Z"][:2] ** 2)).max()


# The function.


def test_float32_stays_float32() -> None:
    cascade = parse_cascade(conditional(ONLINE, "QK", "m <= p"))
    shape = {"E": 64, "F": 5, "M": 40, "M0": 16, "P": 40}
    single, double = run(cascade, shape=shape, dtype=np.float32), run(cascade, shape=shape)
    assert {array.dtype for array in single.values.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(single["AV"], double["AV"], atol=1e-5)
    assert not np.array_equal(single["AV"], double["AV"])


def test_inputs_are_fixed_by_the_seed_and_their_place() -> None:
    cascade = parse_cascade(ATTENTION)
    shape = {"E": 2, "F": 2, "M": 3, "P": 4}
    first = run(cascade, shape=shape, seed=1)
    again = run(cascade, {"Q": np.ones((2, 4))}, shape, seed=1)
    np.testing.assert_array_equal(first["K"], again["K"])
    assert not np.array_equal(first["K"], run(cascade, shape=shape, seed=2)["K"])
    assert not np.array_equal(first["K"][:, :2], first["Q"][:, :2])


def test_sizes_follow_from_arrays() -> None:
    rng = np.random.default_rng(0)
    arrays = {"Q": rng.random((4, 7)), "K": rng.random((4, 9)), "V": rng.random((5, 9))}
    found = run(parse_cascade(ONLINE), arrays, {"M0": 4})
    assert found.shapes.size("M1") == 3
    assert found.outputs.keys() == {"AV"}
    np.testing.assert_allclose(found.outputs["AV"], attention(found))


def test_a_run_is_a_frozen_copy() -> None:
    mine = np.ones((2, 4))
    found = compute(ATTENTION, {"Q": mine}, F=2, M=3)
    mine[0, 0] = 5
    assert found["Q"][0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        found["AV"][0, 0] = 1


@pytest.mark.parametrize(
    ("inputs", "shape", "parts"),
    [
        ({"QQ": np.ones((2, 2))}, {}, ["unknown input QQ", "did you mean Q"]),
        ({"Q": np.ones(2)}, {}, ["input Q", "1 dimensions", "E, P"]),
        ({"Q": np.ones((2, 2), dtype=complex)}, {}, ["complex128"]),
        ({"Q": np.ones((2, 3)), "K": np.ones((4, 3))}, {}, ["rank E has size 4 in K and 2 in Q"]),
        ({"Q": np.ones((2, 3))}, {"P": 4}, ["rank P has size 3 in Q and 4 in the given shape"]),
        ({}, {"E": 2}, ["no size for F, M, P"]),
        ({}, {"E": 1, "F": 1, "M": 1 << 20, "P": 1 << 20}, ["QK", "8192.0 GiB", "2 GiB", "M = 1M"]),
    ],
)
def test_refusals(
    inputs: dict[str, npt.ArrayLike], shape: dict[str, int], parts: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        run(parse_cascade(ATTENTION), inputs, shape)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_an_iteration_space_beyond_memory_is_refused_before_it_is_made() -> None:
    text = "ranks M, P, E\ninputs X[M, E], Z[P, E]\nY[m] = exp(X[m, e] * Z[p, e])"
    with pytest.raises(SpecError, match=r"Y needs an array of 8\.0 GiB"):
        compute(text, M=4096, P=4096, E=64)


def test_integers_are_no_type_to_compute_in() -> None:
    with pytest.raises(SpecError, match="cannot compute in int64"):
        run(parse_cascade(ATTENTION), dtype=np.int64)
