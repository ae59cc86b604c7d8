"""`einfall evaluate`: what a cascade costs on an architecture."""

from __future__ import annotations

from typing import Annotated

import typer

from einsum.errors import SpecError
from reports.options import JsonOption
from reports.output import print_csv, print_json
from reports.selection import Selection, selecting


@selecting
def evaluate(
    selection: Selection,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one row of CSV with a header.")] = False,
) -> None:
    """Latency, traffic, energy, area and utilization.

    Totals beside their lower bounds, then by Einsum and by resource. Energy comes in two
    accountings: complete, and as the FuseMax artifact counts (docs/energy.md).

    \b
    Examples:
      einfall evaluate --workload bert --seq-len 64K
      einfall evaluate --workload bert --seq-len 64K --config flat --json
      einfall evaluate --cascade attention/flash2 --shape M=64K,P=64K --arch tpu-v4i
      einfall evaluate --cascade mine.cascade --shape M=4K --arch mine.yaml --mapping my-map.yaml
    """
    if json and csv:
        raise SpecError("two output formats", rule="give --json or --csv, not both")
    from archsim.report_text import report_tables, report_title
    from reports.problem import details, resolve, row
    from reports.tables import print_tables

    problem = resolve(selection)
    report = problem.evaluate()
    if json:
        print_json({**row(problem, report), **details(report)})
    elif csv:
        print_csv([row(problem, report)])
    else:
        typer.echo(f"{report_title(report)}\n")
        print_tables(*report_tables(report))
