"""What must move whatever the order of operations, also without loops and tiles.

For one Einsum: cut any execution that computes every point once into stretches in which X bytes are
loaded or results are begun. What a stretch can use is at most S + X bytes, S of which were in the
buffer (a result that is begun again was stored before, so results are begun no more often than
stored). By the inequality of Loomis and Whitney, in the form of Hoelder, Brascamp and Lieb for
projections on coordinates, it computes at most

    F = product over tensors j of a_j^{s_j} * product over variables v of N_v^{t_v}

points from a_j elements of tensor j, for all s_j, t_v >= 0 of which those of each variable (t_v and
the s_j of the tensors that have it) sum to 1 or more (Christ, Demmel, Knight, Scanlon and Yelick,
UCB/EECS-2013-61, theorem 3.2; with bounds on N_v: Dinh and Demmel, SPAA 2020). So at least
X * (points / F - 1) bytes move, for every X; for a matrix product this is Hong and Kung's
MNK / sqrt(S), with the constant 2 of Smith et al. (arXiv 1702.02017) for large products.

For a cascade: when a value that depends on all of a fiber is known, at most S bytes of the fiber
are on chip; the rest of what is used again has to be loaded after that, and unless it is an input,
stored before.
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from archsim.amounts import Array
from archsim.compulsory import compulsory_bytes
from archsim.movement.demands import Demand
from archsim.movement.stays import Stays
from archsim.tiles import Reach
from einsum.cascade import Einsum

_EXPONENTS = (0.0, 1 / 3, 0.5, 2 / 3, 1.0)
_STRETCHES = 2.0 ** np.arange(-3, 6.5, 0.25)
"""Bytes that a stretch moves, in sizes of the buffer."""

_MOST_TENSORS = 4


def einsum_bound(stays: Stays, einsum: Einsum, buffer_bytes: Array) -> Array:
    """Bytes that `einsum` by itself moves at least, for every entry of `buffer_bytes`.

    Holds for every order in which each point is computed once. Tensors with affine or indirect
    indices, and running ones, only count once, as in `compulsory_bytes`.
    """
    size = np.asarray(buffer_bytes, dtype=np.float64)
    moved = stays.unfused(einsum)
    once = sum(stay.least for stay in moved) + sum(stays.unmoved(einsum).values())
    usable = [
        stay for stay in moved if all(len(d.terms) == 1 and d.unique for d in stay.reach.dimensions)
    ]
    usable = usable[:_MOST_TENSORS]
    points = float(stays.activity.useful_points(einsum))
    widest = max((stay.element_bytes for stay in moved), default=0.0)
    bound = np.full(size.shape, once)
    if not usable:
        return bound
    for stretch in _STRETCHES:
        begun = np.maximum(stretch * size, widest)
        most = _points(
            size + begun + widest,
            [(stay.reach, stay.element_bytes) for stay in usable],
            dict(stays.space(einsum)),
        )
        bound = np.maximum(bound, begun * (points / most - 1.0))
    return bound


def _points(room: Array, tensors: list[tuple[Reach, float]], space: dict[str, int]) -> Array:
    """The most points that can be computed from `room` bytes of the tensors."""
    most = np.full(room.shape, float(prod(space.values())))
    for exponents in product(_EXPONENTS, repeat=len(tensors)):
        total = sum(exponents)
        if not total:
            continue
        points = np.ones(room.shape)
        for (_, width), exponent in zip(tensors, exponents, strict=True):
            if exponent:  # the best share of the room is in proportion to the exponent
                points = points * (room * (exponent / total) / width) ** exponent
        for name, extent in space.items():
            covered = sum(
                exponent
                for (reach, _), exponent in zip(tensors, exponents, strict=True)
                if name in reach.variables
            )
            points = points * float(extent) ** max(0.0, 1.0 - covered)
        most = np.minimum(most, points)
    return most


def cascade_bound(stays: Stays, demands: tuple[Demand, ...], buffer_bytes: Array) -> Array:
    """Bytes that the cascade moves at least, for every entry of `buffer_bytes`.

    Holds for every order in which nothing is computed twice.
    """
    size = np.asarray(buffer_bytes, dtype=np.float64)
    bound = np.full(size.shape, compulsory_bytes(stays.shapes))
    for demand in demands:
        for moved in (demand.stored_bytes, *([demand.loaded_bytes] * demand.again)):
            bound = bound + np.maximum(0.0, moved - demand.fibers * size)
    return bound
