"""Quantities as people write them: `16 MiB`, `400 GiB/s`, `940 MHz`, `2 * N * 64 B`.

A quantity is an expression over numbers and named parameters, and a unit. Expressions are read
by einsum's parser and evaluated here, by + - * / // %, max and min only: no text is ever run.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from enum import Enum

from einsum.errors import Span, SpecError, choices
from einsum.expression import Call, Expression, Number, Symbol, Variable
from einsum.parser import parse_expression
from einsum.quantity import parse_count

Value = int | float

_DECIMAL = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


class Unit(Enum):
    """What a quantity measures: its name, and the factor of every way to write its unit.

    Values are in the unit whose factor is 1, which stands first. K, M and G are powers of 1000,
    Ki, Mi and Gi powers of 1024.
    """

    BYTES = (
        "a size",
        {f"{p}B": f for p, f in (_DECIMAL | _BINARY).items()} | {"b": 0.125, "bit": 0.125},
    )
    BITS = ("a width", {"b": 1, "bit": 1, "bits": 1, "B": 8, "KiB": 8192})
    BYTES_PER_S = ("a bandwidth", {f"{p}B/s": f for p, f in (_DECIMAL | _BINARY).items()})
    SECONDS = ("a time", {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9})
    HERTZ = ("a frequency", {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9})
    NANOMETRES = ("a technology node", {"nm": 1})
    PICOJOULES = ("an energy", {"pJ": 1, "fJ": 0.001, "nJ": 1000})
    SQUARE_MICROMETRES = ("an area", {"um^2": 1, "um2": 1, "mm^2": 10**6, "mm2": 10**6})
    COUNT = ("a count", dict[str, Value]())

    def __init__(self, title: str, factors: dict[str, Value]) -> None:
        self.title = title
        self.factors = factors


_NUMBER = re.compile(r"[0-9.]+(?:[eE][+-]?[0-9]+)?")
_SUFFIX = re.compile(r"(?P<number>.*?)\s*(?P<unit>[A-Za-z][A-Za-z0-9/^]*)")
_COUNT = re.compile(r"[0-9]+[KMG]")

_OPERATORS: dict[str, Callable[..., Value]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "neg": operator.neg,
    "max": max,
    "min": min,
}


def parse_quantity(text: str, unit: Unit, names: Mapping[str, Value] | None = None) -> Value:
    """The value of `text` in the base unit of `unit`; `names` are the parameters it may use.

    >>> parse_quantity("2 * N * 64 B", Unit.BYTES, {"N": 16})
    2048

    Raises `SpecError` for a missing or wrong unit, an unknown name, and a value that is not a
    finite number. The error's span, if it has one, is a place in `text`.
    """
    text = text.strip()
    if unit is Unit.COUNT:
        if _COUNT.fullmatch(text):
            return parse_count(text)
        return _evaluate(text, names or {})
    valid = ", ".join(unit.factors)
    match = None if _NUMBER.fullmatch(text) else _SUFFIX.fullmatch(text)
    if match is None or match["unit"] in (names or {}):
        raise SpecError(
            f"{text!r} has no unit",
            rule=f"{unit.title} is a number with one of the units {valid}",
        )
    if match["unit"] not in unit.factors:
        raise SpecError(
            f"{match['unit']} is not a unit of {unit.title}",
            rule=choices(match["unit"], unit.factors),
            span=Span(1, match.start("unit") + 1, len(match["unit"])),
        )
    return _exact(_evaluate(match["number"], names or {}) * unit.factors[match["unit"]])


def format_quantity(value: Value, unit: Unit) -> str:
    """The shortest text that `parse_quantity` reads back as exactly `value`.

    >>> format_quantity(16777216, Unit.BYTES)
    '16 MiB'
    """
    if unit is Unit.COUNT:
        return repr(_exact(value))
    # Only the spellings that lose nothing; the base unit never does.
    texts = [
        f"{_quotient(value, factor)!r} {name}"
        for name, factor in unit.factors.items()
        if unit is not Unit.BITS or factor == 1
        if name not in ("b", "bit") or unit is Unit.BITS
    ]
    exact = [text for text in texts if parse_quantity(text, unit) == value]
    # A whole number of a large unit reads best: 16 MiB before 16777.216 KB, 1 GHz before 1000 MHz.
    return min(exact, key=lambda text: ("." in text or "e" in text, len(text)))


def _quotient(value: Value, factor: Value) -> Value:
    if isinstance(value, int) and isinstance(factor, int) and value % factor == 0:
        return value // factor
    return _exact(value / factor)


def _exact(value: Value) -> Value:
    """A whole float as an integer, so that equal quantities print alike."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _evaluate(text: str, names: Mapping[str, Value]) -> Value:
    try:
        expression = parse_expression(text)
    except SpecError as error:
        # Its source is the bare expression; whoever knows the file places the error.
        raise SpecError(error.message, rule=error.rule, span=error.span) from None
    try:
        value = _value(expression, names)
    except ArithmeticError as error:
        raise SpecError(f"{text!r} has no value: {error}") from None
    if not -math.inf < value < math.inf:
        raise SpecError(f"{text!r} is not a finite number")
    return value


def _value(expression: Expression, names: Mapping[str, Value]) -> Value:
    match expression:
        case Number(value=value):
            return value
        case Symbol(name=name, span=span) | Variable(name=name, span=span):
            if name not in names:
                raise SpecError(f"unknown parameter {name}", rule=choices(name, names), span=span)
            return names[name]
        case Call(operator=name, arguments=arguments, span=span) if name in _OPERATORS:
            values = [_value(argument, names) for argument in arguments]
            if len(values) == (1 if name == "neg" else 2):
                return _OPERATORS[name](*values)
            raise SpecError(f"{name} does not take {len(values)} operands", span=span)
        case Call(operator=name, span=span):
            raise SpecError(
                f"{name} cannot be used in a quantity",
                rule="a quantity is computed with + - * / // % max min",
                span=span,
            )
        case _:
            raise SpecError(
                "a quantity has no brackets",
                rule="a quantity is computed from numbers and parameters",
                span=expression.span,
            )
