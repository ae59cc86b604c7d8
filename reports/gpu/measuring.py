"""Running the measuring script, or saying what is missing for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.resources import as_file, files
from importlib.util import find_spec

from einsum.errors import SpecError

_PACKAGES = ("torch", "triton", "numpy")


def run_measurement(arguments: Sequence[str]) -> int:
    """Run `workloads/gpu/measure.py`; its exit status. Raises `SpecError` if it cannot run."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise SpecError(
            f"gpu measure needs {' and '.join(missing)}", rule="pip install 'einfall[gpu]'"
        )
    if not import_module("torch").cuda.is_available():
        raise SpecError(
            "gpu measure needs a CUDA device, and torch sees none",
            rule="run it on a machine with an NVIDIA GPU and torch built for CUDA",
        )
    script = files("workloads") / "gpu" / "measure.py"
    with as_file(script) as path:
        return subprocess.run([sys.executable, str(path), *arguments], check=False).returncode
