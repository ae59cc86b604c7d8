"""A small sweep, made by the command, for the tests of figures and reports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SPEC = """\
sweep: small
workload: bert
seq_len: [1K, 4K, 16K]
config: [flat, cascade, binding]
parameters:
  array_2d.rows: [128, 256]
  array_2d.columns: = array_2d.rows
  global_buffer.size: [1 MiB, 4 MiB, 16 MiB]
  dram.bandwidth: [100 GB/s, 400 GB/s]
constraints:
  - area_um2 <= 460 mm^2
"""
POINTS = 3 * 3 * 2 * 3 * 2


def make_store(folder: Path, spec: str = SPEC) -> Path:
    """The store of a sweep in `folder`."""
    file = folder / "spec.yaml"
    file.write_text(spec, encoding="utf-8")
    command = [sys.executable, "-m", "reports", "sweep", file, "--out", folder / "store"]
    subprocess.run([*map(str, command), "--workers", "1"], check=True, capture_output=True)
    return folder / "store"
