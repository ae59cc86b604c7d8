"""Points that fulfil constraints without a closed form, counted by running over variables.

All variables but one are enumerated, in vectorised chunks; the values that the constraints
leave to the last one, an interval or one residue class of it, are solved for. So the time is in
proportion to the extents of the enumerated variables, and the memory is bounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from einsum.affine import Affine, Atom, Quotient, Remainder, variables_of
from einsum.constraints import Constraint, System

Ints: TypeAlias = npt.NDArray[np.int64]

_CHUNK = 1 << 18
_MOST_AT_ONCE = 1 << 26


def scan(system: System, tile: Mapping[str, int], limit: int) -> int | None:
    """The points in all tiles with a point that fulfils `system`; `tile` names all variables.

    None if more than `limit` points would have to be enumerated, or too many at once.
    """
    single = all(size == 1 for size in tile.values())
    solved = _solved(system, tile, single)
    others = {name: extent for name, extent in system.extents.items() if name != solved}
    if math.prod(others.values()) > limit or _row(others, tile) > _MOST_AT_ONCE:
        return None
    return sum(
        _points(hits) if single else _tile_points(hits, system, tile, solved)
        for hits in (_solve(system, solved, values) for values in _chunks(others, tile))
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """Of enumerated points, those that leave values to the solved variable: first, first + step,
    ..., last. Without a solved variable these are 0."""

    values: Mapping[str, Ints]
    first: Ints
    last: Ints
    step: int


def _points(hits: _Hits) -> int:
    return int(((hits.last - hits.first) // hits.step + 1).sum())


def _tile_points(hits: _Hits, system: System, tile: Mapping[str, int], solved: str | None) -> int:
    cell = np.zeros(len(hits.first), dtype=np.int64)
    volume = np.ones(len(hits.first), dtype=np.int64)
    for name, value in hits.values.items():
        number = value // tile[name]
        cell = cell * -(-system.extents[name] // tile[name]) + number
        volume *= np.minimum(tile[name], system.extents[name] - number * tile[name])
    width, extent = (tile[solved], system.extents[solved]) if solved else (1, 1)
    first, last = hits.first // width, hits.last // width
    # The union of the intervals of tiles that belong to one cell: in the order of their starts,
    # each adds what lies beyond all before it. A step of one extent keeps the cells apart.
    order = np.lexsort((first, cell))
    first, last, volume, cell = first[order], last[order], volume[order], cell[order]
    numbers = np.cumsum(np.diff(cell, prepend=cell[:1]) != 0) * (extent + 1)
    reached = np.maximum.accumulate(last + numbers) - numbers
    before = np.concatenate(([-1], reached[:-1]))
    before[np.diff(numbers, prepend=-1) != 0] = -1
    first = np.maximum(first, before + 1)
    points = np.minimum((last + 1) * width, extent) - first * width
    return int((np.where(first <= last, points, 0) * volume).sum())


def _chunks(extents: Mapping[str, int], tile: Mapping[str, int]) -> Iterator[dict[str, Ints]]:
    """All points of a box by variable, whole rows of tiles of one variable at a time."""
    if not extents:
        yield {}
        return
    first, *rest = _outermost_first(extents, tile)
    rows = max(1, _CHUNK // _row(extents, tile)) * tile[first]
    for start in range(0, extents[first], rows):
        shape = (min(rows, extents[first] - start), *(extents[name] for name in rest))
        grid = np.indices(shape, dtype=np.int64).reshape(len(shape), -1)
        grid[0] += start
        yield dict(zip((first, *rest), grid, strict=True))


def _row(extents: Mapping[str, int], tile: Mapping[str, int]) -> int:
    """The points of a row of tiles: the least that a chunk holds."""
    first, *rest = _outermost_first(extents, tile) or ["", ""]
    return tile.get(first, 1) * math.prod(extents.get(name, 1) for name in rest)


def _outermost_first(extents: Mapping[str, int], tile: Mapping[str, int]) -> list[str]:
    return sorted(extents, key=lambda name: -(extents[name] // tile[name]))


def _solved(system: System, tile: Mapping[str, int], single: bool) -> str | None:
    """The largest variable whose values the constraints leave in an interval or a class.

    A residue class must hit every tile between its ends, so that the tiles are an interval.
    """

    def is_solvable(name: str) -> bool:
        steps = [_step(c, name) for c in system.constraints if name in c.form.variables]
        classes = [step for step in steps if step != 1]
        if not classes:
            return True
        return len(classes) == 1 and classes[0] > 0 and (single or classes[0] <= tile[name])

    solvable = [name for name in system.extents if is_solvable(name)]
    return max(solvable, key=lambda name: system.extents[name], default=None)


def _step(constraint: Constraint, name: str) -> int:
    """1 if it bounds `name`, k if it leaves a class modulo k, 0 if it cannot be solved."""
    match _terms(constraint.form, name), constraint.equality:
        case [(str(), _)], False:
            return 1
        case [(Quotient(dividend), _)], False if _is_bare(dividend, name):
            return 1
        case [(Remainder(dividend, divisor), 1 | -1)], True if _is_bare(dividend, name):
            return divisor if abs(dividend.coefficient(name)) == 1 else 0
        case _:
            return 0


def _terms(form: Affine, name: str) -> list[tuple[Atom, int]]:
    return [(atom, k) for atom, k in form.terms if name in variables_of(atom)]


def _is_bare(form: Affine, name: str) -> bool:
    return [atom for atom, _ in _terms(form, name)] == [name]


def _solve(system: System, solved: str | None, values: dict[str, Ints]) -> _Hits:
    size = len(next(iter(values.values()), (0,)))
    low = np.zeros(size, dtype=np.int64)
    high = np.full(size, system.extents[solved] - 1 if solved else 0)
    residue, step = np.zeros(size, dtype=np.int64), 1
    for constraint in system.constraints:
        if solved is None or solved not in constraint.form.variables:
            high[~np.broadcast_to(constraint.holds(values), size)] = -1
            continue
        ((atom, factor),) = _terms(constraint.form, solved)
        rest = constraint.form.without(atom).at(values)
        match atom:
            case str():
                low, high = _bounded(low, high, factor, -rest)
            case Quotient(dividend, divisor):
                # floor(d / k) <= t is d <= k * t + k - 1, and floor(d / k) >= t is d >= k * t.
                own, other = dividend.coefficient(solved), dividend.without(solved).at(values)
                if factor > 0:
                    limit = -rest // factor * divisor + divisor - 1 - other
                    low, high = _bounded(low, high, own, limit)
                else:
                    limit = -(rest // factor) * divisor - other
                    low, high = _bounded(low, high, -own, -limit)
            case Remainder(dividend, divisor):
                own, other = dividend.coefficient(solved), dividend.without(solved).at(values)
                wanted = -rest * factor
                high = np.where((wanted >= 0) & (wanted < divisor), high, -1)
                residue, step = own * (wanted - other) % divisor, divisor
    low = low + (residue - low) % step
    high = high - (high - residue) % step
    kept = low <= high
    return _Hits({n: v[kept] for n, v in values.items()}, low[kept], high[kept], step)


def _bounded(low: Ints, high: Ints, factor: int, limit: Ints) -> tuple[Ints, Ints]:
    """The interval cut by `factor * x <= limit`."""
    if factor > 0:
        return low, np.minimum(high, limit // factor)
    return np.maximum(low, -(limit // -factor)), high
