"""`einfall reproduce`: the evaluation of a paper, from our models, beside what it published."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, assert_never

import typer


class Study(Enum):
    """What can be reproduced."""

    FUSEMAX = "fusemax"


def reproduce(
    study: Annotated[
        Study, typer.Argument(metavar="STUDY", help="The paper: fusemax.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the CSVs, summary.json and the figures.")
    ] = Path("out"),
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Write the CSVs only.")] = False,
    best: Annotated[
        bool,
        typer.Option("--best", help="Beside the paper's mappings the best ones that are found."),
    ] = False,
) -> None:
    """Reproduce the evaluation of a paper.

    Prints its summary beside the published one, and writes its tables and figures.

    \b
    Example:
      einfall reproduce fusemax --out out/fusemax
      einfall reproduce fusemax --best --out out/fusemax
    """
    from reports.progress import track

    out.mkdir(parents=True, exist_ok=True)  # if it cannot be, say so before the work
    match study:
        case Study.FUSEMAX:
            from reports.fusemax import reproduce as reproduce_fusemax

            parts: list[object] = [reproduce_fusemax(out, not no_figures, track)]
            if best:
                from reports.fusemax_best import reproduce_best

                parts.append(reproduce_best(out, not no_figures, track))
        case _:
            assert_never(study)
    typer.echo("\n\n".join(map(str, parts)))
