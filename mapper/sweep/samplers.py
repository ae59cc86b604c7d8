"""Which points of a sweep are looked at, by number: the same number is always the same point."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from einsum.errors import SpecError

Indices = NDArray[np.int64]
Shares = NDArray[np.float64]


class Method(Enum):
    """How points are chosen.

    GRID: every combination, the last parameter fastest. RANDOM: independent draws. SOBOL: a
    scrambled low-discrepancy sequence (Sobol 1967; Owen 1998). BAYESIAN: rounds of proposals by a
    tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011). EVOLUTION: generations of
    NSGA-II (Deb et al., 2002).
    """

    GRID = "grid"
    RANDOM = "random"
    SOBOL = "sobol"
    BAYESIAN = "bayesian"
    EVOLUTION = "evolution"


@dataclass(frozen=True, slots=True)
class Sampler:
    """A method, how many points it takes (0 for a grid: all), its seed and its rounds.

    An adaptive method sees the results of a round of `round_size` points before the next one.
    """

    method: Method = Method.GRID
    points: int = 0
    seed: int = 0
    round_size: int = 64

    def __post_init__(self) -> None:
        if self.method is Method.GRID and self.points:
            raise SpecError(
                "a grid has all its points", rule="leave out points, or sample: random, sobol"
            )
        if self.method is not Method.GRID and self.points < 1:
            raise SpecError(
                f"{self.method.value} takes {self.points} points", rule="give points: at least 1"
            )
        if self.round_size < 1 or not 0 <= self.seed < 1 << 32:
            raise SpecError(
                "a round has at least 1 point, and a seed is from 0 to 2^32 - 1",
                rule="give round: 64 and seed: 0, for example",
            )

    @property
    def adaptive(self) -> bool:
        """Do later points depend on the results of earlier ones?"""
        return self.method in (Method.BAYESIAN, Method.EVOLUTION)


GRID = Sampler()
"""Every combination."""


def grid_levels(counts: tuple[int, ...], indices: Indices) -> list[Indices]:
    """The level of every parameter, of which there are `counts`, at points of a grid."""
    levels: list[Indices] = []
    for count in reversed(counts):
        indices, level = np.divmod(indices, count)
        levels.append(level)
    return levels[::-1]


def random_shares(seed: int, dimensions: int, indices: Indices) -> list[Shares]:
    """Independent uniform numbers in [0, 1) for every dimension of every point.

    A hash of seed, point and dimension (the finalizer of SplitMix64, Steele et al., OOPSLA 2014),
    so that a point can be drawn by its number alone.
    """
    with np.errstate(over="ignore"):
        point = _mixed(indices.astype(np.uint64) + _mixed(np.asarray(seed, dtype=np.uint64)))
        return [
            (_mixed(point + np.uint64(d + 1)) >> np.uint64(11)).astype(np.float64) * 2.0**-53
            for d in range(dimensions)
        ]


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value + np.uint64(1)) * _GOLDEN
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(value ^ (value >> np.uint64(31)), dtype=np.uint64)


def sobol_shares(seed: int, dimensions: int, start: int, stop: int) -> list[Shares]:
    """Points `start` to `stop` of the scrambled Sobol sequence, as numbers in [0, 1)."""
    if dimensions == 0:
        return []
    from scipy.stats import qmc  # slow to load

    sequence = qmc.Sobol(dimensions, scramble=True, seed=seed)
    if start:
        sequence.fast_forward(start)
    with warnings.catch_warnings():  # a slice of the sequence need not be a power of 2
        warnings.simplefilter("ignore", UserWarning)
        drawn = sequence.random(stop - start)
    return [np.ascontiguousarray(drawn[:, d]) for d in range(dimensions)]


def grid_size(counts: tuple[int, ...]) -> int:
    """The number of combinations."""
    return math.prod(counts)
