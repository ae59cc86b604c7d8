"""Expressions: what stands on either side of an Einsum, in its indices and in its condition.

Five kinds of node make up every expression; infix operators are calls of registered operators
(`a * b` is `Call("mul", (a, b))`). Positions in the text do not take part in equality.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from einsum.errors import Span


@dataclass(frozen=True, slots=True)
class Number:
    """A constant; `inf` is allowed."""

    value: int | float
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """A rank variable (`m`), used as an index, in a condition or as a value."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Symbol:
    """The shape of a rank (`M1`) or a declared constant (`W`): known once shapes are given."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """A tensor at index expressions: `QK[m, p]`, `I[p + r]`, `RD[M1, p]`."""

    tensor: str
    indices: tuple[Expression, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A registered operator applied to its arguments."""

    operator: str
    arguments: tuple[Expression, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


Expression: TypeAlias = Number | Variable | Symbol | Access | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left RELATION right` over rank variables; RELATION is one of <=, <, >=, >, ==."""

    left: Expression
    relation: str
    right: Expression
    span: Span | None = field(default=None, compare=False, repr=False)


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all that it contains, indices included, outermost first."""
    yield expression
    match expression:
        case Access(indices=parts) | Call(arguments=parts):
            for part in parts:
                yield from walk(part)
        case _:
            pass


def accesses(expression: Expression) -> tuple[Access, ...]:
    """Every tensor access, left to right."""
    return tuple(node for node in walk(expression) if isinstance(node, Access))


def variables(expression: Expression) -> tuple[str, ...]:
    """The distinct rank variables, in order of first appearance."""
    names = (node.name for node in walk(expression) if isinstance(node, Variable))
    return tuple(dict.fromkeys(names))


def symbols(expression: Expression) -> tuple[str, ...]:
    """The distinct shape symbols and constants, in order of first appearance."""
    names = (node.name for node in walk(expression) if isinstance(node, Symbol))
    return tuple(dict.fromkeys(names))
