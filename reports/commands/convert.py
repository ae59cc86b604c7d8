"""`einfall convert`: a mapping of one Einsum from or to the files of other tools."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from reports.selection import Selection, selecting


class Tool(Enum):
    """Whose files: ours, or those of Timeloop version 4."""

    EINFALL = "einfall"
    TIMELOOP = "timeloop"


@selecting
def convert(
    selection: Selection,
    to: Annotated[Tool, typer.Option(help="Whose file to write.")] = Tool.EINFALL,
    timeloop: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A mapping of Timeloop's, in place of --mapping."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here, not to the standard output.")
    ] = None,
) -> None:
    """Write a mapping as another tool writes it, or read it from there.

    Timeloop maps one Einsum at a time; its targets are the memories and units of --arch.

    \b
    Examples:
      einfall convert --cascade layers/matmul --shape T=4K,K=1K,N=1K --mapping best.yaml \\
        --to timeloop --save map.yaml
      einfall convert --cascade layers/matmul --shape T=4K,K=1K,N=1K --timeloop map.yaml
    """
    from archsim.free_tiles import choose_tiles
    from archsim.load import read_file
    from archsim.mapping_text import mapping_to_yaml
    from einsum.errors import SpecError
    from mapper.timeloop.export import timeloop_yaml
    from mapper.timeloop.mapping import load_timeloop_mapping
    from reports.problem import resolve, target

    if timeloop is not None:
        if selection.mapping is not None:
            raise SpecError("there are two mappings", rule="give --mapping or --timeloop")
        wanted = target(selection)
        on = (wanted.cascade, wanted.shapes, wanted.architecture)
        mapping = load_timeloop_mapping(read_file(timeloop, "mapping", ()), *on)
        wanted.mapped(mapping).evaluate()  # refuses what the rules or the memories do not allow
    else:
        problem = resolve(selection)
        on = (problem.cascade, problem.shapes, problem.architecture)
        mapping = choose_tiles(*on, problem.mapping)
    match to:
        case Tool.EINFALL:
            text = mapping_to_yaml(mapping)
        case Tool.TIMELOOP:
            text = timeloop_yaml(mapping, *on)
    if save is None:
        typer.echo(text, nl=False)
    else:
        save.write_text(text, encoding="utf-8")
