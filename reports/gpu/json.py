"""The GPU report as plain data, for `--json`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from reports.gpu.fit import Errors
from reports.gpu.model import KERNELS
from reports.gpu.published import comparisons
from reports.gpu.report import GpuReport, Row


def as_json(reports: Iterable[GpuReport]) -> dict[str, object]:
    """Rows per record and kernel, then what was fitted and how far off it is."""
    found = tuple(reports)
    return {
        "measured": any(report.is_measured for report in found),
        "reports": [_report(report) for report in found],
        "rows": [_row(row, report) for report in found for row in report.rows],
    }


def _report(report: GpuReport) -> dict[str, object]:
    device = report.architecture.name
    return {
        "record": report.record or None,
        "device": device,
        "measured": report.is_measured,
        "rates": [asdict(rate) for rate in report.rates],
        "overlap": report.overlap,
        "overlap_source": "fitted" if report.fit else "preset",
        "peak_flops": report.peak_flops,
        "errors": _errors(report.errors()),
        "errors_from_2k": _errors(report.long_errors),
        "errors_by_kernel": {name: _errors(report.errors(name)) for name in KERNELS},
        "byte_errors": {level: report.byte_error(level) for level in ("l2", "dram")},
        "orders": [
            {
                "shape": str(order.shape),
                "predicted": order.predicted,
                "measured": order.measured or None,
                "agrees": order.agrees,
            }
            for order in report.orders()
        ],
        "baselines": [
            {**asdict(one.shape), "kernel": one.kernel, "measured_s": one.seconds}
            for one in report.baselines
        ],
        "published": [asdict(one) for one in comparisons(device, report.overlap)],
    }


def _errors(errors: Errors) -> dict[str, float | None]:
    return {"fitted": errors.fitted, "held_out": errors.held_out}


def _row(row: Row, report: GpuReport) -> dict[str, object]:
    known, predicted = row.measured, row.prediction
    return {
        "record": row.record or None,
        "device": report.architecture.name,
        "kernel": row.kernel,
        **asdict(row.shape),
        "measured": known is not None,
        "fitted": row.fitted,
        "fits": predicted is not None,
        "why": row.why or None,
        "predicted_s": row.predicted_s,
        "measured_s": known.seconds if known else None,
        "error": row.error,
        "predicted_bytes": (
            {"l2": predicted.l2_bytes, "dram": predicted.dram_bytes} if predicted else None
        ),
        "measured_bytes": {"l2": known.l2_bytes, "dram": known.dram_bytes} if known else None,
        "predicted_energy_j": predicted.energy_j if predicted else None,
        "measured_energy_j": known.energy_j if known else None,
        "predicted_flops_per_s": row.shape.flops / row.predicted_s if row.predicted_s else None,
        "measured_flops_per_s": row.shape.flops / known.seconds if known else None,
        "fusemax_s": report.fusemax_seconds(row.shape),
    }
