"""`einfall rtl area`: the processing elements as gates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reports.options import JsonOption
from reports.output import print_json


def area(
    modules: Annotated[
        str,
        typer.Option(
            help="Comma-separated: pe_mac, pe_max, pe_exp, reciprocal_parts, pe_2d, pe_1d."
        ),
    ] = "pe_mac,pe_max,pe_exp,reciprocal_parts",
    formats: Annotated[
        str, typer.Option(help="Comma-separated: fp32, bf16, fp16, e5m2, e4m3, int8.")
    ] = "fp32,bf16,fp16,e5m2,e4m3,int8",
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE.yaml", help="Write a component library for --components."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Synthesize the processing elements to gates, transistors and sky130 cell area.

    Needs yosys: pip install 'einfall[synth]'. The first run compiles it for half a minute; every
    module takes some seconds once, whole elements (pe_2d, pe_1d) up to a minute.

    \b
    Examples:
      einfall rtl area --modules pe_mac --formats bf16,fp32
      einfall rtl area --write mine.yaml
      einfall evaluate --workload bert --seq-len 64K --components rtl-sky130
    """
    from dataclasses import asdict

    from archsim.text_table import TextTable
    from reports.tables import print_tables
    from rtl.synthesis.area import areas
    from rtl.synthesis.flow import yosys_version
    from rtl.synthesis.library import library_text

    tool = yosys_version()
    blocks = areas(_names(modules), _names(formats))
    if write:
        write.write_text(library_text(blocks), encoding="utf-8")
    if json:
        print_json({"tool": tool, "node_nm": 130, "blocks": [asdict(block) for block in blocks]})
        return
    reference = max((block.switched_um2 or 0.0 for block in blocks), default=0.0)
    rows = tuple(
        (
            block.module,
            block.format,
            f"{block.gates:,}",
            f"{block.transistors:,}",
            f"{block.area_um2:,.0f}",
            "-" if block.switched_um2 is None else f"{block.switched_um2 / reference:.3f}",
        )
        for block in blocks
    )
    header = ("module", "format", "gates", "transistors", "sky130 um^2", "relative energy")
    print_tables(TextTable(f"synthesized by {tool}", "<<>>>>", header, rows))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
