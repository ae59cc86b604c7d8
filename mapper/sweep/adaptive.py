"""Adaptive sampling: each round of points is proposed from the results of the rounds before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.sweep.formula import Column


@dataclass(frozen=True)
class History:
    """The points from 0 on that are finished, without a gap, in order.

    `columns` are those of `Points.columns`; `metrics` and `status` those of their outcome.
    """

    columns: Mapping[str, Column]
    metrics: Mapping[str, NDArray[np.float64]]
    status: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.status)
