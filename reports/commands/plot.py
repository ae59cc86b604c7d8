"""`einfall plot`: a figure of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from einsum.errors import SpecError
from reports.plots.request import Kind, Request

_FORMATS = (".png", ".svg", ".pdf")


def plot(
    store: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of a sweep.", show_default=False)
    ],
    kind: Annotated[Kind, typer.Option(help="What to draw.")] = Kind.PARETO,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A .png, .svg or .pdf.")] = None,
    x: Annotated[str | None, typer.Option(metavar="COLUMN", help="Along the x axis.")] = None,
    y: Annotated[str | None, typer.Option(metavar="COLUMN", help="Along the y axis.")] = None,
    z: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A third objective, or a map's metric.")
    ] = None,
    colour: Annotated[
        str | None, typer.Option("--colour", "--color", metavar="COLUMN", help="As colours.")
    ] = None,
) -> None:
    """Draw the results of a sweep.

    Designs that failed or break a constraint are left out. The same store gives the same bytes.
    What each kind shows, and which columns it takes, is in docs/sweeps.md.

    \b
    Examples:
      einfall plot runs/x --out pareto.png
      einfall plot runs/x --kind pareto --x area_um2 --y latency_s --colour config --out a.svg
      einfall plot runs/x --kind heatmap --x seq_len --y global_buffer.size --out map.pdf
      einfall plot runs/x --kind tornado --y energy_pj --out energy.png
    """
    if out is None:
        raise SpecError("nowhere to draw to", rule="give --out FILE, a .png, .svg or .pdf")
    if out.suffix.lower() not in _FORMATS:
        raise SpecError(f"cannot draw {out}", rule=f"formats are {', '.join(_FORMATS)}")
    from mapper.sweep.results import open_store
    from reports.plots.drawing import draw

    with open_store(store) as results:
        out.parent.mkdir(parents=True, exist_ok=True)
        draw(results, Request(kind, x, y, z, colour), out)
    typer.echo(str(out))
