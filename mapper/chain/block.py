"""The private loops of an Einsum: orders, tiles, and where its tensors are held among them.

    block ::= one loop for each rank class, in any order, each with a tile that divides its extent;
              a class that all tensors have has the least tile. A tensor is held right above a loop
              over a class that it does not have, or below all loops.

At other depths a hold takes no less, or saves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import permutations, product
from operator import mul

import numpy as np
from numpy.typing import NDArray

from mapper.chain.site import divisors

Floats = NDArray[np.float64]
Factors = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """The loops, outermost first, and how many of them stand above each tensor's hold."""

    classes: tuple[int, ...]
    depths: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Block:
    """Every block with its amounts, one in a row.

    `fetched` counts for each tensor how often its tile passes to its hold (columns as in `held`,
    the last one for the register), `occupied` is in bytes, `tiles` by class, `order` a number.
    """

    orders: tuple[Order, ...]
    fetched: Floats
    occupied: Floats
    tiles: NDArray[np.int64]
    order: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Extents:
    """What the block covers, by class: `whole` sizes down to what the array takes, `least`."""

    whole: Factors
    least: Factors


def blocks(
    extents: Extents,
    members: tuple[frozenset[int], ...],
    held: tuple[int, ...],
    width: tuple[float, ...],
    register: int | None,
    capacity: float,
    bounded: bool,
) -> Block:
    """All blocks that hold the tensors `held` and fit `capacity`.

    If it is `bounded`, what each block takes does not matter as long as it fits: of blocks
    in the same order only those are kept whose tiles cannot be larger.
    """
    everyone = frozenset(range(len(width)))
    looped = tuple(
        c
        for c, own in enumerate(members)
        if own != everyone and extents.whole[c] > extents.least[c]
    )
    rows: list[tuple[int, Floats, Floats, NDArray[np.int64]]] = []
    orders: list[Order] = []
    for order in orders_of(looped, members, held):
        tiles = [_tiles(extents.whole[c], extents.least[c]) for c in order.classes]
        axes = opened(tiles)
        occupied = _occupied(order, axes, extents, members, width)
        shape = tuple(map(len, tiles))
        occupied = np.broadcast_to(occupied, shape)
        fits = occupied <= capacity
        if not fits.any():
            continue
        if bounded:
            fits = largest(fits)
        chosen = np.nonzero(fits.reshape(-1))[0]
        columns = [
            np.broadcast_to(_fetched(order, axes, extents, members, depth, t), shape).reshape(-1)
            for t, depth in order.depths
        ]
        columns.append(
            np.broadcast_to(
                _to_register(order, axes, extents, members, register, everyone), shape
            ).reshape(-1)
        )
        taken = np.asarray(extents.least, dtype=np.int64)
        sizes = np.broadcast_to(taken, (len(chosen), len(taken))).copy()
        for place, c in enumerate(order.classes):
            grid = np.broadcast_to(axes[place], shape).reshape(-1)
            sizes[:, c] = grid[chosen]
        for c, own in enumerate(members):
            if own != everyone and c not in looped:
                sizes[:, c] = extents.whole[c]
        rows.append(
            (
                len(orders),
                np.stack(columns, axis=1)[chosen],
                occupied.reshape(-1)[chosen],
                sizes,
            )
        )
        orders.append(order)
    if not rows:
        empty = np.zeros(0)
        none = np.zeros((0, len(members)), dtype=np.int64)
        return Block((), np.zeros((0, len(held) + 1)), empty, none, empty.astype(np.int64))
    return Block(
        tuple(orders),
        np.concatenate([row[1] for row in rows]),
        np.concatenate([row[2] for row in rows]),
        np.concatenate([row[3] for row in rows]),
        np.concatenate([np.full(len(row[2]), row[0]) for row in rows]),
    )


def orders_of(
    looped: tuple[int, ...], members: tuple[frozenset[int], ...], held: tuple[int, ...]
) -> Iterator[Order]:
    """The loops over some classes in every order, with every way to hold tensors among them."""
    for classes in permutations(looped):
        ways = [tuple((t, d) for d in _depths(t, classes, members)) for t in held]
        yield from (Order(classes, depths) for depths in product(*ways))


def _depths(
    tensor: int, classes: tuple[int, ...], members: tuple[frozenset[int], ...]
) -> Iterator[int]:
    """Below a loop over a class that it has (or all), above one that it has not (or none)."""
    own = [tensor in members[c] for c in classes]
    for depth in range(len(classes) + 1):
        below = depth == 0 or own[depth - 1]
        above = depth == len(classes) or not own[depth]
        if below and above:
            yield depth


def _tiles(whole: int, least: int) -> Floats:
    return np.asarray([least * d for d in divisors(whole // least)], dtype=np.float64)


def opened(tiles: list[Floats]) -> list[Floats]:
    """Each array along an axis of its own."""
    count = len(tiles)
    return [
        one.reshape([-1 if place == axis else 1 for axis in range(count)])
        for place, one in enumerate(tiles)
    ]


def _occupied(
    order: Order,
    axes: list[Floats],
    extents: Extents,
    members: tuple[frozenset[int], ...],
    width: tuple[float, ...],
) -> Floats:
    total: Floats = np.asarray(0.0)
    everyone = len(width)
    for tensor, depth in order.depths:
        size: Floats = np.asarray(width[tensor])
        for c, own in enumerate(members):
            if tensor in own and len(own) == everyone:
                size = size * extents.least[c]
            elif tensor in own:
                place = order.classes.index(c) if c in order.classes else len(order.classes)
                size = size * (axes[place] if place < depth else extents.whole[c])
        total = total + size
    return total


def _fetched(
    order: Order,
    axes: list[Floats],
    extents: Extents,
    members: tuple[frozenset[int], ...],
    depth: int,
    tensor: int,
) -> Floats:
    trips = [
        extents.whole[c] / axes[place]
        for place, c in enumerate(order.classes[:depth])
        if tensor not in members[c]
    ]
    return reduce(mul, trips, np.asarray(1.0))


def _to_register(
    order: Order,
    axes: list[Floats],
    extents: Extents,
    members: tuple[frozenset[int], ...],
    tensor: int | None,
    everyone: frozenset[int],
) -> Floats:
    """How often a tensor passes to a register of one value, its own ranks stepped through first.

    If those are not stepped through below the block, the last loops may leave the value in place.
    """
    if tensor is None:
        return np.asarray(1.0)
    own = [c for c, m in enumerate(members) if tensor in m]
    steps: Floats = np.asarray(1.0)
    for c in own:
        if members[c] != everyone:
            tile = axes[order.classes.index(c)] if c in order.classes else extents.whole[c]
            steps = steps * (tile / extents.least[c])
    last = max((i + 1 for i, c in enumerate(order.classes) if c in own), default=0)
    above = _fetched(order, axes, extents, members, last, tensor)
    return np.where(steps > 1, _fetched(order, axes, extents, members, len(axes), tensor), above)


def largest(fits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those that no step along one axis leaves fitting."""
    kept = fits.copy()
    for axis in range(fits.ndim):
        after = np.zeros_like(fits)
        source = [slice(None)] * fits.ndim
        target = [slice(None)] * fits.ndim
        source[axis], target[axis] = slice(1, None), slice(None, -1)
        after[tuple(target)] = fits[tuple(source)]
        kept &= ~after
    return kept
