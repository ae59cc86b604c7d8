"""`einfall list`: the names that the other commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from reports.listings import Kind, listing, listing_table
from reports.options import JsonOption
from reports.output import print_json


def list_names(
    kind: Annotated[
        Kind,
        typer.Argument(
            metavar="KIND",
            help="What to list.",
            show_default=False,
        ),
    ],
    json: JsonOption = False,
) -> None:
    """List cascades, models, operators, ...

    What is shipped and registered: the names that the other commands take.

    \b
    Examples:
      einfall list cascades
      einfall list models --json
    """
    if json:
        print_json(listing(kind))
        return
    from reports.tables import print_tables

    print_tables(listing_table(kind))
