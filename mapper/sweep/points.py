"""Points of a sweep: slices of it as columns, made when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mapper.sweep.content import content_digest
from mapper.sweep.domains import Interval, Levels, Parameter
from mapper.sweep.formula import Column, Formula
from mapper.sweep.samplers import (
    Indices,
    Method,
    grid_levels,
    random_shares,
    sobol_shares,
)
from mapper.sweep.settings import Setpoint
from mapper.sweep.spec import Sweep

Shares: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Some points of `sweep`: their numbers in it, and a column for every parameter.

    A column has numbers in base units, or for names the place of each in `sweep`'s list.
    """

    sweep: Sweep
    index: Indices
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.index)

    def values(self, name: str) -> list[Setpoint]:
        """The values of a parameter: names, or numbers (whole ones as integers)."""
        column = self.columns[name]
        texts = text_levels(self.sweep, name)
        if texts is not None:
            return [texts[int(code)] for code in column]
        return [int(x) if x.is_integer() else x for x in column.tolist()]

    def take(self, rows: NDArray[np.int64]) -> Points:
        """Some of the points."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Points(self.sweep, self.index[rows], columns)


def make_points(sweep: Sweep, start: int, stop: int) -> Points:
    """Points `start` to `stop` of a sweep that is not adaptive; the last ones may be missing."""
    stop = min(stop, sweep.size)
    index = np.arange(start, max(start, stop), dtype=np.int64)
    dimensions, sampler = len(sweep.free), sweep.sampler
    match sampler.method:
        case Method.GRID:
            domains = [one.domain for one in sweep.free]
            lists = [one.values for one in domains if isinstance(one, Levels)]
            levels = grid_levels(tuple(map(len, lists)), index)
            columns = {
                one.name: at_levels(one, level)
                for one, level in zip(sweep.free, levels, strict=True)
            }
            return linked(sweep, index, columns)
        case Method.RANDOM:
            shares = random_shares(sampler.seed, dimensions, index)
        case Method.SOBOL:
            shares = sobol_shares(sampler.seed, dimensions, start, start + len(index))
        case _:
            raise ValueError("the points of an adaptive sweep depend on results: next_points")
    return at_shares(sweep, index, shares)


def at_shares(sweep: Sweep, index: Indices, shares: list[Shares]) -> Points:
    """The points at `shares` (0 to below 1) of the way through every free parameter."""
    columns = {
        one.name: _at_share(one, share) for one, share in zip(sweep.free, shares, strict=True)
    }
    return linked(sweep, index, columns)


def _at_share(parameter: Parameter, share: Shares) -> Column:
    match parameter.domain:
        case Levels(values):
            level = np.minimum((share * len(values)).astype(np.int64), len(values) - 1)
            return at_levels(parameter, level)
        case Interval(low, high, log, whole):
            top = high + 1.0 if whole else high
            found = low * (top / low) ** share if log else low + (top - low) * share
            return np.minimum(np.floor(found), high) if whole else _readable(found)
        case Formula():
            raise AssertionError("linked parameters are not sampled")


def _readable(column: Column) -> Column:
    """Six digits of each number: the last bits of a power are not the same on all machines."""
    return np.asarray([float(f"{number:.6g}") for number in column.tolist()], dtype=np.float64)


def at_levels(parameter: Parameter, level: Indices) -> Column:
    """The values at places of a list; for names the places themselves."""
    assert isinstance(parameter.domain, Levels)
    return level_values(parameter)[level]


@lru_cache(maxsize=256)
def level_values(parameter: Parameter) -> Column:
    """All values of a list as a column."""
    assert isinstance(parameter.domain, Levels)
    values = parameter.domain.values
    numbers = [
        float(place) if isinstance(value, str) else value for place, value in enumerate(values)
    ]
    return np.asarray(numbers, dtype=np.float64)


def linked(sweep: Sweep, index: Indices, columns: dict[str, Column]) -> Points:
    """The points with `columns` of the free parameters, and those that follow from them."""
    known: dict[str, Column] = {
        name: np.asarray(value, dtype=np.float64) for name, value in sweep.constants.items()
    }
    known |= columns
    for parameter in sweep.parameters:
        if isinstance(parameter.domain, Formula):
            value = parameter.domain.values(known)
            known[parameter.name] = np.broadcast_to(value, index.shape)
    return Points(sweep, index, {one.name: known[one.name] for one in sweep.parameters})


def text_levels(sweep: Sweep, name: str) -> tuple[str, ...] | None:
    """The names that a parameter takes, in order; None if it takes numbers."""
    parameter = next(one for one in sweep.parameters if one.name == name)
    if parameter.setting.unit is not None or not isinstance(parameter.domain, Levels):
        return None
    return tuple(map(str, parameter.domain.values))


def point_keys(points: Points) -> list[bytes]:
    """16 bytes for every point: a hash of all its settings, and of all that is the same for all.

    Equal for equal points of any two sweeps, on any machine, in any process: names stand for
    their contents, numbers are in base units, and the order in which they were written is
    forgotten. Constraints are part of it, objectives and samplers are not.
    """
    sweep = points.sweep
    words = np.empty((len(points), len(sweep.names)), dtype="<u8")
    for place, name in enumerate(sweep.names):
        if name in points.columns:
            words[:, place] = _words(sweep, name, points.columns[name])
        else:
            words[:, place] = _word(name, sweep.base[name])
    packed, width = words.tobytes(), 8 * len(sweep.names)
    hashed, basis = hashlib.blake2b, sweep.point_basis
    return [
        hashed(packed[at : at + width], digest_size=16, key=basis).digest()
        for at in range(0, len(packed), width)
    ]


def _words(sweep: Sweep, name: str, column: Column) -> NDArray[np.uint64]:
    texts = text_levels(sweep, name)
    if texts is None:
        numbers = np.ascontiguousarray(column, dtype="<f8") + 0.0  # -0.0 is 0.0
        return numbers.view("<u8")
    words = np.asarray([_word(name, text) for text in texts], dtype="<u8")
    return words[column.astype(np.int64)]


def _word(name: str, value: Setpoint) -> int:
    """8 bytes for one value."""
    if isinstance(value, str):
        return int(content_digest(name, value)[:16], 16)
    return int(np.asarray(value + 0.0, dtype="<f8").view("<u8"))
