"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for other tools.")]
ShapeOption = Annotated[
    str,
    typer.Option(
        metavar="RANK=SIZE,...", help="Sizes of ranks: M=64K,P=1K (K = 1024).", show_default=False
    ),
]
