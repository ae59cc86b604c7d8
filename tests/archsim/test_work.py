"""Operations per point, and who can compute what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archsim.architecture import ComputeUnit, Operation
from archsim.load import load_architecture
from archsim.mapping import Compute, For, Spread
from archsim.work import is_contraction, missing, needed, no_unit, operation_on, supports
from einsum.cascade import Einsum
from einsum.errors import SpecError
from tests.archsim.two_by_two import MATMUL, cascade, chip, form, nest, shapes


def einsum(right: str) -> Einsum:
    """An Einsum with `right` on its right-hand side."""
    ranks = "ranks M, K, N\ninputs A[M, K], B[K, N], C[M], D[M]\n"
    left = "Z[m]" if "[k, n]" not in right else "Z[m, n]"
    return cascade(f"{ranks}{left} = {right}\n").steps[0]


def unit(*names: str, cycles: float = 1) -> ComputeUnit:
    return ComputeUnit("unit", "buffer", (), tuple(Operation(name, cycles) for name in names))


@pytest.mark.parametrize(
    ("right", "operations"),
    [
        ("A[m, k] * B[k, n]", {"mac": 1}),  # a product that is summed
        ("sum(k) A[m, k] * C[m]", {"mac": 1}),
        ("A[m, k]", {"add": 1}),
        ("max(k) A[m, k]", {"max": 1}),
        ("max(k) A[m, k] * C[m]", {"mul": 1, "max": 1}),
        ("C[m] * D[m]", {"mul": 1}),  # nothing is summed
        ("C[m] * D[m] + C[m]", {"mac": 1}),
        ("C[m] + C[m] * D[m]", {"mac": 1}),
        ("C[m] * D[m] * C[m] + D[m]", {"mac": 1, "mul": 1}),
        ("exp(C[m] - D[m])", {"sub_exp": 1}),
        ("exp(C[m] + D[m])", {"exp": 1, "add": 1}),
        ("exp(exp(C[m] - D[m]))", {"exp": 1, "sub_exp": 1}),
        ("-C[m] / D[m]", {"neg": 1, "div": 1}),
        ("square(C[m])", {"square": 1}),
        ("C[m]", {}),  # a copy
        ("C[m] * (2 * 3)", {"mul": 1}),  # what is constant is known before
        ("C[m] / (m + 1)", {"div": 1, "add": 1}),
        ("C[m] * D[m] + C[m] * D[m]", {"mac": 1, "mul": 1}),
    ],
)
def test_operations(right: str, operations: dict[str, int]) -> None:
    everything = unit("mac", "mul", "add", "sub", "max", "exp", "sub_exp", "div", "neg", "square")
    assert needed(einsum(right), everything) == operations


def test_without_the_fused_ones() -> None:
    plain = unit("mul", "add", "sub", "exp")
    assert needed(einsum("A[m, k] * B[k, n]"), plain) == {"mul": 1, "add": 1}
    assert needed(einsum("exp(C[m] - D[m])"), plain) == {"exp": 1, "sub": 1}
    assert needed(einsum("C[m] * D[m] + C[m]"), plain) == {"mul": 1, "add": 1}


@pytest.mark.parametrize(
    ("right", "stand_in"),
    [
        ("C[m] - D[m]", "add"),
        ("-C[m]", "add"),
        ("C[m] * D[m]", "mac"),
        ("square(C[m])", "mul"),
        ("min(k) A[m, k]", "max"),
        ("relu(C[m])", "max"),
        ("exp2(C[m])", "exp"),
        ("reciprocal(C[m])", "div"),
        ("C[m] + D[m]", "mac"),
    ],
)
def test_an_operation_that_does_it_too(right: str, stand_in: str) -> None:
    able = unit(stand_in)
    (name,) = needed(einsum(right), able)
    assert operation_on(able, name, einsum(right)).name == stand_in
    assert supports(able, einsum(right))


def test_a_function_from_its_definition() -> None:
    able = unit("exp", "add", "div", "mul")
    assert needed(einsum("sigmoid(C[m])"), able) == {"exp": 1, "add": 1, "div": 1}
    assert needed(einsum("sigmoid(C[m])"), unit("sigmoid")) == {"sigmoid": 1}


def test_what_a_unit_lacks() -> None:
    able = unit("mac")
    assert missing(able, einsum("C[m] / D[m]")) == ("div",)
    with pytest.raises(SpecError) as caught:
        operation_on(able, "div", einsum("C[m] / D[m]"))
    assert caught.value.message == "unit cannot compute Z: it has no div"
    assert caught.value.rule == "its operations are mac"


def test_no_unit_at_all() -> None:
    message = str(no_unit(einsum("erf(C[m])"), load_architecture("flat-cloud")))
    assert "no unit of flat-cloud can compute Z" in message
    assert "array_2d lacks erf (it has mac)" in message


def test_contractions() -> None:
    assert is_contraction(einsum("A[m, k] * B[k, n]"))
    assert not is_contraction(einsum("A[m, k]"))
    assert not is_contraction(einsum("C[m] * D[m]"))
    assert not is_contraction(einsum("max(k) A[m, k] * C[m]"))


def test_cycles_are_steps_of_the_array() -> None:
    bound = shapes(MATMUL, M=5, N=4, K=3)
    spreads = (Spread("m", "array.rows"), Spread("n", "array.columns"))
    (work,) = form(bound, nest(For("m", 2), For("n", 2), *spreads, Compute("Z", "array"))).works
    assert float(work.cycles) == 3 * 2 * 3  # the last row of the array is idle once
    assert float(work.points) == float(work.useful_points) == float(work.macs) == 60


def test_cycles_of_an_operation() -> None:
    text = "ranks M\ninputs C[M]\nZ[m] = exp(C[m])\n"
    bound = shapes(text, M=8)
    (on_array,) = form(bound, nest(Spread("m", "array.rows"), Compute("Z", "array"))).works
    (on_vector,) = form(bound, nest(Spread("m", "vector.lanes"), Compute("Z", "vector"))).works
    assert float(on_array.cycles) == 4 * 4
    assert float(on_vector.cycles) == 2
    assert float(on_array.macs) == 0


def test_an_operation_that_is_not_there_is_an_error_of_the_mapping() -> None:
    bound = shapes("ranks M\ninputs C[M]\nZ[m] = C[m] / 2\n", M=8)
    with pytest.raises(SpecError, match="array cannot compute Z: it has no div"):
        form(bound, nest(Compute("Z", "array")))
    architecture = chip()
    fast = replace(architecture.unit("array"), operations=(Operation("div", 0.5),))
    assert (
        float(
            form(
                bound,
                nest(Compute("Z", "array")),
                replace(architecture, units=(fast, *architecture.units[1:])),
            )
            .works[0]
            .cycles
        )
        == 4
    )
