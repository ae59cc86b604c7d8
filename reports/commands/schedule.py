"""`einfall schedule`: the shortest steady state of a mapping, and the proof that it is."""

from __future__ import annotations

from typing import Annotated

import typer

from reports.options import JsonOption
from reports.selection import Selection, selecting


@selecting
def schedule(
    selection: Selection,
    json: JsonOption = False,
    skew: Annotated[
        bool,
        typer.Option("--skew", help="Results cross the rows of a 2D array, a cycle for each."),
    ] = False,
) -> None:
    """Find the least initiation interval of a mapping's tile steps.

    Says which resource or which recurrence is the limit, whether the interval is proven
    optimal, where every task stands and how many tiles exist at a time.

    \b
    Examples:
      einfall schedule --workload bert --seq-len 64K
      einfall schedule --workload bert --seq-len 64K --shape M0=512
      einfall schedule --workload bert --seq-len 64K --cascade attention/fusemax-fma \\
        --config binding --mapping fusemax-fma --json
    """
    from archsim.free_tiles import choose_tiles
    from archsim.schedule import schedule as find
    from reports.output import print_json
    from reports.problem import resolve
    from reports.schedule_tables import schedule_details, schedule_row, schedule_tables
    from reports.tables import print_tables

    problem = resolve(selection)
    on = (problem.cascade, problem.shapes, problem.architecture)
    mapping = choose_tiles(*on, problem.mapping)
    found = find(*on, mapping, skew=skew)
    if json:
        print_json({**problem.labels(), **schedule_row(found), **schedule_details(found)})
        return
    typer.echo(f"{found.cascade} on {found.architecture}, mapping {found.mapping}\n")
    print_tables(*schedule_tables(found))
