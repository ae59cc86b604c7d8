"""Throughputs that others published: to look at beside predictions, never as measurements."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from archsim.load import load_architecture
from reports.gpu.model import predict
from reports.gpu.shapes import AttentionShape

_FILE = files("reports") / "published" / "gpu-forward.csv"


@dataclass(frozen=True, slots=True)
class Published:
    """One published forward throughput."""

    source: str
    device: str
    implementation: str
    shape: AttentionShape
    flops_per_s: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The model's p1 beside published implementations of the same cascade."""

    device: str
    implementation: str
    points: int
    mean_error: float
    mean_absolute_error: float


@cache
def published() -> tuple[Published, ...]:
    """All rows of `reports/published/gpu-forward.csv`, whose comments name the sources."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return tuple(
        Published(
            row["source"],
            row["device"],
            row["implementation"],
            AttentionShape(
                int(row["batch"]),
                int(row["heads"]),
                int(row["kv_heads"]),
                int(row["head_dim"]),
                int(row["length"]),
                int(row["length"]),
                row["causal"] == "1",
            ),
            float(row["tflops"]) * 1e12,
        )
        for row in rows
    )


def comparisons(device: str, overlap: float) -> tuple[Comparison, ...]:
    """Errors of p1's predicted time against each published implementation on `device`.

    The error is predicted over published time, less 1: negative where the model is faster.
    """
    architecture = load_architecture(device)
    errors: dict[str, list[float]] = {}
    for one in published():
        if one.device == device:
            seconds = predict("p1", one.shape, architecture).seconds(overlap)
            known = one.shape.flops / one.flops_per_s
            errors.setdefault(one.implementation, []).append(seconds / known - 1.0)
    return tuple(
        Comparison(
            device,
            implementation,
            len(found),
            sum(found) / len(found),
            sum(map(abs, found)) / len(found),
        )
        for implementation, found in errors.items()
    )
