"""Conditions as constraints in normal form: `form <= 0` or `form == 0`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from einsum.affine import Affine, Quotient, Remainder, remainder
from einsum.expression import Comparison

if TYPE_CHECKING:
    from einsum.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Constraint:
    """`form <= 0`, or `form == 0` for a congruence."""

    form: Affine
    equality: bool = False

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Where it holds, for integers or integer arrays by variable."""
        value = self.form.at(values)
        return value == 0 if self.equality else value <= 0

    def always(self, box: Mapping[str, tuple[int, int]]) -> bool | None:
        """Whether it holds on the whole box (True) or nowhere in it (False); None if unknown."""
        low, high = self.form.bounds(box)
        if low > 0 or (self.equality and high < 0):
            return False
        if high <= 0 and (low == 0 or not self.equality):
            return True
        return None


@dataclass(frozen=True)
class System:
    """The integer points of a box, 0 to the extent of each variable, that fulfil constraints."""

    extents: Mapping[str, int]
    constraints: tuple[Constraint, ...]

    @property
    def box(self) -> dict[str, tuple[int, int]]:
        return {name: (0, extent - 1) for name, extent in self.extents.items()}

    @property
    def is_linear(self) -> bool:
        return all(c.form.is_linear and not c.equality for c in self.constraints)

    @property
    def is_empty(self) -> bool:
        """Does a constraint fail everywhere? (If not, they may still fail together.)"""
        return any(constraint.always(self.box) is False for constraint in self.constraints)

    def reduced(self) -> System:
        """Without the constraints that hold everywhere."""
        kept = tuple(c for c in self.constraints if c.always(self.box) is not True)
        return System(self.extents, tuple(dict.fromkeys(kept)) if len(kept) > 1 else kept)

    def components(self) -> Iterator[System]:
        """The systems of variables that no constraint couples: their counts multiply."""
        waiting = list(self.extents)
        while waiting:
            names = {waiting[0]}
            while (
                more := {
                    name
                    for c in self.constraints
                    if names & c.form.variables
                    for name in c.form.variables
                }
                - names
            ):
                names |= more
            waiting = [name for name in waiting if name not in names]
            yield System(
                {name: extent for name, extent in self.extents.items() if name in names},
                tuple(c for c in self.constraints if c.form.variables & names),
            )


def constraints(
    comparisons: Iterable[Comparison], iterated: Iterable[str], shapes: Shapes
) -> tuple[Constraint, ...]:
    """`comparisons` in normal form over `iterated` variables; all must hold."""
    names = tuple(iterated)
    found: list[Constraint] = []
    for comparison in comparisons:
        left, right = (shapes.affine(e, names) for e in (comparison.left, comparison.right))
        match comparison.relation:
            case "<=":
                found += _inequality(left - right)
            case "<":
                found += _inequality((left - right).plus(1))
            case ">=":
                found += _inequality(right - left)
            case ">":
                found += _inequality((right - left).plus(1))
            case _:
                found += _equality(left - right)
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def _inequality(form: Affine) -> tuple[Constraint, ...]:
    """`form <= 0`, with common factors and quotients taken away where that is exact."""
    coefficients = [k for _, k in form.terms]
    if coefficients and 1 not in coefficients:
        factor = math.gcd(*coefficients)
        form = Affine(-(-form.constant // factor), tuple((a, k // factor) for a, k in form.terms))
    for atom, coefficient in form.terms:
        match atom:
            case Quotient(dividend, divisor) if abs(coefficient) == 1:
                # floor(e / k) <= -rest  iff  e <= k * -rest + k - 1, and likewise from below.
                rest = form.without(atom) * divisor
                if coefficient > 0:
                    return _inequality((dividend + rest).plus(1 - divisor))
                return _inequality(rest - dividend)
            case _:
                pass
    return (Constraint(form),)


def _equality(form: Affine) -> tuple[Constraint, ...]:
    """`form == 0`: a congruence as `e mod k == r`, anything else as two inequalities."""
    match [term for term in form.terms if isinstance(term[0], Remainder)]:
        case [(_, 1 | -1)]:
            return (Constraint(form, equality=True),)
        case [(Remainder(one, k), 1 | -1 as sign), (Remainder(other, divisor), factor)] if (
            form == Affine(0, form.terms[:2]) and k == divisor and sign == -factor
        ):
            return (Constraint(remainder(one - other, k), equality=True),)
        case _:
            return _inequality(form) + _inequality(form * -1)
