"""Bytes that must move against bytes of buffer: a staircase that never rises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from archsim.amounts import Array


@dataclass(frozen=True, eq=False)
class Curve:
    """The least bytes that move, by tensor, for every size of the buffer.

    A buffer of `buffer_bytes[i]` (ascending) up to the next entry moves at least
    `parts[i, j]` bytes of `tensors[j]`, summed over j. With less than the first entry nothing
    can be computed.
    """

    tensors: tuple[str, ...]
    buffer_bytes: Array
    parts: Array

    @staticmethod
    def constant(parts: Mapping[str, float], buffer_bytes: float = 0.0) -> Curve:
        """The same for every buffer of at least `buffer_bytes`."""
        return Curve(tuple(parts), np.array([buffer_bytes]), np.array([list(parts.values())]))

    @cached_property
    def moved_bytes(self) -> Array:
        """The bytes of all tensors together, one entry a step."""
        return np.sum(self.parts, axis=1)  # type: ignore[no-any-return]

    def at(self, buffer_bytes: Array | float) -> Array:
        """The bytes that move at least; infinite where the buffer is too small to compute."""
        step = np.searchsorted(self.buffer_bytes, buffer_bytes, side="right") - 1
        return np.where(step < 0, np.inf, self.moved_bytes[np.maximum(step, 0)])

    def parts_at(self, buffer_bytes: float) -> Mapping[str, float]:
        """The bytes of every tensor; those of the smallest buffer if it is too small."""
        step = int(np.searchsorted(self.buffer_bytes, buffer_bytes, side="right")) - 1
        return dict(zip(self.tensors, map(float, self.parts[max(step, 0)]), strict=True))

    def with_at_least(self, buffer_bytes: float) -> Curve:
        """The same for buffers of at least `buffer_bytes`; none are smaller."""
        first = max(buffer_bytes, float(self.buffer_bytes[0]))
        step = int(np.searchsorted(self.buffer_bytes, first, side="right")) - 1
        later = self.buffer_bytes[step + 1 :]
        return Curve(self.tensors, np.concatenate(([first], later)), self.parts[step:])


def total(curves: Sequence[Curve]) -> Curve:
    """The sum of curves that share one buffer, each as if it had all of it."""
    first = max(curve.buffer_bytes[0] for curve in curves)
    sizes = np.unique(np.concatenate([curve.buffer_bytes for curve in curves]))
    sizes = sizes[sizes >= first]
    names = _names(curves)
    parts = np.sum([_sampled(curve, names, sizes) for curve in curves], axis=0)
    return _falling(names, sizes, parts)


def least(curves: Sequence[Curve]) -> Curve:
    """For every size of the buffer the curve that is lowest there."""
    sizes = np.unique(np.concatenate([curve.buffer_bytes for curve in curves]))
    names = _names(curves)
    moved = np.stack([curve.at(sizes) for curve in curves])
    lowest = np.argmin(moved, axis=0)
    parts = np.empty((len(sizes), len(names)))
    for number, curve in enumerate(curves):
        chosen = lowest == number
        parts[chosen] = _sampled(curve, names, sizes[chosen])
    return _falling(names, sizes, parts)


def pareto(buffer_bytes: Array, moved_bytes: Array) -> NDArray[np.intp]:
    """The points that no other one dominates, by rising buffer: for `Curve`, in order."""
    order = np.lexsort((moved_bytes, buffer_bytes))
    moved = moved_bytes[order]
    before = np.minimum.accumulate(np.concatenate(([np.inf], moved[:-1])))
    return order[(moved < before) & np.isfinite(buffer_bytes[order])]


def _falling(names: tuple[str, ...], sizes: Array, parts: Array) -> Curve:
    kept = pareto(sizes, parts.sum(axis=1))
    return Curve(names, sizes[kept], parts[kept])


def _names(curves: Iterable[Curve]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for curve in curves for name in curve.tensors))


def _sampled(curve: Curve, names: tuple[str, ...], sizes: Array) -> Array:
    """The parts of `curve` at `sizes`, none below its first, with a column for each of `names`."""
    step = np.searchsorted(curve.buffer_bytes, sizes, side="right") - 1
    parts = np.zeros((len(sizes), len(names)))
    for column, name in enumerate(curve.tensors):
        parts[:, names.index(name)] += curve.parts[step, column]
    return parts
