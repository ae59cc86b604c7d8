"""Its expressions: sets (`input | output`, `~Intermediates`), conditions and numbers.

They are read as a syntax tree of which a few kinds of nodes are understood; nothing is run.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from einsum.errors import SpecError, choices

Tensors: TypeAlias = frozenset[str]
Value: TypeAlias = Tensors | int | float | bool

_RULE = (
    "sets are written with names, | & - ~, len(...), comparisons and A if CONDITION else B, "
    "numbers with + - * / // and SET.bits_per_value"
)


def tensors(text: str, names: Mapping[str, Tensors]) -> Tensors:
    """The tensors that `text` means; `names` has `All` and whatever else it may use."""
    value = _Reader(names).value(_parsed(text))
    if not isinstance(value, frozenset):
        raise SpecError(f"{text!r} is not a set of tensors", rule=_RULE)
    return value


def holds(text: str, names: Mapping[str, Tensors]) -> bool:
    """Is the condition `text` true?"""
    return bool(_Reader(names).value(_parsed(text)))


def number(text: str, names: Mapping[str, Tensors], bits: Mapping[str, float]) -> float:
    """The number that `text` means, which may be infinite; `bits` are the tensors' widths."""
    value = _Reader(names, bits).value(_parsed(text))
    if isinstance(value, frozenset) or math.isnan(value):
        raise SpecError(f"{text!r} is not a number", rule=_RULE)
    return float(value)


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"{text!r} is not an expression", rule=_RULE) from None


@dataclass(frozen=True, slots=True)
class _Reader:
    names: Mapping[str, Tensors]
    bits: Mapping[str, float] = field(default_factory=dict)

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=bool() | int() | float() as constant):
                return constant
            case ast.Name(id=name):
                if name in self.names:
                    return self.names[name]
                if name == "inf":
                    return math.inf
                raise SpecError(f"unknown set {name}", rule=choices(name, self.names))
            case ast.Attribute(value=ast.Name() as owner, attr="tensors"):
                return self.value(owner)
            case ast.Attribute(value=owner, attr="bits_per_value"):
                return self._width(owner)
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return self.names["All"] - self._set(operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.value(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(left, op, right)
            case ast.IfExp(test=test, body=yes, orelse=no):
                return self.value(yes if self.value(test) else no)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _compared(self.value(left), op, self.value(right))
            case ast.Call(func=ast.Name(id="len"), args=[argument], keywords=[]):
                return len(self._set(argument))
        raise SpecError(f"{ast.unparse(node)!r} cannot be used here", rule=_RULE)

    def _binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Value:
        match op:
            case ast.BitOr():
                return self._set(left) | self._set(right)
            case ast.BitAnd():
                return self._set(left) & self._set(right)
            case ast.Sub():
                first = self.value(left)
                if isinstance(first, frozenset):
                    return first - self._set(right)
                return first - self._number(right)
            case ast.Add():
                return self._number(left) + self._number(right)
            case ast.Mult():
                return self._number(left) * self._number(right)
            case ast.Div() | ast.FloorDiv():
                divisor = self._number(right)
                if divisor == 0:
                    raise SpecError("an expression divides by zero")
                quotient = self._number(left) / divisor
                return float(math.floor(quotient)) if isinstance(op, ast.FloorDiv) else quotient
        raise SpecError(f"{type(op).__name__} cannot be used here", rule=_RULE)

    def _width(self, node: ast.expr) -> float:
        widths = {self.bits[name] for name in self._set(node)}
        if len(widths) != 1:
            raise SpecError(
                f"the tensors of {ast.unparse(node)} have {len(widths)} different widths",
                rule="bits_per_value is of tensors of one width",
            )
        return widths.pop()

    def _set(self, node: ast.expr) -> Tensors:
        value = self.value(node)
        if not isinstance(value, frozenset):
            raise SpecError(f"{ast.unparse(node)!r} is not a set", rule=_RULE)
        return value

    def _number(self, node: ast.expr) -> float:
        value = self.value(node)
        if isinstance(value, frozenset):
            raise SpecError(f"{ast.unparse(node)!r} is not a number", rule=_RULE)
        return value


def _compared(left: Value, op: ast.cmpop, right: Value) -> bool:
    match op:
        case ast.Eq():
            return left == right
        case ast.NotEq():
            return left != right
    if isinstance(left, frozenset) or isinstance(right, frozenset):
        raise SpecError("sets are compared with == and != only", rule=_RULE)
    match op:
        case ast.Lt():
            return left < right
        case ast.LtE():
            return left <= right
        case ast.Gt():
            return left > right
        case ast.GtE():
            return left >= right
    raise SpecError(f"{type(op).__name__} is not a comparison", rule=_RULE)
