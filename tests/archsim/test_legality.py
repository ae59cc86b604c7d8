"""Nests that do not compute the cascade are refused, with the reason."""

from __future__ import annotations

import pytest

from archsim.evaluate import evaluate
from archsim.mapping import (
    Compute,
    For,
    Group,
    Hold,
    Mapping,
    Node,
    Phase,
    Policy,
    Spread,
)
from einsum.errors import SpecError
from einsum.shapes import Shapes
from tests.archsim.two_by_two import LIBRARY, MATMUL, TEXT, chip, fork, nest, shapes

SQUARE = shapes(MATMUL, M=4, N=4, K=4)
CHAIN = shapes(
    """ranks M, N, K, L
inputs A[M, K], B[K, N], C[N, L]
T[m, n] = A[m, k] * B[k, n]
Z[m, l] = T[m, n] * C[n, l]
""",
    M=2,
    N=2,
    K=2,
    L=2,
)
RUNNING = shapes(
    """ranks I, P, E
inputs A[I, E, P]
outputs O, Y
S[i, p] = A[i, e, p]
R[0, p] = 0
R[i + 1, p] = R[i, p] + S[i, p]
Y[i, p] = R[i + 1, p] * S[i, p]
O[p] = exp(R[I, p])
""",
    I=4,
    P=2,
    E=2,
)


def run(bound: Shapes, mapping: Mapping, text: str = TEXT) -> None:
    evaluate(bound.cascade, bound, chip(text), mapping, LIBRARY)


def end(name: str, unit: str = "scalar") -> tuple[Node, ...]:
    return (Compute(name, unit),)


def running(*order: str, loops: tuple[Node, ...] = (For("i"),), last: bool = True) -> Mapping:
    """S, R and Y in this order under loops, and O after them or with them."""
    branches = [end(name) for name in order]
    if last:
        return nest(fork((*loops, fork(*branches)), end("O")))
    return nest(*loops, fork(*branches, end("O")))


LEGAL = [
    (SQUARE, nest(For("k", 2), For("m", 2), Compute("Z", "array"))),
    (CHAIN, nest(For("m", 1), Hold(("T",), "buffer"), fork(end("T"), end("Z")))),
    (CHAIN, nest(For("n", 1), fork(end("T"), end("Z")))),
    (CHAIN, nest(For("l", 1), fork(end("T"), end("Z")))),  # T again for every l, as a whole
    (RUNNING, running("S", "R", "Y")),
    (RUNNING, running("S", "R", "Y", loops=(For("p", 1), For("i")))),
    (RUNNING, nest(fork(end("S"), end("R"), end("Y"), end("O")))),
]


@pytest.mark.parametrize(("bound", "mapping"), LEGAL)
def test_these_are_fine(bound: Shapes, mapping: Mapping) -> None:
    run(bound, mapping)


ILLEGAL = [
    (
        nest(For("k", 1), fork(end("T"), end("Z"))),
        CHAIN,
        "Z reads T inside the loop over k that T is not complete before the end of",
    ),
    (nest(fork(end("Z"), end("T"))), CHAIN, "Z reads T before the mapping computes it"),
    (
        nest(fork((For("k", 1), For("l", 1), *end("T")), end("Z"))),
        CHAIN,
        "T has no l, but the mapping repeats it for every l inside its loop over k",
    ),
    (running("S", "Y", "R"), RUNNING, "Y reads R before the mapping computes it"),
    (running("S", "R", "Y", last=False), RUNNING, "O reads R inside the loop over i"),
    (
        nest(Spread("i", "bank.cores"), fork(*(end(n, "array") for n in "SRYO"))),
        RUNNING,
        "R is spread over i, along which each of its values needs the one before",
    ),
    (
        nest(Spread("m", "vector.lanes"), Compute("Z", "array")),
        SQUARE,
        "Z is spread over vector.lanes, but array computes it",
    ),
    (
        nest(Spread("m", "array.rows"), Hold(("A",), "buffer"), Compute("Z", "array")),
        SQUARE,
        "A is held in buffer under a loop that is spread over array.rows",
    ),
    (
        nest(Hold(("A",), "registers"), For("m"), Hold(("A",), "buffer"), Compute("Z", "array")),
        SQUARE,
        "A is held in buffer inside a hold in registers, which is below it",
    ),
    (
        nest(Hold(("T",), "registers"), fork(
            (Spread("k", "array.rows"), *end("T", "array")), end("Z", "array")
        )),
        CHAIN,
        "T is summed over array.rows, but only held in registers, which each PE has for itself",
    ),
    (nest(For("m", 0), *end("Z")), SQUARE, "the tile of m is 0"),
    (nest(Hold(("Y",), "buffer"), *end("Z")), SQUARE, "holds Y, which the cascade does not have"),
    (nest(Hold(("A",), "cache"), *end("Z")), SQUARE, "no memory cache"),
    (nest(Hold(("A",), "buffer", copies=0), *end("Z")), SQUARE, "has 0 copies"),
    (nest(Hold(("A",), "buffer", spilled=2), *end("Z")), SQUARE, "spills 2"),
    (nest(Compute("Z", "array_3d")), SQUARE, "no compute unit array_3d"),
    (Mapping("", ()), SQUARE, "does not compute Z"),
    (nest(fork(end("Z"), end("Z"))), SQUARE, "computes Z twice"),
    (nest(fork(end("Z"), end("Y"))), SQUARE, "computes Y, which test does not have"),
]  # fmt: skip


@pytest.mark.parametrize(("mapping", "bound", "message"), ILLEGAL)
def test_these_are_not(mapping: Mapping, bound: Shapes, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        run(bound, mapping)
    assert message in caught.value.message


@pytest.mark.parametrize("restriction", ["bypass: [A]", "tensors: [B, Z]"])
def test_a_memory_that_does_not_take_a_tensor(restriction: str) -> None:
    text = TEXT.replace("size: 1 KiB,", f"size: 1 KiB, {restriction},")
    assert text != TEXT
    run(SQUARE, nest(Hold(("B",), "buffer"), *end("Z")), text)
    with pytest.raises(SpecError) as caught:
        run(SQUARE, nest(Hold(("B", "A"), "buffer"), *end("Z")), text)
    assert caught.value.message == "A may not be held in buffer"
    assert caught.value.rule == "buffer of two-by-two takes B, Z"


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ((Phase(("T",)),), "Z stands in 0 phases of its group"),
        ((Phase(("T", "Z")), Phase(("Z",))), "Z stands in 2 phases of its group"),
        ((Phase(("T", "Z", "X")),), "a phase names X, which its group does not compute"),
        ((Phase(("T", "Z")), Phase((), "X", 2.0)), "a phase names X"),
    ],
)
def test_phases(phases: tuple[Phase, ...], message: str) -> None:
    group = Group((fork(end("T"), end("Z")),), Policy.PAPER, phases)
    with pytest.raises(SpecError, match=message):
        run(CHAIN, Mapping("", (group,)))


def test_what_does_not_fit_is_named_with_its_bytes() -> None:
    big = shapes(MATMUL, M=32, N=4, K=64)
    with pytest.raises(SpecError) as caught:
        run(big, nest(Hold(("A",), "buffer"), *end("Z")))
    assert "buffer needs 2,048 bytes and is 1,024 short" in caught.value.message
    with pytest.raises(SpecError) as caught:
        run(big, nest(For("m", "free"), Hold(("A", "B"), "buffer", copies=64), *end("Z")))
    assert "buffer is" in caught.value.message
    assert "short even with the best tiles" in caught.value.message


def test_each_instance_must_hold_its_part() -> None:
    """Two banks of 64 bytes do not hold 100 bytes of one of them."""
    bound = shapes(MATMUL, M=100, N=1, K=1)
    with pytest.raises(SpecError, match="bank needs 100 bytes and is 36 short"):
        run(bound, nest(Hold(("A",), "bank"), Compute("Z", "array")))
    run(bound, nest(Hold(("A",), "bank"), Spread("m", "bank.cores"), Compute("Z", "array")))
