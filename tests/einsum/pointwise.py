"""What a cascade means, point by point: slow, literal, and independent of the interpreter.

Absence is tracked dynamically: an absent value carries the conditions that failed, each as the
set of dimensions of its tensor that it told apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from einsum.cascade import Einsum
from einsum.expression import (
    Access,
    Call,
    Comparison,
    Expression,
    Number,
    Symbol,
    Variable,
    variables,
)
from einsum.indices import dimensions
from einsum.operators import operator_named
from einsum.shapes import Shapes

Failures = frozenset[frozenset[str]]
Point = tuple[float, Failures]
_RELATIONS = {
    "<=": int.__le__,
    "<": int.__lt__,
    ">=": int.__ge__,
    ">": int.__gt__,
    "==": int.__eq__,
}


@dataclass
class Pointwise:
    """The value of any tensor at any point, computed from its definition."""

    shapes: Shapes
    inputs: Mapping[str, np.ndarray]
    known: dict[tuple[str, tuple[int, ...]], Point] = field(default_factory=dict)

    def tensor(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """All values (0 where absent), and where they are present."""
        extents = self.shapes.extents(name)
        values, present = np.zeros(extents), np.ones(extents, dtype=bool)
        for at in np.ndindex(*extents):
            value, failures = self.at(name, at)
            values[at], present[at] = (0.0, False) if failures else (value, True)
        return values, present

    def at(self, name: str, at: tuple[int, ...]) -> Point:
        """Failures are sets of dimensions, as text: `{"0", "2"}`."""
        if name in self.inputs:
            return float(self.inputs[name][at]), frozenset()
        if (name, at) not in self.known:
            self.known[name, at] = self._compute(name, at)
        return self.known[name, at]

    def _compute(self, name: str, at: tuple[int, ...]) -> Point:
        cascade = self.shapes.cascade
        lag = [0 if isinstance(i, Variable) else 1 for i in cascade.producer(name).output.indices]
        initial = any(position < ahead == 1 for position, ahead in zip(at, lag, strict=True))
        (einsum,) = (e for e in cascade.einsums if e.tensor == name and e.is_initial == initial)
        env: dict[str, int] = {}
        place: dict[str, str] = {}
        for position, index in enumerate(einsum.output.indices):
            for variable in variables(index):
                env[variable] = at[position] - lag[position]
                place[variable] = str(position)
        value, failures = self._fold(einsum, 0, env)
        return value, frozenset(frozenset(place[v] for v in failed) for failed in failures)

    def _fold(self, einsum: Einsum, level: int, env: dict[str, int]) -> Point:
        """The value of the reductions from `level` inwards; failures are sets of variables."""
        if level == len(einsum.reductions):
            return self._point(einsum, env)
        reduction = einsum.reductions[level]
        operator = operator_named(reduction.operator)
        result, missing = operator.identity, set()
        ranges = [range(self.shapes.extent(v)) for v in reduction.variables]
        for values in itertools.product(*ranges):
            inner = env | dict(zip(reduction.variables, values, strict=True))
            value, failures = self._fold(einsum, level + 1, inner)
            missing |= {f for f in failures if f.isdisjoint(reduction.variables)}
            if not failures:
                result = operator.apply(np.float64(result), np.float64(value))
        return float(result), frozenset(missing)

    def _point(self, einsum: Einsum, env: dict[str, int]) -> Point:
        failures = {
            self._leaves((comparison.left, comparison.right), env)
            for comparison in einsum.condition
            if not self._holds(comparison, env)
        }
        for rank in self.shapes.cascade.ranks:
            parts = {part.lower() for part in rank.partitions}
            if (
                parts
                and parts <= env.keys()
                and self._index(Variable(rank.variable), env) >= self.shapes.size(rank.name)
            ):
                failures.add(frozenset(parts))
        if failures:
            # Its operands need not exist: only their own failures are of interest.
            for access in einsum.inputs:
                failures |= self._read(access, env)[1]
            return 0.0, frozenset(failures)
        return self._value(einsum.expression, env)

    def _holds(self, comparison: Comparison, env: dict[str, int]) -> bool:
        left, right = (self._index(side, env) for side in (comparison.left, comparison.right))
        return _RELATIONS[comparison.relation](left, right)

    def _value(self, expression: Expression, env: dict[str, int]) -> Point:
        match expression:
            case Number(value):
                return float(value), frozenset()
            case Symbol() | Variable():
                return float(self._index(expression, env)), frozenset()
            case Access():
                return self._read(expression, env)
            case Call(name, arguments):
                points = [self._value(argument, env) for argument in arguments]
                failures = frozenset().union(*(failed for _, failed in points))
                if failures:
                    return 0.0, failures
                return float(operator_named(name).apply(*(np.float64(v) for v, _ in points))), (
                    failures
                )

    def _read(self, access: Access, env: dict[str, int]) -> Point:
        cascade = self.shapes.cascade
        ranks = cascade.tensor(access.tensor).ranks
        extents = self.shapes.extents(access.tensor)
        at: list[int] = []
        by_place: dict[str, frozenset[str]] = {}
        for part in dimensions(access, ranks, cascade.ranks) or ():
            told = self._leaves(part.indices, env)
            if len(part.indices) > 1:
                whole = [self._index(Variable(part.ranks[0].lower()), env)]
            elif len(part.ranks) > 1:
                whole = [self._index(Variable(rank.lower()), env) for rank in part.ranks]
            else:
                whole = [self._index(part.indices[0], env)]
            for position in whole:
                by_place[str(len(at))] = told
                at.append(position)
        inside = all(0 <= i < n for i, n in zip(at, extents, strict=True))
        if access.tensor in self.inputs and not inside:
            # Allowed where the Einsum has no value; then this one is not used.
            return np.nan, frozenset()
        value, failures = self.at(access.tensor, tuple(at))
        return value, frozenset(
            frozenset().union(*(by_place[place] for place in failed)) for failed in failures
        )

    def _index(self, expression: Expression, env: dict[str, int]) -> int:
        match expression:
            case Number(value):
                return int(value)
            case Symbol(name):
                return self.shapes.symbol(name)
            case Variable(name) if name in env:
                return env[name]
            case Variable(name):
                cascade = self.shapes.cascade
                rank = cascade.rank_of_variable[name]
                if rank in cascade.parents:
                    parent = cascade.rank(cascade.declared(rank))
                    whole = env[parent.variable]
                    for part in reversed(parent.partitions):
                        size = self.shapes.size(part)
                        if part == rank:
                            return whole if part == parent.partitions[0] else whole % size
                        whole //= size
                whole = 0
                for part in cascade.rank(rank).partitions:
                    whole = whole * self.shapes.size(part) + env[part.lower()]
                return whole
            case Call("neg", (inner,)):
                return -self._index(inner, env)
            case Call(name, (left, right)):
                a, b = self._index(left, env), self._index(right, env)
                return {
                    "add": a + b,
                    "sub": a - b,
                    "mul": a * b,
                    "floordiv": a // b if b else 0,
                    "mod": a % b if b else 0,
                }[name]
        raise AssertionError(expression)

    def _leaves(self, expressions: tuple[Expression, ...], env: dict[str, int]) -> frozenset[str]:
        """The iterated variables that the expressions stand for."""
        found = set()
        cascade = self.shapes.cascade
        for name in {v for expression in expressions for v in variables(expression)}:
            rank = cascade.rank_of_variable[name]
            family = {name, cascade.declared(rank).lower()}
            family |= {part.lower() for part in cascade.rank(rank).partitions}
            found |= family & env.keys()
        return frozenset(found)
