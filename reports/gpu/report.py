"""Predicted beside measured: a row for every kernel and shape, and how good the predictions are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from archsim.architecture import Architecture
from archsim.load import load_architecture
from einsum.errors import SpecError
from reports.gpu.calibration import Rate, calibrated, rates
from reports.gpu.fit import Errors, Fit, Sample, fit
from reports.gpu.fusemax import fusemax_seconds
from reports.gpu.model import DECODING, KERNELS, Prediction, peak_flops, predict
from reports.gpu.records import Measurement, Record
from reports.gpu.shapes import AttentionShape, decode_shapes, prefill_shapes

_LONG = 2048
"""Errors are also given for shapes of at least so many keys: what is short is mostly launch."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kernel on a shape; `prediction` is None where the model says that it does not fit.

    `why` then says what does not. `measured` is None where nothing was measured.
    """

    record: str
    kernel: str
    shape: AttentionShape
    prediction: Prediction | None
    predicted_s: float | None
    measured: Measurement | None
    fitted: bool | None
    why: str = ""

    @property
    def error(self) -> float | None:
        """Predicted over measured time, less 1."""
        if self.measured is None or self.predicted_s is None:
            return None
        return self.predicted_s / self.measured.seconds - 1.0


@dataclass(frozen=True)
class GpuReport:
    """All rows of one record, or of a device that nothing was measured on.

    `fit` is None without a measurement: `overlap` is then the preset's own.
    """

    record: str
    architecture: Architecture
    rows: tuple[Row, ...]
    baselines: tuple[Measurement, ...]
    rates: tuple[Rate, ...]
    overlap: float
    fit: Fit | None

    @property
    def is_measured(self) -> bool:
        return any(row.measured for row in self.rows)

    @cached_property
    def peak_flops(self) -> float:
        """The peak that shares are of, at the specified clock."""
        return peak_flops(load_architecture(self.architecture.name))

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        return tuple(
            Sample(row.kernel, row.shape, row.prediction, row.measured.seconds)
            for row in self.rows
            if row.prediction and row.measured
        )

    def errors(self, kernel: str | None = None, least_keys: int = 1) -> Errors:
        """Mean absolute errors of the time, of one kernel or all, from `least_keys` up."""
        if self.fit is None:
            return Errors(None, None)
        return self.fit.errors(
            sample
            for sample in self.samples
            if sample.shape.keys >= least_keys and kernel in (None, sample.kernel)
        )

    @property
    def long_errors(self) -> Errors:
        return self.errors(least_keys=_LONG)

    def byte_error(self, level: str) -> float | None:
        """The mean absolute error of the bytes of `l2` or `dram`, where they were counted."""
        pairs = [
            (getattr(row.prediction, f"{level}_bytes"), getattr(row.measured, f"{level}_bytes"))
            for row in self.rows
            if row.prediction and row.measured
        ]
        errors = [abs(predicted / known - 1.0) for predicted, known in pairs if known]
        return sum(errors) / len(errors) if errors else None

    def orders(self) -> Iterator[Order]:
        """For every shape, the kernels from fast to slow."""
        for shape in dict.fromkeys(row.shape for row in self.rows):
            own = [row for row in self.rows if row.shape == shape and row.predicted_s is not None]
            known = [row for row in own if row.measured]
            if known:
                own = known
            yield Order(
                shape,
                tuple(row.kernel for row in sorted(own, key=lambda row: row.predicted_s or 0.0)),
                tuple(
                    row.kernel
                    for row in sorted(
                        known, key=lambda row: row.measured.seconds if row.measured else 0.0
                    )
                ),
            )

    def fusemax_seconds(self, shape: AttentionShape) -> float | None:
        """The time of FuseMax chips with the GPU's peak; None where it does not map."""
        return fusemax_seconds(shape, self.peak_flops)


@dataclass(frozen=True, slots=True)
class Order:
    """The kernels on a shape from fast to slow, by the model and as measured (if it was)."""

    shape: AttentionShape
    predicted: tuple[str, ...]
    measured: tuple[str, ...]

    @property
    def agrees(self) -> bool | None:
        return self.predicted == self.measured if self.measured else None


def gpu_report(record: Record) -> GpuReport:
    """The report on what was measured; shapes are those of the record."""
    architecture = calibrated(load_architecture(record.device), record.ceilings)
    ours = [one for one in record.measurements if one.kernel in KERNELS]
    others = tuple(one for one in record.measurements if one.kernel not in KERNELS)
    shapes = {one.shape for one in ours}
    absent: list[_Wanted] = [
        (kernel, shape, None, {})
        for shape in sorted(shapes)
        for kernel in _kernels(shape)
        if not any(one.kernel == kernel and one.shape == shape for one in ours)
    ]
    given = [(one.kernel, one.shape, one, one.tiles) for one in ours]
    return _report(record.name, architecture, [*given, *absent], others, record.ceilings)


def unmeasured_report(device: str) -> GpuReport:
    """The predictions for `device` with the preset's rates."""
    shapes = [*prefill_shapes(), *decode_shapes()]
    wanted: list[_Wanted] = [
        (kernel, shape, None, {}) for shape in shapes for kernel in _kernels(shape)
    ]
    return _report("", load_architecture(device), wanted, (), {})


def _kernels(shape: AttentionShape) -> tuple[str, ...]:
    """Split-K is for decoding, the others are for both."""
    return tuple(name for name in KERNELS if shape.decodes or name != DECODING)


_Wanted = tuple[str, AttentionShape, Measurement | None, Mapping[str, int]]


def _report(
    name: str,
    architecture: Architecture,
    wanted: Sequence[_Wanted],
    baselines: tuple[Measurement, ...],
    measured_rates: Mapping[str, float],
) -> GpuReport:
    predicted = [_predict(k, shape, tiles, architecture) for k, shape, _, tiles in wanted]
    found = fit(
        [
            Sample(kernel, shape, prediction, known.seconds)
            for (kernel, shape, known, _), (prediction, _) in zip(wanted, predicted, strict=True)
            if known and prediction
        ]
    )
    overlap = found.overlap if found else architecture.overlap
    rows = (
        Row(
            name,
            kernel,
            shape,
            prediction,
            prediction.seconds(overlap) if prediction else None,
            known,
            shape in found.shapes if found and known else None,
            why,
        )
        for (kernel, shape, known, _), (prediction, why) in zip(wanted, predicted, strict=True)
    )
    preset = load_architecture(architecture.name)
    return GpuReport(
        name,
        architecture,
        tuple(rows),
        baselines,
        rates(preset, measured_rates),
        overlap,
        found,
    )


def _predict(
    kernel: str,
    shape: AttentionShape,
    tiles: Mapping[str, int],
    architecture: Architecture,
) -> tuple[Prediction | None, str]:
    try:
        return predict(kernel, shape, architecture, tiles), ""
    except SpecError as error:
        return None, error.message


def reports(records: Iterable[Record], device: str) -> tuple[GpuReport, ...]:
    """One report for each record; without any, the predictions for `device`."""
    return tuple(map(gpu_report, records)) or (unmeasured_report(device),)
