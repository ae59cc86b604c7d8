"""Index expressions in normal form: whole multiples of atoms plus a constant.

An atom is a rank variable or the quotient or remainder of another such form by a positive
whole number, so `2*p - m // 4 + 1` is `1 + 2*p - 1*(m // 4)`. Sums, bounds over a box, and
values on NumPy grids are then one line each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from einsum.errors import SpecError
from einsum.expression import Call, Expression, Number, Symbol, Variable


@dataclass(frozen=True, slots=True)
class Quotient:
    """`floor(dividend / divisor)`."""

    dividend: Affine
    divisor: int


@dataclass(frozen=True, slots=True)
class Remainder:
    """`dividend mod divisor`, in `[0, divisor)`."""

    dividend: Affine
    divisor: int


Atom: TypeAlias = str | Quotient | Remainder


@dataclass(frozen=True)
class Affine:
    """`constant + sum(coefficient * atom)`; no coefficient is zero, each atom stands once."""

    constant: int = 0
    terms: tuple[tuple[Atom, int], ...] = ()

    @staticmethod
    def of(constant: int, terms: Mapping[Atom, int]) -> Affine:
        kept = [(atom, factor) for atom, factor in terms.items() if factor]
        return Affine(constant, tuple(sorted(kept, key=lambda term: str(term[0]))))

    def __add__(self, other: Affine) -> Affine:
        terms = dict(self.terms)
        for atom, factor in other.terms:
            terms[atom] = terms.get(atom, 0) + factor
        return Affine.of(self.constant + other.constant, terms)

    def __sub__(self, other: Affine) -> Affine:
        return self + other * -1

    def __mul__(self, factor: int) -> Affine:
        return Affine.of(self.constant * factor, {atom: k * factor for atom, k in self.terms})

    def plus(self, constant: int) -> Affine:
        return Affine(self.constant + constant, self.terms)

    @cached_property
    def variables(self) -> frozenset[str]:
        """The rank variables in it, those inside quotients and remainders included."""
        return frozenset().union(*(variables_of(atom) for atom, _ in self.terms))

    @cached_property
    def is_linear(self) -> bool:
        """Is every atom a variable?"""
        return all(isinstance(atom, str) for atom, _ in self.terms)

    def coefficient(self, atom: Atom) -> int:
        return dict(self.terms).get(atom, 0)

    def without(self, atom: Atom) -> Affine:
        return Affine(self.constant, tuple(term for term in self.terms if term[0] != atom))

    def substitute(self, values: Mapping[str, Affine]) -> Affine:
        """Every variable that `values` names replaced by its form there."""
        total = Affine(self.constant)
        for atom, factor in self.terms:
            match atom:
                case str():
                    part = values.get(atom, variable(atom))
                case Quotient(dividend, divisor):
                    part = quotient(dividend.substitute(values), divisor)
                case Remainder(dividend, divisor):
                    part = remainder(dividend.substitute(values), divisor)
            total += part * factor
        return total

    def bounds(self, box: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
        """Its least and greatest value while every variable stays in its closed interval.

        Attained when it is linear; otherwise an enclosure.
        """
        low = high = self.constant
        for atom, factor in self.terms:
            match atom:
                case str():
                    least, most = box[atom]
                case Quotient(dividend, divisor):
                    least, most = (bound // divisor for bound in dividend.bounds(box))
                case Remainder(dividend, divisor):
                    least, most = dividend.bounds(box)
                    if least // divisor == most // divisor:
                        least, most = least % divisor, most % divisor
                    else:
                        least, most = 0, divisor - 1
            low += min(factor * least, factor * most)
            high += max(factor * least, factor * most)
        return low, high

    def at(self, values: Mapping[str, Any]) -> Any:
        """Its value where every variable has the given integer or integer array."""
        total: Any = self.constant
        for atom, factor in self.terms:
            match atom:
                case str():
                    value = values[atom]
                case Quotient(dividend, divisor):
                    value = dividend.at(values) // divisor
                case Remainder(dividend, divisor):
                    value = dividend.at(values) % divisor
            total = total + factor * value
        return total


def variables_of(atom: Atom) -> frozenset[str]:
    """The rank variables in `atom`."""
    return frozenset((atom,)) if isinstance(atom, str) else atom.dividend.variables


def variable(name: str) -> Affine:
    """The form that is just the variable `name`."""
    return Affine(0, ((name, 1),))


def _split(form: Affine, divisor: int) -> tuple[Affine, Affine]:
    """`form == divisor * multiple + rest` with whatever divides taken out of the rest."""
    multiple: dict[Atom, int] = {}
    rest: dict[Atom, int] = {}
    for atom, factor in form.terms:
        part, target = (factor // divisor, multiple) if factor % divisor == 0 else (factor, rest)
        target[atom] = part
    return (
        Affine.of(form.constant // divisor, multiple),
        Affine.of(form.constant % divisor, rest),
    )


def quotient(form: Affine, divisor: int) -> Affine:
    """`floor(form / divisor)`."""
    multiple, rest = _split(form, divisor)
    return multiple + Affine(0, ((Quotient(rest, divisor), 1),)) if rest.terms else multiple


def remainder(form: Affine, divisor: int) -> Affine:
    """`form mod divisor`."""
    _, rest = _split(form, divisor)
    return Affine(0, ((Remainder(rest, divisor), 1),)) if rest.terms else rest


def affine(
    expression: Expression,
    variable_named: Callable[[str], Affine],
    symbol_named: Callable[[str], int],
) -> Affine:
    """The normal form of an index expression.

    `SpecError` for anything but sums of variables with whole coefficients, and their quotients
    and remainders by positive whole numbers.
    """

    def form(node: Expression) -> Affine:
        match node:
            case Number(value) if not isinstance(value, float):
                return Affine(value)
            case Symbol(name):
                return Affine(symbol_named(name))
            case Variable(name):
                return variable_named(name)
            case Call("add", (left, right)):
                return form(left) + form(right)
            case Call("sub", (left, right)):
                return form(left) - form(right)
            case Call("neg", (inner,)):
                return form(inner) * -1
            case Call("mul", (left, right)):
                first, second = form(left), form(right)
                if not second.terms:
                    return first * second.constant
                if not first.terms:
                    return second * first.constant
            case Call("floordiv" | "mod" as operator, (left, right)):
                dividend, divisor = form(left), form(right)
                if not divisor.terms:
                    if divisor.constant < 1:
                        raise SpecError(
                            f"an index or a condition is divided by {divisor.constant}",
                            rule="// and % divide by a positive whole number",
                            span=node.span,
                        )
                    divide = quotient if operator == "floordiv" else remainder
                    return divide(dividend, divisor.constant)
            case _:
                pass
        raise SpecError(
            "an index or a condition is not affine",
            rule="use sums of rank variables times whole numbers, and // and % by positive ones",
            span=node.span,
        )

    return form(expression)
