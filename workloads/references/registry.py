"""What a cascade must compute: direct NumPy formulas in float64, by name.

A reference is written from the textbook formula, over whole arrays, and shares no code with the
interpreter. The ranks that it names are the last axes of a tensor, in that order; a tensor's
other ranks (batch, heads) come first and are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from einsum.errors import SpecError, choices

Array = NDArray[np.float64]
Arrays = Mapping[str, Array]
Sizes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reference:
    """`compute(inputs, sizes) -> outputs` and the shipped cascades that it checks.

    `ranks` gives the trailing ranks of every input and output. `sizes` holds the sizes of ranks
    and the constants (`W`) that the formula needs. Inputs in `optional` may be missing.
    """

    name: str
    ranks: Mapping[str, tuple[str, ...]]
    cascades: tuple[str, ...]
    compute: Callable[[Arrays, Sizes], dict[str, Array]]
    outputs: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name for name in self.ranks if name not in self.outputs)

    def form(self, tensor: str) -> str:
        """How `tensor` is accessed in the formula: `Q[..., E, P]`."""
        return f"{tensor}[{', '.join(('...', *self.ranks[tensor]))}]"


REFERENCES: dict[str, Reference] = {}


def reference_names() -> tuple[str, ...]:
    """Every registered reference."""
    return tuple(REFERENCES)


def reference_named(name: str, cascade: str = "") -> Reference:
    """The reference `name`; `SpecError` lists them if there is none.

    For a shipped `cascade` whose own reference is a kind of `name` it is that one: `attention`
    checks attention/causal against causal-attention.
    """
    if name not in REFERENCES:
        raise SpecError(f"unknown reference {name}", rule=choices(name, REFERENCES))
    for reference in REFERENCES.values():
        if cascade in reference.cascades and reference.name.endswith(f"-{name}"):
            return reference
    return REFERENCES[name]


def reference_for(cascade: str) -> Reference:
    """The reference that checks the shipped cascade `cascade`; `SpecError` if none does."""
    for reference in REFERENCES.values():
        if cascade in reference.cascades:
            return reference
    raise SpecError(f"no reference checks {cascade}", rule="name one: " + ", ".join(REFERENCES))


Formula = TypeVar("Formula", bound=Callable[..., dict[str, Array]])


def register(
    name: str,
    *cascades: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    optional: tuple[str, ...] = (),
) -> Callable[[Formula], Formula]:
    """Enter the decorated formula in the registry; ranks are given as `{"Q": "E P"}`."""

    def enter(compute: Formula) -> Formula:
        ranks = {tensor: tuple(text.split()) for tensor, text in {**inputs, **outputs}.items()}
        REFERENCES[name] = Reference(name, ranks, cascades, compute, tuple(outputs), optional)
        return compute

    return enter
