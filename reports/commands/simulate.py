"""`einfall simulate`: a mapping executed tile by tile, with fill, drain, ports and DRAM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from einsum.errors import SpecError
from reports.options import JsonOption
from reports.selection import Selection, selecting

if TYPE_CHECKING:
    from archsim.simulate import Simulation

_FIGURES = (".png", ".pdf", ".svg")


@selecting
def simulate(
    selection: Selection,
    json: JsonOption = False,
    no_skew: Annotated[
        bool, typer.Option("--no-skew", help="Results leave a 2D array without crossing its rows.")
    ] = False,
    infinite_dram: Annotated[
        bool, typer.Option("--infinite-dram", help="DRAM takes no time.")
    ] = False,
    dram_latency_ns: Annotated[
        float, typer.Option(min=0.0, help="From the end of a transfer to its first use.")
    ] = 100.0,
    burst_bytes: Annotated[int, typer.Option(min=1, help="DRAM moves whole bursts.")] = 64,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the first steps as a Chrome/Perfetto trace."),
    ] = None,
    waterfall: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the first steps: a .png, .pdf or .svg."),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=1, help="Intervals of the steady state in trace and figure.")
    ] = 3,
) -> None:
    """Execute a mapping cycle by cycle, with steady states skipped exactly.

    Says what every unit does in each cycle (work, or a stall by its cause), and why the result
    differs from the closed form of --policy pipelined.

    \b
    Examples:
      einfall simulate --workload bert --seq-len 1M
      einfall simulate --workload bert --seq-len 64K --no-skew --infinite-dram --json
      einfall simulate --workload bert --seq-len 64K --waterfall out.png --trace out.json
    """
    from archsim.free_tiles import choose_tiles
    from archsim.simulate import simulate as execute
    from archsim.simulation.build import Hardware
    from reports.output import print_json
    from reports.problem import resolve
    from reports.simulation_tables import simulation_details, simulation_row, simulation_tables
    from reports.tables import print_tables

    if waterfall is not None and waterfall.suffix not in _FIGURES:
        raise SpecError(f"cannot draw {waterfall}", rule=f"formats are {', '.join(_FIGURES)}")
    problem = resolve(selection)
    on = (problem.cascade, problem.shapes, problem.architecture)
    hardware = Hardware(not no_skew, dram_latency_ns * 1e-9, burst_bytes, infinite_dram)
    done = execute(*on, choose_tiles(*on, problem.mapping), hardware)
    _write(done, trace, waterfall, steps)
    if json:
        print_json({**problem.labels(), **simulation_row(done), **simulation_details(done)})
        return
    found = done.schedule
    typer.echo(f"{found.cascade} on {found.architecture}, mapping {found.mapping}\n")
    print_tables(*simulation_tables(done))


def _write(done: Simulation, trace: Path | None, waterfall: Path | None, steps: int) -> None:
    if trace is None and waterfall is None:
        return
    from json import dumps

    from archsim.trace import beginning, chrome_trace

    first, cycles, spans = beginning(done.schedule, done.program, steps)
    try:
        if trace is not None:
            trace.write_text(dumps(chrome_trace(spans, done.schedule.clock_hz)), encoding="utf-8")
        if waterfall is not None:
            from reports.waterfall import save_waterfall

            save_waterfall(done.schedule, spans, first, cycles, waterfall)
    except OSError as error:
        raise SpecError(f"cannot write {error.filename}: {error.strerror}") from None
