"""The command line: `einfall COMMAND`.

Exit codes: 0 done; 1 a check failed; 2 the input is wrong, with one message on stderr;
130 interrupted. A command imports what it computes with when it runs, so that `--help` and
`--version` answer at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from einsum.errors import SpecError
from reports.commands.bounds import bounds
from reports.commands.compare import compare
from reports.commands.convert import convert
from reports.commands.evaluate import evaluate
from reports.commands.export import export
from reports.commands.gpu import gpu
from reports.commands.listing import list_names
from reports.commands.map import map_cascade
from reports.commands.model import model
from reports.commands.passes import passes
from reports.commands.plot import plot
from reports.commands.report import report
from reports.commands.reproduce import reproduce
from reports.commands.rtl import rtl
from reports.commands.run import run
from reports.commands.schedule import schedule
from reports.commands.show import show
from reports.commands.simulate import simulate
from reports.commands.sweep import sweep
from reports.commands.whatif import whatif


class _Commands(TyperGroup):
    """Turns whatever the user can cause into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SpecError as error:
            _stop(str(error), 2)
        except MemoryError as error:
            _stop(f"error: not enough memory: {error}\nrule: give smaller sizes", 2)
        except KeyboardInterrupt:
            _stop("interrupted", 130)
        except BrokenPipeError:
            raise  # `main` knows what it means
        except OSError as error:
            _stop(f"error: {error.filename or 'files'}: {error.strerror or error}", 2)


def _stop(message: str, code: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code)


app = typer.Typer(
    cls=_Commands,
    name="einfall",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("passes")(passes)
app.command("run")(run)
app.command("evaluate")(evaluate)
app.command("schedule")(schedule)
app.command("simulate")(simulate)
app.command("whatif")(whatif)
app.command("map")(map_cascade)
app.command("model")(model)
app.command("sweep")(sweep)
app.command("export")(export)
app.command("plot")(plot)
app.command("report")(report)
app.command("compare")(compare)
app.command("bounds")(bounds)
app.command("convert")(convert)
app.command("list")(list_names)
app.command("show")(show)
app.command("reproduce")(reproduce)
app.add_typer(rtl, name="rtl")
app.add_typer(gpu, name="gpu")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"einfall {version('einfall')}")
        raise typer.Exit


@app.callback()
def einfall(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Explore accelerators for attention and transformers.

    A cascade of extended Einsums goes in; passes, values, latency, traffic, energy and area
    come out. Every command has its own --help.

    \b
    Start with:
      einfall list cascades
      einfall passes attention/flash2
      einfall evaluate --workload bert --seq-len 64K
    """


def main() -> None:
    """The entry point of the `einfall` command."""
    try:
        try:
            app(prog_name="einfall")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output (head, less) has enough. Without this, Python complains when
        # it flushes the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
