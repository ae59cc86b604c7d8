"""Rounding against independent references: NumPy's types, exact fractions, the formats' tables."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from einsum.errors import SpecError
from einsum.formats import BF16, E4M3, E5M2, FORMATS, FP16, FP32, INT8, Format
from einsum.rounding import equal_bits, from_bits, round_to, to_bits

SMALL = [FORMATS[name] for name in ("bf16", "fp16", "e5m2", "e4m3", "e3m2", "e2m3", "e2m1")]
ALL_FLOATS = [*SMALL, FP32]


def table(format: Format) -> list[Fraction]:
    """Every finite value of a format, ascending, from the definition of its fields."""
    found = {Fraction(0)}
    for field in range(1 << format.exponent):
        for mantissa in range(1 << format.mantissa):
            if field == 0 and not format.has_denormals:
                continue
            hidden = (1 << format.mantissa) if field else 0
            power = max(field, 1) - ((1 << (format.exponent - 1)) - 1) - format.mantissa
            value = Fraction(hidden + mantissa) * Fraction(2) ** power
            found |= {value, -value}
    limit = Fraction(format.largest)
    return sorted(value for value in found if abs(value) <= limit)


@pytest.mark.parametrize(
    ("format", "largest", "smallest"),
    [
        (E4M3, 448.0, 2.0**-6),
        (E5M2, 57344.0, 2.0**-14),
        (FORMATS["e3m2"], 28.0, 0.25),
        (FORMATS["e2m3"], 7.5, 1.0),
        (FORMATS["e2m1"], 6.0, 1.0),
        (FP16, float(np.finfo(np.float16).max), float(np.finfo(np.float16).tiny)),
        (FP32, float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_ranges_are_the_standards(format: Format, largest: float, smallest: float) -> None:
    assert format.largest == largest
    assert format.smallest_normal == smallest


@pytest.mark.parametrize("name", ["e5m2", "e4m3", "e3m2", "e2m3", "e2m1"])
def test_rounds_to_the_nearest_value_of_the_table(name: str) -> None:
    format = FORMATS[name]
    exact = table(format)
    values = np.array([float(value) for value in exact])
    middles = np.array([float((a + b) / 2) for a, b in pairwise(exact)])
    rng = np.random.default_rng(1)
    spread = rng.standard_normal(3000) * 2.0 ** rng.integers(-8, 8, 3000)
    given = np.concatenate([spread[np.abs(spread) < format.largest], middles, values])
    found = round_to(format, given)
    assert np.isin(found, values).all()
    best = np.min(np.abs(given[:, None] - values), axis=1)
    # Without denormals exponents have no end before what is too small is flushed.
    flushed = (np.abs(given) < format.smallest_normal) & (not format.has_denormals)
    assert np.array_equal(np.abs(given - found)[~flushed], best[~flushed])
    assert np.isin(np.abs(found[flushed]), [0, format.smallest_normal]).all()


@pytest.mark.parametrize("format", [BF16, FP16, E4M3, E5M2], ids=lambda one: one.name)
def test_ties_go_to_the_even_value(format: Format) -> None:
    step = 2.0**-format.mantissa
    values = round_to(format, [1 + step / 2, 1 + 3 * step / 2, -1 - step / 2])
    assert values.tolist() == [1.0, 1 + 2 * step, -1.0]


def test_fp32_and_fp16_are_numpys_for_normal_results() -> None:
    rng = np.random.default_rng(2)
    values = rng.standard_normal(50_000) * 2.0 ** rng.integers(-13, 14, 50_000)
    for format, kind in ((FP32, np.float32), (FP16, np.float16)):
        with np.errstate(over="ignore"):
            expected = values.astype(kind).astype(np.float64)
        normal = np.abs(expected) >= 2 * format.smallest_normal
        assert np.array_equal(round_to(format, values)[normal], expected[normal])


@pytest.mark.parametrize("format", ALL_FLOATS, ids=lambda one: one.name)
def test_edges(format: Format) -> None:
    tiny = format.smallest_normal
    below = tiny * (1 - 2.0 ** -(format.precision + 1))
    if not format.has_denormals:
        assert round_to(format, below) == tiny, "rounds up to the smallest normal number"
        assert round_to(format, tiny * (1 - 2.0**-format.precision)) == 0
        assert np.signbit(round_to(format, -tiny / 2)), "a flushed value keeps its sign"
    beyond = round_to(format, [1e39, -1e39, np.inf, -np.inf])
    end = np.inf if format.has_infinity else format.largest
    assert beyond.tolist() == [end, -end, end, -end]
    assert np.isnan(round_to(format, np.nan))


@pytest.mark.parametrize("format", [*SMALL, INT8], ids=lambda one: one.name)
def test_bits_there_and_back(format: Format) -> None:
    bits = np.arange(1 << format.bits, dtype=np.uint32)
    values = from_bits(format, bits)
    finite = np.isfinite(values)
    assert equal_bits(round_to(format, values), values)
    back = to_bits(format, values[finite])
    kept = values[finite] != 0  # flushed denormals do not come back
    assert np.array_equal(back[kept], bits[finite][kept])
    assert equal_bits(from_bits(format, back), values[finite])


def test_bits_of_specials() -> None:
    assert to_bits(FP32, [np.nan, np.inf, -0.0, 1.0]).tolist() == [
        0x7FC00000,
        0x7F800000,
        0x80000000,
        0x3F800000,
    ]
    assert to_bits(BF16, np.nan) == 0x7FC0
    assert to_bits(FP16, np.nan) == 0x7E00
    assert to_bits(E5M2, [np.nan, -np.inf]).tolist() == [0x7E, 0xFC]
    assert to_bits(E4M3, [np.nan, np.inf]).tolist() == [0x7F, 0x7E]
    assert np.isnan(from_bits(E4M3, 0xFF))
    assert from_bits(FP32, 1) == 0, "denormals are zero"
    assert from_bits(INT8, [0x80, 0xFF]).tolist() == [-128, -1]
    with pytest.raises(SpecError, match="e2m1 has no NaN"):
        to_bits(FORMATS["e2m1"], np.nan)
    with pytest.raises(SpecError, match="mxfp8"):
        to_bits(FORMATS["mxfp8"], 1.0)


def test_integers_saturate() -> None:
    assert round_to(INT8, [126.5, 127.5, -300, np.inf, -np.inf, np.nan]).tolist() == [
        *(126.0, 127.0, -128.0),
        *(127.0, -128.0, 0.0),
    ]


@given(st.integers(1, 100), st.integers(0, 2**32 - 1))
def test_block_scaled_values_are_near(length: int, seed: int) -> None:
    format = FORMATS["mxfp8"]
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((2, length)) * 2.0 ** rng.integers(-20, 20)
    found = round_to(format, values)
    assert found.shape == values.shape
    for row, rounded in zip(values, found, strict=True):
        for start in range(0, length, 32):
            block, kept = row[start : start + 32], rounded[start : start + 32]
            top = 2.0 ** (np.frexp(np.max(np.abs(block)))[1] - 1)
            # The scale lets 1.75 of the top binade fit; the quarter above it saturates.
            assert np.max(np.abs(kept - block)) <= top / 4


def test_block_scales_are_shared() -> None:
    values = np.array([448.0, 1.0, 2.0**-10] + [0.0] * 29 + [2.0**-10])
    found = round_to(FORMATS["mxfp8"], values)
    assert found[0] == 448.0
    assert found[2] == 0.0, "beside 448 it is too small"
    assert found[32] == 2.0**-10, "a block of its own"
    with pytest.raises(SpecError, match="blocks"):
        round_to(FORMATS["mxfp8"], 1.0)
