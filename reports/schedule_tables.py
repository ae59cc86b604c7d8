"""A schedule as tables and as plain data."""

from __future__ import annotations

from archsim.engineering import binary, engineering, percent
from archsim.modulo import ModuloSchedule, Placement
from archsim.schedule import Pipeline, Schedule
from archsim.task_graph import Pulses
from archsim.text_table import TextTable


def schedule_row(found: Schedule) -> dict[str, object]:
    """The steady state of the main pipeline, and what comes on top of it."""
    steady = found.main.schedule
    return {
        "ii_cycles": steady.ii_cycles,
        "epilogue_cycles": found.epilogue_cycles,
        "res_mii": steady.res_mii,
        "rec_mii": steady.rec_mii,
        "limit": steady.limit,
        "stages": steady.stages,
        "proven_optimal": steady.proven_optimal,
        "utilization": steady.utilization,
        "runs": found.main.runs,
        "steps_per_run": found.main.steps,
        "cycles": found.cycles,
        "latency_s": found.cycles / found.clock_hz,
    }


def schedule_details(found: Schedule) -> dict[str, object]:
    """Every pipeline: where its tasks stand and which tiles it keeps."""
    return {"pipelines": [_pipeline(one) for one in found.pipelines]}


def _pipeline(pipeline: Pipeline) -> dict[str, object]:
    steady = pipeline.schedule
    return {
        "group": pipeline.group,
        "ii_cycles": steady.ii_cycles,
        "stages": steady.stages,
        "runs": pipeline.runs,
        "steps_per_run": pipeline.steps,
        "cycles": pipeline.cycles,
        "tasks": [
            {
                "task": placed.task,
                "start": placed.start,
                "end": placed.end,
                "reservations": [
                    {
                        "unit": pulses.resource,
                        "begin": pulses.offset,
                        "cycles": pulses.width,
                        "count": pulses.count,
                        "stride": pulses.stride,
                    }
                    for pulses in placed.pulses
                ],
            }
            for placed in steady.placements
        ],
        "tiles": [
            {
                "tensor": copy.tensor,
                "memory": copy.memory,
                "tiles": copy.tiles,
                "held_by_mapping": copy.covered,
                "tile_bytes": copy.tile_bytes,
            }
            for copy in steady.copies
        ],
    }


def schedule_tables(found: Schedule) -> tuple[TextTable, ...]:
    """Totals, then the tasks and the tiles of the main pipeline."""
    steady = found.main.schedule
    return (_totals(found), _tasks(steady), _copies(steady))


def _totals(found: Schedule) -> TextTable:
    steady, main = found.main.schedule, found.main
    proof = "proven optimal" if steady.proven_optimal else "not proven optimal"
    rows = [
        ("initiation interval", f"{steady.ii_cycles} cycles", f"{proof}, limit {steady.limit}"),
        ("  by resources", f"{steady.res_mii} cycles", ""),
        ("  by recurrences", f"{steady.rec_mii} cycles", ""),
        ("stages", f"{steady.stages}", f"a tile step takes {steady.length} cycles"),
        ("epilogue", f"{found.epilogue_cycles} cycles a tile", _names(found.epilogue)),
        ("runs", f"{main.runs}", f"of {main.steps} tile steps each"),
        ("all cycles", f"{found.cycles}", engineering(found.cycles / found.clock_hz, "s")),
    ]
    rows += [
        (f"{name}, busy", percent(share), "in the steady state")
        for name, share in steady.utilization.items()
    ]
    return TextTable("schedule", "<><", ("", "value", ""), tuple(rows))


def _names(pipelines: tuple[Pipeline, ...]) -> str:
    return ", ".join(placed.task for one in pipelines for placed in one.schedule.placements)


def _tasks(steady: ModuloSchedule) -> TextTable:
    rows = [
        row
        for placed in sorted(steady.placements, key=lambda one: (one.start, one.task))
        for row in _reservations(placed, steady.ii_cycles)
    ]
    return TextTable(
        "tasks of a tile step",
        "<><>>>>",
        ("task", "stage", "unit", "begin", "end", "busy", "every"),
        tuple(rows),
    )


def _reservations(placed: Placement, ii: int) -> list[tuple[str, ...]]:
    return [
        (
            placed.task if number == 0 else "",
            f"{pulses.offset // ii}",
            pulses.resource,
            f"{pulses.offset}",
            f"{pulses.end}",
            f"{pulses.cycles}",
            _spacing(pulses),
        )
        for number, pulses in enumerate(placed.pulses)
    ]


def _spacing(pulses: Pulses) -> str:
    return "-" if pulses.count == 1 else f"{pulses.stride} cycles"


def _copies(steady: ModuloSchedule) -> TextTable:
    return TextTable(
        "tiles that exist at a time",
        "<<>>>",
        ("tensor", "memory", "tiles", "of mapping", "tile"),
        tuple(
            (c.tensor, c.memory, f"{c.tiles}", f"{c.covered}", binary(c.tile_bytes))
            for c in steady.copies
        ),
    )
