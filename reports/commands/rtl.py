"""`einfall rtl`: the hardware in Verilog."""

from __future__ import annotations

import typer

from reports.commands.rtl_area import area
from reports.commands.rtl_cycles import cycles
from reports.commands.rtl_exp import exp
from reports.commands.rtl_sim import sim
from reports.options import JsonOption
from reports.output import print_json

rtl = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Lint, simulate and synthesize the hardware in Verilog (pip install 'einfall[rtl]').",
)

rtl.command("sim")(sim)
rtl.command("cycles")(cycles)
rtl.command("area")(area)
rtl.command("exp")(exp)


@rtl.command("lint")
def lint(json: JsonOption = False) -> None:
    """Check every module with all of Verilator's warnings; the exit code is 1 if there is one.

    \b
    Example:
      einfall rtl lint
    """
    from rtl.lint import lint as lint_modules

    results = lint_modules()
    messages = list(dict.fromkeys(one for result in results for one in result.messages))
    modules = {result.module for result in results}
    if json:
        print_json(
            {
                "modules": sorted(modules),
                "variants": len(results),
                "messages": messages,
            }
        )
    else:
        for message in messages:
            typer.echo(message)
        typer.echo(
            f"{len(modules)} modules in {len(results)} variants: {len(messages) or 'no'} warnings"
        )
    if messages:
        raise typer.Exit(1)
