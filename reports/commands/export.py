"""`einfall export`: the points of a sweep as a table, for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from einsum.errors import SpecError


def export(
    store: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of a sweep.", show_default=False)
    ],
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write CSV; - is the standard output.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write Parquet (extra `parquet`).")
    ] = None,
) -> None:
    """Write the results of a sweep as a table.

    A row for every finished point, in the order of the sweep: every parameter in base units,
    every metric, status and reason. The same sweep gives the same bytes.

    \b
    Examples:
      einfall export runs/x --csv x.csv
      einfall export runs/x --parquet x.parquet
    """
    if csv is None and parquet is None:
        raise SpecError("no format to export to", rule="give --csv FILE or --parquet FILE")
    import sys

    from mapper.sweep.results import open_store
    from reports.sweep_export import export_csv, export_parquet, write_csv

    with open_store(store) as results:
        rows = 0
        if parquet is not None:
            rows = export_parquet(results, parquet)
        if csv == Path("-"):
            rows = write_csv(results, sys.stdout)
        elif csv is not None:
            rows = export_csv(results, csv)
        points = results.description.points
        if rows < points:
            typer.echo(f"{points - rows:,} of {points:,} points are not finished yet", err=True)
    written = [str(path) for path in (csv, parquet) if path is not None and path != Path("-")]
    if written:
        typer.echo(f"{rows:,} rows in {' and '.join(written)}", err=csv == Path("-"))
