"""Amounts: numbers of one mapping, or arrays of them over many candidates.

One code computes both. The amounts of a single mapping are NumPy's scalars: what arrays without
dimensions turn into, and many times as fast. The functions here do what NumPy's do, without the
cost of a universal function where there is only a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

_NUMBERS = (int, float)
_TRUTHS = (np.bool_, bool)
_scalar = cast("Callable[[float], Array]", np.float64)


def amount(value: float | Array) -> Array:
    """A number as an amount; what computes as arrays do stays as it is."""
    return _scalar(value) if isinstance(value, _NUMBERS) else value


ONE: Array = amount(1.0)
NOTHING: Array = amount(0.0)


def minimum(one: Array, other: Array) -> Array:
    """The lesser of two amounts, by candidate."""
    if isinstance(one, float) and isinstance(other, float):
        return one if one <= other else other
    return np.minimum(one, other)


def maximum(one: Array, other: Array) -> Array:
    """The greater of two amounts, by candidate."""
    if isinstance(one, float) and isinstance(other, float):
        return one if one >= other else other
    return np.maximum(one, other)


def highest(one: Array) -> Array:
    """The greatest of an amount's candidates."""
    return one if isinstance(one, float) else amount(np.max(one))


def greatest(amounts: Iterable[Array]) -> Array:
    """The greatest of some amounts, none of them negative; 0 if there are none."""
    return reduce(maximum, amounts, NOTHING)


def total(amounts: Iterable[Array]) -> Array:
    """The sum of some amounts."""
    return sum(amounts, start=NOTHING)


def where(mask: Mask, then: Array, otherwise: Array) -> Array:
    """`then` for the candidates in `mask`, `otherwise` for the others."""
    if isinstance(mask, _TRUTHS):
        return then if mask else otherwise
    return np.where(mask, then, otherwise)


def some(mask: Mask) -> bool:
    """Is any candidate in `mask`?"""
    return bool(mask) if isinstance(mask, _TRUTHS) else bool(np.any(mask))
