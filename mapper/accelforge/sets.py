"""Its set expressions: `input | output`, `~Intermediates`, `A if len(All) == 3 else B`.

They are read as a syntax tree of which a few kinds of nodes are understood; nothing is run.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TypeAlias

from einsum.errors import SpecError, choices

Tensors: TypeAlias = frozenset[str]
Value: TypeAlias = Tensors | int | float | bool

_RULE = "sets are written with names, | & - ~, len(...), comparisons and A if CONDITION else B"


def tensors(text: str, names: Mapping[str, Tensors]) -> Tensors:
    """The tensors that `text` means; `names` has `All` and whatever else it may use."""
    value = _parsed(text, names)
    if not isinstance(value, frozenset):
        raise SpecError(f"{text!r} is not a set of tensors", rule=_RULE)
    return value


def holds(text: str, names: Mapping[str, Tensors]) -> bool:
    """Is the condition `text` true?"""
    return bool(_parsed(text, names))


def _parsed(text: str, names: Mapping[str, Tensors]) -> Value:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"{text!r} is not a set expression", rule=_RULE) from None
    return _value(tree.body, names)


def _value(node: ast.expr, names: Mapping[str, Tensors]) -> Value:
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            return number
        case ast.Name(id=name):
            if name in names:
                return names[name]
            raise SpecError(f"unknown set {name}", rule=choices(name, names))
        case ast.Attribute(value=ast.Name() as owner, attr="tensors"):
            return _value(owner, names)
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return names["All"] - _set(operand, names)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, names)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _set(left, names) | _set(right, names)
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return _set(left, names) & _set(right, names)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _set(left, names) - _set(right, names)
        case ast.IfExp(test=test, body=yes, orelse=no):
            return _value(yes if _value(test, names) else no, names)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(_value(left, names), op, _value(right, names))
        case ast.Call(func=ast.Name(id="len"), args=[argument], keywords=[]):
            return len(_set(argument, names))
    raise SpecError(f"{ast.unparse(node)!r} cannot be used in a set", rule=_RULE)


def _set(node: ast.expr, names: Mapping[str, Tensors]) -> Tensors:
    value = _value(node, names)
    if not isinstance(value, frozenset):
        raise SpecError(f"{ast.unparse(node)!r} is not a set", rule=_RULE)
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
    raise SpecError(f"{type(op).__name__} is not a comparison of sets", rule=_RULE)
