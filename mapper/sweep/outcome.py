"""What evaluating points gives: a column a metric, and what became of every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

METRICS = (
    "latency_s",
    "energy_pj",
    "edp_pj_s",
    "dram_traffic_bytes",
    "area_um2",
    "buffer_bytes",
    "util_2d",
    "util_1d",
    "util_useful_macs",
    "compute_s",
    "memory_s",
    "energy_pj_published",
    "traffic_bound_bytes",
)
"""The columns of results. `energy_pj` is the complete accounting, `edp_pj_s` its product with the
latency, `buffer_bytes` what the shared memories on chip hold at most."""


class Status(IntEnum):
    """What became of a point.

    DONE: it has results. INFEASIBLE: it has results, and breaks a constraint of the sweep.
    FAILED: it has none, as nothing fits or a value is impossible.
    """

    DONE = 0
    INFEASIBLE = 1
    FAILED = 2

    @property
    def label(self) -> str:
        """The word in the column `status`."""
        return self.name.lower()


@dataclass(frozen=True)
class Outcome:
    """Results of a slice of points, row by row.

    `metrics` has a float64 column for each of `METRICS`, NaN where a point failed; `status` is
    int8; `reasons` says why, for the rows that are not DONE.
    """

    metrics: Mapping[str, NDArray[np.float64]]
    status: NDArray[np.int8]
    reasons: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.status)

    @staticmethod
    def joined(parts: Sequence[Outcome]) -> Outcome:
        """Slices one after another."""
        reasons: dict[int, str] = {}
        offset = 0
        for part in parts:
            reasons |= {offset + row: text for row, text in part.reasons.items()}
            offset += len(part)
        return Outcome(
            {name: np.concatenate([part.metrics[name] for part in parts]) for name in METRICS},
            np.concatenate([part.status for part in parts]),
            reasons,
        )
