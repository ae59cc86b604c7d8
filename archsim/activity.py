"""How much of an iteration space is executed, and how much of it is useful."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archsim.nest import Array, Leaf
from einsum.cascade import Cascade
from einsum.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Activity:
    """Shares of iteration spaces."""

    cascade: Cascade
    shapes: Shapes

    def executed(self, leaf: Leaf) -> Array:
        return np.asarray(1.0)

    def useful(self, leaf: Leaf) -> Array:
        return np.asarray(1.0)
