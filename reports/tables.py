"""Tables in colour on a terminal; elsewhere, or with NO_COLOR, plain text that is never cut."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from archsim.text_table import TextTable


def print_tables(*tables: TextTable) -> None:
    """Each of `tables` under its title, with an empty line between them."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        _print_rich(tables)
    else:
        typer.echo("\n\n".join(map(str, tables)))


def _print_rich(tables: tuple[TextTable, ...]) -> None:
    console = Console(highlight=False)
    for number, table in enumerate(tables):
        if number:
            console.print()
        console.print(table.title, style="bold", markup=False)
        console.print(Padding(rich_table(table), (0, 0, 0, 2)))


def rich_table(table: TextTable) -> Table:
    """`table` for rich; its cells are text, never markup."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, align in zip(table.header, table.align, strict=True):
        drawn.add_column(
            Text(name, style="dim"), justify="right" if align == ">" else "left", overflow="fold"
        )
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    return drawn
