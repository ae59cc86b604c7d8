"""`einfall map`: the best mapping of a cascade on an architecture, with proof."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from reports.options import JsonOption
from reports.selection import Selection, selecting


class Goal(Enum):
    """What to minimise; ties are broken by other amounts (`mapper.objective`)."""

    LATENCY = "latency"
    ENERGY = "energy"
    EDP = "edp"
    TRAFFIC = "traffic"
    BUFFER = "buffer"


@selecting
def map_cascade(
    selection: Selection,
    objective: Annotated[Goal, typer.Option(help="What to minimise.")] = Goal.LATENCY,
    pareto: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT,...",
            help="All that are best by latency, energy, traffic or "
            "buffer at once, in place of one.",
        ),
    ] = "",
    imperfect: Annotated[
        bool, typer.Option("--imperfect", help="Also tiles that do not divide their rank.")
    ] = False,
    width: Annotated[
        int | None, typer.Option("--width", min=1, help="The most Einsums fused; by default all.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the mapping as YAML.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.0, help="CPU seconds; then the best so far."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find the best mapping.

    Searches fused groups, loop orders, tile sizes and what is held where, exactly within a stated
    space (docs/mapper.md), and says what it proved.

    \b
    Examples:
      einfall map --workload bert --seq-len 64K --arch fusemax-cloud
      einfall map --workload bert --seq-len 16K --arch fusemax-cloud --pareto latency,buffer
      einfall map --cascade layers/matmul --shape T=4K,K=1K,N=1K --objective energy --save best.yaml
      einfall evaluate --cascade layers/matmul --shape T=4K,K=1K,N=1K --mapping best.yaml
    """
    from archsim.mapping_text import loop_nest, mapping_to_yaml
    from archsim.report_text import report_tables, report_title
    from mapper.objective import Objective
    from mapper.problem import MapProblem
    from mapper.search import exact
    from reports.output import print_json
    from reports.problem import row, target
    from reports.progress import searching
    from reports.search_text import (
        amounts,
        certificate_text,
        front_rows,
        front_table,
        group_policy,
        result_row,
    )
    from reports.tables import print_tables

    found, wanted = target(selection), amounts(pareto)
    problem = MapProblem(
        found.cascade,
        found.shapes,
        found.architecture,
        found.library,
        group_policy(selection.policy),
        imperfect,
        width,
    )
    with searching() as tick:
        limit = float("inf") if time_limit is None else time_limit
        result = exact(problem, Objective(objective.value), wanted, limit, tick)
    mapped = found.mapped(result.mapping)
    report = mapped.evaluate()
    text = mapping_to_yaml(result.mapping)
    if save is not None:
        save.write_text(text, encoding="utf-8")
    if json:
        front = {"front": front_rows(result)} if wanted else {}
        print_json({**row(mapped, report), **result_row(result, report), "mapping": text, **front})
        return
    typer.echo(f"{report_title(report)}\n\n{loop_nest(result.mapping)}\n")
    print_tables(*report_tables(report))
    if wanted:
        print_tables(front_table(result))
    typer.echo(f"\n{certificate_text(result)}")
