"""Live footprints: what is held, in which loop order, for cascades worked out by hand."""

from __future__ import annotations

from math import prod

import pytest

from einsum.errors import SpecError
from einsum.footprint import Footprint
from einsum.parser import parse_cascade
from einsum.passes import PassAnalysis, analyse
from einsum.shapes import bind
from tests.einsum import pass_texts as texts


def analysed(text: str) -> PassAnalysis:
    return analyse(parse_cascade(text, "test"))


def footprints(text: str) -> dict[str, str]:
    return {tensor: str(held) for tensor, held in analysed(text).footprint.items()}


def held(text: str) -> dict[str, str]:
    """Only what takes more than one element."""
    return {
        tensor: expression for tensor, expression in footprints(text).items() if expression != "1"
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # One pass: nothing grows with M. The running maximum is read before and after its update.
        (texts.FUSEMAX, "Q=E QK=M0 RM=2 RNV=F SLNV=F"),
        # RO needs the new sum for the f for which NV has read the old one, and NV is not held.
        (texts.FLASH_1, "Q=E QK=M0 RM=2 RD=2 RO=F SLNV=F"),
        (texts.UNSTABLE_DEFERRED, "Q=E SNV=F"),
        (texts.SIGMOID, "Q=E AV=F"),
        # Several: the row waits for its maximum, its exponentials for their sum.
        (texts.STABLE, "Q=E QK=M SN=M AV=F"),
        (texts.STABLE_DEFERRED, "Q=E QK=M SNV=F"),
        (texts.UNSTABLE, "Q=E SN=M AV=F"),
        # The local sums can wait for GM, as SLN must be held anyway.
        (texts.TILE_LOCAL, "Q=E QK=M0 LM=M1 SLN=M CF=M1 AV=F"),
        # One result per split, not one per key.
        (texts.SPLIT_K, "Q=E QK=M0 LM=M1 SLD=M1 SLNV=M1*F SNV=F"),
        # The state of linear attention: neither M nor P.
        (texts.LINEAR, "V=F KV=E*F KS=E NV=F"),
        (texts.SOFTMAX, "X=N SN=N"),
        (texts.LOG_SUM_EXP, "X=N"),
        (texts.ONLINE_LOG_SUM_EXP, "RM=2"),
        (texts.TWO_PASS_SOFTMAX, "XE=N XM=N RE=2"),
        (texts.LAYER_NORM, "X=N D=N"),
        (texts.VARIANCE, "X=N"),
        (texts.WELFORD, "MU=2"),
        (texts.COSINE, ""),
        # A row of T accumulates over J, then each element of U over K.
        (texts.MATMUL_CHAIN, "T=K"),
        (texts.INDEPENDENT, ""),
        (texts.POWER_ITERATION, "A=N*K V=N W=N"),
        (texts.CONVOLUTION, "X=R F=R O=P"),
    ],
)
def test_what_is_held(text: str, expected: str) -> None:
    assert held(text) == dict(entry.split("=") for entry in expected.split())


def test_inputs_and_values_of_tiles_stream() -> None:
    found = footprints(texts.FUSEMAX)
    assert [found[tensor] for tensor in ("K", "V", "LM", "SLN", "RD", "AV")] == ["1"] * 6


def test_loops() -> None:
    found = analysed(texts.FUSEMAX)
    assert found.parallel == ("B", "H", "P")
    assert found.loops[:2] == ("M1", "M0")
    assert set(found.loops[2:]) == {"E", "F"}
    assert analysed(texts.LINEAR).loops[:2] == ("P", "M")


def test_a_rank_in_which_iterations_read_each_other_is_not_parallel() -> None:
    text = """
ranks I, N, K
inputs A[N, K], START[N]
V[0, n] = START[n]
V[i + 1, n] = A[n, k] * V[i, k]
"""
    assert analysed(text).parallel == ()
    # The whole old vector is read while the new one is written.
    assert held(text) == {"A": "N*K", "V": "2*N"}


def test_neighbours() -> None:
    text = """
ranks N
inputs X[N]
S = X[n]
D[n] = S * X[n]
Y[n] = D[n] - D[n - 2] if n >= 2
"""
    assert held(text) == {"X": "N", "D": "3"}


def test_an_unchanging_state_is_updated_in_place() -> None:
    text = """
ranks T, N
inputs X[T, N], C[T, N]
H[0, n] = 0
H[t + 1, n] = H[t, n] / 2 + X[t, n]
Y[t] = H[t + 1, n] * C[t, n]
"""
    assert held(text) == {"H": "N"}


def test_a_running_value_that_does_not_read_itself() -> None:
    text = "ranks N\ninputs X[N]\nH[0] = 0\nH[n + 1] = X[n]\nD[n] = X[n] - H[n]\nL = H[N]\n"
    assert footprints(text) == {"X": "1", "H": "1", "D": "1", "L": "1"}


def test_a_running_value_that_is_used_again_is_held_for_every_step() -> None:
    text = """
ranks N
inputs X[N]
R[0] = 0
R[n + 1] = R[n] + X[n]
Y[n] = R[n + 1] / R[N]
"""
    assert held(text) == {"R": "N"}


def test_of_a_split_only_the_last_running_value_waits() -> None:
    text = """
ranks M -> (M2, M1)
inputs X[M]
R[m2, 0] = 0
R[m2, m1 + 1] = max(R[m2, m1], X[m2, m1])
G = max(m2) R[m2, M1]
C = exp(R[m2, M1] - G)
"""
    assert held(text) == {"R": "M2"}


def test_elementwise_steps_wait_for_what_they_meet() -> None:
    text = "ranks N\ninputs A[N], B[N]\nS = A[n]\nE[n] = exp(B[n])\nU = E[n]\nT = S * E[n]\n"
    assert held(text) == {}


def test_elements() -> None:
    cascade = parse_cascade(texts.FUSEMAX, "fusemax")
    sizes = bind(cascade, {"B": 2, "H": 3, "P": 100, "M": 1000}).sizes
    found = analyse(cascade).footprint
    counts = {tensor: found[tensor].elements(sizes) for tensor in ("QK", "RNV", "RM", "K")}
    assert counts == {"QK": 256, "RNV": 64, "RM": 2, "K": 1}


def test_a_footprint_is_a_product() -> None:
    assert str(Footprint()) == "1"
    assert str(Footprint(("M", "F"))) == "M*F"
    assert str(Footprint(("F",), 2)) == "2*F"
    assert Footprint(("F", "F"), 2).elements({"F": 3, "M": 5}) == 18
    with pytest.raises(SpecError, match=r"no size for M(?s:.)*needs the sizes of M, F"):
        Footprint(("M", "F")).elements({"F": 3})


@pytest.mark.parametrize("text", [texts.FUSEMAX, texts.TILE_LOCAL, texts.POWER_ITERATION])
def test_never_more_than_the_tensor(text: str) -> None:
    cascade = parse_cascade(text, "test")
    names = [part for rank in cascade.ranks for part in (rank.partitions or (rank.name,))]
    shapes = bind(cascade, dict.fromkeys(names, 7))
    for tensor, footprint in analyse(cascade).footprint.items():
        extents = shapes.extents(tensor)
        assert footprint.elements(shapes.sizes) <= prod(extents)
