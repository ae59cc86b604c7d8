"""What an Einsum asks of the unit that computes it: operations per point, cycles, MACs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from archsim.amounts import NOTHING, ONE, Array
from archsim.architecture import Architecture, ComputeUnit, Operation
from archsim.kept import kept
from archsim.nest import Leaf
from einsum.cascade import Einsum
from einsum.errors import SpecError
from einsum.expression import (
    Access,
    Call,
    Expression,
    Number,
    Symbol,
    Variable,
    accesses,
    variables,
)

_STAND_INS: dict[str, tuple[str, ...]] = {
    # An adder subtracts and negates; a multiplier is a MAC that adds nothing.
    "sub": ("add",),
    "neg": ("sub", "add"),
    "mul": ("mac",),
    "square": ("mul", "mac"),
    "min": ("max",),
    "exp2": ("exp",),
    "reciprocal": ("div",),
    "add": ("mac",),
    "relu": ("max",),
    "abs": ("max",),
    "sign": ("max",),
    "floor": ("add",),
    "ceil": ("add",),
    "round": ("add",),
}

_SEQUENCES: dict[str, Counter[str]] = {
    # What a unit without the function computes instead, from its definition.
    "sigmoid": Counter(exp=1, add=1, div=1),
    "silu": Counter(exp=1, add=1, div=1, mul=1),
    "tanh": Counter(exp=1, add=2, div=1),
}


@dataclass(frozen=True, slots=True)
class Work:
    """An Einsum on a unit.

    `operations` counts each operation per point, `cycles` is how long the unit is busy,
    `pipes` how long each of its pipes is (none: all that time), `points` how many points it
    executes, `macs` how many of the useful points are multiply-accumulates of a contraction.
    """

    einsum: str
    group: int
    unit: str
    operations: tuple[tuple[Operation, int], ...]
    cycles: Array
    points: Array
    useful_points: Array
    macs: Array
    pipes: tuple[tuple[str, Array], ...] = ()


def work(leaf: Leaf, architecture: Architecture, executed: Array, useful: float) -> Work:
    """The work of one placed Einsum.

    `executed` and `useful` are the shares of its iteration space (0 to 1) that the array steps
    through and that satisfy its conditions. Raises `SpecError` if the unit lacks an operation.
    """
    demand = _demand(leaf.einsum, architecture.unit(leaf.unit))
    steps = leaf.cycles_per_point * executed
    points = leaf.points * executed
    space = ONE
    for name in leaf.einsum.variables:
        space = space * leaf.full[name]
    return Work(
        leaf.einsum.name,
        leaf.group,
        leaf.unit,
        demand.operations,
        steps * demand.cycles,
        points,
        space * useful,
        space * useful if is_contraction(leaf.einsum) else NOTHING,
        tuple((pipe, steps * cycles) for pipe, cycles in demand.pipes),
    )


class _Demand(NamedTuple):
    """What one point asks of a unit: operations, cycles, and cycles by pipe."""

    operations: tuple[tuple[Operation, int], ...]
    cycles: float
    pipes: tuple[tuple[str, float], ...]


@kept
def _demand(einsum: Einsum, unit: ComputeUnit) -> _Demand:
    operations = tuple(
        (operation_on(unit, name, einsum), count)
        for name, count in sorted(needed(einsum, unit).items())
    )
    pipes: dict[str, float] = {}
    for operation, count in operations:
        before = pipes.get(operation.pipe, 0.0)
        pipes[operation.pipe] = before + operation.cycles * count
    return _Demand(operations, max(pipes.values(), default=0.0), tuple(pipes.items()))


def is_contraction(einsum: Einsum) -> bool:
    """Does it multiply and accumulate over a reduced rank?"""
    adds = any(reduction.operator == "add" for reduction in einsum.reductions)
    return adds and isinstance(einsum.expression, Call) and einsum.expression.operator == "mul"


def needed(einsum: Einsum, unit: ComputeUnit) -> Counter[str]:
    """Operations per point, with the fused ones that `unit` has.

    A product that is added is a `mac`; an exponential of a difference is a `sub_exp`.
    """
    fused = {operation.name for operation in unit.operations}
    found = _count(einsum.expression, fused)
    for reduction in einsum.reductions:
        found[reduction.operator] += 1
    top = einsum.expression
    if (
        "mac" in fused
        and einsum.reductions
        and einsum.reductions[-1].operator == "add"
        and isinstance(top, Call)
        and top.operator == "mul"
    ):
        found.subtract(("mul", "add"))
        found["mac"] += 1
    for name in [name for name in found if name in _SEQUENCES and _available(unit, name) is None]:
        times = found.pop(name)
        for part, count in _SEQUENCES[name].items():
            found[part] += count * times
    return +found


def _count(expression: Expression, fused: set[str]) -> Counter[str]:
    if not accesses(expression) and not variables(expression):
        return Counter()  # a constant: known before anything runs
    match expression:
        case Call("add", (Call("mul", factors), other)) if "mac" in fused:
            parts, name = (*factors, other), "mac"
        case Call("add", (other, Call("mul", factors))) if "mac" in fused:
            parts, name = (*factors, other), "mac"
        case Call("exp", (Call("sub", parts),)) if "sub_exp" in fused:
            name = "sub_exp"
        case Call(name, parts):
            pass
        case Access() | Number() | Symbol() | Variable():
            return Counter()
    found = Counter({name: 1})
    for part in parts:
        found += _count(part, fused)
    return found


def operation_on(unit: ComputeUnit, name: str, einsum: Einsum) -> Operation:
    """The operation of `unit` that computes `name`: itself, or one that can stand in for it."""
    operation = _available(unit, name)
    if operation is None:
        names = ", ".join(sorted(one.name for one in unit.operations))
        raise SpecError(
            f"{unit.name} cannot compute {einsum.name}: it has no {name}",
            rule=f"its operations are {names}",
        )
    return operation


def _available(unit: ComputeUnit, name: str) -> Operation | None:
    available = {operation.name: operation for operation in unit.operations}
    for candidate in (name, *_STAND_INS.get(name, ())):
        if candidate in available:
            return available[candidate]
    return None


def supports(unit: ComputeUnit, einsum: Einsum) -> bool:
    """Has `unit` every operation that `einsum` needs?"""
    return not missing(unit, einsum)


def missing(unit: ComputeUnit, einsum: Einsum) -> tuple[str, ...]:
    """The operations that `einsum` needs and `unit` lacks."""
    return tuple(sorted(n for n in needed(einsum, unit) if _available(unit, n) is None))


def no_unit(einsum: Einsum, architecture: Architecture) -> SpecError:
    """The error for an Einsum that no unit can compute."""
    return SpecError(
        f"no unit of {architecture.name} can compute {einsum.name}",
        rule="; ".join(
            f"{unit.name} lacks {', '.join(missing(unit, einsum))} (it has "
            f"{', '.join(sorted(one.name for one in unit.operations))})"
            for unit in architecture.units
        ),
    )
