"""Rounding to number formats, and their bits.

Values are float64 arrays, which hold every value of every format (but most of a format's values
only within it): rounding moves a value to the nearest one of a format, ties to even.

A value below the smallest normal number of a format of 8 bits or more is zero of the same sign
(the hardware has no denormals); one that rounds up to the smallest normal number is that number.
The OCP formats of 6 and 4 bits and the block-scaled ones keep their denormals, half of their
values. Formats with an infinity overflow to it; the others saturate, infinity included, as do
integers. Integers have no NaN: it becomes 0.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from einsum.errors import SpecError
from einsum.formats import Format

Values: TypeAlias = npt.NDArray[np.float64]
Bits: TypeAlias = npt.NDArray[np.uint32]


def round_to(format: Format, values: npt.ArrayLike) -> Values:
    """The value of `format` nearest to each of `values`; ties go to the even one.

    In a block-scaled format the blocks are consecutive values of the last axis, of which the
    last block may be short; their scale is the largest power of two at which the largest
    magnitude is within the format's largest binade (OCP Microscaling v1.0, section 6.3).
    """
    exact = np.asarray(values, dtype=np.float64)
    if format.block:
        return _round_blocks(format, exact)
    if format.is_integer:
        limit = 2.0 ** (format.bits - 1)
        return np.clip(
            np.rint(np.nan_to_num(exact, posinf=limit, neginf=-limit)), -limit, limit - 1
        )
    return _round_float(format, exact)


def _round_float(format: Format, exact: Values) -> Values:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = _significand(format, exact)
    size = np.abs(rounded)
    if not format.has_denormals:
        rounded = np.where(size < format.smallest_normal, np.copysign(0.0, exact), rounded)
    bound = np.inf if format.has_infinity else format.largest
    return np.where(size > format.largest, np.copysign(bound, exact), rounded)


def _significand(format: Format, exact: Values) -> Values:
    if format.precision == 53:
        return exact
    if format.precision == 24 and format.exponent == 8:
        # NumPy rounds gradually below the smallest normal number, where only the values that
        # round up to it matter.
        single = exact.astype(np.float32).astype(np.float64)
        short = np.abs(exact) < format.smallest_normal * (1 - 2.0**-25)
        return np.where(short, np.copysign(0.0, exact), single)
    fraction, exponent = np.frexp(exact)
    places = np.full_like(exponent, format.precision)
    if format.has_denormals:
        first = int(np.log2(format.smallest_normal)) + 1
        places = np.minimum(places, places + exponent - first)
    rounded = np.ldexp(np.rint(np.ldexp(fraction, places)), exponent - places)
    return np.where(np.isfinite(exact), rounded, exact)


def _round_blocks(format: Format, exact: Values) -> Values:
    element = format.element
    if exact.ndim == 0 or exact.shape[-1] == 0:
        raise SpecError(f"{format.name} rounds blocks of values, not an array of {exact.shape}")
    short = -exact.shape[-1] % format.block
    padded = np.pad(exact, [(0, 0)] * (exact.ndim - 1) + [(0, short)])
    blocks = padded.reshape(*exact.shape[:-1], -1, format.block)
    peak = np.max(np.abs(np.where(np.isfinite(blocks), blocks, 0)), axis=-1, keepdims=True)
    top = np.floor(np.log2(element.largest))
    power = np.clip(np.frexp(peak)[1] - 1 - top, -127, 127)
    scale = np.where(peak > 0, np.exp2(power), 1.0)
    rounded = (_round_float(element, blocks / scale) * scale).reshape(padded.shape)
    return np.asarray(rounded[..., : exact.shape[-1]])


def to_bits(format: Format, values: npt.ArrayLike) -> Bits:
    """The bits of values of `format`, right-aligned. Rounds what is none of its values.

    `SpecError` for a format of more than 32 bits or with block scales, and for a NaN in a format
    without one.
    """
    _single(format)
    rounded = round_to(format, values)
    if format.is_integer:
        return np.asarray(rounded.astype(np.int64) & (2**format.bits - 1), dtype=np.uint32)
    size = np.abs(rounded)
    finite = np.isfinite(rounded)
    with np.errstate(invalid="ignore"):
        exponent = np.frexp(np.where(finite, size, 0.0))[1]
        field = exponent.astype(np.int64) - 1 + format.bias
        normal = (field >= 1) & (size > 0)
        quantum = np.where(normal, exponent - format.precision, 1 - format.bias - format.mantissa)
        mantissa = np.ldexp(np.where(finite, size, 0.0), -quantum).astype(np.int64)
    bits = np.where(
        normal, (field << format.mantissa) + mantissa - (1 << format.mantissa), mantissa
    )
    top = ((1 << format.exponent) - 1) << format.mantissa
    bits = np.where(np.isinf(rounded), top, bits)
    bits = bits | (np.signbit(rounded).astype(np.int64) << (format.bits - 1))
    if (nan := np.isnan(rounded)).any():
        bits = np.where(nan, _nan_bits(format), bits)
    return np.asarray(bits, dtype=np.int64).astype(np.uint32)


def from_bits(format: Format, bits: npt.ArrayLike) -> Values:
    """The values that `bits` stand for; bits above the format's are ignored.

    Denormals are zero in the formats that have none. Raises `SpecError` as `to_bits` does.
    """
    _single(format)
    raw = np.asarray(bits).astype(np.int64) & (2**format.bits - 1)
    sign = raw >> (format.bits - 1)
    if format.is_integer:
        return np.asarray(raw - (sign << format.bits), dtype=np.float64)
    field = (raw >> format.mantissa) & ((1 << format.exponent) - 1)
    mantissa = raw & ((1 << format.mantissa) - 1)
    hidden = np.where(field > 0, 1 << format.mantissa, 0)
    power = np.maximum(field, 1) - format.bias - format.mantissa
    values = np.ldexp((mantissa + hidden).astype(np.float64), power)
    if not format.has_denormals:
        values = np.where(field == 0, 0.0, values)
    if format.has_infinity:
        special = field == (1 << format.exponent) - 1
        values = np.where(special, np.where(mantissa == 0, np.inf, np.nan), values)
    elif format.has_nan:
        values = np.where((raw & (2 ** (format.bits - 1) - 1)) == _nan_bits(format), np.nan, values)
    return np.asarray(np.where(sign == 1, -values, values))


def _nan_bits(format: Format) -> int:
    if not format.has_nan:
        raise SpecError(f"{format.name} has no NaN")
    exponent = ((1 << format.exponent) - 1) << format.mantissa
    if not format.has_infinity:
        return exponent | ((1 << format.mantissa) - 1)
    return exponent | (1 << (format.mantissa - 1))


def _single(format: Format) -> None:
    if format.block or format.bits > 32:
        raise SpecError(
            f"{format.name} has no bits of one value in a word",
            rule="bits are of formats without block scales, of at most 32 bits",
        )


def equal_bits(one: Any, other: Any) -> bool:
    """Whether two arrays of values are the same, zeros by sign and NaN equal to NaN."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    same = (a == b) & (np.signbit(a) == np.signbit(b))
    return a.shape == b.shape and bool(np.all(same | (np.isnan(a) & np.isnan(b))))
