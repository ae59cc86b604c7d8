"""A cost report as tables: the totals beside their bounds, then by resource and by Einsum."""

from __future__ import annotations

from archsim.engineering import binary, engineering, percent, ratio
from archsim.report import CostReport
from archsim.text_table import TextTable
from einsum.quantity import format_count

_PJ = 1e-12
_UM2_PER_MM2 = 1e6


def report_text(report: CostReport) -> str:
    """Title and all tables of `report` in plain text."""
    return "\n\n".join([report_title(report), *map(str, report_tables(report))])


def report_title(report: CostReport) -> str:
    """What was evaluated: cascade, architecture, mapping and sizes."""
    shape = ", ".join(f"{rank}={format_count(size)}" for rank, size in report.shape.items())
    return (
        f"{report.cascade} on {report.architecture}, mapping {report.mapping.name}\nshape {shape}"
    )


def report_tables(report: CostReport) -> tuple[TextTable, ...]:
    """Totals, Einsums, units, memories, tensors and energy by action."""
    return (
        _totals(report),
        _einsums(report),
        _units(report),
        _memories(report),
        _tensors(report),
        _energies(report),
    )


def _totals(report: CostReport) -> TextTable:
    bounds = report.bounds
    compulsory = binary(bounds.compulsory_bytes)
    return TextTable(
        "totals",
        "<>>>",
        ("", "value", "bound", "value/bound"),
        (
            ("latency", _s(report.latency_s), _s(bounds.roofline_s), ratio(report.latency_gap)),
            ("  of computing", _s(report.compute_s), _s(bounds.compute_s), ""),
            ("  of DRAM", _s(report.memory_s), "", ""),
            (
                "DRAM traffic",
                binary(report.dram_traffic_bytes),
                compulsory,
                ratio(report.traffic_gap),
            ),
            ("energy, complete", _j(report.energy_pj_complete), "", ""),
            ("energy, as published", _j(report.energy_pj_published), "", ""),
            ("area", f"{report.area_um2 / _UM2_PER_MM2:.4g} mm^2", "", ""),
            ("2D arrays, busy", percent(report.util_2d), "", ""),
            ("1D arrays, busy", percent(report.util_1d), "", ""),
            ("useful MACs", percent(report.util_useful_macs), "", ""),
        ),
    )


def _einsums(report: CostReport) -> TextTable:
    return TextTable(
        "by Einsum",
        "<<>>>>>",
        ("Einsum", "unit", "points", "useful", "busy", "of latency", "energy"),
        tuple(
            (
                one.einsum,
                one.unit,
                engineering(one.points),
                _percent(one.useful_points, one.points),
                _s(one.busy_s),
                _percent(one.busy_s, report.latency_s),
                _j(one.energy_pj),
            )
            for one in report.einsums
        ),
    )


def _units(report: CostReport) -> TextTable:
    return TextTable(
        "by compute unit",
        "<>>>",
        ("unit", "PEs", "busy", "of latency"),
        tuple(
            (one.unit, f"{one.pes}", _s(one.busy_s), percent(one.utilization))
            for one in report.units
        ),
    )


def _memories(report: CostReport) -> TextTable:
    return TextTable(
        "by memory",
        "<>>>>>>",
        ("memory", "read", "written", "time", "of latency", "occupied", "size"),
        tuple(
            (
                one.memory,
                binary(one.read_bytes),
                binary(one.write_bytes),
                _s(one.time_s),
                _percent(one.time_s, report.latency_s),
                binary(one.occupied_bytes),
                "-" if one.size_bytes is None else binary(one.size_bytes),
            )
            for one in report.memories
        ),
    )


def _tensors(report: CostReport) -> TextTable:
    return TextTable(
        "by memory and tensor",
        "<<>>",
        ("memory", "tensor", "read", "written"),
        tuple(
            (one.memory, one.tensor, binary(one.read_bytes), binary(one.write_bytes))
            for one in report.tensors
        ),
    )


def _energies(report: CostReport) -> TextTable:
    total = report.energy_pj_complete
    ordered = sorted(report.energies, key=lambda one: -one.complete_pj)
    return TextTable(
        "energy by action",
        "<<>>>",
        ("component", "action", "complete", "share", "as published"),
        tuple(
            (
                one.owner,
                one.action,
                _j(one.complete_pj),
                _percent(one.complete_pj, total),
                _j(one.published_pj),
            )
            for one in ordered
        ),
    )


def _percent(part: float, whole: float) -> str:
    return percent(part / whole) if whole else "-"


def _s(seconds: float) -> str:
    return engineering(seconds, "s")


def _j(picojoules: float) -> str:
    return engineering(picojoules * _PJ, "J")
