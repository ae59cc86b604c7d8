"""Stimuli of the leaf benches: every pair of special values, and random values near the edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from einsum.formats import FP32, INT32, Format
from einsum.rounding import from_bits, to_bits
from rtl.tests.leaf_model import LeafModel, Operation, Words

INFINITE = np.uint64(0x7F80_0000)
"""Positive numbers are below, as fp32 words."""


Shares: TypeAlias = npt.NDArray[np.int64]
"""To which eighth of a batch each vector belongs: what is difficult about it."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Inputs of one batch, a word each."""

    a: Words
    b: Words
    c: Words

    def __len__(self) -> int:
        return len(self.a)


def specials(format: Format) -> Words:
    """The values of `format` at which something changes, with both signs."""
    if format.is_integer:
        limit = 1 << (format.bits - 1)
        values = {0, 1, 2, 3, limit - 1, limit - 2, limit, limit + 1, 2 * limit - 1, 2 * limit - 2}
        return np.array(sorted({v % (2 * limit) for v in values}), dtype=np.uint64)
    m, top = format.mantissa, ((1 << format.exponent) - 1) << format.mantissa
    one = format.bias << m
    positive = {
        *(0, 1, (1 << m) - 1),  # zero and denormals
        *((1 << m), (1 << m) + 1, (2 << m) - 1),  # the smallest normal numbers
        *(one, one + 1, one - 1, one + (1 << m), one | ((1 << m) - 1), one | (1 << (m - 1))),
        *(top - 1, top, top | 1, top | (1 << (m - 1)), top | ((1 << m) - 1)),  # largest, inf, NaN
    }
    sign = 1 << (format.bits - 1)
    return np.array(sorted(positive | {v | sign for v in positive}), dtype=np.uint64)


def special_vectors(model: LeafModel, operation: Operation) -> Vectors:
    """All pairs of special operands with every special accumulator; all pairs for a maximum."""
    acc, operand = specials(model.accumulator), specials(model.operand)
    match operation:
        case Operation.MAC:
            lists = (operand, operand, acc)
        case Operation.SCALE:
            lists = (acc, np.arange(1024, dtype=np.uint64), acc[:1])
        case Operation.SIGNIFICAND | Operation.WIDEN:
            lists = (operand, acc[:1], acc[:1])
        case Operation.QUOTIENT:
            lists = (operand, acc[acc < INFINITE], acc[:1])
        case _:
            lists = (acc, acc, acc[:1])
    a, b, c = (each.ravel() for each in np.meshgrid(*lists, indexing="ij"))
    return Vectors(a, b, c)


def random_vectors(
    model: LeafModel, operation: Operation, count: int, rng: np.random.Generator
) -> Vectors:
    """`count` vectors, in shares: any bits, special values, and values near what is difficult."""
    a, b, c = (rng.integers(0, 2**32, count, dtype=np.uint64) for _ in range(3))
    first, second = _operands(model, operation)
    a, b = a % (1 << first.bits), b % (1 << second.bits)
    share = rng.integers(0, 8, count)
    for words, format in ((a, first), (b, second), (c, model.accumulator)):
        words[...] = np.where(
            rng.integers(0, 16, count) == 0, rng.choice(specials(format), count), words
        )
    if model.operand.is_integer:
        return Vectors(a, b, c)
    near = share >= 3  # numbers of moderate size, where sums round and cancel
    a = np.where(near, _moderate(first, count, rng), a)
    b = np.where(near, _moderate(second, count, rng), b)
    match operation:
        case Operation.MAC:
            c = _addends(model, a, b, c, share, rng)
        case Operation.MAX:
            b = np.where(share == 3, a, b)
        case Operation.EXP | Operation.SPLIT:
            argument = to_bits(FP32, rng.uniform(-150, 130, count)).astype(np.uint64)
            a = np.where(near, argument, a)
        case Operation.NARROW:
            a = _near_ties(model, a, share, rng)
        case Operation.QUOTIENT:
            b = b % INFINITE
        case _:
            pass
    return Vectors(a, b, c)


def exhaustive_pairs(model: LeafModel, rng: np.random.Generator) -> Vectors:
    """All pairs of 8-bit operands, with a random addend each."""
    a, b = np.divmod(np.arange(1 << 16, dtype=np.uint64), np.uint64(256))
    c = random_vectors(model, Operation.MAC, 1 << 16, rng).c
    return Vectors(a, b, c)


def exhaustive_bf16() -> Vectors:
    """All bf16 values, as accumulators."""
    a = np.arange(1 << 16, dtype=np.uint64) << np.uint64(16)
    return Vectors(a, np.zeros_like(a), np.zeros_like(a))


def _operands(model: LeafModel, operation: Operation) -> tuple[Format, Format]:
    """The formats of `a` and `b`."""
    match operation:
        case Operation.MAC:
            return model.operand, model.operand
        case Operation.SIGNIFICAND | Operation.QUOTIENT | Operation.WIDEN:
            return model.operand, model.accumulator
        case _:
            return model.accumulator, model.accumulator


def _moderate(format: Format, count: int, rng: np.random.Generator) -> Words:
    if format == INT32 or format.is_integer:
        return rng.integers(0, 1 << format.bits, count, dtype=np.uint64)
    spread = 2.0 ** rng.integers(-min(8, format.bias), min(8, format.bias), count)
    return to_bits(format, rng.standard_normal(count) * spread).astype(np.uint64)


def _addends(
    model: LeafModel, a: Words, b: Words, c: Words, share: Shares, rng: np.random.Generator
) -> Words:
    """Addends near minus the product, half an ulp away from it, and far smaller or larger."""
    with np.errstate(all="ignore"):
        product = from_bits(model.operand, a) * from_bits(model.operand, b)
        opposite = to_bits(FP32, -product).astype(np.int64) + rng.integers(-3, 4, len(a))
        distance = 2.0 ** rng.integers(-60, 61, len(a))
        distant = to_bits(FP32, product * distance * rng.choice([-1, 1], len(a)))
        # A power of two of which the product is a few half ulps: ties.
        half = 2.0 ** (np.frexp(product)[1] + rng.integers(20, 26, len(a)))
        tied = to_bits(FP32, half * (1 + rng.integers(0, 4, len(a)) * 2.0**-23))
    c = np.where(share == 3, opposite & 0xFFFFFFFF, c.astype(np.int64))
    c = np.where(share == 4, distant, c)
    return np.where(share == 5, tied, c).astype(np.uint64)


def _near_ties(model: LeafModel, a: Words, share: Shares, rng: np.random.Generator) -> Words:
    """Accumulators on, just above and just below the middle of two operands, at all sizes."""
    lost = 23 - model.operand.mantissa
    if lost == 0:
        return a
    middle = (a >> np.uint64(lost) << np.uint64(lost)) + np.uint64(1 << (lost - 1))
    nudged = middle.astype(np.int64) + rng.integers(-1, 2, len(a))
    a = np.where(share == 4, nudged, a.astype(np.int64)).astype(np.uint64)
    exponents = np.array([1 - model.operand.bias, int(np.log2(model.operand.largest))])
    edge = rng.choice(exponents, len(a)) + rng.integers(-2, 2, len(a)) + 127
    moved = (a & np.uint64(0x807FFFFF)) | (np.clip(edge, 0, 255).astype(np.uint64) << np.uint64(23))
    return np.where(share >= 6, moved, a)
