"""Cascades in the formats of processing elements: order, fusing, storage, masks, errors."""

from __future__ import annotations

import numpy as np
import pytest

from einsum.arithmetic import Arithmetic
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.formats import BF16, E4M3, FP16, FP32, INT8, Format
from einsum.interpret import run
from einsum.parser import parse_cascade
from einsum.rounding import equal_bits, round_to
from workloads.library import load_cascade


def cascade(body: str, header: str = "ranks K, N\ninputs A[K, N], B[K, N]") -> Cascade:
    return parse_cascade(f"cascade test\n{header}\n\n{body}\n")


def test_sums_of_products_run_in_order_with_one_rounding_each() -> None:
    loaded = cascade(
        "Z[n] = A[k, n] * B[k, n]", "ranks K, N\ninputs A[K, N], B[K, N]\nformats Z fp32"
    )
    done = run(loaded, shape={"K": 50, "N": 8}, arithmetic=Arithmetic(BF16))
    pe, acc = Arithmetic(BF16), np.zeros(8)
    for k in range(50):
        acc = pe.fma(done["A"][k], done["B"][k], acc)
    assert equal_bits(done["Z"], acc)
    wrong = sum((done["A"][k] * done["B"][k] for k in reversed(range(50))), np.zeros(8))
    assert not equal_bits(done["Z"], round_to(FP32, wrong)), "the order matters to this test"


def test_inputs_and_outputs_are_stored_in_their_formats() -> None:
    done = run(
        cascade("Z[k, n] = A[k, n] * B[k, n]"), shape={"K": 4, "N": 4}, arithmetic=Arithmetic(FP32)
    )
    for name in "ABZ":
        assert equal_bits(done[name], round_to(BF16, done[name])), "the default format is bf16"
    exact = done["A"] * done["B"]
    assert equal_bits(done["Z"], round_to(BF16, exact))


def test_operands_are_rounded_before_they_are_multiplied() -> None:
    header = "ranks K, N\ninputs A[K, N], B[K, N]\nformats A fp32, B fp32, Z fp32"
    done = run(
        cascade("Z[k, n] = A[k, n] * B[k, n]", header),
        shape={"K": 4, "N": 4},
        arithmetic=Arithmetic(E4M3),
    )
    pe = Arithmetic(E4M3)
    assert equal_bits(done["Z"], pe.narrow(done["A"]) * pe.narrow(done["B"]) + 0.0)


@pytest.mark.parametrize(
    "body",
    [
        "Z[k, n] = A[k, n] * B[k, n] + A[k, n]",
        "Z[k, n] = A[k, n] + A[k, n] * B[k, n]",
        "Z[k, n] = A[k, n] * B[k, n] - A[k, n]",
        "Z[k, n] = A[k, n] - A[k, n] * B[k, n]",
    ],
)
def test_products_fuse_with_sums(body: str) -> None:
    header = "ranks K, N\ninputs A[K, N], B[K, N]\nformats A fp16, B fp16, Z fp32"
    done = run(cascade(body, header), shape={"K": 30, "N": 30}, arithmetic=Arithmetic(FP16))
    a, b = done["A"].astype(np.longdouble), done["B"].astype(np.longdouble)
    sign = -1 if "- A[k, n] *" in body else 1
    exact = sign * a * b + (-a if body.endswith("- A[k, n]") else a)
    assert equal_bits(done["Z"], round_to(FP32, exact.astype(np.float64)))


def test_other_operators_and_reductions() -> None:
    body = """
D[k, n] = A[k, n] - B[k, n]
E[k, n] = exp2(D[k, n])
L[n] = max(k) A[k, n]
S[n] = E[k, n]
Q[n] = L[n] / S[n]
R[n] = sqrt(S[n])
M[k, n] = max(A[k, n], B[k, n])
T[n] = min(k) A[k, n]
"""
    pe = Arithmetic(BF16)
    done = run(cascade(body), shape={"K": 6, "N": 5}, arithmetic=pe)
    a, b = done["A"], done["B"]
    assert equal_bits(done["D"], round_to(BF16, pe.subtract(a, b)))
    assert equal_bits(done["E"], round_to(BF16, pe.exp2(done["D"])))
    assert equal_bits(done["L"], a.max(axis=0))
    assert equal_bits(done["T"], a.min(axis=0))
    total = np.zeros(5)
    for k in range(6):
        total = pe.fma(done["E"][k], 1.0, total)
    assert equal_bits(done["S"], round_to(BF16, total))
    assert equal_bits(done["Q"], round_to(BF16, pe.divide(done["L"], done["S"])))
    assert equal_bits(done["R"], round_to(BF16, np.sqrt(done["S"])))
    assert equal_bits(done["M"], np.maximum(a, b))


def test_absent_points_are_skipped() -> None:
    loaded = load_cascade("attention/causal")
    sizes = {"M": 12, "P": 12, "E": 4, "F": 4}
    done = run(loaded, shape=sizes, arithmetic=Arithmetic(FP32, 6))
    exact = run(loaded, {name: done[name] for name in ("Q", "K", "V")}, sizes)
    for name in loaded.outputs:
        assert np.allclose(done[name.name], exact[name.name], atol=0.05)
        assert np.isfinite(done[name.name]).all()


def test_integers() -> None:
    header = "ranks K, N\ninputs A[K, N], B[K, N]\nformats A int8, B int8, Z int32"
    rng = np.random.default_rng(1)
    given = {name: rng.integers(-128, 128, (40, 6)) for name in "AB"}
    done = run(cascade("Z[n] = A[k, n] * B[k, n]", header), given, arithmetic=Arithmetic(INT8))
    assert equal_bits(done["Z"], (given["A"] * given["B"]).sum(axis=0))
    with pytest.raises(SpecError, match="int8"):
        run(
            cascade("Z[k, n] = exp(A[k, n])", header.replace("int32", "int8")),
            given,
            arithmetic=Arithmetic(INT8),
        )


@pytest.mark.parametrize(("operand", "bound"), [(FP32, 0.01), (BF16, 0.012), (FP16, 0.012)])
def test_attention_is_near_float64(operand: Format, bound: float) -> None:
    """docs/formats.md: tensors in bf16, whatever the PE."""
    loaded = load_cascade("attention/fusemax")
    sizes = {"M": 64, "P": 16, "M0": 16, "E": 16, "F": 16}
    rng = np.random.default_rng(1)
    q = rng.standard_normal((1, 1, 16, 16)) / 4
    done = run(loaded, {"Q": q}, sizes, arithmetic=Arithmetic(operand, 5))
    exact = run(loaded, {name: done[name] for name in "QKV"}, {"M0": 16})
    error = np.linalg.norm(done["AV"] - exact["AV"]) / np.linalg.norm(exact["AV"])
    assert 1e-4 < error < bound
