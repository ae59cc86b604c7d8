"""A run of the measuring script: its record, on disk after every task, and its deadline."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
import triton

from workloads.gpu import nvml
from workloads.gpu.records import (
    SCHEMA,
    CeilingRun,
    Device,
    Measurement,
    Record,
    Skipped,
    Software,
    State,
    load_record,
)

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_INTERPRETER = "Triton interpreter"


def source_sha256(*places: str) -> str:
    """Content hash of those files and folders of workloads/gpu."""
    digest = hashlib.sha256()
    for place in places:
        path = _HERE / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(_HERE).as_posix().encode() + b"\0")
            digest.update(file.read_bytes())
    return digest.hexdigest()


def now() -> str:
    """The time, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Session:
    """The record that grows, in `folder`, under the names of the device and of the kernels' hash.

    A file that is there is continued. `device` is `cuda` or `cpu` (the interpreter).
    """

    def __init__(
        self, folder: Path, device: str, budget_s: float, command: str, commit: str | None
    ) -> None:
        self.device = device
        self.deadline = time.monotonic() + budget_s
        self.pci = _pci() if device == "cuda" else ""
        about = _device(device, self.pci)
        slug = re.sub(r"[^a-z0-9]+", "-", about.name.lower()).strip("-")
        self.file = folder / f"{slug}-{source_sha256('kernels')[:8]}.json"
        if self.file.exists():
            self.record = load_record(self.file)
            return
        found = commit or _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--", "workloads/gpu")
        self.record = Record(
            SCHEMA, found, bool(changed), now(), command, about, _software(), {}, (), (), ()
        )

    @property
    def left_s(self) -> float:
        """Seconds to the deadline."""
        return self.deadline - time.monotonic()

    def state(self) -> State:
        """The device, now."""
        return nvml.state(self.pci)

    def measurement(self, key: str) -> Measurement | None:
        """What was measured under `key`, if it was."""
        return next((m for m in self.record.measurements if m.key == key), None)

    def skipped(self, key: str) -> bool:
        """Was `key` given up before?"""
        return any(one.key == key for one in self.record.skipped)

    def add_ceiling(self, run: CeilingRun) -> None:
        rate = 1 / run.rate if run.name == "launch" else run.rate
        self._save(
            replace(
                self.record,
                ceilings={**self.record.ceilings, run.name: rate},
                ceiling_runs=(*self.record.ceiling_runs, run),
            )
        )

    def add(self, measurement: Measurement) -> None:
        """Enter a measurement, in place of one with the same key."""
        others = list(self.record.measurements)
        keys = [other.key for other in others]
        if measurement.key in keys:
            others[keys.index(measurement.key)] = measurement
        else:
            others.append(measurement)
        self._save(replace(self.record, measurements=tuple(others)))

    def skip(self, key: str, reason: str) -> None:
        """Give `key` up, and say why."""
        text = " ".join(reason.split())[:300]
        self._save(replace(self.record, skipped=(*self.record.skipped, Skipped(key, text))))

    def _save(self, record: Record) -> None:
        self.record = record
        self.file.parent.mkdir(parents=True, exist_ok=True)
        whole = self.file.with_suffix(".part")
        whole.write_text(record.to_json(), encoding="utf-8")
        os.replace(whole, self.file)  # a run that is killed leaves the old record or the new one


def _pci() -> str:
    about = torch.cuda.get_device_properties(0)
    parts = (getattr(about, f"pci_{name}_id", 0) for name in ("domain", "bus", "device"))
    return "{:08X}:{:02X}:{:02X}.0".format(*parts)


def _device(device: str, pci: str) -> Device:
    if device == "cpu":
        return Device(_INTERPRETER, 0, 0, 0, (0, 0), None, None, None)
    about = torch.cuda.get_device_properties(0)
    return Device(
        about.name,
        about.multi_processor_count,
        about.total_memory,
        int(getattr(about, "L2_cache_size", 0)),
        (about.major, about.minor),
        nvml.driver(),
        nvml.max_sm_clock_hz(pci),
        nvml.power_limit_w(pci),
    )


def _software() -> Software:
    cudnn: Callable[[], int | None] = torch.backends.cudnn.version
    return Software(
        platform.python_version(),
        torch.__version__,
        triton.__version__,
        np.__version__,
        torch.version.cuda,
        cudnn(),
    )


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None
