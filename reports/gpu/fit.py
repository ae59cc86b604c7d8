"""The one fitted number of the GPU model: how much of the tensor and vector work overlaps.

It is fitted on half of the shapes, by the least mean absolute relative error of the time, and the
error on the other half says what the fit is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.gpu.model import Prediction
from reports.gpu.shapes import AttentionShape

_STEPS = 1000  # the overlap is found to a thousandth


@dataclass(frozen=True, slots=True)
class Sample:
    """A measured time and what is predicted for it."""

    kernel: str
    shape: AttentionShape
    prediction: Prediction
    measured_s: float

    def error(self, overlap: float) -> float:
        """Predicted over measured time, less 1."""
        return self.prediction.seconds(overlap) / self.measured_s - 1.0


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute relative errors; None where there is nothing to average."""

    fitted: float | None
    held_out: float | None


@dataclass(frozen=True, slots=True)
class Fit:
    """The overlap that fits best, and the shapes that it was fitted on."""

    overlap: float
    shapes: frozenset[AttentionShape]

    def errors(self, samples: Iterable[Sample]) -> Errors:
        """Of `samples` on the shapes of the fit, and on all others."""
        halves: tuple[list[Sample], list[Sample]] = ([], [])
        for sample in samples:
            halves[sample.shape not in self.shapes].append(sample)
        return Errors(*(mean_error(half, self.overlap) for half in halves))


def mean_error(samples: Sequence[Sample], overlap: float) -> float | None:
    """The mean of the absolute relative errors; None of none."""
    if not samples:
        return None
    return sum(abs(sample.error(overlap)) for sample in samples) / len(samples)


def fitted_half(shapes: Iterable[AttentionShape]) -> frozenset[AttentionShape]:
    """Every other shape in their order, from the first: half of each length, mask and head."""
    return frozenset(sorted(set(shapes))[::2])


def fit(samples: Sequence[Sample]) -> Fit | None:
    """The overlap (0 to 1) with the least error on half of the shapes; None without samples."""
    chosen = fitted_half(sample.shape for sample in samples)
    own = [sample for sample in samples if sample.shape in chosen]
    if not own:
        return None
    candidates = (step / _STEPS for step in range(_STEPS + 1))
    best = min(candidates, key=lambda overlap: (mean_error(own, overlap), overlap))
    return Fit(best, chosen)
