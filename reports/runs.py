"""Running a cascade for a person: arrays from and to files, a summary, a check."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.text_table import TextTable
from einsum.arithmetic import Arithmetic
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.interpret import Run, run
from workloads.references import max_rel_error, reference_named


@dataclass(frozen=True, slots=True)
class Summary:
    """An output in a few numbers; NaN where it has no finite value."""

    shape: tuple[int, ...]
    min: float
    mean: float
    max: float
    not_finite: int


@dataclass(frozen=True, slots=True)
class Check:
    """How far a run is off the reference formula."""

    reference: str
    max_rel_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.max_rel_error <= self.tolerance


def run_quietly(
    cascade: Cascade,
    inputs: Mapping[str, NDArray[np.generic]],
    shape: Mapping[str, int],
    seed: int,
    dtype: str,
    arithmetic: Arithmetic | None = None,
) -> tuple[Run, tuple[str, ...]]:
    """`einsum.interpret.run`, and what NumPy warned of (an overflow, a division by zero)."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        done = run(cascade, inputs, shape, seed=seed, dtype=np.dtype(dtype), arithmetic=arithmetic)
    return done, tuple(dict.fromkeys(str(warning.message) for warning in raised))


def read_inputs(path: Path, cascade: Cascade) -> dict[str, NDArray[np.generic]]:
    """The arrays of an .npz file that are inputs of `cascade`.

    Arrays of its other tensors are left out, so that a saved run can be given back. Raises
    `SpecError` for a file that is no .npz, and for an array that `cascade` does not have.
    """
    rule = "write it with numpy.savez(file, TENSOR=array, ...); no pickled objects"
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {} if isinstance(loaded, np.ndarray) else dict(loaded)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}", rule=rule) from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SpecError(f"{path} is not an .npz file of numbers: {error}", rule=rule) from None
    if isinstance(loaded, np.ndarray):
        raise SpecError(f"{path} holds one array without a name", rule=rule)
    others = {tensor.name for tensor in cascade.tensors} - {one.name for one in cascade.inputs}
    return {name: array for name, array in arrays.items() if name not in others}


def save_values(done: Run, path: Path) -> None:
    """Write every tensor, inputs included. Raises `SpecError` if `path` cannot be written."""
    try:
        with path.open("wb") as file:  # by name, savez would add a suffix
            np.savez(file, **done.values)  # type: ignore[arg-type]  # no tensor is allow_pickle
    except OSError as error:
        raise SpecError(f"cannot write {path}: {error.strerror or error}") from None


def check_against(done: Run, reference: str, tolerance: float | None) -> Check:
    """Compare the outputs with the reference called `reference`.

    The default tolerance is the square root of the rounding unit: half of the digits.
    """
    if tolerance is None:
        dtype = next(iter(done.values.values())).dtype
        tolerance = float(np.sqrt(np.finfo(dtype).eps))
    found = reference_named(reference, done.shapes.cascade.name)
    return Check(found.name, max_rel_error(done, found), tolerance)


def summaries(done: Run) -> dict[str, Summary]:
    """The outputs of a run by name."""
    return {name: _summary(np.asarray(values)) for name, values in done.outputs.items()}


def _summary(values: NDArray[np.floating]) -> Summary:
    finite = values[np.isfinite(values)]
    low, mean, high = (
        (float(finite.min()), float(finite.mean()), float(finite.max()))
        if finite.size
        else (float("nan"),) * 3
    )
    return Summary(values.shape, low, mean, high, int(values.size - finite.size))


def summary_table(outputs: Mapping[str, Summary]) -> TextTable:
    """`summaries` for people."""
    return TextTable(
        "outputs",
        "<<>>>>",
        ("tensor", "shape", "min", "mean", "max", "not finite"),
        tuple(
            (
                name,
                " x ".join(map(str, one.shape)) or "scalar",
                f"{one.min:.6g}",
                f"{one.mean:.6g}",
                f"{one.max:.6g}",
                str(one.not_finite),
            )
            for name, one in outputs.items()
        ),
    )
