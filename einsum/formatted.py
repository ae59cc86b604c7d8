"""One Einsum as processing elements compute it: their formats, one rounding an operation, in order.

- Tensors hold values of their declared formats; what is computed is in the accumulator's.
- Factors, divisors and the second operand of a sum or difference are rounded to the operand
  format first: `x + y` is y * 1 + x, `x - y` is y * -1 + x. A sum or difference of which one
  operand is a product is one fused operation: `a * b + c`.
- A sum over ranks starts at zero and adds in ascending order of the reduced variables, the last
  one fastest; a sum of products is a chain of fused operations, of the last two factors.
- A maximum does not round. `exp`, `exp2`, `reciprocal` and division are the sequences of
  `einsum.arithmetic`. All other operators, which no PE has, are exact before they are rounded to
  the accumulator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from einsum.arithmetic import Arithmetic
from einsum.cascade import Cascade
from einsum.evaluate import Scope
from einsum.expression import Call, Expression
from einsum.formats import Format
from einsum.operators import operator_named
from einsum.plan import Plan, Stage
from einsum.points import Array, Points
from einsum.rounding import round_to


def formats(cascade: Cascade) -> Mapping[str, Format]:
    """The declared format of every tensor."""
    return {tensor.name: tensor.format for tensor in cascade.tensors}


@dataclass(frozen=True, init=False)
class FormattedScope(Scope):
    """An evaluation in the arithmetic of processing elements, stored in `formats` by tensor."""

    arithmetic: Arithmetic
    formats: Mapping[str, Format]

    def __init__(
        self,
        arithmetic: Arithmetic,
        formats: Mapping[str, Format],
        plan: Plan,
        tensors: Mapping[str, Array],
        points: Points,
        dtype: np.dtype[np.float64],
    ) -> None:
        super().__init__(plan, tensors, points, dtype)
        object.__setattr__(self, "arithmetic", arithmetic)
        object.__setattr__(self, "formats", formats)

    def number(self, value: float) -> Array:
        return round_to(self.arithmetic.accumulator, super().number(value))

    def reduced(self, expression: Expression, stages: tuple[Stage, ...]) -> Array:
        with np.errstate(all="ignore"):  # infinities are values of the formats
            if stages:
                first, *rest = stages
                result = self._reduced(expression, first)
                for stage in rest:
                    result = self._in_order(stage, (result,))
            else:
                result = self.value(expression)
            return round_to(self.formats[self.plan.einsum.tensor], result)

    def call(self, name: str, arguments: tuple[Expression, ...]) -> Array:
        pe = self.arithmetic
        match name, arguments:
            case "add", (left, Call("mul", (a, b))) | (Call("mul", (a, b)), left):
                return self._fused(a, b, self.value(left))
            case "sub", (left, Call("mul", (a, b))):
                return -self._fused(a, b, -self.value(left))
            case "sub", (Call("mul", (a, b)), right):
                return self._fused(a, b, -self.value(right))
            case _:
                pass
        parts = [self.value(argument) for argument in arguments]
        self.guard(np.broadcast_shapes(*(part.shape for part in parts)))
        match name, parts:
            case "add", [x, y]:
                return pe.fma(pe.narrow(y), 1.0, x)
            case "sub", [x, y]:
                return pe.subtract(x, pe.narrow(y))
            case "mul", [x, y]:
                return pe.fma(pe.narrow(x), pe.narrow(y), 0.0)
            case "square", [x]:
                return pe.fma(pe.narrow(x), pe.narrow(x), 0.0)
            case "div", [x, y]:
                return pe.divide(pe.narrow(x), pe.narrow(y))
            case "reciprocal", [x]:
                return pe.reciprocal(pe.narrow(x))
            case "max", [x, y]:
                return pe.maximum(x, y)
            case "min", [x, y]:
                return -pe.maximum(-x, -y)
            case "exp", [x]:
                return pe.exp(x)
            case "exp2", [x]:
                return pe.exp2(x)
            case _:
                return round_to(pe.accumulator, operator_named(name).apply(*parts))

    def _fused(self, a: Expression, b: Expression, acc: Array) -> Array:
        x, y = self.arithmetic.narrow(self.value(a)), self.arithmetic.narrow(self.value(b))
        self.guard(np.broadcast_shapes(x.shape, y.shape, acc.shape))
        return self.arithmetic.fma(x, y, acc)

    def _reduced(self, expression: Expression, stage: Stage) -> Array:
        match stage.reduction.operator, expression:
            case "add", Call("mul", (a, b)):
                return self._in_order(stage, (self.value(a), self.value(b)))
            case _:
                return self._in_order(stage, (self.value(expression),))

    def _in_order(self, stage: Stage, parts: tuple[Array, ...]) -> Array:
        """The reduction of the product of `parts`, one point after the other."""
        operator = operator_named(stage.reduction.operator)
        assert operator.identity is not None
        axes = self.points.axes_of(stage.reduction.variables)
        extents = tuple(self.points.extents.values())
        present = self.points.mask(stage.skipped)
        shapes = [part.shape for part in parts] + ([] if present is None else [present.shape])
        whole = np.broadcast_shapes(*shapes)
        shape = tuple(1 if i in axes else n for i, n in enumerate(whole))
        self.guard(shape)
        acc = np.broadcast_to(self.number(operator.identity), shape)
        step = self._step(stage.reduction.operator)
        for index in np.ndindex(*(extents[axis] for axis in axes)):
            at = dict(zip(axes, index, strict=True))
            following = step(acc, tuple(_slice(part, at) for part in parts))
            acc = following if present is None else np.where(_slice(present, at), following, acc)
        return np.asarray(acc)

    def _step(self, operator: str) -> Callable[[Array, tuple[Array, ...]], Array]:
        pe = self.arithmetic

        def add(acc: Array, parts: tuple[Array, ...]) -> Array:
            a, b = parts if len(parts) == 2 else (parts[0], np.ones(()))
            return pe.fma(pe.narrow(a), pe.narrow(b), acc)

        match operator:
            case "add":
                return add
            case "max":
                return lambda acc, parts: pe.maximum(acc, parts[0])
            case "min":
                return lambda acc, parts: -pe.maximum(-acc, -parts[0])
            case "mul":
                return lambda acc, parts: pe.fma(pe.narrow(acc), pe.narrow(parts[0]), 0.0)
            case _:
                apply = operator_named(operator).apply
                return lambda acc, parts: round_to(pe.accumulator, apply(acc, parts[0]))


def _slice(array: Array, at: Mapping[int, int]) -> Array:
    """`array` at one point of some axes, which keep size 1; axes of size 1 are broadcast."""
    selected = tuple(
        slice(at[axis], at[axis] + 1) if axis in at and size > 1 else slice(None)
        for axis, size in enumerate(array.shape)
    )
    return np.asarray(array[selected])
