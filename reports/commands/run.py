"""`einfall run`: the values of a cascade on NumPy."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from reports.options import JsonOption, ShapeOption
from reports.output import print_json


class Precision(Enum):
    """What NumPy computes in."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"


def run(
    cascade: Annotated[
        str, typer.Argument(metavar="CASCADE", help="A shipped name or a file.", show_default=False)
    ],
    shape: ShapeOption = "",
    inputs: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Arrays by tensor; random without.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random inputs.")] = 0,
    dtype: Annotated[Precision, typer.Option(help="What to compute in.")] = Precision.FLOAT64,
    pe: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Compute as processing elements with operands of this format do: bf16, fp16, ...",
        ),
    ] = None,
    exp_degree: Annotated[
        int, typer.Option(help="Degree of the exponential's polynomial, with --pe: 2 to 6.")
    ] = 3,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Write every tensor to this file.")
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Compare with a reference: einfall list references."),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Largest relative error for --check; by default half of the digits."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compute a cascade on NumPy.

    Prints a summary of the outputs for random or given inputs; --save writes all values.
    With --pe every operation rounds as the hardware does, sums run in order, and tensors are
    stored in their declared formats (docs/formats.md).
    With --check the exit code is 1 if an output is further off than the tolerance.

    \b
    Examples:
      einfall run attention/flash2 --shape M=1K,P=16 --check attention
      einfall run attention/flash2 --shape M=1K,P=16 --pe bf16 --check attention --tolerance 0.1
      einfall run mine.cascade --inputs in.npz --save out.npz
    """
    from dataclasses import asdict

    from einsum.arithmetic import Arithmetic
    from einsum.formats import format_named
    from einsum.quantity import parse_shape
    from reports.runs import (
        check_against,
        read_inputs,
        run_quietly,
        save_values,
        summaries,
        summary_table,
    )
    from reports.tables import print_tables
    from workloads.library import load_cascade

    loaded = load_cascade(cascade)
    given = read_inputs(inputs, loaded) if inputs else {}
    arithmetic = Arithmetic(format_named(pe), exp_degree) if pe else None
    sizes = parse_shape(shape)
    done, warned = run_quietly(loaded, given, sizes, seed, dtype.value, arithmetic)
    for text in warned:
        typer.echo(f"warning: {text}", err=True)
    if save:
        save_values(done, save)
    checked = check_against(done, check, tolerance) if check else None
    outputs = summaries(done)
    if json:
        print_json(
            {
                "cascade": loaded.name,
                "shape": done.shapes.sizes,
                "dtype": dtype.value,
                "pe": pe,
                "seed": seed,
                "outputs": {name: asdict(one) for name, one in outputs.items()},
                **(asdict(checked) if checked else {}),
            }
        )
    else:
        print_tables(summary_table(outputs))
        if checked:
            typer.echo(
                f"\nlargest error against the reference {checked.reference}: "
                f"{checked.max_rel_error:.3g} (tolerance {checked.tolerance:.3g})"
            )
    if checked and not checked.passed:
        typer.echo(f"error: {loaded.name} is not {checked.reference}", err=True)
        raise typer.Exit(1)
