"""`einfall rtl exp`: three ways to build an exponential, beside each other."""

from __future__ import annotations

from typing import Annotated

import typer

from reports.options import JsonOption
from reports.output import print_json


def exp(
    format: Annotated[str, typer.Option(help="Operands: fp32, bf16, fp16, e5m2, e4m3.")] = "bf16",
    json: JsonOption = False,
) -> None:
    """Compare exponentials: on the PE's own MAC, piecewise linear, a dedicated unit.

    Area is what the PE needs besides its MAC; attention is 256 x 256 x 64 on operands of the
    format, against float64. Needs yosys: pip install 'einfall[synth]'.

    \b
    Example:
      einfall rtl exp --format fp16
    """
    from dataclasses import asdict

    from archsim.text_table import TextTable
    from einsum.arithmetic import Arithmetic
    from einsum.formats import format_named
    from reports.tables import print_tables
    from rtl.synthesis.exponentials import compare_exponentials

    operand = Arithmetic(format_named(format)).operand
    found = compare_exponentials(operand, (2, 3, 5))
    if json:
        print_json({"format": format, "exponentials": [asdict(one) for one in found]})
        return
    rows = tuple(
        (
            one.name,
            "-" if one.area_um2 is None else f"{one.area_um2:,.0f}",
            "-" if one.area_um2 is None else f"{one.area_um2 / one.mac_area_um2:.0%}",
            str(one.cycles or "-"),
            f"{one.max_rel_error:.1e}",
            f"{one.attention_error:.2e}",
        )
        for one in found
    )
    header = ("exponential", "um^2", "of a MAC", "cycles", "max relative error", "attention error")
    print_tables(TextTable(f"exponentials for {format}", "<>>>>>", header, rows))
