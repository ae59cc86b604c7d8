"""Two sweeps: the points that they have in common, metric by metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from einsum.errors import SpecError
from mapper.sweep.description import Description
from mapper.sweep.results import Results
from reports.comparison import DesignSettings, setpoint_text

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("latency_s", "energy_pj", "dram_traffic_bytes", "area_um2")


@dataclass(frozen=True, slots=True)
class MetricChange:
    """B over A at the common points: geometric mean and ends, and where the ends are.

    `better` and `worse` count the points where B is less and more than A.
    """

    metric: str
    mean: float
    least: float
    least_at: tuple[int, int]
    most: float
    most_at: tuple[int, int]
    better: int
    worse: int


@dataclass(frozen=True)
class StoreComparison:
    """Sweeps A and B. `fixed` are the settings that neither sweeps and that differ.

    `only_a` and `only_b` count common points with results in one of them alone, `both` in both.
    """

    fixed: tuple[tuple[str, str, str], ...]
    swept: tuple[str, ...]
    matched: int
    only_a: int
    only_b: int
    both: int
    changes: tuple[MetricChange, ...]


def compare_stores(a: Results, b: Results) -> StoreComparison:
    """Matches points by every setting that one of the sweeps varies.

    Raises `SpecError` if no point of one is one of the other.
    """
    names = _swept(a.description, b.description)
    joined = _keyed(a, names).merge(_keyed(b, names), on=list(names), suffixes=("_a", "_b"))
    if joined.empty:
        raise SpecError(
            f"no point of {a.path.parent} has the values of one of {b.path.parent} in "
            f"{', '.join(names) or 'anything'}",
            rule="compare sweeps over the same values, or single points: FOLDER:POINT",
        )
    there = [joined[f"latency_s_{side}"].notna().to_numpy() for side in "ab"]
    both = joined[there[0] & there[1]]
    return StoreComparison(
        _fixed(a.description, b.description, names),
        names,
        len(joined),
        int(np.count_nonzero(there[0] & ~there[1])),
        int(np.count_nonzero(there[1] & ~there[0])),
        len(both),
        tuple(_change(both, metric) for metric in METRICS) if len(both) else (),
    )


def point_of(results: Results, point: int) -> DesignSettings:
    """The design of one finished point. Raises `SpecError` if it is not there."""
    described = results.description
    step = described.block_points
    block = next(
        (
            results.block(first)
            for first in results.firsts()
            if first <= point < first + step  # blocks end where rounds do, so look inside
        ),
        None,
    )
    row = -1 if block is None else point - block.first
    if block is None or not 0 <= row < len(block):
        raise SpecError(
            f"{results.path.parent} has no finished point {point}",
            rule=f"its points are 0 to {described.points - 1}",
        )
    settings = dict(described.base)
    for one in described.parameters:
        value = float(block.parameters[one.name][row])
        settings[one.name] = one.texts[int(value)] if one.texts is not None else value
    return DesignSettings(f"{results.path.parent}:{point}", settings, described.components)


def _swept(a: Description, b: Description) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.name for side in (a, b) for one in side.parameters))


def _fixed(
    a: Description, b: Description, swept: Sequence[str]
) -> tuple[tuple[str, str, str], ...]:
    names = sorted({*a.base, *b.base} - set(swept))
    return tuple(
        (name, setpoint_text(name, a.base), setpoint_text(name, b.base))
        for name in names
        if a.base.get(name) != b.base.get(name)
    )


def _keyed(results: Results, names: Sequence[str]) -> pd.DataFrame:
    """Every point with the values of `names`, fixed ones too, its metrics and its number."""
    own = {one.name: one for one in results.description.parameters}
    frame = results.frame([*(name for name in names if name in own), *METRICS])
    for name in names:
        if name not in own:
            frame[name] = results.description.base.get(name)
        if name not in own or own[name].texts is not None:
            frame[name] = frame[name].astype(object)
    return frame.reset_index()


def _change(both: pd.DataFrame, metric: str) -> MetricChange:
    a, b = (both[f"{metric}_{side}"].to_numpy() for side in "ab")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((a == 0) & (b == 0), 1.0, b / a)
        mean = float(np.exp(np.mean(np.log(ratio))))
    least, most = int(np.argmin(ratio)), int(np.argmax(ratio))
    points = both[["point_a", "point_b"]].to_numpy()

    def at(row: int) -> tuple[int, int]:
        return int(points[row][0]), int(points[row][1])

    return MetricChange(
        metric,
        mean,
        float(ratio[least]),
        at(least),
        float(ratio[most]),
        at(most),
        int(np.count_nonzero(b < a)),
        int(np.count_nonzero(b > a)),
    )
