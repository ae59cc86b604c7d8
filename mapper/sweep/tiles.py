"""Choosing the free tile sizes of many points at once, as `archsim.free_tiles` does for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from archsim.free_tiles import tile_candidates
from mapper.sweep.formula import Column
from mapper.sweep.samplers import Indices
from mapper.sweep.stages import SCORES, Stage

Columns = Mapping[str, Column]
Use = Callable[[Stage, Indices, Columns], None]

_PAIRS = 1 << 16  # points times candidates at once


@dataclass(frozen=True)
class Chosen:
    """The rows for which tiles fit, with the best of them, and the others with the reasons."""

    kept: Indices
    tiles: dict[str, Column]
    lost: Indices
    reasons: list[str]


def choose(
    free: tuple[str, ...],
    numbers: Columns,
    spans: Columns,
    score: Callable[[Columns, Use], None],
) -> Chosen:
    """The best candidates of the tiles called `free` for every row of `numbers`.

    `spans` has what each loop covers and its base; `score` calls what it is given with stages
    that compute `SCORES`, the rows of the columns that they are right for, and these columns.
    Best is the least of `SCORES`, the first before the second; the first candidate of equals.
    """
    count = len(next(iter(numbers.values())))
    keys = np.stack([spans[f"{kind} {name}"] for name in free for kind in ("span", "base")])
    distinct, kind = np.unique(keys, axis=1, return_inverse=True)
    kind = np.ravel(kind)
    lists = [_candidates(tuple(int(x) for x in column)) for column in distinct.T]
    lengths = np.asarray([len(one) for one in lists])[kind]
    tiles = {name: np.full(count, np.nan) for name in free}
    reasons: dict[int, str] = {}
    bounds = np.flatnonzero(np.diff(np.cumsum(lengths) // _PAIRS)) + 1
    for rows in np.split(np.arange(count), bounds):
        sizes = np.concatenate([lists[k] for k in kind[rows]])
        _choose_some(free, numbers, rows, lengths[rows], sizes, score, tiles, reasons)
    lost = np.asarray(sorted(reasons), dtype=np.int64)
    kept = np.setdiff1d(np.arange(count), lost)
    return Chosen(
        kept,
        {name: column[kept] for name, column in tiles.items()},
        lost,
        [reasons[int(row)] for row in lost],
    )


@lru_cache(maxsize=4096)
def _candidates(spans: tuple[int, ...]) -> NDArray[np.float64]:
    """All combinations of tile sizes, the last one fastest: one row each."""
    each = [tile_candidates(*pair) for pair in zip(spans[::2], spans[1::2], strict=True)]
    return np.asarray(list(product(*each)), dtype=np.float64)


def _choose_some(
    free: tuple[str, ...],
    numbers: Columns,
    rows: Indices,
    lengths: Indices,
    sizes: NDArray[np.float64],
    score: Callable[[Columns, Use], None],
    tiles: dict[str, Column],
    reasons: dict[int, str],
) -> None:
    starts = np.cumsum(lengths) - lengths
    owner = np.repeat(np.arange(len(rows)), lengths)  # of every pair of a point and a candidate
    columns = {name: column[rows][owner] for name, column in numbers.items()}
    columns |= {name: np.ascontiguousarray(sizes[:, place]) for place, name in enumerate(free)}
    scores = np.full((len(SCORES), len(owner)), np.inf)
    lacking = np.full(len(owner), np.inf)
    memories: dict[str, Column] = {}
    failures: dict[int, str] = {}

    def use(stage: Stage, pairs: Indices, own: Columns) -> None:
        if stage.failure is not None:
            failures.update(zip(pairs.tolist(), stage.reasons(own), strict=True))
            return
        found = stage.run(own)
        short = np.zeros(len(pairs))
        for name in stage.names[len(SCORES) :]:
            missing = np.maximum(found[name], 0.0)
            memories.setdefault(name, np.zeros(len(owner)))[pairs] = missing
            short = short + missing
        lacking[pairs] = short
        for place, name in enumerate(SCORES):
            scores[place, pairs] = np.where(short <= 0, found[name], np.inf)

    score(columns, use)
    left = lacking <= 0
    for values in scores:  # the least of the first, of those the least of the second, ...
        least = np.minimum.reduceat(np.where(left, values, np.inf), starts)
        left &= values == least[owner]
    places = np.where(left, np.arange(len(owner)), len(owner))
    first = np.minimum.reduceat(places, starts)
    fitting = first < len(owner)
    for place, name in enumerate(free):
        tiles[name][rows[fitting]] = sizes[first[fitting], place]
    for row in np.flatnonzero(~fitting).tolist():
        pairs = slice(int(starts[row]), int(starts[row] + lengths[row]))
        nearest = int(starts[row] + np.argmin(lacking[pairs]))
        reasons[int(rows[row])] = failures.get(nearest) or _shortage(nearest, lacking, memories)


def _shortage(pair: int, lacking: Column, memories: Columns) -> str:
    name = min(name for name, missing in memories.items() if missing[pair] > 0)
    return f"{name} is {lacking[pair]:,.0f} bytes short even with the best tiles"
