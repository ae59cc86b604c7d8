"""The registered operators: what a name in an Einsum computes, and how it can reduce a rank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from einsum.errors import SpecError, choices


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator on arrays.

    `apply` takes `arity` arrays. An operator that can reduce a rank has `reduce(array, axes)`
    and the `identity` that stands for a point that is absent.
    """

    name: str
    arity: int
    apply: Callable[..., Any]
    reduce: Callable[[Any, tuple[int, ...]], Any] | None = None
    identity: float | None = None
    infix: str = ""


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def _gelu(x: Any) -> Any:
    # The exact form of Hendrycks and Gimpel (arXiv 1606.08415), x * Phi(x), through erf.
    return 0.5 * x * (1.0 + _erf(x / np.sqrt(np.asarray(2.0, dtype=np.asarray(x).dtype))))


def _erf(x: Any) -> Any:
    from scipy.special import erf

    return erf(x)


OPERATORS: dict[str, Operator] = {}


def register(operator: Operator) -> Operator:
    """Add `operator`, so that every cascade can use it. `SpecError` if the name is taken."""
    if operator.name in OPERATORS:
        raise SpecError(f"operator {operator.name} is already registered")
    OPERATORS[operator.name] = operator
    return operator


def operator_named(name: str) -> Operator:
    """The operator called `name`; `SpecError` lists them if there is none."""
    if name not in OPERATORS:
        raise SpecError(f"unknown operator {name}", rule=choices(name, OPERATORS))
    return OPERATORS[name]


for _operator in (
    Operator("add", 2, np.add, np.sum, 0.0, infix="+"),
    Operator("sub", 2, np.subtract, infix="-"),
    Operator("mul", 2, np.multiply, np.prod, 1.0, infix="*"),
    Operator("div", 2, np.divide, infix="/"),
    Operator("mod", 2, np.mod, infix="%"),
    Operator("floordiv", 2, np.floor_divide, infix="//"),
    Operator("max", 2, np.maximum, np.max, -np.inf),
    Operator("min", 2, np.minimum, np.min, np.inf),
    Operator("pow", 2, np.power),
    Operator("neg", 1, np.negative),
    Operator("exp", 1, np.exp),
    Operator("exp2", 1, np.exp2),
    Operator("log", 1, np.log),
    Operator("log2", 1, np.log2),
    Operator("sqrt", 1, np.sqrt),
    Operator("rsqrt", 1, lambda x: 1.0 / np.sqrt(x)),
    Operator("reciprocal", 1, lambda x: 1.0 / x),
    Operator("square", 1, np.square),
    Operator("abs", 1, np.abs),
    Operator("sign", 1, np.sign),
    Operator("floor", 1, np.floor),
    Operator("ceil", 1, np.ceil),
    Operator("round", 1, np.rint),
    Operator("sin", 1, np.sin),
    Operator("cos", 1, np.cos),
    Operator("tanh", 1, np.tanh),
    Operator("erf", 1, _erf),
    Operator("relu", 1, lambda x: np.maximum(x, 0)),
    Operator("sigmoid", 1, _sigmoid),
    Operator("silu", 1, lambda x: x * _sigmoid(x)),
    Operator("gelu", 1, _gelu),
    Operator("softplus", 1, lambda x: np.logaddexp(x, 0)),
):
    register(_operator)

INFIX: dict[str, str] = {o.infix: o.name for o in OPERATORS.values() if o.infix}
"""Operator name by infix symbol: `{"+": "add", ...}`."""
