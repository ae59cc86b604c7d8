"""Some designs with all their terms: busy times, traffic, energy, and their first tile steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from archsim.free_tiles import choose_tiles
from archsim.report import CostReport
from archsim.simulate import simulate
from archsim.simulation.build import Hardware
from archsim.trace import Span, beginning
from einsum.errors import SpecError
from mapper.sweep.design import resolve
from mapper.sweep.results import Results
from reports.comparison import DesignSettings
from reports.comparison_stores import point_of
from reports.plots.front import pareto_rows
from reports.plots.table import Rows, Table
from reports.progress import Track

_STEPS = 2  # of the steady state, in a waterfall
_SPANS = 700  # more than these cannot be told apart on a screen

Detail = Mapping[str, object]


def chosen_rows(table: Table, goals: list[str], most: int) -> tuple[Rows, Rows]:
    """The rows to evaluate again: the Pareto front of every two of `goals`, then others from all
    over the sweep; and those of the front, in the order of the first goal.
    """
    fronts: dict[int, None] = {}
    for number, first in enumerate(goals):
        for second in goals[number + 1 :]:
            rows = pareto_rows([table.cost(first), table.cost(second)])
            fronts |= dict.fromkeys(_spread(rows, most // 2).tolist())
    front = np.fromiter(fronts, dtype=np.int64, count=len(fronts))[:most]
    others = np.setdiff1d(np.arange(len(table), dtype=np.int64), front)
    spread = _spread(others, most - len(front))
    return np.unique(np.concatenate([front, spread])), front


def _spread(rows: Rows, most: int) -> Rows:
    """At most `most` of `rows`, the first and the last one among them."""
    if len(rows) <= most:
        return rows
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.int64))]


def details(
    results: Results, points: Iterable[int], waterfalls: frozenset[int], track: Track
) -> dict[str, Detail]:
    """By number of the point. A waterfall that cannot be drawn has a reason in its place."""
    found: dict[str, Detail] = {}
    for point in track(list(points), "designs in detail"):
        design = point_of(results, point)
        terms: dict[str, object] = dict(_terms(design.evaluate()))
        if point in waterfalls:
            try:
                terms["waterfall"] = _waterfall(design)
            except SpecError as error:
                terms["no_waterfall"] = error.message
        found[str(point)] = terms
    return found


def _terms(report: CostReport) -> dict[str, object]:
    dram = report.memories[0]
    energy: dict[str, float] = {}
    for action in report.energies:
        energy[action.owner] = energy.get(action.owner, 0.0) + action.complete_pj
    return {
        "latency_s": _short(report.latency_s),
        "einsums": [[one.einsum, one.unit, _short(one.busy_s)] for one in report.einsums],
        "dram": [dram.memory, _short(dram.time_s)],
        "traffic": [
            [one.tensor, one.read_bytes, one.write_bytes]
            for one in report.tensors
            if one.memory == dram.memory
        ],
        "energy": [[name, _short(amount)] for name, amount in energy.items()],
        "held": [
            [one.memory, one.occupied_bytes, one.size_bytes]
            for one in report.memories
            if one.size_bytes is not None
        ],
    }


def _waterfall(design: DesignSettings) -> dict[str, object]:
    """The first tile steps of the design, executed cycle by cycle."""
    exact = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in design.settings.items()
    }
    parts = resolve(exact)
    on = (parts.cascade, parts.shapes, parts.architecture)
    done = simulate(*on, choose_tiles(*on, parts.mapping), Hardware())
    first, cycles, spans = beginning(done.schedule, done.program, _STEPS)
    seen = [one for one in spans if one.end > first and one.begin < first + cycles]
    if len(seen) > _SPANS:
        raise SpecError(f"its first steps have {len(seen):,} parts, too many to draw")
    steady = done.schedule.main.schedule
    tracks = list(dict.fromkeys(one.track for one in seen))
    names = list(dict.fromkeys(one.name for one in seen))
    return {
        "first": first,
        "cycles": cycles,
        "interval": steady.ii_cycles,
        "limit": steady.limit,
        "total_cycles": done.cycles,
        "tracks": tracks,
        "names": names,
        "spans": [_packed(one, tracks, names) for one in seen],
    }


def _packed(span: Span, tracks: list[str], names: list[str]) -> list[int]:
    place = tracks.index(span.track), names.index(span.name)
    return [*place, span.begin, span.end, span.step, span.width, span.stride]


def _short(amount: float) -> float:
    return float(f"{amount:.6g}")
