"""The arithmetic of a processing element, bit for bit: the golden model of `rtl/src/fp_pkg.sv`.

A PE multiplies two values of its operand format and adds an accumulator, which is fp32 (int32
for int8), with one rounding. All else is made of that operation and of exact ones: see
`rtl/README.md` for the sequences. Values are float64 arrays that hold values of the formats, as
`einsum.rounding` makes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from einsum.errors import SpecError
from einsum.formats import BF16, E4M3, E5M2, FP16, FP32, INT8, INT32, Format
from einsum.rounding import Values, round_to

OPERANDS = (FP32, BF16, FP16, E5M2, E4M3, INT8)
"""The operand formats that there is hardware for."""

EXP2_POLYNOMIALS: dict[int, tuple[float, ...]] = {
    2: (0.6659609408960434, 0.3299324044232817),
    3: (0.6951167864112018, 0.22764499121162377, 0.07706704198819869),
    4: (0.6930448449030183, 0.24128020475131592, 0.05224247422381821, 0.013426684271557007),
    5: (
        0.6931513118046011,
        0.2401644501550921,
        0.05579991310372876,
        0.009017030322455518,
        0.0018671300698707444,
    ),
    6: (
        0.6931470444433238,
        0.24022930555224473,
        0.055485280618575106,
        0.00967545156707665,
        0.0012467846444530707,
        0.00021612914960273172,
    ),
}
"""By degree, p(f) - 1 for 2**f on [0, 1): the least relative error (Remez) with p(0) = 1."""

LOG2_E = float(np.float32(math.log2(math.e)))
_SEED_SLOPE, _SEED_OFFSET = float(np.float32(-8 / 17)), float(np.float32(24 / 17))


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What a PE of one operand format computes; `exp_degree` is that of its exponential."""

    operand: Format
    exp_degree: int = 3

    def __post_init__(self) -> None:
        if self.operand not in OPERANDS:
            names = ", ".join(one.name for one in OPERANDS)
            raise SpecError(f"no PE multiplies {self.operand.name}", rule=f"one of {names}")
        if self.exp_degree not in EXP2_POLYNOMIALS:
            raise SpecError(f"an exponential of degree {self.exp_degree}", rule="degree 2 to 6")

    @property
    def accumulator(self) -> Format:
        return INT32 if self.operand.is_integer else FP32

    @property
    def reciprocal_steps(self) -> int:
        """Multiply-adds of a reciprocal: a seed, then two for every Newton iteration."""
        return 1 + 2 * self._iterations

    @property
    def _iterations(self) -> int:
        return {8: 1, 16: 2, 32: 3}[self.operand.bits]

    def narrow(self, values: npt.ArrayLike) -> Values:
        """Accumulators rounded to operands."""
        return round_to(self.operand, values)

    def fma(self, a: npt.ArrayLike, b: npt.ArrayLike, acc: npt.ArrayLike) -> Values:
        """a * b + acc with one rounding; `a` and `b` are operands."""
        x, y, z = (np.asarray(each, dtype=np.float64) for each in (a, b, acc))
        with np.errstate(all="ignore"):
            product = x * y  # exact: at most 48 digits, and no fp32 product leaves float64
            if self.operand.is_integer:
                return np.asarray((product + z + 2.0**31) % 2.0**32 - 2.0**31)
            return round_to(FP32, _sum_to_odd(product, z))

    def maximum(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
        """The larger accumulator; NaN if one is, and +0 is larger than -0 (IEEE 754-2019)."""
        x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where((x == 0) & (y == 0), x + y, np.maximum(x, y)))

    def subtract(self, acc: npt.ArrayLike, operand: npt.ArrayLike) -> Values:
        """acc - operand."""
        return self.fma(operand, -1.0, acc)

    def exp2(self, values: npt.ArrayLike) -> Values:
        """2**values for accumulators, by base-2 range reduction and Horner's rule."""
        self._needs_fractions("an exponential")
        power, fraction = self.exp2_split(values)
        *inner, leading = EXP2_POLYNOMIALS[self.exp_degree]
        acc = np.full_like(fraction, np.float32(leading))
        for coefficient in (*inner[::-1], 1.0):
            acc = self.fma(self.narrow(acc), fraction, np.float32(coefficient))
        return scale(acc, power)

    def exp(self, values: npt.ArrayLike) -> Values:
        """The natural exponential: one more multiplication, by log2(e), in fp32.

        Only an fp32 PE can do it in line; for others log2(e) belongs into what the values are
        computed from, and the cascade uses `exp2`.
        """
        return self.exp2(Arithmetic(FP32).fma(values, LOG2_E, 0.0))

    def exp2_split(self, values: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], Values]:
        """(power, fraction) with power + fraction = value; the fraction is an operand in [0, 1).

        It has as many binary digits as the format has precision. fp32 rounds down to it, other
        formats to the nearest, half up. Beyond +-256 the power saturates.
        """
        exact = np.asarray(values, dtype=np.float64)
        digits = self.operand.precision
        half = 0.0 if self.operand == FP32 else 0.5
        with np.errstate(invalid="ignore"):
            outside = np.abs(exact) >= 256
            fixed = np.floor(np.where(outside, 0.0, exact) * 2.0**digits + half)
        nan = np.isnan(exact)
        power = np.floor_divide(np.where(nan, 0.0, fixed), 2.0**digits)
        fraction = np.where(nan, np.nan, fixed - power * 2.0**digits) * 2.0**-digits
        saturated = np.where(exact > 0, 511, -512)
        return np.where(outside, saturated, power).astype(np.int64), fraction

    def reciprocal(self, operand: npt.ArrayLike) -> Values:
        """1 / operand by Newton's iteration on the MAC; exact for zero and infinity."""
        self._needs_fractions("a reciprocal")
        x = np.asarray(operand, dtype=np.float64)
        special = (x == 0) | ~np.isfinite(x)
        half, exponent = np.frexp(np.where(special, 1.0, np.abs(x)))
        m = 2 * half
        y = self.fma(m, self.narrow(_SEED_SLOPE), _SEED_OFFSET)
        for _ in range(self._iterations):
            y = self.narrow(y)
            y = self.fma(y, self.narrow(self.fma(-m, y, 1.0)), y)
        with np.errstate(divide="ignore"):
            exact = 1.0 / x
        return np.where(special, exact, np.copysign(scale(y, 1 - exponent), x))

    def divide(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
        """a / b for operands: a reciprocal, rounded to an operand, and a multiplication."""
        return self.fma(a, self.narrow(self.reciprocal(b)), 0.0)

    def _needs_fractions(self, what: str) -> None:
        if self.operand.is_integer:
            raise SpecError(f"{what} of {self.operand.name}", rule="use a floating-point format")


def scale(acc: Values, power: npt.ArrayLike) -> Values:
    """acc * 2**power in fp32, for accumulators."""
    with np.errstate(over="ignore"):
        return round_to(FP32, np.ldexp(acc, power))


def _sum_to_odd(a: Values, b: Values) -> Values:
    """a + b in float64, with its last digit odd if the sum is not exact.

    A sum that is rounded to odd with at least two digits to spare rounds further as the exact one
    does (Boldo and Melquiond, IEEE Trans. Computers 57(4), 2008); the error is Knuth's TwoSum.
    """
    total = np.asarray(a + b)
    part = total - a
    error = (a - (total - part)) + (b - part)
    bits = total.view(np.int64)
    inexact = (np.abs(error) > 0) & (bits & 1 == 0)  # not where it is NaN
    toward = np.where((error > 0) == (total > 0), 1, -1)
    return np.where(inexact, bits + toward, bits).view(np.float64)
