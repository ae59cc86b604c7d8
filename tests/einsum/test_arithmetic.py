"""The PE's arithmetic against exact rational numbers and float64 functions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from einsum.arithmetic import EXP2_POLYNOMIALS, OPERANDS, Arithmetic, scale
from einsum.errors import SpecError
from einsum.formats import BF16, E4M3, E5M2, FORMATS, FP16, FP32, INT8, Format
from einsum.rounding import from_bits

FLOATS = [FP32, BF16, FP16, E5M2, E4M3]


def rounded_fp32(exact: Fraction) -> float:
    """The fp32 value nearest to a rational number, ties to even, denormals zero."""
    if exact == 0:
        return 0.0
    sign, size = (-1 if exact < 0 else 1), abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if size < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 23)
    quotient = size / unit
    count = quotient.numerator // quotient.denominator
    rest = quotient - count
    count += rest > Fraction(1, 2) or (rest == Fraction(1, 2) and count % 2 == 1)
    result = count * unit
    if result < Fraction(2) ** -126:
        return sign * 0.0
    return sign * (np.inf if result >= Fraction(2) ** 128 else float(result))


words = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("format", FLOATS, ids=lambda one: one.name)
@given(words, words, words, st.integers(-3, 3), st.integers(0, 2))
def test_fma_rounds_once(format: Format, a: int, b: int, c: int, near: int, kind: int) -> None:
    x, y = from_bits(format, a), from_bits(format, b)
    z = from_bits(FP32, c)
    with np.errstate(all="ignore"):
        if kind == 1 and np.isfinite(x * y):  # cancels but for a few of the last digits
            z = np.float64(np.float32(-x * y)) * (1 + near * 2.0**-23)
            z = np.float64(np.float32(z))
        elif kind == 2 and np.isfinite(x * y):  # half of its last digit
            z = np.float64(np.float32(x * y * 2.0 ** (24 + near)))
        if 0 < abs(z) < 2.0**-126:
            z = np.float64(0)
    if not (np.isfinite(x) and np.isfinite(y) and np.isfinite(z)):
        return
    found = float(Arithmetic(format).fma(x, y, z))
    assert found == rounded_fp32(Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z)))


def test_fma_is_not_a_product_rounded_to_fp32_and_a_sum() -> None:
    """Why the golden model is no float32 arithmetic: a product of bf16 values may leave fp32."""
    a, b, c = 2.0**100, 2.0**100, -np.float64(np.finfo(np.float32).max)
    assert np.isinf(Arithmetic(BF16).fma(a, b, c))
    tiny = 2.0**-75
    expected = 2.0**-126 + 2.0**-149
    assert Arithmetic(BF16).fma(tiny, 1.5 * tiny, 2.0**-126) == np.float32(expected)


def test_specials_of_fma() -> None:
    pe = Arithmetic(BF16)
    inf, nan = np.inf, np.nan
    found = pe.fma(
        [inf, inf, inf, nan, 1, 0, -0.0], [0, 1, 1, 1, 1, 5, 5], [1, -inf, 1, 1, nan, -0.0, -0.0]
    )
    assert np.isnan(found[[0, 1, 3, 4]]).all()
    assert found[2] == inf
    assert not np.signbit(found[5]), "0 + -0 is +0"
    assert np.signbit(found[6]), "-0 + -0 is -0"
    assert not np.signbit(pe.fma(1, 1, -1)), "what cancels is +0"


def test_int8_wraps_at_32_bits() -> None:
    pe = Arithmetic(INT8)
    assert pe.fma(-128, -128, 2**31 - 1) == -(2**31) + 2**14 - 1
    assert pe.fma(127, -128, -(2**31)) == 2**31 - 127 * 128
    assert pe.narrow([300, -300]).tolist() == [127, -128]


def test_maximum_follows_ieee_754_2019() -> None:
    pe = Arithmetic(FP32)
    assert np.isnan(pe.maximum([np.nan, 1], [1, np.nan])).all()
    zeros = pe.maximum([0.0, -0.0, -0.0], [-0.0, 0.0, -0.0])
    assert np.signbit(zeros).tolist() == [False, False, True]
    assert pe.maximum(-np.inf, -3.0) == -3.0


@pytest.mark.parametrize("format", FLOATS, ids=lambda one: one.name)
@pytest.mark.parametrize("degree", EXP2_POLYNOMIALS)
def test_exp2_is_as_accurate_as_docs_say(format: Format, degree: int) -> None:
    polynomial = {2: 2.1e-3, 3: 8.6e-5, 4: 3.0e-6, 5: 1.6e-7, 6: 7e-8}[degree]
    bound = polynomial + {FP32: 1e-7, BF16: 2.7e-3, FP16: 3.4e-4, E5M2: 6.8e-2, E4M3: 4e-2}[format]
    values = np.linspace(-126, 127, 50_001).astype(np.float32).astype(np.float64)
    found = Arithmetic(format, degree).exp2(values)
    assert np.max(np.abs(found / np.exp2(values) - 1)) < bound
    assert np.array_equal(
        Arithmetic(format, degree).exp2(np.arange(-126, 128)), 2.0 ** np.arange(-126, 128)
    )


@pytest.mark.parametrize("format", FLOATS, ids=lambda one: one.name)
def test_exp2_of_specials(format: Format) -> None:
    found = Arithmetic(format).exp2(
        [np.inf, -np.inf, np.nan, 1e30, -1e30, 128.0, -127.5, 0.0, -0.0]
    )
    assert np.array_equal(found, [np.inf, 0, np.nan, np.inf, 0, np.inf, 0, 1, 1], equal_nan=True)


@pytest.mark.parametrize("format", FLOATS, ids=lambda one: one.name)
@given(st.floats(-300, 300, width=32))
def test_split_parts_add_up(format: Format, value: float) -> None:
    power, fraction = Arithmetic(format).exp2_split(value)
    assert 0 <= fraction < 1
    assert Arithmetic(format).narrow(fraction) == fraction, "it is an operand"
    if abs(value) < 256:
        step = 2.0**-format.precision
        assert abs(power + fraction - value) <= step / (1 if format == FP32 else 2)


@pytest.mark.parametrize("format", FLOATS, ids=lambda one: one.name)
def test_reciprocal(format: Format) -> None:
    pe = Arithmetic(format)
    rng = np.random.default_rng(1)
    values = pe.narrow(rng.standard_normal(5000) * 2.0 ** rng.integers(-5, 6, 5000))
    values = values[values != 0]
    error = np.max(np.abs(pe.reciprocal(values) * values - 1))
    assert error < {FP32: 1e-7, BF16: 4e-5, FP16: 6e-5, E5M2: 1.6e-2, E4M3: 4e-3}[format]
    specials = pe.reciprocal([0.0, -0.0, np.inf, -np.inf, np.nan])
    assert np.array_equal(specials, [np.inf, -np.inf, 0, 0, np.nan], equal_nan=True)
    assert np.signbit(specials).tolist()[:4] == [False, True, False, True]
    assert pe.reciprocal_steps == {32: 7, 16: 5, 8: 3}[format.bits]


def test_natural_exponential_multiplies_first() -> None:
    values = np.linspace(-80, 0, 10_001).astype(np.float32).astype(np.float64)
    found = Arithmetic(FP32, 5).exp(values)
    assert np.max(np.abs(found / np.exp(values) - 1)) < 5e-6


def test_scale_leaves_the_range_at_its_ends() -> None:
    one = np.array([1.0, 1.0, 1.0, -1.0])
    assert scale(one, np.array([127, 128, -126, -127])).tolist() == [2.0**127, np.inf, 2.0**-126, 0]


def test_refuses_what_no_pe_computes() -> None:
    with pytest.raises(SpecError, match="no PE multiplies fp64"):
        Arithmetic(FORMATS["fp64"])
    with pytest.raises(SpecError, match="degree 7"):
        Arithmetic(BF16, 7)
    for operation in (Arithmetic(INT8).exp2, Arithmetic(INT8).reciprocal):
        with pytest.raises(SpecError, match="int8"):
            operation(1.0)
    assert [one.name for one in OPERANDS] == ["fp32", "bf16", "fp16", "e5m2", "e4m3", "int8"]
