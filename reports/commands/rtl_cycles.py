"""`einfall rtl cycles`: utilization against array size and number of tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from einsum.errors import SpecError


def cycles(
    sizes: Annotated[
        str, typer.Option("--n", metavar="N,...", help="Rows and columns of the arrays.")
    ] = "4,8,16,32,256",
    tiles: Annotated[
        str, typer.Option("--tiles", metavar="COUNT,...", help="Key tiles of a run.")
    ] = "1,2,4,16,64,256",
    e: Annotated[int, typer.Option("--e", help="Length of a key.")] = 64,
    f: Annotated[int, typer.Option("--f", help="Length of a value.")] = 64,
    measure: Annotated[
        int, typer.Option("--measure", help="Run arrays up to this size in Verilator; 0: none.")
    ] = 16,
    out: Annotated[Path, typer.Option(help="Folder for rtl-cycles.csv and the figure.")] = Path(
        "out"
    ),
) -> None:
    """Tabulate and draw where cycles go when few tiles run: fill, skew and drain.

    \b
    Example:
      einfall rtl cycles --out out/rtl
    """
    from reports.figures import style
    from reports.figures.rtl_cycles import rtl_cycles
    from reports.output import print_csv
    from reports.progress import track
    from reports.rtl_cycles import heads, point

    counts, steps = _numbers("--n", sizes), _numbers("--tiles", tiles)
    out.mkdir(parents=True, exist_ok=True)
    wanted = heads(counts, steps, e, f)
    found = [point(head, head.n <= measure) for head in track(wanted, "runs")]
    rows = [point.row for point in found]
    lines = [",".join(rows[0]), *(",".join(map(_text, row.values())) for row in rows)]
    (out / "rtl-cycles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    figure = rtl_cycles(found)
    figure.savefig(out / "rtl-cycles.png", dpi=style.DPI)
    print_csv(rows)
    if any(one.rtl_cycles not in (None, one.cycles) for one in found):
        raise typer.Exit(1)


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SpecError(f"{option} is {text}", rule="whole numbers with commas: 4,8,16") from None
    if any(number < 1 for number in found):
        raise SpecError(f"{option} is {text}", rule="numbers from 1 on")
    return found


def _text(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
