"""`einfall map`: the best mapping of a cascade on an architecture, with proof."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from reports.options import JsonOption
from reports.selection import Selection, selecting


class StrategyName(Enum):
    """How to search: the names of `mapper.strategies`."""

    EXACT = "exact"
    CHAIN = "chain"
    RANDOM = "random"
    ANNEALING = "annealing"
    GENETIC = "genetic"


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
    other: Annotated[
        list[str] | None,
        typer.Option(
            "--or", metavar="CASCADE", help="Another cascade for the same result; the best is kept."
        ),
    ] = None,
    strategy: Annotated[
        StrategyName,
        typer.Option(
            help="How to search: exact, chain (serial schedules of any tiles) or a heuristic."
        ),
    ] = StrategyName.EXACT,
    draws: Annotated[
        int, typer.Option(metavar="COUNT", min=1, help="Mappings that a heuristic draws.")
    ] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="Where its random numbers begin.")] = 0,
    imperfect: Annotated[
        bool, typer.Option("--imperfect", help="Also tiles that do not divide their rank.")
    ] = False,
    width: Annotated[
        int | None, typer.Option("--width", min=1, help="The most Einsums fused; by default all.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Why one choice made otherwise would be worse.")
    ] = False,
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
      einfall map --workload bert --seq-len 64K --cascade attention/stable --or attention/fusemax
      einfall map --cascade layers/matmul --shape T=4K,K=1K,N=1K --objective energy --save best.yaml
      einfall evaluate --cascade layers/matmul --shape T=4K,K=1K,N=1K --mapping best.yaml
    """
    from archsim.mapping_text import loop_nest, mapping_to_yaml
    from archsim.report_text import report_tables, report_title
    from mapper.limits import Limits
    from mapper.objective import Objective
    from mapper.strategies import StrategyName as Strategies
    from reports.explanation import explanation, explanation_rows, explanation_table
    from reports.mapping_search import (
        SearchOptions,
        best_of,
        cascade_rows,
        cascade_table,
        searched,
    )
    from reports.output import print_json
    from reports.problem import row
    from reports.progress import searching, track
    from reports.search_text import amounts, certificate_text, front_rows, front_table, result_row
    from reports.tables import print_tables

    wanted = amounts(pareto)
    limits = Limits(float("inf") if time_limit is None else time_limit, draws, seed)
    options = SearchOptions(
        Objective(objective.value),
        wanted,
        Strategies(strategy.value),
        limits,
        imperfect,
        width,
    )
    with searching() as tick:
        searches = searched(selection, tuple(other or ()), options, tick)
    found, result = best_of(searches, options.objective)
    mapped = found.mapped(result.mapping)
    report = mapped.evaluate()
    text = mapping_to_yaml(result.mapping)
    if save is not None:
        save.write_text(text, encoding="utf-8")
    if json:
        more: dict[str, object] = {"front": front_rows(result)} if wanted else {}
        if other:
            more["cascades"] = cascade_rows(searches)
        if explain:
            more["alternatives"] = explanation_rows(explanation(found, report, track))
        print_json({**row(mapped, report), **result_row(result, report), "mapping": text, **more})
        return
    typer.echo(f"{report_title(report)}\n\n{loop_nest(result.mapping)}\n")
    print_tables(*report_tables(report))
    if wanted:
        print_tables(front_table(result))
    if other:
        print_tables(cascade_table(searches))
    if explain:
        typer.echo()
        print_tables(explanation_table(result.objective, report, explanation(found, report, track)))
    typer.echo(f"\n{certificate_text(result)}")
