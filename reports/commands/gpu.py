"""`einfall gpu`: kernels on a GPU, predicted and measured."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from reports.options import JsonOption
from reports.output import print_json

gpu = typer.Typer(
    help="GPU kernels of the cascades: what the model predicts, and what was measured.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Device(Enum):
    """The GPUs that there are presets for."""

    H100 = "h100-sxm"
    H200 = "h200"
    A100 = "a100-80"


@gpu.command("report")
def report(
    records: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of records; by default those that are shipped.",
            exists=False,
        ),
    ] = None,
    device: Annotated[
        Device, typer.Option(help="The GPU to predict for where there is no record.")
    ] = Device.H100,
    json: JsonOption = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write report.json and the rooflines.")
    ] = None,
) -> None:
    """Predicted beside measured, by kernel and shape.

    Time, bytes at L2 and DRAM, throughput and its share of the peak; errors on the shapes that
    the overlap was fitted on and on the others. Where nothing was measured it says so.

    \b
    Examples:
      einfall gpu report
      einfall gpu report --records records/ --out out/gpu
      einfall gpu report --device h200 --json
    """
    from reports.gpu.json import as_json
    from reports.gpu.reader import read_records
    from reports.gpu.report import reports
    from reports.gpu.tables import report_tables, report_title
    from reports.output import plain_json
    from reports.tables import print_tables

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)  # if it cannot be, say so before the work
    found = reports(read_records(records), device.value)
    if out is not None:
        from reports.gpu.figure import draw_roofline

        (out / "report.json").write_text(plain_json(as_json(found)) + "\n", encoding="utf-8")
        for one in found:
            draw_roofline(one, out)
    if json:
        print_json(as_json(found))
        return
    for one in found:
        typer.echo(f"{report_title(one)}\n")
        print_tables(*report_tables(one))
        typer.echo("")


@gpu.command("list")
def list_kernels(json: JsonOption = False) -> None:
    """The kernels, their cascades and passes, and the records that there are."""
    from reports.gpu.listing import kernel_rows, listing_tables, record_rows
    from reports.tables import print_tables

    if json:
        print_json({"kernels": kernel_rows(), "records": record_rows()})
        return
    print_tables(*listing_tables())


@gpu.command("measure", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def measure(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the record.")] = Path(
        "records"
    ),
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop cleanly after so long: 500s.")
    ] = None,
) -> None:
    """Run workloads/gpu/measure.py on this machine's GPU.

    Its other options are passed on to it. It needs torch, triton and a CUDA device.

    \b
    Example:
      einfall gpu measure --out records --budget 500s
    """
    from reports.gpu.measuring import run_measurement

    arguments = ["--out", str(out), *(["--budget", budget] if budget else []), *context.args]
    raise typer.Exit(run_measurement(arguments))
