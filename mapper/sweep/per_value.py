"""Functions that only Python can compute, for columns: once for each different row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KEPT = 1 << 16  # rows of arguments that are remembered

_Hashes = NDArray[np.uint64]
_Rows = NDArray[np.float64]


class PerValue:
    """A function of plain numbers that remembers what it gave for which.

    Of columns it is a column: it is called once for each different row, and gives NaN where it
    raises `ValueError` (`SpecError` is one) or `ArithmeticError`.
    """

    def __init__(self, function: Callable[..., float]) -> None:
        self._function = function
        self._known: dict[tuple[object, ...], _Table] = {}

    def __call__(self, *arguments: Any) -> Any:
        """A number for numbers, a column for columns and numbers."""
        varying = [place for place, one in enumerate(arguments) if np.ndim(one)]
        if not varying:
            return self._function(*arguments)
        fixed = tuple(None if place in varying else one for place, one in enumerate(arguments))
        table = self._known.setdefault(fixed, _Table(len(varying)))
        rows = np.stack([arguments[place] for place in varying])
        hashes = _hashed(rows)
        places, found = table.find(hashes, rows)
        if not found.all():
            _, first = np.unique(hashes[~found], return_index=True)
            new = np.flatnonzero(~found)[first]
            table.add(hashes[new], rows[:, new], [self._at(fixed, row) for row in rows[:, new].T])
            places, found = table.find(hashes, rows)
        values = table.values[places]
        for place in np.flatnonzero(~found):  # different rows of the same hash
            values[place] = self._at(fixed, rows[:, place])
        return values

    def _at(self, fixed: tuple[Any, ...], row: NDArray[np.float64]) -> float:
        given = iter(row.tolist())
        try:
            return float(self._function(*(next(given) if one is None else one for one in fixed)))
        except (ArithmeticError, ValueError):
            return float("nan")


class _Table:
    """Rows of arguments with their values, in the order of their hashes."""

    def __init__(self, width: int) -> None:
        self.hashes: _Hashes = np.empty(0, dtype=np.uint64)
        self.rows: _Rows = np.empty((width, 0))
        self.values: NDArray[np.float64] = np.empty(0)

    def find(self, hashes: _Hashes, rows: _Rows) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The place of each row, and whether it is really there."""
        if not len(self.hashes):
            return np.zeros(len(hashes), dtype=np.intp), np.zeros(len(hashes), dtype=np.bool_)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        found = np.ones(len(hashes), dtype=np.bool_)
        for known, own in zip(self.rows, rows, strict=True):
            found &= known[places] == own
        return places, found

    def add(self, hashes: _Hashes, rows: _Rows, values: list[float]) -> None:
        """Remembers new rows; rows of a hash that is there already are left out."""
        if len(self.hashes) + len(hashes) > _KEPT:
            self.hashes, self.rows, self.values = self.hashes[:0], self.rows[:, :0], self.values[:0]
        hashes = np.concatenate([self.hashes, hashes])
        self.hashes, order = np.unique(hashes, return_index=True)
        self.rows = np.concatenate([self.rows, rows], axis=1)[:, order]
        self.values = np.concatenate([self.values, values])[order]


def _hashed(rows: _Rows) -> _Hashes:
    """64 bits for each row; the finalizer of SplitMix64, column after column."""
    total = np.zeros(rows.shape[1], dtype=np.uint64)
    for column in rows:
        total = (total ^ np.ascontiguousarray(column).view(np.uint64)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        total ^= total >> np.uint64(32)
    return total
