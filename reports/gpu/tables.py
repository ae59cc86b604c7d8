"""The GPU report as tables."""

from __future__ import annotations

from collections.abc import Iterator

from archsim.engineering import binary, engineering, percent
from archsim.load import load_architecture
from archsim.text_table import TextTable
from reports.gpu.fit import Errors
from reports.gpu.model import KERNELS, largest_row
from reports.gpu.published import comparisons
from reports.gpu.report import GpuReport, Row

NOT_MEASURED = "not measured yet"
_QUERY_TILES = (16, 32, 64)


def report_title(report: GpuReport) -> str:
    """The device and the record, or that there is none."""
    what = f"record {report.record}" if report.is_measured else NOT_MEASURED
    return f"GPU kernels on {report.architecture.name}: {what}"


def report_tables(report: GpuReport) -> Iterator[TextTable]:
    """Rates, kernels by shape, errors, order, baselines, published throughputs, rows on chip."""
    yield _rates(report)
    yield _kernels(report)
    yield _errors(report)
    yield _orders(report)
    yield _baselines(report)
    if found := comparisons(report.architecture.name, report.overlap):
        yield TextTable(
            "p1 predicted beside published throughputs (not measured here)",
            "<>>>",
            ("implementation", "shapes", "mean error of time", "mean absolute"),
            tuple(
                (
                    one.implementation,
                    str(one.points),
                    f"{100 * one.mean_error:+.1f} %",
                    percent(one.mean_absolute_error),
                )
                for one in found
            ),
        )
    yield _rows_on_chip(report)


def _rates(report: GpuReport) -> TextTable:
    rows = [(one.name, engineering(one.value, one.unit), one.source) for one in report.rates]
    source = "fitted on half of the shapes" if report.fit else f"preset; {NOT_MEASURED}"
    rows.append(("overlap", f"{report.overlap:.3f}", source))
    return TextTable("rates of the model", "<><", ("", "value", "source"), tuple(rows))


def _kernels(report: GpuReport) -> TextTable:
    peak = report.peak_flops
    return TextTable(
        f"kernels; shares of {engineering(peak, 'FLOP/s')} (specified tensor peak)",
        "<<>>>>>>>>>>>",
        (
            "shape",
            "kernel",
            "predicted",
            "measured",
            "error",
            "TFLOP/s",
            "of peak",
            "measured TFLOP/s",
            "L2",
            "measured L2",
            "DRAM",
            "measured DRAM",
            "FuseMax, same peak",
        ),
        tuple(_kernel(row, report) for row in report.rows),
    )


def _kernel(row: Row, report: GpuReport) -> tuple[str, ...]:
    known, flops = row.measured, row.shape.flops
    fusemax = report.fusemax_seconds(row.shape)
    measured = (
        engineering(known.seconds, "s") if known else NOT_MEASURED,
        f"{100 * row.error:+.1f} %" if row.error is not None else "-",
    )
    if row.prediction is None or row.predicted_s is None:
        predicted = ("does not fit", *measured, "-", "-")
        moved = ("-", "-")
    else:
        rate = flops / row.predicted_s
        share = percent(rate / report.peak_flops)
        predicted = (engineering(row.predicted_s, "s"), *measured, f"{rate / 1e12:.0f}", share)
        moved = (binary(row.prediction.l2_bytes), binary(row.prediction.dram_bytes))
    return (
        str(row.shape),
        row.kernel,
        *predicted,
        f"{flops / known.seconds / 1e12:.0f}" if known else "-",
        moved[0],
        binary(known.l2_bytes) if known and known.l2_bytes is not None else "-",
        moved[1],
        binary(known.dram_bytes) if known and known.dram_bytes is not None else "-",
        engineering(fusemax, "s") if fusemax is not None else "-",
    )


def _errors(report: GpuReport) -> TextTable:
    def cells(errors: Errors) -> tuple[str, str]:
        fitted, held_out = (
            NOT_MEASURED if value is None else percent(value)
            for value in (errors.fitted, errors.held_out)
        )
        return fitted, held_out

    rows = [("all", *cells(report.errors())), ("from 2K keys", *cells(report.long_errors))]
    rows += [(name, *cells(report.errors(name))) for name in KERNELS]
    for level in ("l2", "dram"):
        error = report.byte_error(level)
        text = NOT_MEASURED if error is None else percent(error)
        rows.append((f"bytes, {level.upper()}", "", text))
    return TextTable(
        "mean absolute error of the predicted time",
        "<>>",
        ("kernels", "fitted shapes", "held-out shapes"),
        tuple(rows),
    )


def _orders(report: GpuReport) -> TextTable:
    return TextTable(
        "kernels from fast to slow",
        "<<<<",
        ("shape", "predicted", "measured", "same"),
        tuple(
            (
                str(order.shape),
                " ".join(order.predicted),
                " ".join(order.measured) or NOT_MEASURED,
                "-" if order.agrees is None else "yes" if order.agrees else "no",
            )
            for order in report.orders()
        ),
    )


def _baselines(report: GpuReport) -> TextTable:
    names = tuple(dict.fromkeys(one.kernel for one in report.baselines))
    rows = []
    for row in report.rows:
        if row.measured is None:
            continue
        times = {one.kernel: one.seconds for one in report.baselines if one.shape == row.shape}
        cells = (
            f"{times[name] / row.measured.seconds:.2f}x" if name in times else "-" for name in names
        )
        rows.append((str(row.shape), row.kernel, *cells))
    if not rows or not names:
        return TextTable("speed against SDPA and cuDNN", "<", ("",), ((NOT_MEASURED,),))
    return TextTable(
        "speed against SDPA and cuDNN: their time over ours",
        "<<" + ">" * len(names),
        ("shape", "kernel", *names),
        tuple(rows),
    )


def _rows_on_chip(report: GpuReport) -> TextTable:
    chip = load_architecture(report.architecture.name)
    return TextTable(
        "p3-retain: the most keys (a power of two) whose scores stay on chip",
        ">>>",
        ("queries of a task", "head dim 64", "head dim 128"),
        tuple(
            (str(queries), *(str(largest_row(chip, queries, dim)) for dim in (64, 128)))
            for queries in _QUERY_TILES
        ),
    )
