"""What a head is given, as float64 and as the array gets it, and how far a result may be off."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from einsum.formats import Format
from einsum.rounding import Values, round_to
from rtl.control.head import Head
from rtl.sim.golden import Operands

_POLYNOMIAL_ERRORS = {2: 2.1e-3, 3: 8.6e-5, 4: 2.9e-6, 5: 8.2e-8, 6: 2.2e-9}
"""Largest relative error of 2**f on [0, 1) by degree (einsum.arithmetic.EXP2_POLYNOMIALS)."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Queries P x E, keys M x E and values M x F in float64, and what has no weight."""

    q: Values
    k: Values
    v: Values
    masked_keys: npt.NDArray[np.bool_] | None = None
    masked_queries: npt.NDArray[np.bool_] | None = None

    @staticmethod
    def random(head: Head, seed: int = 1) -> Inputs:
        """Normally distributed, as the projections of normalized activations are."""
        draw = np.random.default_rng(seed).standard_normal
        return Inputs(draw((head.p, head.e)), draw((head.m, head.e)), draw((head.m, head.f)))

    def attention(self) -> Values:
        """softmax(Q K^T / sqrt(E)) V in float64: P x F; NaN for a query without any key."""
        scores = self.q @ self.k.T / np.sqrt(self.q.shape[1])
        if self.masked_keys is not None:
            scores[:, self.masked_keys] = -np.inf
        if self.masked_queries is not None:
            scores[self.masked_queries] = -np.inf
        with np.errstate(invalid="ignore"):
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            return np.asarray(weights @ self.v / weights.sum(axis=1, keepdims=True))


def relative_error(found: Values, exact: Values) -> float:
    """The largest |found - exact| of each row over its largest |exact|; NaNs must agree."""
    if not np.array_equal(np.isnan(found), np.isnan(exact)):
        return float("inf")
    rows = ~np.isnan(exact).any(axis=1)
    if not rows.any():
        return 0.0
    scale = np.abs(exact[rows]).max(axis=1, keepdims=True)
    return float((np.abs(found[rows] - exact[rows]) / np.where(scale == 0, 1, scale)).max())


def error_bound(head: Head, format: Format) -> float:
    """The stated error of a format: eight roundings to it, and four times that of 2**x.

    Rounding Q, K and V, the exponentials and the output each move a value by up to half a unit
    in the last place, which the sums average out; fp32 sums of E products add their own.
    """
    roundings = 2.0**-format.precision + head.e * 2.0**-24
    return 8 * roundings + 4 * _POLYNOMIAL_ERRORS[head.degree]


def operands_of(head: Head, format: Format, inputs: Inputs) -> Operands:
    """The inputs as the array gets them: rounded, in whole tiles, log2(e) / sqrt(E) within Q."""
    m, p = head.key_tiles * head.n, head.query_tiles * head.n
    scale = math.log2(math.e) / np.sqrt(head.e)

    def padded(values: Values, size: int) -> Values:
        rounded = round_to(format, values)
        return np.asarray(np.pad(rounded, ((0, size - len(rounded)), (0, 0))).T)

    keys = np.arange(m) >= head.m
    queries = np.zeros(p, dtype=bool)
    if inputs.masked_keys is not None:
        keys[: head.m] |= inputs.masked_keys
    if inputs.masked_queries is not None:
        queries[: head.p] |= inputs.masked_queries
    q, k, v = padded(inputs.q * scale, p), padded(inputs.k, m), padded(inputs.v, m)
    return Operands(q, k, v, keys, queries)
