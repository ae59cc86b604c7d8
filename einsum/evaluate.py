"""One Einsum as NumPy array operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

import numpy as np

from einsum.contraction import contract, factors
from einsum.errors import SpecError
from einsum.expression import Access, Call, Expression, Number, Symbol, Variable
from einsum.operators import operator_named
from einsum.plan import Plan, Stage
from einsum.points import Array, Points
from einsum.quantity import format_count

MEMORY_LIMIT_BYTES = 1 << 31
"""No array that an Einsum needs may be larger."""


def evaluate(
    plan: Plan,
    values: Mapping[str, Array],
    pinned: Mapping[str, int],
    scope_of: ScopeOf | None = None,
) -> None:
    """Write the output of the planned Einsum into `values`, by tensor.

    `pinned` gives the variables of enclosing loops; all others are vectorised. Absent points
    are 0. `scope_of` gives the arithmetic, NumPy's unless it is given. Raises `SpecError` before
    an array beyond `MEMORY_LIMIT_BYTES` is allocated.
    """
    einsum = plan.einsum
    own = {name: value for name, value in pinned.items() if name in plan.extents}
    free = {name: extent for name, extent in plan.extents.items() if name not in own}
    dtype = values[einsum.tensor].dtype
    scope = (scope_of or Scope)(plan, values, Points(free, own), dtype)
    # What overflows or is undefined at absent points is skipped; elsewhere it is worth a warning.
    with np.errstate(all="ignore") if plan.is_conditional else nullcontext():
        result = scope.reduced(einsum.expression, plan.stages)
    if (present := scope.points.mask(plan.kept)) is not None:
        result = np.where(present, result, scope.number(0))
    target = scope.points.view(values[einsum.tensor], plan.locations[einsum.output])
    assert target is not None, "an output is written at plain variables"
    target[...] = result


@dataclass(frozen=True)
class Scope:
    """What the parts of one evaluation share, and what its operators compute."""

    plan: Plan
    tensors: Mapping[str, Array]
    points: Points
    dtype: np.dtype[Any]

    def number(self, value: float) -> Array:
        return np.full((1,) * len(self.points.extents), value, dtype=self.dtype)

    def reduced(self, expression: Expression, stages: tuple[Stage, ...]) -> Array:
        """The value of the right-hand side; reduced axes have size 1."""
        if not stages:
            return self.value(expression)
        first, *rest = stages
        result = self._contracted(expression, first)
        if result is None:
            result = self._folded(self.value(expression), first)
        for stage in rest:
            result = self._folded(result, stage)
        return result

    def _contracted(self, expression: Expression, stage: Stage) -> Array | None:
        """A sum of products without the product of all points; None if it is no such sum."""
        if stage.reduction.operator != "add":
            return None
        product = factors(expression)
        if len(product.above) + len(product.below) < 2:
            return None
        above = [self.value(factor) for factor in product.above]
        below = [self.value(factor) for factor in product.below]
        return contract(
            above,
            below,
            reduced=self.points.axes_of(stage.reduction.variables),
            extents=tuple(self.points.extents.values()),
            present=self.points.mask(stage.skipped),
            limit=MEMORY_LIMIT_BYTES // self.dtype.itemsize,
        )

    def _folded(self, value: Array, stage: Stage) -> Array:
        operator = operator_named(stage.reduction.operator)
        assert operator.reduce is not None
        assert operator.identity is not None
        axes = self.points.axes_of(stage.reduction.variables)
        extents = tuple(self.points.extents.values())
        shape = tuple(n if i in axes else value.shape[i] for i, n in enumerate(extents))
        if (present := self.points.mask(stage.skipped)) is not None:
            self.guard(np.broadcast_shapes(shape, present.shape))
            value = np.where(present, value, self.number(operator.identity))
            shape = np.broadcast_shapes(shape, value.shape)
        result = operator.reduce(np.broadcast_to(value, shape), axes)
        return np.expand_dims(result, axes)

    def value(self, expression: Expression) -> Array:
        """The value at all points."""
        match expression:
            case Number(value):
                return self.number(value)
            case Symbol(name):
                return self.number(self.plan.symbols[name])
            case Variable(name):
                return self.points.values(self.plan.values[name]).astype(self.dtype)
            case Access():
                return self._read(expression)
            case Call(name, arguments):
                return self.call(name, arguments)
            case _:
                assert_never(expression)

    def call(self, name: str, arguments: tuple[Expression, ...]) -> Array:
        """The value of an operator's call at all points."""
        parts = [self.value(argument) for argument in arguments]
        self.guard(np.broadcast_shapes(*(part.shape for part in parts)))
        return np.asarray(operator_named(name).apply(*parts))

    def _read(self, access: Access) -> Array:
        array, location = self.tensors[access.tensor], self.plan.locations[access]
        if (view := self.points.view(array, location)) is not None:
            return view
        names = frozenset().union(*(axis.index.variables for axis in location.axes))
        self.guard(tuple(n if v in names else 1 for v, n in self.points.extents.items()))
        return np.asarray(array.reshape(-1)[self.points.positions(location)])

    def guard(self, shape: tuple[int, ...]) -> None:
        """`SpecError` if an array of `shape` over the points is too large."""
        ranks = [name.upper() for name in self.points.names]
        check_memory(self.plan.name, shape, ranks, self.dtype)


ScopeOf: TypeAlias = Callable[[Plan, Mapping[str, Array], Points, "np.dtype[Any]"], Scope]


def check_memory(
    what: str, shape: Sequence[int], ranks: Sequence[str], dtype: np.dtype[Any]
) -> None:
    """`SpecError` if an array of `shape`, with one axis per rank, is beyond the limit."""
    size = math.prod(shape) * dtype.itemsize
    if size > MEMORY_LIMIT_BYTES:
        axes = [(n, rank) for n, rank in zip(shape, ranks, strict=True) if n > 1]
        space = ", ".join(f"{rank} = {format_count(n)}" for n, rank in axes)
        raise SpecError(
            f"{what} needs an array of {size / 2**30:.1f} GiB ({space})",
            rule=f"the interpreter holds arrays of at most {MEMORY_LIMIT_BYTES / 2**30:g} GiB: "
            f"run a smaller shape, first of all a smaller {max(axes)[1]}",
        )
