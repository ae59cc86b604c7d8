"""What a PE does for an Einsum: recognised from its expression and its place, not from its name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from archsim.nest import Leaf
from einsum.cascade import Einsum
from einsum.errors import SpecError
from einsum.expression import Access, Call, Number, variables


class Op2d(Enum):
    """Operations of a 2D PE, as encoded in `array_pkg::op_2d_e`."""

    NOP = 0
    MAC = 1  # accumulate left x top in a register
    MAX = 2  # the larger of top and a register goes down
    SUB = 3  # begin an exponential: register - top
    EXP = 4  # a step of it
    SUM = 5  # top plus a register goes down
    WEIGHTED = 6  # register x left plus top goes down
    SCALE = 7  # register x top to a register


class Op1d(Enum):
    """Operations of a lane, as encoded in `array_pkg::op_1d_e`: of operands a, b and c."""

    NOP = 0
    MAX = 1  # max(a, c)
    SUB = 2  # begin an exponential: a - c
    EXP = 3  # a step of it
    MUL = 4  # a * b
    ADD = 5  # a + c
    MAC = 6  # a * b + c
    RECIPROCAL = 7  # a step of 1 / a
    COPY = 8  # a


@dataclass(frozen=True, slots=True)
class Operation:
    """An Einsum's operation with the tensors in its operands' places; None where there is none.

    On the 2D array `a` is the register operand, `left` comes along the row and `top` down the
    column. A lane has `a` (a register or its memory), `b` and `c` (registers).
    """

    op: Op2d | Op1d
    a: Access | None = None
    b: Access | None = None
    c: Access | None = None
    left: Access | None = None
    top: Access | None = None


def operation(leaf: Leaf, rows: str, columns: str) -> Operation:
    """The operation of `leaf`; `rows` and `columns` name the 2D array's dimensions.

    Raises `SpecError` for what the array cannot do.
    """
    spread = {step.dim: step.variable for step in leaf.steps if step.dim}
    found = (
        _on_2d(leaf.einsum, spread[rows], spread[columns])
        if rows in spread and columns in spread
        else _in_lane(leaf.einsum)
    )
    if found is None:
        raise SpecError(
            f"the array has no operation for {leaf.einsum.name} on {leaf.unit}",
            rule="2D: products summed in a PE or down a column, maxima and sums down a column, "
            "exponentials of differences, scaling; lanes: max, exp of a difference, *, +, "
            "multiply-add, reciprocal",
        )
    return found


def _on_2d(einsum: Einsum, row: str, column: str) -> Operation | None:
    reduced = [(part.operator, part.variables) for part in einsum.reductions]
    match einsum.expression, reduced:
        case Call("mul", (Access() as one, Access() as other)), [("add", variables)]:
            if row in variables:
                stays, left = _ordered(one, other, column)
                return Operation(Op2d.WEIGHTED, a=stays, left=left)
            top, left = _ordered(one, other, column)
            return Operation(Op2d.MAC, left=left, top=top)
        case Access() as one, [("max", variables)] if row in variables:
            return Operation(Op2d.MAX, a=one)
        case Access() as one, [("add", variables)] if row in variables:
            return Operation(Op2d.SUM, a=one)
        case Call("exp", (Call("sub", (Access() as one, Access() as other)),)), []:
            return Operation(Op2d.SUB, a=one, top=other)
        case Call("mul", (Access() as one, Access() as other)), []:
            stays, top = _ordered(one, other, row)
            return Operation(Op2d.SCALE, a=stays, top=top)
    return None


def _in_lane(einsum: Einsum) -> Operation | None:
    if einsum.reductions:
        return None
    match einsum.expression:
        case Call("max", (Access() as one, Access() as other)):
            return Operation(Op1d.MAX, a=one, c=other)
        case Call("exp", (Call("sub", (Access() as one, Access() as other)),)):
            return Operation(Op1d.SUB, a=one, c=other)
        case Call("add", (Call("mul", (Access() as one, Access() as other)), Access() as more)):
            return Operation(Op1d.MAC, a=other, b=one, c=more)
        case Call("mul", (Number(value=1), Access() as one)):
            return Operation(Op1d.COPY, a=one)
        case Call("mul", (Access() as one, Access() as other)):
            return Operation(Op1d.MUL, a=other, b=one)
        case Call("add", (Access() as one, Access() as other)):
            return Operation(Op1d.ADD, a=one, c=other)
        case Call("reciprocal", (Access() as one,)):
            return Operation(Op1d.RECIPROCAL, a=one)
    return None


def _ordered(one: Access, other: Access, variable: str) -> tuple[Access, Access]:
    """The access with `variable` first."""
    return (one, other) if variable in variables(one) else (other, one)
