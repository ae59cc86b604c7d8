"""What a design must satisfy, and what is wanted of it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.quantities import Unit
from einsum.errors import SpecError, choices
from mapper.sweep.formula import Column, Formula, parse_formula
from mapper.sweep.outcome import METRICS

_RELATION = re.compile(r"(?P<left>[^<>=]+)(?P<relation><=|>=|==|<|>)(?P<right>[^<>=]+)")
_COMPARE: dict[str, Callable[[Column, Column], NDArray[np.bool_]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
_UNITS = {
    name: factor
    for unit in (Unit.BYTES, Unit.BYTES_PER_S, Unit.HERTZ, Unit.SQUARE_MICROMETRES, Unit.PICOJOULES)
    for name, factor in unit.factors.items()
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """`area_um2 <= 1.3e9`: formulas over metrics and settings, compared."""

    left: Formula
    relation: str
    right: Formula

    def __str__(self) -> str:
        return f"{self.left.text} {self.relation} {self.right.text}"

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics and settings that it reads."""
        return self.left.names + self.right.names

    def holds(self, known: Mapping[str, Column]) -> NDArray[np.bool_]:
        """For every row of `known`; not where a side has no value."""
        return _COMPARE[self.relation](self.left.values(known), self.right.values(known))


def parse_constraint(text: str) -> Constraint:
    """The constraint that `text` is; either side may end in a unit: `<= 1300 mm^2`."""
    match = _RELATION.fullmatch(text.strip())
    if match is None:
        raise SpecError(
            f"{text!r} is not a constraint",
            rule="write two formulas and one of <= >= < > ==: area_um2 <= 1.3e9",
        )
    left, right = (parse_formula(match[side], _UNITS) for side in ("left", "right"))
    return Constraint(left, match["relation"], right)


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to minimise, or to maximise."""

    metric: str
    maximise: bool = False

    def __str__(self) -> str:
        return f"max {self.metric}" if self.maximise else self.metric


def parse_objective(text: str) -> Objective:
    """`latency_s` is minimised, `max util_2d` maximised. `SpecError` lists the metrics."""
    words = text.split()
    direction, metric = words if len(words) == 2 else ["min", text.strip()]
    if direction not in ("min", "max"):
        raise SpecError(f"{direction} is no direction", rule="write min METRIC or max METRIC")
    if metric not in METRICS:
        raise SpecError(f"there is no metric {metric}", rule=choices(metric, METRICS))
    return Objective(metric, direction == "max")
