"""What the array computes, bit for bit: the cascade in the PE's arithmetic and its order of sums.

The Einsums are evaluated key tile by key tile for all queries at once; nothing is known of the
schedule, whose only effect is when. A sum over e or m0 adds one term after the other, as a PE or a
column of them does. The 2D array's values are operands of the head's format and fp32 sums; a
lane's are fp32. Where a maximum is -inf so far, the difference to it is -inf: masked keys have no
weight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from einsum.arithmetic import Arithmetic
from einsum.cascade import Cascade, Einsum, Role
from einsum.expression import Access, Call, Expression, Number, Symbol, variables
from einsum.formats import FP32, Format
from einsum.rounding import Values

Key: TypeAlias = "tuple[str, int | None]"


@dataclass(frozen=True)
class Operands:
    """Inputs of a head, as values of its format, in whole tiles.

    `q` is E x P, `k` E x M, `v` F x M. A pair of a masked key or a masked query has no weight.
    """

    q: Values
    k: Values
    v: Values
    masked_keys: npt.NDArray[np.bool_]
    masked_queries: npt.NDArray[np.bool_]


@dataclass
class Golden:
    """Evaluates `cascade` on `operands` in tiles of `n` keys."""

    cascade: Cascade
    operands: Operands
    format: Format
    degree: int
    n: int
    known: dict[Key, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pe = Arithmetic(self.format, self.degree)
        self.lane = Arithmetic(FP32, self.degree)
        self.tiles = self.operands.k.shape[1] // self.n

    def output(self) -> Values:
        """The cascade's result: F x P, of the head's format."""
        for tile in range(self.tiles):  # in order, so that running values need no deep recursion
            for einsum in self.cascade.steps:
                if self._steps(einsum):
                    self._result(einsum, tile)
        (output,) = self.cascade.outputs
        return self.value(output.name, None)

    def value(self, tensor: str, tile: int | None) -> Values:
        """Tensor `tensor` at key tile `tile`; of a running value, before that tile."""
        return self.known[tensor, tile] if (tensor, tile) in self.known else self._new(tensor, tile)

    def _new(self, tensor: str, tile: int | None) -> Values:
        match tensor:
            case "Q":
                return self.operands.q
            case "K" | "V" if tile is not None:
                source = self.operands.k if tensor == "K" else self.operands.v
                return source[:, tile * self.n : (tile + 1) * self.n]
        if tile == 0:
            for einsum in self.cascade.einsums:
                if einsum.tensor == tensor and einsum.is_initial:
                    return np.asarray(_number(einsum.expression))
        producer = self.cascade.producer(tensor)
        assert producer is not None, f"{tensor} is no tensor of attention"
        running = bool(self.cascade.iterative_variables(tensor))
        return self._result(producer, tile - 1 if running and tile is not None else tile)

    def _result(self, einsum: Einsum, tile: int | None) -> Values:
        """The Einsum's value in its iteration `tile`."""
        running = bool(self.cascade.iterative_variables(einsum.tensor))
        key = (einsum.tensor, tile + 1 if running and tile is not None else tile)
        if key not in self.known:
            value = self._reduced(einsum, tile)
            if self.cascade.tensor(einsum.tensor).role is Role.OUTPUT:
                value = self.pe.narrow(value)
            self.known[key] = value
        return self.known[key]

    def _steps(self, einsum: Einsum) -> bool:
        return "m1" in einsum.variables

    def _at(self, access: Access, tile: int | None) -> Values:
        for index in access.indices:
            match index:
                case Symbol("M1"):
                    return self.value(access.tensor, self.tiles)
                case Call("add", (_, Number(1))):
                    assert tile is not None
                    return self.value(access.tensor, tile + 1)
        return self.value(access.tensor, tile if "m1" in variables(access) else None)

    # Operations. Arrays are (rows, queries), (values, queries) or (queries,).

    def _reduced(self, einsum: Einsum, tile: int | None) -> Values:
        reduced = einsum.reduced_variables
        on_2d = "m0" in einsum.variables
        match einsum.expression:
            case Call("mul", (Access() as one, Access() as other)) if "e" in reduced:
                return self._products(one, other, tile)
            case Call("mul", (Access() as one, Access() as other)) if "m0" in reduced:
                weights, values = (self._at(a, tile) for a in (one, other))
                return self._weighted(weights, values)
            case Access() as one if "m0" in reduced and einsum.reductions[0].operator == "max":
                total = np.full(self.operands.q.shape[1], -np.inf)
                for row in self._at(one, tile):
                    total = self.pe.maximum(total, row)
                return total
            case Access() as one if "m0" in reduced:
                total = np.zeros(self.operands.q.shape[1])
                for row in self._at(one, tile):
                    total = self.pe.fma(row, 1.0, total)
                return total
            case Call("mul", (Access() as one, Access() as other)) if on_2d:
                factor = self.pe.narrow(self._at(other, tile))
                return self.pe.narrow(self.pe.fma(self._at(one, tile), factor, 0.0))
            case Call("exp", (Call("sub", (Access() as one, Access() as other)),)) if on_2d:
                return self.pe.narrow(self._exponential(self.pe, one, other, tile))
        return self._in_lane(einsum.expression, tile)

    def _in_lane(self, expression: Expression, tile: int | None) -> Values:
        lane = self.lane
        match expression:
            case Access():
                return self._at(expression, tile)
            case Call("mul", (Number(value=1), one)):
                return self._in_lane(one, tile)
            case Call("mul", (one, other)):
                return lane.fma(self._in_lane(other, tile), self._in_lane(one, tile), 0.0)
            case Call("add", (Call("mul", (one, other)), more)):
                factors = (self._in_lane(other, tile), self._in_lane(one, tile))
                return lane.fma(*factors, self._in_lane(more, tile))
            case Call("add", (one, other)):
                return lane.fma(self._in_lane(one, tile), 1.0, self._in_lane(other, tile))
            case Call("max", (one, other)):
                largest = lane.maximum(self._in_lane(one, tile), self._in_lane(other, tile))
                return self.pe.narrow(largest)
            case Call("exp", (Call("sub", (Access() as one, Access() as other)),)):
                return self._exponential(lane, one, other, tile)
            case Call("reciprocal", (one,)):
                return lane.reciprocal(self._in_lane(one, tile))
        raise AssertionError(f"a lane does not compute {expression}")

    def _products(self, one: Access, other: Access, tile: int | None) -> Values:
        by_name = {access.tensor: self._at(access, tile) for access in (one, other)}
        q, k = by_name["Q"], by_name["K"]
        assert tile is not None
        keys = self.operands.masked_keys[tile * self.n : (tile + 1) * self.n]
        masked = keys[:, None] | self.operands.masked_queries[None, :]
        total = np.where(masked, -np.inf, 0.0)
        for e in range(q.shape[0]):
            total = self.pe.fma(k[e][:, None], q[e][None, :], total)
        return total

    def _weighted(self, weights: Values, values: Values) -> Values:
        total = np.zeros((values.shape[0], weights.shape[1]))
        for row in range(self.n):
            total = self.pe.fma(values[:, row][:, None], weights[row][None, :], total)
        return total

    def _exponential(
        self, unit: Arithmetic, one: Access, other: Access, tile: int | None
    ) -> Values:
        value = self._at(one, tile)
        lower = unit.subtract(value, self._at(other, tile))
        return unit.exp2(np.where(value == -np.inf, -np.inf, lower))


def _number(expression: Expression) -> float:
    match expression:
        case Number(value):
            return float(value)
        case Call("neg", (one,)):
            return -_number(one)
    raise AssertionError("an initial value is a number")
