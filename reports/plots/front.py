"""The designs that no other one is better than, in two or three respects."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from reports.plots.table import Rows, Values


def pareto_rows(costs: Sequence[Values]) -> Rows:
    """The rows that no other row is as good as in all of `costs` and better in one.

    By increasing first cost; of equal rows the first. n log n for two costs or three (Kung,
    Luccio, Preparata, JACM 22(4), 1975: a staircase over the last two, swept along the first).
    """
    order = np.lexsort((np.arange(len(costs[0])), *reversed(costs)))
    match list(costs):
        case [_]:
            return order[:1].astype(np.int64)
        case [_, second]:
            least = np.minimum.accumulate(second[order])
            before = np.concatenate([[np.inf], least[:-1]])
            return order[second[order] < before].astype(np.int64)
        case [_, second, third]:
            return order[_staircase(second[order], third[order])].astype(np.int64)
        case _:
            raise ValueError("one, two or three costs")


def _staircase(second: Values, third: Values) -> list[int]:
    """The places that no place before them is as good as in both."""
    steps: list[float] = []  # second costs, increasing; their third costs fall
    heights: list[float] = []
    kept = []
    for place, (a, b) in enumerate(zip(second.tolist(), third.tolist(), strict=True)):
        before = bisect_right(steps, a) - 1
        if before >= 0 and heights[before] <= b:
            continue
        kept.append(place)
        first = last = bisect_left(steps, a)
        while last < len(steps) and heights[last] >= b:
            last += 1
        steps[first:last] = [a]
        heights[first:last] = [b]
    return kept
