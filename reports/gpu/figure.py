"""The roofline figure of a GPU report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reports.figures import style
from reports.figures.roofline import Point, roofline
from reports.gpu.calibration import ceilings
from reports.gpu.report import GpuReport, Row


def draw_roofline(report: GpuReport, out: Path) -> tuple[Path, Path]:
    """Write `roofline-DEVICE.png` and `.pdf` into `out`."""
    rates = {rate.name: rate.value for rate in report.rates}
    known = {**ceilings(report.architecture), **rates}
    what = "measured and predicted" if report.is_measured else "predicted (not measured yet)"
    points = tuple(point for row in report.rows for point in _points(row))
    with style.applied():
        figure = roofline(
            f"Attention on {report.architecture.name}, {what}",
            points,
            known["gemm"],
            {"DRAM": known["copy"], "L2": known["l2"]},
        )
        stem = report.record or report.architecture.name
        return style.save(figure, out / f"roofline-{stem}")


def _points(row: Row) -> Iterator[Point]:
    flops = row.shape.flops
    if row.prediction is not None and row.predicted_s is not None:
        for level, moved in (("DRAM", row.prediction.dram_bytes), ("L2", row.prediction.l2_bytes)):
            yield Point(row.kernel, level, flops / moved, flops / row.predicted_s, False)
    if row.measured is not None:
        for level, counted in (("DRAM", row.measured.dram_bytes), ("L2", row.measured.l2_bytes)):
            if counted:
                yield Point(row.kernel, level, flops / counted, flops / row.measured.seconds, True)
