"""Three ways to build an exponential: on the MAC, piecewise linear, a dedicated unit.

The first is `pe_exp`, whose golden model is `einsum.arithmetic`; here are those of the other two,
and the three beside each other in area, cycles and error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from einsum.arithmetic import Arithmetic, scale
from einsum.formats import Format
from einsum.rounding import Values
from rtl.build import Design
from rtl.formats import rtl_format
from rtl.synthesis.flow import synthesize

_HERE = Path(__file__).parent
_SOURCES = tuple(_HERE / f"{name}.sv" for name in ("exp_pkg", "exp_pwl", "exp_unit"))
_OFFSETS = np.array([0, 369, 773, 1213, 1694, 2218, 2789, 3413])
_SLOPES = np.array([92, 101, 110, 120, 131, 143, 156, 170])
"""Of 2**f in each eighth, times 2**12 and 2**18: the least relative error, with f(0) = 1."""


def piecewise_linear(values: npt.ArrayLike) -> Values:
    """What `exp_pwl.sv` makes of fp32 values."""

    def mantissa(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        eighth, rest = digits >> 8, digits & 255
        line = _OFFSETS[eighth] + ((_SLOPES[eighth] * rest + 32) >> 6)
        return np.asarray(np.minimum(line, 4095) / 2**12)

    return _fixed_point(values, 11, mantissa)


def dedicated(values: npt.ArrayLike) -> Values:
    """What `exp_unit.sv` makes of fp32 values."""

    def mantissa(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        second = ((1263 * digits) >> 14) + 3730
        third = ((second * digits) >> 14) + 11389
        return np.asarray(((third * digits) >> 14) / 2**14)

    return _fixed_point(values, 14, mantissa)


def _fixed_point(
    values: npt.ArrayLike,
    digits: int,
    mantissa: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]],
) -> Values:
    exact = np.asarray(values, dtype=np.float64)
    inside = np.abs(exact) < 256
    fixed = np.floor(np.where(inside, exact, 0.0) * 2.0**digits + 0.5).astype(np.int64)
    result = scale(1.0 + mantissa(fixed & (2**digits - 1)), fixed >> digits)
    beyond = np.where(exact > 0, np.inf, 0.0)
    return np.where(np.isnan(exact), np.nan, np.where(inside, result, beyond))


@dataclass(frozen=True, slots=True)
class Exponential:
    """One way, in one format: what it adds to a PE that has a MAC, and how good it is.

    `area_um2` is None and `cycles` 0 for the exact function, which is no hardware.
    `max_rel_error` is that of the result before it is rounded to the format, for arguments from
    -126 to 0; `attention_error` is the relative L2 error of attention.
    """

    name: str
    area_um2: float | None
    mac_area_um2: float
    cycles: int
    max_rel_error: float
    attention_error: float


def compare_exponentials(operand: Format, degrees: tuple[int, ...]) -> tuple[Exponential, ...]:
    """On the MAC with each of `degrees`, piecewise linear, dedicated. Needs yosys."""
    number = ("Format", rtl_format(operand.name))
    mac = synthesize(Design("pe_mac", (number,))).area_um2
    found = []
    for degree in degrees:
        more = synthesize(Design("pe_exp", (number, ("ExpDegree", degree)))).area_um2 - mac
        exp2 = Arithmetic(operand, degree).exp2
        found.append(_exponential(f"on the MAC, degree {degree}", more, mac, degree, exp2, operand))
    for name, top, exp2 in (
        ("piecewise linear", "exp_pwl", piecewise_linear),
        ("dedicated unit", "exp_unit", dedicated),
    ):
        area = synthesize(unit_design(top)).area_um2
        found.append(_exponential(name, area, mac, 1, exp2, operand))
    found.append(_exponential("exact", None, mac, 0, np.exp2, operand))
    return tuple(found)


def _exponential(
    name: str,
    area: float | None,
    mac: float,
    cycles: int,
    exp2: Callable[[Values], Values],
    operand: Format,
) -> Exponential:
    values = np.linspace(-126, 0, 200_001).astype(np.float32).astype(np.float64)
    error = float(np.max(np.abs(exp2(values) / np.exp2(values) - 1)))
    return Exponential(name, area, mac, cycles, error, attention_error(operand, exp2))


def attention_error(
    operand: Format,
    exp2: Callable[[Values], Values],
    keys: int = 256,
    size: int = 64,
    seed: int = 1,
) -> float:
    """Relative L2 error of softmax(Q K / sqrt(size)) V against float64 on the same operands.

    Q holds log2(e) / sqrt(size); weights and operands are of the format `operand`, sums exact
    to float64, so that the exponential and the rounding of its result are all that differs.
    """
    pe = Arithmetic(operand)
    rng = np.random.default_rng(seed)
    q, k, v = (pe.narrow(rng.standard_normal((keys, size))) for _ in range(3))
    q = pe.narrow(q * math.log2(math.e) / np.sqrt(size))
    scores = q @ k.T
    maxima = pe.narrow(scores.max(axis=1, keepdims=True))
    arguments = (scores - maxima).astype(np.float32).astype(np.float64)
    weights, exact = pe.narrow(exp2(arguments)), np.exp2(scores - maxima)
    found = weights @ v / weights.sum(axis=1, keepdims=True)
    wanted = exact @ v / exact.sum(axis=1, keepdims=True)
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def unit_design(name: str) -> Design:
    """The design of `exp_pwl` or `exp_unit`."""
    return Design(name, sources=_SOURCES)
