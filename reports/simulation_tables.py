"""A simulation as tables and as plain data."""

from __future__ import annotations

from dataclasses import asdict

from archsim.engineering import binary, engineering, percent, ratio
from archsim.simulate import Simulation
from archsim.simulation.program import Cause
from archsim.text_table import TextTable


def simulation_row(done: Simulation) -> dict[str, object]:
    """Totals; `stalls` are those of the critical unit, and add up to `cycles` with its work."""
    return {
        "cycles": done.cycles,
        "latency_s": done.latency_s,
        "closed_form_latency_s": done.closed_form_latency_s,
        "util_2d": done.util_2d,
        "util_1d": done.util_1d,
        "critical_unit": done.critical,
        "busy_cycles": done.busy[done.critical],
        "stalls": {cause.value: done.stalls[done.critical][cause] for cause in Cause},
        "difference_cycles": {cause.value: done.difference[cause] for cause in Cause},
    }


def simulation_details(done: Simulation) -> dict[str, object]:
    """By unit, and by stream of tiles."""
    return {
        "units": [
            {
                "unit": unit,
                "busy_cycles": done.busy[unit],
                "stalls": {cause.value: done.stalls[unit][cause] for cause in Cause},
            }
            for unit in done.busy
        ],
        "streams": [{**asdict(one), "kind": one.kind.value} for one in done.traffic],
    }


def simulation_tables(done: Simulation) -> tuple[TextTable, ...]:
    """Totals, stalls of every unit by cause, the difference to the closed form, streams."""
    return (_totals(done), _stalls(done), _difference(done), _streams(done))


def _totals(done: Simulation) -> TextTable:
    share = done.latency_s / done.closed_form_latency_s
    return TextTable(
        "simulation",
        "<>>",
        ("", "cycles", "time"),
        (
            ("simulated", f"{done.cycles}", engineering(done.latency_s, "s")),
            (
                "closed form",
                f"{done.closed_form_cycles:.0f}",
                engineering(done.closed_form_latency_s, "s"),
            ),
            ("simulated/closed form", "", ratio(share)),
        ),
    )


def _stalls(done: Simulation) -> TextTable:
    rows = [
        (
            unit,
            percent(done.busy[unit] / done.cycles),
            *(percent(done.stalls[unit][cause] / done.cycles) for cause in Cause),
        )
        for unit in done.busy
    ]
    header = ("unit", "busy", *(cause.value for cause in Cause))
    return TextTable("what every unit does", "<" + ">" * len(header[1:]), header, tuple(rows))


def _difference(done: Simulation) -> TextTable:
    rows = [
        (
            cause.value,
            f"{done.difference[cause]:.0f}",
            percent(done.difference[cause] / done.closed_form_cycles),
        )
        for cause in Cause
    ]
    total = done.cycles - done.closed_form_cycles
    rows.append(("all", f"{total:.0f}", percent(total / done.closed_form_cycles)))
    return TextTable(
        "longer than the closed form, by cause",
        "<>>",
        ("cause", "cycles", "of closed form"),
        tuple(rows),
    )


def _streams(done: Simulation) -> TextTable:
    return TextTable(
        "tiles between DRAM and the chip",
        "<<<>>>",
        ("tensor", "", "to or from", "tiles", "moved", "waited for"),
        tuple(
            (
                one.tensor,
                one.kind.value,
                one.memory,
                f"{one.tiles}",
                binary(one.moved_bytes),
                f"{one.stall_cycles}",
            )
            for one in done.traffic
        ),
    )
