"""Recurrences on NumPy: running values, scans, and loops inside of loops."""

from __future__ import annotations

import numpy as np
import pytest
from interpreted import ATTENTION, ONLINE, attention, compute, conditional

from einsum.cascade import Einsum
from einsum.loops import Loop, loops
from einsum.parser import parse_cascade


def test_stable_softmax() -> None:
    found = compute(ATTENTION, E=8, F=5, M=16, P=7)
    np.testing.assert_allclose(found["AV"], attention(found))


@pytest.mark.parametrize("m", [1, 3, 4, 16, 18])
def test_online_softmax(m: int) -> None:
    found = compute(ONLINE, E=8, F=5, M=m, M0=4, P=7)
    np.testing.assert_allclose(found["AV"], attention(found))
    assert found["RM"].shape == (-(-m // 4) + 1, 7)


@pytest.mark.parametrize("m", [16, 18])
def test_causal_online_softmax(m: int) -> None:
    found = compute(conditional(ONLINE, "QK", "m <= p"), E=8, F=5, M=m, M0=4, P=m)
    keys, queries = np.indices((m, m))
    np.testing.assert_allclose(found["AV"], attention(found, keys > queries))


def test_welford() -> None:
    text = """
ranks N
inputs X[N]
MU[0] = 0
MU[n + 1] = MU[n] + (X[n] - MU[n]) / (n + 1)
S[0] = 0
S[n + 1] = S[n] + (X[n] - MU[n]) * (X[n] - MU[n + 1])
VAR[] = S[N] / N
"""
    found = compute(text, N=100)
    np.testing.assert_allclose(found["MU"][-1], found["X"].mean())
    np.testing.assert_allclose(found["VAR"], found["X"].var())


def test_linear_recurrence() -> None:
    text = """
ranks T, N
inputs A[N], B[N, T]
H[0, n] = 0
H[t + 1, n] = A[n] * H[t, n] + B[n, t]
"""
    found = compute(text, T=30, N=4)
    state = np.zeros(4)
    for t in range(30):
        state = found["A"] * state + found["B"][:, t]
        np.testing.assert_allclose(found["H"][t + 1], state)


def test_a_recurrence_through_other_einsums_and_one_inside_another() -> None:
    text = """
ranks I, J
inputs X[I, J]
R[0] = 1
G[0, j] = 0
G[i + 1, j] = G[i, j] + R[i] * C[i, J]
C[i, 0] = 0
C[i, j + 1] = C[i, j] * R[i] + X[i, j]
R[i + 1] = tanh(D[i])
D[i] = C[i, J] + R[i]
"""
    found = compute(text, I=5, J=3)
    r, g = 1.0, 0.0
    for i in range(5):
        c = 0.0
        for j in range(3):
            c = c * r + found["X"][i, j]
        g += r * c
        r = np.tanh(c + r)
        np.testing.assert_allclose(found["R"][i + 1], r)
        np.testing.assert_allclose(found["G"][i + 1], [g, g, g])


def test_a_recurrence_that_stops_early() -> None:
    text = """
ranks N, P
inputs X[N, P]
R[0, p] = 0
R[n + 1, p] = R[n, p] + X[n, p] if n <= p
LAST[p] = R[N, p]
"""
    found = compute(text, N=4, P=5)
    present = found.present("R")
    assert present is not None
    n, p = np.indices((5, 5))
    np.testing.assert_array_equal(present, n - 1 <= p)
    np.testing.assert_allclose(found["LAST"][3:], found["X"].sum(axis=0)[3:])
    assert found["LAST"][:3].tolist() == [0, 0, 0]


def test_only_recurrences_loop() -> None:
    def shape(statement: Einsum | Loop) -> object:
        match statement:
            case Loop(variable, body):
                return variable, [shape(part) for part in body]
            case Einsum():
                return statement.name

    text = """
ranks I, J
inputs X[I, J]
Y[i, j] = X[i, j] * 2
C[i, 0] = 0
C[i, j + 1] = C[i, j] * R[i] + Y[i, j]
R[0] = 1
R[i + 1] = C[i, J]
Z[i] = R[i] + 1
"""
    found = [shape(statement) for statement in loops(parse_cascade(text))]
    assert found == ["Y", "C.init", "R.init", ("i", [("j", ["C"]), "R"]), "Z"]
