"""Comparisons as tables and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict

from archsim.engineering import binary, engineering, percent
from archsim.report import CostReport
from archsim.text_table import TextTable
from reports.comparison import Comparison, Term, explaining
from reports.comparison_stores import StoreComparison

Format = Callable[[float], str]

_ROWS = 12  # of a table of terms, the largest differences first


def comparison_tables(found: Comparison) -> tuple[TextTable, ...]:
    """What differs, the totals, one change at a time, and the terms that are not the same."""
    changes = tuple((one.setting, one.a, one.b) for one in found.changes)
    tables = [TextTable("settings that differ", "<<<", ("", "A", "B"), changes)] if changes else []
    tables.append(_totals(found))
    if len(found.changes) > 1:
        tables.append(_one_at_a_time(found))
    parts: tuple[tuple[str, tuple[Term, ...], Format], ...] = (
        ("busy time by unit", found.units, _seconds),
        ("busy time by Einsum", found.einsums, _seconds),
        ("DRAM traffic by tensor", found.traffic, binary),
        ("energy by action", found.energy, _joules),
    )
    for title, terms, form in parts:
        differing = [one for one in terms if one.difference]
        if differing:
            tables.append(_table(title, differing, form))
    return tuple(tables)


def explanation(found: Comparison) -> str:
    """A sentence each for latency, traffic and energy: how much, and made up by what."""
    a, b = found.reports
    lines = [
        f"latency: B is {_times(a.latency_s, b.latency_s)} A's; A waits for {_limit(a)}, "
        f"B for {_limit(b)}"
    ]
    for name, terms, total in (
        ("DRAM traffic", found.traffic, (a.dram_traffic_bytes, b.dram_traffic_bytes)),
        ("energy", found.energy, (a.energy_pj_complete, b.energy_pj_complete)),
    ):
        parts = [f"{one.name} {percent(share)}" for one, share in explaining(terms)]
        reason = f"; of the difference {', '.join(parts)}" if parts else ""
        lines.append(f"{name}: B is {_times(*total)} A's{reason}")
    return "\n".join(lines)


def comparison_json(found: Comparison) -> dict[str, object]:
    """Everything, for tools."""
    return {
        "a": {"name": found.a.name, "settings": dict(found.a.settings)},
        "b": {"name": found.b.name, "settings": dict(found.b.settings)},
        "limits": [_limit(report) for report in found.reports],
        "changes": [asdict(one) for one in found.changes],
        **{
            part: [{**asdict(one), "difference": one.difference} for one in terms]
            for part, terms in (
                ("totals", found.totals),
                ("units", found.units),
                ("einsums", found.einsums),
                ("traffic", found.traffic),
                ("energy", found.energy),
            )
        },
    }


def store_tables(found: StoreComparison) -> tuple[TextTable, ...]:
    """What differs in two sweeps, and what that changes at the points that both have."""
    tables = []
    if found.fixed:
        tables.append(TextTable("settings that differ", "<<<", ("", "A", "B"), found.fixed))
    header = ("B / A", "mean", "least", "at point", "most", "at point", "B less", "B more")
    rows = tuple(
        (
            one.metric,
            f"{one.mean:.4g}x",
            f"{one.least:.4g}x",
            f"{one.least_at[0]}, {one.least_at[1]}",
            f"{one.most:.4g}x",
            f"{one.most_at[0]}, {one.most_at[1]}",
            f"{one.better:,}",
            f"{one.worse:,}",
        )
        for one in found.changes
    )
    tables.append(
        TextTable(f"{found.both:,} points with results in both", "<>>>>>>>", header, rows)
    )
    return tuple(tables)


def _totals(found: Comparison) -> TextTable:
    formats: dict[str, Format] = {
        "latency_s": _seconds,
        "compute_s": _seconds,
        "memory_s": _seconds,
        "dram_traffic_bytes": binary,
        "energy_pj": _joules,
        "area_um2": lambda area: f"{area / 1e6:.4g} mm^2",
    }
    rows = tuple(
        (
            one.name,
            *(formats.get(one.name, percent)(value) for value in (one.a, one.b)),
            _times(one.a, one.b),
        )
        for one in found.totals
    )
    return TextTable("totals", "<>>>", ("", "A", "B", "B / A"), rows)


def _one_at_a_time(found: Comparison) -> TextTable:
    a = found.reports[0]
    base = a.latency_s, a.dram_traffic_bytes, a.energy_pj_complete
    rows: list[tuple[str, ...]] = []
    for one in found.changes:
        if one.amounts is None:
            rows.append((one.setting, "-", "-", "-", one.reason))
        else:
            times = (_times(x, y) for x, y in zip(base, one.amounts, strict=True))
            rows.append((one.setting, *times, ""))
    header = ("", "latency", "traffic", "energy", "")
    return TextTable("A with one setting of B, over A", "<>>><", header, tuple(rows))


def _table(title: str, terms: Iterable[Term], form: Format) -> TextTable:
    terms = sorted(terms, key=lambda one: abs(one.difference), reverse=True)
    whole = sum(one.difference for one in terms)
    rows = [
        (
            one.name,
            form(one.a),
            form(one.b),
            _signed(one.difference, form),
            percent(one.difference / whole) if whole else "-",
        )
        for one in terms[:_ROWS]
    ]
    if len(terms) > _ROWS:
        rest = terms[_ROWS:]
        a, b = sum(one.a for one in rest), sum(one.b for one in rest)
        share = percent((b - a) / whole) if whole else "-"
        rows.append((f"{len(rest)} others", form(a), form(b), _signed(b - a, form), share))
    return TextTable(title, "<>>>>", ("", "A", "B", "B - A", "of the difference"), tuple(rows))


def _limit(report: CostReport) -> str:
    """What a design waits for."""
    if report.memory_s >= report.compute_s or not report.units:
        return report.memories[0].memory
    unit = max(report.units, key=lambda one: one.busy_s)
    return f"{unit.unit} ({percent(unit.utilization)} busy)"


def _times(a: float, b: float) -> str:
    return "1x" if a == b else f"{b / a:.4g}x" if a else "-"


def _signed(value: float, form: Format) -> str:
    return form(value) if value == 0 else f"{'+' if value > 0 else '-'}{form(abs(value))}"


def _seconds(value: float) -> str:
    return engineering(value, "s")


def _joules(value: float) -> str:
    return engineering(value * 1e-12, "J")
