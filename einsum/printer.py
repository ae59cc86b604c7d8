"""Cascades and expressions as text, with the fewest parentheses that parse back to equal values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from einsum.cascade import Cascade, Einsum, Rank, Reduction, Tensor
from einsum.expression import Access, Call, Comparison, Expression, Number, Symbol, Variable
from einsum.formats import BF16
from einsum.grammar import ALIASES
from einsum.indices import unlisted_variables
from einsum.operators import INFIX
from einsum.quantity import format_count

# How tightly a construct binds; see the grammar.
_SUM, _TERM, _FACTOR, _POWER, _OPERAND = range(1, 6)
_SIGN = {name: sign for sign, name in INFIX.items()} | {"pow": "**"}
_BINDING = {"add": _SUM, "sub": _SUM, "pow": _POWER}
_REDUCTION_NAME = {operator: alias for alias, operator in ALIASES.items()}
# Below this every whole float is exact, so that 1 and 1.0, which are equal, print the same.
_EXACT = 2**53


def print_cascade(cascade: Cascade) -> str:
    """The text of `cascade`: `parse_cascade(print_cascade(c)) == c`.

    Equal cascades have equal texts, so comments (`Cascade.description`) are left out.
    """
    header = [
        f"cascade {cascade.name}",
        _declaration("ranks", (_rank(rank) for rank in cascade.ranks)),
        _declaration("shape", (f"{name} = {format_count(n)}" for name, n in cascade.shape)),
        _declaration("constants", (f"{name} = {format_count(n)}" for name, n in cascade.constants)),
        _declaration("inputs", (_tensor(tensor) for tensor in cascade.inputs)),
        _declaration("outputs", (tensor.name for tensor in cascade.outputs)),
        _declaration(
            "formats", (f"{t.name} {t.format.name}" for t in cascade.tensors if t.format != BF16)
        ),
    ]
    einsums = [print_einsum(einsum, cascade.ranks) for einsum in cascade.einsums]
    return "\n".join([*filter(None, header), "", *einsums, ""])


def _declaration(keyword: str, items: Iterable[str]) -> str:
    listed = ", ".join(items)
    return f"{keyword} {listed}" if listed else ""


def _rank(rank: Rank) -> str:
    return f"{rank.name} -> ({', '.join(rank.partitions)})" if rank.partitions else rank.name


def _tensor(tensor: Tensor) -> str:
    return f"{tensor.name}[{', '.join(tensor.ranks)}]"


def print_einsum(einsum: Einsum, ranks: tuple[Rank, ...]) -> str:
    """One line; `ranks` are the declared ones of its cascade."""
    right = print_expression(einsum.expression)
    reductions = [_reduction(part) for part in _written_reductions(einsum, ranks)]
    if reductions and right.startswith("-"):
        # `max(m) -X[m]` would read as a difference.
        right = f"({right})"
    text = " ".join([print_expression(einsum.output), "=", *reductions, right])
    if einsum.condition:
        text += " if " + " and ".join(print_comparison(part) for part in einsum.condition)
    return text


def _written_reductions(einsum: Einsum, ranks: tuple[Rank, ...]) -> tuple[Reduction, ...]:
    """The reductions without a last one that the parser would add by itself."""
    *first, last = einsum.reductions or (None,)
    if last is None:
        return ()
    named = tuple(part for part in first if part is not None)
    implied = unlisted_variables(ranks, einsum.output, einsum.expression, named)
    if last == Reduction("add", implied):
        return named
    return einsum.reductions


def _reduction(reduction: Reduction) -> str:
    name = _REDUCTION_NAME.get(reduction.operator, reduction.operator)
    return f"{name}({', '.join(reduction.variables)})"


def print_comparison(comparison: Comparison) -> str:
    """`m <= p`."""
    left, right = print_expression(comparison.left), print_expression(comparison.right)
    return f"{left} {comparison.relation} {right}"


def print_expression(expression: Expression) -> str:
    """The expression as the parser reads it: `print_expression(parse_expression(t))` is stable."""
    return _print(expression, _SUM)


def _print(expression: Expression, least: int) -> str:
    """The expression, in parentheses if it binds less tightly than `least`."""
    match expression:
        case Number(value=value):
            text, binding = _number(value), _FACTOR if _number(value)[0] == "-" else _OPERAND
        case Variable(name=name) | Symbol(name=name):
            return name
        case Access(tensor=tensor, indices=indices):
            return f"{tensor}[{', '.join(map(print_expression, indices))}]"
        case Call(operator="neg", arguments=(argument,)) if not isinstance(argument, Number):
            text, binding = f"-{_print(argument, _FACTOR)}", _FACTOR
        case Call(operator="pow", arguments=(base, exponent)):
            text, binding = f"{_print(base, _OPERAND)} ** {_print(exponent, _FACTOR)}", _POWER
        case Call(operator=operator, arguments=(left, right)) if operator in _SIGN:
            binding = _BINDING.get(operator, _TERM)
            text = f"{_print(left, binding)} {_SIGN[operator]} {_print(right, binding + 1)}"
        case Call(operator=operator, arguments=arguments):
            return f"{operator}({', '.join(map(print_expression, arguments))})"
        case _:
            assert_never(expression)
    return text if binding >= least else f"({text})"


def _number(value: int | float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return repr(value)
