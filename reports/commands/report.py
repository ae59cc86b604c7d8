"""`einfall report`: a sweep as one file for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from einsum.errors import SpecError


def report(
    store: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of a sweep.", show_default=False)
    ],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="The page to write.")] = None,
    detailed: Annotated[
        int, typer.Option(min=0, help="Designs to evaluate again, with all their terms.")
    ] = 200,
    waterfalls: Annotated[
        int, typer.Option(min=0, help="Of these, how many to execute cycle by cycle.")
    ] = 12,
) -> None:
    """Write the results of a sweep as one HTML file.

    It needs no network and nothing else: a Pareto plot, filters, a table, and for single designs
    what their time, traffic and energy consist of (the Pareto fronts first).

    \b
    Examples:
      einfall report runs/x --html x.html
      einfall report runs/x --html x.html --detailed 1000 --waterfalls 100
    """
    if html is None:
        raise SpecError("nowhere to write to", rule="give --html FILE")
    from mapper.sweep.results import open_store
    from reports.html.page import page, write_page
    from reports.progress import track

    with open_store(store) as results:
        made = page(results, detailed, waterfalls, track)
    write_page(made.text, html)
    size = len(made.text.encode()) / 1e6
    typer.echo(f"{made.designs:,} designs, {made.detailed:,} in detail, {size:.1f} MB in {html}")
