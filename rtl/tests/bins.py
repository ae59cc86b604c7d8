"""Functional coverage: which situations the vectors of a run made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from einsum.formats import FP32
from einsum.rounding import Values, from_bits, round_to
from rtl.tests.leaf_model import LeafModel, Operation, Words
from rtl.tests.vectors import Vectors

Mask = npt.NDArray[np.bool_]


@dataclass
class Bins:
    """Vectors by bin, named `operation.situation`; every bin of a sampled operation is listed."""

    model: LeafModel
    counts: dict[str, int] = field(default_factory=dict)

    def sample(self, operation: Operation, vectors: Vectors, found: Words) -> None:
        """Count what the checked batch `vectors` made."""
        with np.errstate(all="ignore"):
            for name, mask in self._bins(operation, vectors, found):
                key = f"{operation.name.lower()}.{name}"
                self.counts[key] = self.counts.get(key, 0) + int(np.count_nonzero(mask))

    @property
    def missed(self) -> list[str]:
        return sorted(name for name, count in self.counts.items() if count == 0)

    def _bins(
        self, operation: Operation, vectors: Vectors, found: Words
    ) -> Iterator[tuple[str, Mask]]:
        operand, accumulator = self.model.operand, self.model.accumulator
        first = from_bits(operand if operation is Operation.MAC else accumulator, vectors.a)
        second = from_bits(operand if operation is Operation.MAC else accumulator, vectors.b)
        match operation:
            case Operation.MAC:
                yield from self._sums(first, second, from_bits(accumulator, vectors.c), found)
            case Operation.MAX:
                yield from self._maxima(first, second)
            case Operation.EXP:
                yield "overflow", np.isfinite(first) & (first > 128)
                yield "underflow", np.isfinite(first) & (first < -127)
                yield "whole", (first == np.floor(first)) & (np.abs(first) < 126)
                yield "fraction", (first != np.floor(first)) & (np.abs(first) < 126)
                yield "tiny", (np.abs(first) < 2.0**-26) & (first != 0)
                yield "positive", (first > 0) & (first < 126)
                yield "infinite", np.isinf(first)
                yield "nan", np.isnan(first)
            case Operation.NARROW:
                yield from self._roundings(first, from_bits(operand, found))
            case _:
                return

    def _sums(self, a: Values, b: Values, c: Values, found: Words) -> Iterator[tuple[str, Mask]]:
        product, result = a * b, from_bits(self.model.accumulator, found)
        exact = product + c  # to 53 digits: enough to name the situation
        if self.model.operand.is_integer:
            yield "wraps", exact != result
            yield "kept", exact == result
            yield "negative product", product < 0
            yield "largest product", np.abs(product) == 2.0**14
            return
        usual = np.isfinite(product) & np.isfinite(c) & (product != 0) & (c != 0)
        larger = np.maximum(np.abs(product), np.abs(c))
        gap = np.frexp(np.abs(product))[1] - np.frexp(np.abs(c))[1]
        inside = usual & np.isfinite(result) & (result != 0)
        half = np.abs(np.spacing(result.astype(np.float32)).astype(np.float64)) / 2
        yield "rounds up", inside & (np.abs(result) > np.abs(exact))
        yield "rounds down", inside & (np.abs(result) < np.abs(exact))
        yield "exact", inside & (result == exact)
        yield "tie", inside & (np.abs(exact - result) == half)
        yield "cancels 8 digits", inside & (np.abs(result) < larger * 2.0**-8)
        yield "cancels to zero", usual & (exact == 0)
        yield "product far larger", usual & (gap > 40)
        yield "addend far larger", usual & (gap < -40)
        yield "infinite operand", np.isinf(a) | np.isinf(b) | np.isinf(c)
        yield "nan operand", np.isnan(a) | np.isnan(b) | np.isnan(c)
        yield "zero product", (a == 0) | (b == 0)
        yield "negative zero", (result == 0) & np.signbit(result)
        if self.model.operand.has_infinity:
            yield "invalid", np.isnan(result) & ~np.isnan(a) & ~np.isnan(b) & ~np.isnan(c)
        if self.model.operand.exponent == FP32.exponent:  # other products stay inside fp32
            yield "overflow", usual & np.isinf(result)
            yield "underflow", usual & (exact != 0) & (result == 0)

    def _maxima(self, a: Values, b: Values) -> Iterator[tuple[str, Mask]]:
        yield "changed", b > a
        yield "not changed", b < a
        yield "equal", (a == b) & (a != 0)
        yield "both negative", (a < 0) & (b < 0)
        if not self.model.operand.is_integer:
            yield "zeros of both signs", (a == 0) & (b == 0) & (np.signbit(a) != np.signbit(b))
            yield "nan", np.isnan(a) ^ np.isnan(b)
            yield "minus infinity", np.isneginf(a) | np.isneginf(b)

    def _roundings(self, value: Values, result: Values) -> Iterator[tuple[str, Mask]]:
        operand = self.model.operand
        if operand == FP32:
            yield "exact", value == result
            return
        if operand.is_integer:
            yield "saturates", value != result
            yield "exact", value == result
            return
        finite = np.isfinite(value)
        size, rounded = np.abs(value), np.abs(result)
        step = 2.0 ** (np.frexp(size)[1] - operand.precision)
        inside = finite & (size >= operand.smallest_normal) & (size <= operand.largest)
        yield "rounds up", inside & (rounded > size)
        yield "rounds down", inside & (rounded < size)
        yield "tie", inside & (np.abs(value - result) * 2 == step)
        yield "exact", inside & (value == result)
        yield "overflow", finite & (size > operand.largest) & (rounded != size)
        if operand.exponent < FP32.exponent:
            yield "underflow", (value != 0) & (result == 0)
            yield "up to smallest", (size < operand.smallest_normal) & (rounded > 0)
        yield "infinite", np.isinf(value)
        yield "nan", np.isnan(value)
        assert np.array_equal(round_to(operand, result), result, equal_nan=True)
