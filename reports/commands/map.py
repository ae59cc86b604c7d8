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
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the mapping as YAML.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="CPU seconds; then the best so far.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find the best mapping.

    Searches fused groups, loop orders, tile sizes and what is held where, exactly within a stated
    space (docs/mapper.md), and says what it proved.

    \b
    Examples:
      einfall map --workload bert --seq-len 64K --arch fusemax-cloud
      einfall map --cascade layers/matmul --shape T=4K,K=1K,N=1K --objective energy --save best.yaml
      einfall evaluate --cascade layers/matmul --shape T=4K,K=1K,N=1K --mapping best.yaml
    """
    from archsim.mapping_text import loop_nest, mapping_to_yaml
    from archsim.report_text import report_tables, report_title
    from mapper.objective import Objective
    from mapper.search import search
    from reports.output import print_json
    from reports.problem import row, target
    from reports.progress import searching
    from reports.search_text import certificate_text, result_row
    from reports.tables import print_tables

    found = target(selection)
    with searching() as tick:
        result = search(
            found.cascade,
            found.shapes,
            found.architecture,
            found.library,
            Objective(objective.value),
            float("inf") if time_limit is None else time_limit,
            tick,
        )
    problem = found.mapped(result.mapping)
    report = problem.evaluate()
    text = mapping_to_yaml(result.mapping)
    if save is not None:
        save.write_text(text, encoding="utf-8")
    if json:
        print_json({**row(problem, report), **result_row(result, report), "mapping": text})
        return
    typer.echo(f"{report_title(report)}\n\n{loop_nest(result.mapping)}\n")
    print_tables(*report_tables(report))
    typer.echo(f"\n{certificate_text(result)}")
