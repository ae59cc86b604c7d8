"""`einfall passes`: how often a cascade must traverse its tensors, and what it must hold."""

from __future__ import annotations

from typing import Annotated

import typer

from einsum.errors import SpecError
from reports.options import JsonOption, ShapeOption
from reports.output import print_json


def passes(
    cascade: Annotated[
        str | None,
        typer.Argument(metavar="[CASCADE]", help="A shipped name or a file.", show_default=False),
    ] = None,
    shape: ShapeOption = "",
    taxonomy: Annotated[
        bool, typer.Option("--taxonomy", help="Published attention systems by passes.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Count passes over tensors, and say why.

    A table of the passes over each tensor along each rank, and what forces each further one. Also
    prints the live footprint: the least number of elements of each tensor that must be held
    between first and last use, as an expression and, with --shape, as a number.

    \b
    Examples:
      einfall passes attention/flash2
      einfall passes mine.cascade --shape M=64K --json
      einfall passes --taxonomy
    """
    if taxonomy == (cascade is not None):
        raise SpecError("what to analyse?", rule="give either a CASCADE or --taxonomy")
    if cascade is None:
        _taxonomy(json)
        return
    from einsum.passes import analyse
    from einsum.quantity import parse_shape
    from einsum.shapes import known_sizes
    from reports.pass_tables import footprint_sizes, footprint_table
    from reports.tables import print_tables
    from workloads.library import load_cascade

    loaded = load_cascade(cascade)
    analysis = analyse(loaded)
    sizes = known_sizes(loaded, parse_shape(shape))
    held = footprint_sizes(loaded, analysis, sizes) if shape else {}
    if json:
        numbers = {
            "shape": sizes,
            "footprint_elements": {tensor: count for tensor, (count, _) in held.items()},
            "footprint_bytes": {tensor: size for tensor, (_, size) in held.items()},
        }
        print_json({"cascade": loaded.name, **analysis.to_json(), **(numbers if held else {})})
        return
    typer.echo(str(analysis))
    if held:
        typer.echo()
        print_tables(footprint_table(analysis, held))


def _taxonomy(json: bool) -> None:
    from dataclasses import asdict

    from reports.pass_tables import taxonomy, taxonomy_table
    from reports.tables import print_tables

    if json:
        print_json([asdict(row) for row in taxonomy()])
    else:
        print_tables(taxonomy_table())
