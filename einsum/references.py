"""The rules for what an expression refers to: every name is defined, every access fits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from einsum.cascade import Cascade, unknown
from einsum.declarations import rank_names
from einsum.errors import SpecError, choices
from einsum.expression import Access, Call, Expression, Number, Symbol, Variable, variables, walk
from einsum.grammar import ALIASES
from einsum.indices import dimensions
from einsum.operators import OPERATORS
from einsum.printer import print_expression

_MAX_INTEGER = 2**63 - 1
_INDEX_RULE = (
    "an index is made of rank variables, whole numbers, shapes and constants with + - * // %, "
    "where * has a factor without variables, and // and % a positive divisor without variables"
)


def check_value(cascade: Cascade, expression: Expression) -> None:
    """The right-hand side of an Einsum, or a part of it outside of indices."""
    match expression:
        case Number():
            _check_number(expression)
        case Variable():
            check_variable(cascade, expression)
        case Symbol():
            _check_symbol(cascade, expression)
        case Call():
            _check_call(expression)
            for part in expression.arguments:
                check_value(cascade, part)
        case Access():
            _check_access(cascade, expression)


def _check_number(number: Number) -> None:
    if math.isnan(number.value):
        raise SpecError("nan is not a number of the notation", span=number.span)
    if isinstance(number.value, int) and abs(number.value) > _MAX_INTEGER:
        raise SpecError(
            f"{number.value} is too large",
            rule="whole numbers have 64 bits; write larger ones as 1e30",
            span=number.span,
        )


def check_variable(cascade: Cascade, variable: Variable) -> None:
    """A rank variable, in whatever place."""
    if variable.name not in cascade.rank_of_variable:
        raise unknown("variable", variable.name, list(cascade.rank_of_variable), variable.span)


def _check_symbol(cascade: Cascade, symbol: Symbol) -> None:
    names = [*rank_names(cascade.ranks), *dict(cascade.constants)]
    if symbol.name not in names:
        raise unknown("shape or constant", symbol.name, names, symbol.span)


def _check_call(call: Call) -> None:
    if call.operator in ALIASES:
        raise SpecError(
            f"{call.operator} is a reduction and not an operator",
            rule=f"reductions stand first on the right and are followed by an operand, "
            f"{call.operator}(m) X[m] or {call.operator}(m) (-X[m])",
            span=call.span,
        )
    if call.operator not in OPERATORS:
        raise unknown("operator", call.operator, list(OPERATORS), call.span)
    operator = OPERATORS[call.operator]
    if len(call.arguments) != operator.arity:
        hint = f"; a reduction stands first and has an operand: {operator.name}(m) X[m]"
        raise SpecError(
            f"{operator.name} takes {_count(operator.arity, 'argument')}, "
            f"{len(call.arguments)} given",
            rule=f"write {operator.name}({', '.join('xyz'[: operator.arity])})"
            + (hint if operator.reduce else ""),
            span=call.span,
        )


def _check_access(cascade: Cascade, access: Access) -> None:
    names = [tensor.name for tensor in cascade.tensors]
    if access.tensor not in names:
        raise SpecError(
            f"tensor {access.tensor} is neither an input nor defined by an Einsum",
            rule=choices(access.tensor, names),
            span=access.span,
        )
    for index in access.indices:
        check_index(cascade, index)
    ranks = cascade.tensor(access.tensor).ranks
    if dimensions(access, ranks, cascade.ranks) is None:
        raise SpecError(
            f"{access.tensor} has {_count(len(ranks), 'rank')}, but "
            f"{_count(len(access.indices), 'index', 'indices')} given",
            rule=f"write {' or '.join(_spellings(cascade, access.tensor, ranks))}",
            span=access.span,
        )


def _spellings(cascade: Cascade, tensor: str, ranks: Sequence[str]) -> list[str]:
    """How a tensor over `ranks` is read, plainly and with its partitioned ranks split."""
    split = [part for name in ranks for part in cascade.rank(name).partitions or (name,)]
    ways = dict.fromkeys(", ".join(way).lower() for way in (ranks, split))
    return [f"{tensor}[{way}]" for way in ways]


def check_index(cascade: Cascade, index: Expression) -> None:
    """An index, or one side of a comparison."""
    for node in walk(index):
        match node:
            case Variable():
                check_variable(cascade, node)
            case Symbol():
                _check_symbol(cascade, node)
            case Number(value=int()):
                _check_number(node)
            case Call(operator="mul", arguments=(left, right)) if not (
                variables(left) and variables(right)
            ):
                pass
            case Call(operator="floordiv" | "mod", arguments=(_, divisor)) if not (
                variables(divisor) or (isinstance(divisor, Number) and divisor.value <= 0)
            ):
                pass
            case Call(operator="add" | "sub" | "neg"):
                _check_call(node)
            case _:
                raise SpecError(
                    f"{print_expression(node)} cannot stand in an index or a condition",
                    rule=_INDEX_RULE,
                    span=node.span,
                )


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
