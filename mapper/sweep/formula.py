"""Formulas over settings, `= 2 * array_2d.rows * 64 KiB`: linked parameters and constraints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from einsum.errors import SpecError
from einsum.expression import Call, Expression, Number, Symbol, Variable
from einsum.parser import parse_expression

Column = NDArray[np.float64]

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_UNIT = re.compile(r"(?P<text>.*[0-9)\w])\s+(?P<unit>[A-Za-z][A-Za-z0-9/^]*)")
_OPERATORS: dict[str, tuple[int, Callable[..., Column]]] = {
    "add": (2, np.add),
    "sub": (2, np.subtract),
    "mul": (2, np.multiply),
    "div": (2, np.divide),
    "floordiv": (2, np.floor_divide),
    "mod": (2, np.mod),
    "neg": (1, np.negative),
    "max": (2, np.maximum),
    "min": (2, np.minimum),
}


@dataclass(frozen=True, slots=True)
class Formula:
    """Arithmetic on settings by name, in base units; `text` is how it was written.

    `names` are the settings that it reads, in the order in which it does; `factor` is the unit
    at its end.
    """

    text: str
    names: tuple[str, ...]
    expression: Expression
    factor: float = 1.0

    def values(self, known: Mapping[str, Column]) -> Column:
        """Its value for every row of the columns `known`, NaN or infinite where it has none."""
        with np.errstate(all="ignore"):
            return np.asarray(_value(self.expression, known) * self.factor, dtype=np.float64)


def parse_formula(text: str, units: Mapping[str, float] = MappingProxyType({})) -> Formula:
    """The formula that `text` is; it may end in one of `units`, after a space.

    Raises `SpecError` for what is not arithmetic.
    """
    text, factor = text.strip(), 1.0
    ending = _UNIT.fullmatch(text)
    body = text
    if ending and ending["unit"] in units:
        body, factor = ending["text"], float(units[ending["unit"]])
    # The notation has no dots in names: they stand in as underscores, place by place.
    dotted = {name.replace(".", "_"): name for name in _DOTTED.findall(body)}
    try:
        expression = parse_expression(_DOTTED.sub(lambda m: m[0].replace(".", "_"), body))
        names = tuple(dict.fromkeys(_names(expression)))
    except SpecError as error:
        raise SpecError(f"{text!r}: {error.message}", rule=error.rule) from None
    return Formula(
        text, tuple(dotted.get(name, name) for name in names), _renamed(expression, dotted), factor
    )


def _names(expression: Expression) -> Iterator[str]:
    match expression:
        case Symbol(name=name) | Variable(name=name):
            yield name
        case Number():
            return
        case Call(operator=operator, arguments=arguments) if operator in _OPERATORS:
            if len(arguments) != _OPERATORS[operator][0]:
                raise SpecError(f"{operator} does not take {len(arguments)} operands")
            for argument in arguments:
                yield from _names(argument)
        case _:
            raise SpecError(
                "this is not arithmetic", rule="a formula is computed with + - * / // % max min"
            )


def _renamed(expression: Expression, names: Mapping[str, str]) -> Expression:
    match expression:
        case Symbol(name=name) | Variable(name=name):
            return Variable(names.get(name, name))
        case Call(operator=operator, arguments=arguments):
            return Call(operator, tuple(_renamed(one, names) for one in arguments))
        case _:
            return expression


def _value(expression: Expression, known: Mapping[str, Column]) -> Column:
    match expression:
        case Variable(name=name):
            return known[name]
        case Number(value=value):
            return np.asarray(float(value))
        case Call(operator=operator, arguments=arguments):
            _, function = _OPERATORS[operator]
            return function(*(_value(argument, known) for argument in arguments))
        case _:
            raise AssertionError("formulas are checked when they are parsed")
