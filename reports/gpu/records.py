"""Measurements of GPU kernels, as the report needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from reports.gpu.shapes import AttentionShape

DEVICES = {"H200": "h200", "H100": "h100-sxm", "A100": "a100-80"}
"""The preset of a device by a part of its name."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One kernel on one shape: the median of its samples; None for what was not counted.

    `kernel` is a configuration (`p1`), or a baseline (`sdpa-cudnn`) that nothing is predicted for.
    """

    kernel: str
    shape: AttentionShape
    tiles: Mapping[str, int]
    seconds: float
    l2_bytes: float | None = None
    dram_bytes: float | None = None
    energy_j: float | None = None


@dataclass(frozen=True)
class Record:
    """A run of the measuring script: its device, its ceilings and its measurements.

    `ceilings` are named as in `reports.gpu.calibration.ceilings`.
    """

    name: str
    device: str
    measurements: tuple[Measurement, ...]
    ceilings: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


def preset_of(device: str) -> str | None:
    """The preset that describes the device of that name; None if there is none."""
    return next((preset for part, preset in DEVICES.items() if part in device.upper()), None)
