"""`einfall rtl sim`: an attention head on the array in Verilator, beside model and golden model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from einsum.errors import SpecError
from reports.options import JsonOption
from rtl.control.binding import Binding

if TYPE_CHECKING:
    from rtl.sim.run import Result


def sim(
    n: Annotated[int, typer.Option("--n", help="Rows and columns of the array, and lanes.")] = 16,
    m: Annotated[int, typer.Option("--m", help="Keys.")] = 256,
    p: Annotated[int, typer.Option("--p", help="Queries.")] = 256,
    e: Annotated[int, typer.Option("--e", help="Length of a key.")] = 64,
    f: Annotated[int | None, typer.Option("--f", help="Length of a value; that of a key.")] = None,
    format: Annotated[
        str, typer.Option("--format", help="bf16, fp16, e5m2, e4m3 or fp32.")
    ] = "bf16",
    schedule: Annotated[Binding, typer.Option("--schedule", help="What the array executes.")] = (
        Binding.INTERLEAVED
    ),
    degree: Annotated[int, typer.Option("--degree", help="Of the polynomial for 2^x: 2 to 6.")] = 6,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random inputs.")] = 1,
    waves: Annotated[
        Path | None, typer.Option("--waves", metavar="FILE.vcd", help="Write all signals.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run an attention head on the array; the exit code is 1 if values or cycles are wrong.

    The design is built once for every set of parameters. Values must be those of the golden model
    bit for bit, cycles those of the cycle simulator.

    \b
    Examples:
      einfall rtl sim --n 16 --m 256 --p 256 --e 64 --format bf16
      einfall rtl sim --n 8 --m 100 --p 50 --e 32 --f 16 --schedule not-interleaved --json
      einfall rtl sim --n 4 --m 16 --p 8 --e 8 --waves out.vcd
    """
    from reports.output import print_json
    from rtl.control.head import Head
    from rtl.sim.inputs import Inputs
    from rtl.sim.run import execute

    if waves is not None and waves.suffix != ".vcd":
        raise SpecError(f"cannot write waves to {waves}", rule="the format is VCD: name it .vcd")
    if waves is not None and not waves.parent.is_dir():
        raise SpecError(f"cannot write waves to {waves}: there is no folder {waves.parent}")
    head = Head(n, m, p, e, e if f is None else f, schedule, degree)
    with tempfile.TemporaryDirectory() as folder:
        result = execute(head, format, Path(folder), Inputs.random(head, seed), waves=waves)
    row = sim_row(result)
    if json:
        print_json(row)
    else:
        _print(row)
    right = result.bit_exact and result.counters.cycles == result.simulation.cycles
    if not right or result.max_rel_error > result.error_bound:
        raise typer.Exit(1)


def sim_row(result: Result) -> dict[str, object]:
    """The columns of one run."""
    head, counted = result.array.head, result.counters
    return {
        "n": head.n,
        "m": head.m,
        "p": head.p,
        "e": head.e,
        "f": head.f,
        "format": result.array.format.name,
        "schedule": head.binding.value,
        "degree": head.degree,
        "cycles": counted.cycles,
        "simulator_cycles": result.simulation.cycles,
        "closed_form_cycles": result.closed_form_cycles,
        "ii_cycles": counted.least_interval if counted.tiles > 1 else None,
        "schedule_ii_cycles": result.simulation.schedule.main.schedule.ii_cycles,
        "tiles": counted.tiles,
        "busy_2d": counted.busy_2d / counted.cycles,
        "busy_1d": counted.busy_1d / counted.cycles,
        "bit_exact": result.bit_exact,
        "max_rel_error": result.max_rel_error,
        "error_bound": result.error_bound,
        "build_s": result.build_s,
        "run_s": result.run_s,
        "cycles_per_s": result.cycles_per_s,
    }


def _print(row: dict[str, object]) -> None:
    from archsim.text_table import TextTable
    from reports.tables import print_tables

    def table(title: str, *lines: tuple[str, str, str]) -> TextTable:
        return TextTable(title, "<><", ("", "value", ""), lines)

    fill = _int(row["simulator_cycles"]) - _int(row["closed_form_cycles"])
    same = row["cycles"] == row["simulator_cycles"]
    ii = "-" if row["ii_cycles"] is None else str(row["ii_cycles"])
    print_tables(
        table(
            "cycles, from start to last output",
            ("RTL", str(row["cycles"]), ""),
            ("cycle simulator", str(row["simulator_cycles"]), "equal" if same else "DIFFERENT"),
            ("closed form", str(row["closed_form_cycles"]), f"{fill:+} by fill, skew and drain"),
            ("between tiles", ii, f"{row['schedule_ii_cycles']} in the schedule"),
            ("2D array, busy", f"{row['busy_2d']:.1%}", ""),
            ("1D array, busy", f"{row['busy_1d']:.1%}", ""),
        ),
        table(
            "values",
            ("golden model", "exact" if row["bit_exact"] else "DIFFERENT", "bit for bit"),
            ("float64", f"{row['max_rel_error']:.2e}", f"at most {row['error_bound']:.1e}"),
        ),
        table(
            "simulation",
            ("build", f"{row['build_s']:.1f} s", "" if row["build_s"] else "kept"),
            ("run", f"{row['run_s']:.1f} s", f"{row['cycles_per_s']:,.0f} cycles a CPU second"),
        ),
    )


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
