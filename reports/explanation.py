"""Why a mapping is as it is: what its neighbours would cost, and what makes them cost it."""

from __future__ import annotations

from dataclasses import dataclass

from archsim.engineering import binary, engineering, ratio
from archsim.report import CostReport
from archsim.text_table import TextTable
from einsum.errors import SpecError
from mapper.alternatives import Alternative, alternatives, cut
from mapper.objective import Cost, Objective
from reports.problem import Target
from reports.progress import Track

_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Explained:
    """An alternative: its report, or None and the reason why it cannot be."""

    change: str
    report: CostReport | None
    reason: str


def explained(target: Target, best: CostReport, alternative: Alternative) -> Explained:
    """Evaluate an alternative and name what changes most."""
    try:
        report = target.mapped(alternative.mapping).evaluate()
    except SpecError as error:
        return Explained(alternative.change, None, str(error).splitlines()[0])
    return Explained(alternative.change, report, _largest_change(best, report))


def explanation(target: Target, best: CostReport, track: Track) -> tuple[Explained, ...]:
    """All neighbours of the mapping that `best` reports."""
    neighbours = (*cut(best.mapping), *alternatives(best.mapping))
    return tuple(explained(target, best, one) for one in track(neighbours, "alternatives"))


def explanation_table(
    objective: Objective, best: CostReport, found: tuple[Explained, ...]
) -> TextTable:
    """The neighbours, worst last; those that cost the same are left out."""
    base = objective.value_of(_cost(best))
    rows: list[tuple[float, tuple[str, ...]]] = []
    for one in found:
        if one.report is None:
            rows.append((float("inf"), (one.change, "", "", "", one.reason)))
            continue
        value = objective.value_of(_cost(one.report)) / base if base else 1.0
        amounts = (
            ratio(one.report.latency_s / best.latency_s),
            ratio(one.report.dram_traffic_bytes / best.dram_traffic_bytes),
            ratio(one.report.energy_pj_complete / best.energy_pj_complete),
        )
        if amounts != ("1.000x",) * 3:
            rows.append((value, (one.change, *amounts, one.reason)))
    rows.sort(key=lambda row: row[0])
    return TextTable(
        f"alternatives: {len(found)} with one choice made otherwise, times the mapping found",
        "<>>><",
        ("change", "latency", "traffic", "energy", "because"),
        tuple(cells for _, cells in rows[:_SHOWN]),
    )


def explanation_rows(found: tuple[Explained, ...]) -> list[dict[str, object]]:
    """The same for `--json`, all of them."""
    return [
        {
            "change": one.change,
            "legal": one.report is not None,
            "latency_s": one.report.latency_s if one.report else None,
            "dram_traffic_bytes": one.report.dram_traffic_bytes if one.report else None,
            "energy_pj": one.report.energy_pj_complete if one.report else None,
            "because": one.reason,
        }
        for one in found
    ]


def _cost(report: CostReport) -> Cost:
    held = [one.occupied_bytes for one in report.memories if one.size_bytes is not None]
    return Cost(
        report.latency_s,
        report.dram_traffic_bytes,
        report.energy_pj_complete,
        max(held, default=0.0),
    )


def _largest_change(best: CostReport, other: CostReport) -> str:
    """The tensor whose traffic changes most in time or energy, or the unit that is busier."""
    before = {(t.memory, t.tensor): t.read_bytes + t.write_bytes for t in best.tensors}
    after = {(t.memory, t.tensor): t.read_bytes + t.write_bytes for t in other.tensors}
    root = best.memories[0].memory
    outside = [key for key in {**before, **after} if key[0] == root]
    inside = [key for key in {**before, **after} if key[0] != root]

    def change(key: tuple[str, str]) -> float:
        return abs(after.get(key, 0.0) - before.get(key, 0.0))

    for keys in (outside, inside):
        largest = max(keys, key=lambda key: (change(key), key), default=None)
        if largest and change(largest) > 0:
            memory, tensor = largest
            was, now = binary(before.get(largest, 0.0)), binary(after.get(largest, 0.0))
            return f"{tensor} moves {now} in place of {was} in {memory}"
    busier = {
        one.unit: one.busy_s - was.busy_s for one, was in zip(other.units, best.units, strict=True)
    }
    unit = max(busier, key=lambda name: abs(busier[name]))
    if busier[unit]:
        return f"{unit} is busy {engineering(busier[unit], 's')} longer"
    return "nothing that is counted changes"
