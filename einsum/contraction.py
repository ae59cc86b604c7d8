"""Sums of products without the array of all products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from einsum.expression import Call, Expression, Number
from einsum.points import Array


@dataclass(frozen=True, slots=True)
class Product:
    """The product of `above` divided by that of `below`."""

    above: tuple[Expression, ...]
    below: tuple[Expression, ...] = ()


def factors(expression: Expression) -> Product:
    """`expression` as a product of factors that are none themselves."""
    match expression:
        case Call("mul", (left, right)):
            one, other = factors(left), factors(right)
            return Product(one.above + other.above, one.below + other.below)
        case Call("div", (left, right)):
            one, other = factors(left), factors(right)
            return Product(one.above + other.below, one.below + other.above)
        case Call("neg", (inner,)):
            one = factors(inner)
            return Product((Number(-1), *one.above), one.below)
        case _:
            return Product((expression,))


def contract(
    above: Sequence[Array],
    below: Sequence[Array],
    *,
    reduced: tuple[int, ...],
    extents: tuple[int, ...],
    present: Array | None,
    limit: int,
) -> Array | None:
    """The sum over the axes `reduced` of the product of `above` divided by that of `below`.

    Arrays have one axis per extent, of size 1 where they do not depend on it; so has the result.
    Only the points that are `present` count. A divisor that the sum does not run over divides
    the sum. No intermediate result has more than `limit` elements unless an operand or the
    result has. None where only the product of all points is right: values that are not finite
    would leave nan at absent points, and small divisors have no finite inverse.
    """
    inner = [b for b in below if any(b.shape[axis] > 1 for axis in reduced)]
    outer = [b for b in below if all(b.shape[axis] == 1 for axis in reduced)]
    with np.errstate(all="ignore"):
        inverses = [np.reciprocal(b) for b in inner]
    if not all(np.isfinite(inverse).all() for inverse in inverses):
        return None
    operands = [*above, *inverses]
    if present is not None:
        masked = _masked(operands, present)
        if masked is None:
            return None
        operands = masked
    shape = np.broadcast_shapes(*(operand.shape for operand in operands))
    kept = [axis for axis, size in enumerate(shape) if size > 1 and axis not in reduced]
    if len(operands) == 1:
        # Pairwise summation, which einsum does not do.
        total = operands[0].sum(axis=reduced)
    else:
        axes = [[axis for axis, n in enumerate(operand.shape) if n > 1] for operand in operands]
        terms = (
            x.reshape([x.shape[a] for a in own]) for x, own in zip(operands, axes, strict=True)
        )
        subscripts = f"{','.join(map(_letters, axes))}->{_letters(kept)}"
        total = np.einsum(subscripts, *terms, optimize=("greedy", limit))
    # An axis that no factor depends on repeats the product.
    repeats = math.prod(extents[axis] for axis in reduced if shape[axis] == 1)
    result = np.asarray(total).reshape([n if i in kept else 1 for i, n in enumerate(shape)])
    result = result * repeats if repeats > 1 else result
    for divisor in outer:
        result = result / divisor
    if outer and present is not None:
        # The sum of no points is 0 whatever would divide them.
        result = np.where(present.any(axis=reduced, keepdims=True), result, result.dtype.type(0))
    return np.asarray(result)


def _letters(axes: Sequence[int]) -> str:
    return "".join(chr(ord("a") + axis) for axis in axes)


def _masked(operands: Sequence[Array], present: Array) -> list[Array] | None:
    """`operands` with a product of 0 at the absent points; None if one is not finite there."""
    if not all(np.isfinite(operand).all() for operand in operands):
        return None
    for i, operand in enumerate(operands):
        if np.broadcast_shapes(operand.shape, present.shape) == operand.shape:
            zero = np.zeros((), dtype=operand.dtype)
            return [*operands[:i], np.where(present, operand, zero), *operands[i + 1 :]]
    return [*operands, present.astype(operands[0].dtype)]
