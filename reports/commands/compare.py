"""`einfall compare`: two designs or two sweeps, and what makes the difference."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from reports.options import JsonOption


def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", help="SETTING=VALUE,..., FOLDER:POINT or FOLDER.", show_default=False
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The same kind as A.", show_default=False)],
    both: Annotated[
        str, typer.Option(metavar="SETTING=VALUE,...", help="Settings of both designs.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Put two designs or two sweeps side by side.

    Designs are given by settings, as a sweep has them, or as points of a sweep; sweeps by the
    folders of their stores, and points with the same parameters are compared. The difference is
    explained term by term: units, Einsums, tensors and energy by action.

    \b
    Examples:
      einfall compare config=flat config=binding --both workload=bert,seq_len=64K
      einfall compare array_2d.rows=128 array_2d.rows=256 --both workload=bert,seq_len=1K
      einfall compare runs/x:17 runs/x:42
      einfall compare runs/x runs/y
    """
    from dataclasses import asdict

    from mapper.sweep.results import open_store
    from reports.comparison import compare as compare_designs
    from reports.comparison_operands import check_same_kind, design_of
    from reports.comparison_stores import compare_stores, point_of
    from reports.comparison_text import (
        comparison_json,
        comparison_tables,
        explanation,
        store_tables,
    )
    from reports.output import print_json
    from reports.tables import print_tables

    stores = check_same_kind(a, b, both)
    if stores is None:
        found = compare_designs(design_of(a, both), design_of(b, both))
        if json:
            print_json(comparison_json(found))
            return
        typer.echo(f"A: {found.a.name}\nB: {found.b.name}\n\n{explanation(found)}\n")
        print_tables(*comparison_tables(found))
        return
    with ExitStack() as stack:
        one, other = (stack.enter_context(open_store(path)) for path in stores)
        sweeps = compare_stores(one, other)
        extreme = None
        if sweeps.changes:
            latency = sweeps.changes[0]
            points = latency.most_at
            if latency.most * latency.least < 1.0:  # the larger change is a decrease
                points = latency.least_at
            extreme = compare_designs(point_of(one, points[0]), point_of(other, points[1]))
    if json:
        more = comparison_json(extreme) if extreme else None
        print_json({**asdict(sweeps), "changes": [asdict(x) for x in sweeps.changes], "at": more})
        return
    typer.echo(
        f"A: {a}\nB: {b}\n\n{sweeps.matched:,} common points; {sweeps.only_a:,} have results "
        f"in A only, {sweeps.only_b:,} in B only\n"
    )
    print_tables(*store_tables(sweeps))
    if extreme:
        typer.echo(
            f"\nwhere the latency changes most: {extreme.a.name} and {extreme.b.name}\n\n"
            f"{explanation(extreme)}\n"
        )
        print_tables(*comparison_tables(extreme))
