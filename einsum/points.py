"""The points that one array operation covers, and tensors seen from them.

An array over points has one axis for every free variable, in one fixed order, of size 1 where
it does not depend on the variable: all arrays of an Einsum broadcast against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from einsum.affine import Affine
from einsum.constraints import Constraint
from einsum.plan import Axis, Location

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Points:
    """All values of the free variables, in `extents`; `pinned` are the variables of loops."""

    extents: Mapping[str, int]
    pinned: Mapping[str, int]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.extents)

    @cached_property
    def box(self) -> dict[str, tuple[int, int]]:
        free = {name: (0, extent - 1) for name, extent in self.extents.items()}
        return free | {name: (value, value) for name, value in self.pinned.items()}

    @cached_property
    def _grid(self) -> dict[str, Any]:
        grid: dict[str, Any] = dict(self.pinned)
        for position, (name, extent) in enumerate(self.extents.items()):
            shape = [1] * len(self.extents)
            shape[position] = extent
            grid[name] = np.arange(extent).reshape(shape)
        return grid

    def values(self, form: Affine) -> Array:
        """The values of an index expression, as whole numbers."""
        return self._ranked(form.at(self._grid))

    def mask(self, constraints: Iterable[Constraint]) -> Array | None:
        """Where all `constraints` hold; None if that is everywhere."""
        mask: Array | None = None
        for constraint in constraints:
            if not constraint.always(self.box):
                holds = self._ranked(constraint.holds(self._grid))
                mask = holds if mask is None else mask & holds
        return mask

    def axes_of(self, names: Iterable[str]) -> tuple[int, ...]:
        return tuple(self.names.index(name) for name in names)

    def view(self, array: Array, location: Location) -> Array | None:
        """The memory of `array` at `location`, shared; None if that is not an affine view.

        Every index that is a sum of variables is one, diagonals (`X[m, m]`) and windows
        (`I[p + r]`) included; one that leaves the tensor at an absent point is not.
        """
        flat = location.flat
        if not flat.is_linear or not all(_is_inside(axis, self.box) for axis in location.axes):
            return None
        start = flat.constant + sum(flat.coefficient(n) * v for n, v in self.pinned.items())
        steps = [flat.coefficient(name) for name in self.names]
        return np.ndarray(
            tuple(n if step else 1 for n, step in zip(self.extents.values(), steps, strict=True)),
            array.dtype,
            array,
            start * array.itemsize,
            tuple(step * array.itemsize for step in steps),
        )

    def positions(self, location: Location) -> Array:
        """The positions of `location` in row-major memory, those outside moved to the border."""
        position = np.zeros((1,) * len(self.extents), dtype=np.int64)
        for axis in location.axes:
            inside = np.clip(self.values(axis.index), 0, axis.extent - 1)
            position = position + inside * axis.stride
        return position

    def _ranked(self, values: Any) -> Array:
        array = np.asarray(values)
        return array.reshape((1,) * len(self.extents)) if array.ndim == 0 else array


def _is_inside(axis: Axis, box: Mapping[str, tuple[int, int]]) -> bool:
    low, high = axis.index.bounds(box)
    return low >= 0 and high < axis.extent
