"""What the leaf modules and the functions of `fp_pkg` must answer: bits in, bits out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from einsum.arithmetic import Arithmetic, scale
from einsum.formats import Format
from einsum.rounding import Values, from_bits, to_bits

Words: TypeAlias = npt.NDArray[np.uint64]


class Operation(Enum):
    """What `vector_bench` runs, by its number there."""

    MAC = 0
    MAX = 1
    EXP = 2
    NARROW = 3
    SPLIT = 4
    SCALE = 5
    SIGNIFICAND = 6
    QUOTIENT = 7
    WIDEN = 8


@dataclass(frozen=True, slots=True)
class LeafModel:
    """The transaction model of one format; words are right-aligned bits."""

    arithmetic: Arithmetic
    natural_base: bool = False

    @property
    def operand(self) -> Format:
        return self.arithmetic.operand

    @property
    def accumulator(self) -> Format:
        return self.arithmetic.accumulator

    def expected(self, operation: Operation, a: Words, b: Words, c: Words) -> Words:
        """The words that `operation` makes of the vectors `a`, `b` and `c`."""
        match operation:
            case Operation.MAC:
                return self._word(self.arithmetic.fma(self._in(a), self._in(b), self._acc(c)))
            case Operation.MAX:
                return self._word(self.arithmetic.maximum(self._acc(a), self._acc(b)))
            case Operation.EXP:
                exponential = self.arithmetic.exp if self.natural_base else self.arithmetic.exp2
                return self._word(exponential(self._acc(a)))
            case Operation.NARROW:
                return _words(to_bits(self.operand, self._acc(a)))
            case Operation.WIDEN:
                return self._word(self._in(a))
            case Operation.SPLIT:
                power, fraction = self.arithmetic.exp2_split(self._acc(a))
                field = _words(np.where(np.isnan(fraction), 0, power) & 0x3FF)
                return _words(to_bits(self.operand, fraction)) | field << np.uint64(32)
            case Operation.SCALE:
                power = (b & 0x3FF).astype(np.int64)
                return self._word(scale(self._acc(a), power - 1024 * (power > 511)))
            case Operation.SIGNIFICAND:
                values = np.abs(self._in(a))
                usual = (values > 0) & np.isfinite(values)
                half = np.frexp(np.where(usual, values, 1.0))[0]
                return _words(to_bits(self.operand, 2 * half))
            case Operation.QUOTIENT:
                return self._word(self._quotient(self._in(a), self._acc(b)))

    def _quotient(self, operand: Values, inverse: Values) -> Values:
        usual = (operand != 0) & np.isfinite(operand)
        exponent = np.frexp(np.where(usual, operand, 1.0))[1]
        scaled = np.copysign(scale(np.abs(inverse), 1 - exponent), operand)
        with np.errstate(divide="ignore"):
            return np.where(usual, scaled, 1.0 / operand)

    def _in(self, words: Words) -> Values:
        return from_bits(self.operand, words)

    def _acc(self, words: Words) -> Values:
        return from_bits(self.accumulator, words)

    def _word(self, values: Values) -> Words:
        return _words(to_bits(self.accumulator, values))


def _words(bits: npt.ArrayLike) -> Words:
    return np.asarray(bits).astype(np.uint64)
