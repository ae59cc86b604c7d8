"""What the inner memory's size costs an Einsum at least, under any shared loops.

Where `u` is what is left of a rank class while a tensor is held, the tensor's tile has a factor
`u` if the tensor has the class, and otherwise all of it passes `full / u` times. Above the loop of
a block over the class `u` is the extent that shared loops leave, below it the loop's tile. Here
extents may be anything: sizes that only tiles need are least, those that only passes need whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mapper.chain.block import Extents, Floats, Order, largest, opened, orders_of
from mapper.chain.site import divisors

_Size = tuple[int, bool]  # of a class: the tile of its loop, or what shared loops leave


def floors(
    extents: Extents,
    members: tuple[frozenset[int], ...],
    held: tuple[int, ...],
    width: tuple[float, ...],
    register: int | None,
    capacity: float,
) -> Floats:
    """How often tensors pass to the inner memory: no block passes less in all columns of a row.

    `extents.whole` are the whole classes in one instance of the memory; columns as in `held`, the
    last one for the register.
    """
    everyone = frozenset(range(len(width)))
    looped = tuple(
        c
        for c, own in enumerate(members)
        if own != everyone and extents.whole[c] > extents.least[c]
    )
    found = [
        rows
        for order in orders_of(looped, members, held)
        for steps in ((True, False) if register is not None else (True,))
        for rows in _rows(order, extents, members, width, register, steps, capacity)
    ]
    if not found:
        return np.zeros((0, len(held) + 1))
    return np.unique(np.concatenate(found), axis=0)


def _rows(
    order: Order,
    extents: Extents,
    members: tuple[frozenset[int], ...],
    width: tuple[float, ...],
    register: int | None,
    steps: bool,
    capacity: float,
) -> Iterator[Floats]:
    """Those of one order; unless the register's own classes have `steps`, their tiles are least."""
    classes = order.classes
    depths = list(order.depths)
    least: set[_Size] = set()
    if register is not None:
        own = [place for place, c in enumerate(classes) if register in members[c]]
        depths.append((register, len(classes) if steps else max(own, default=-1) + 1))
        least = set() if steps else {(classes[place], True) for place in own}
    uses: dict[_Size, set[bool]] = {}
    for number, (tensor, depth) in enumerate(depths):
        for place, c in enumerate(classes):
            has = tensor in members[c]
            if not has or number < len(order.depths):
                uses.setdefault((c, place < depth), set()).add(has)
    same = {key: key for key in uses}
    for c in classes:
        inside, left = uses.get((c, True)), uses.get((c, False))
        if inside and left and (c, True) not in least and (inside == {False} or left == {True}):
            same[c, True] = (c, False)  # the tile is as large, or what is left as small, as can be
            left |= inside
    axes = [
        key
        for key, both in uses.items()
        if same[key] == key and len(both) == 2 and key not in least
    ]
    values: list[Floats] = [
        np.asarray(
            [extents.least[c] * d for d in divisors(extents.whole[c] // extents.least[c])],
            dtype=np.float64,
        )
        for c, _ in axes
    ]
    grid = dict(zip(axes, opened(values), strict=True))
    for (c, below), both in uses.items():
        if same[c, below] == (c, below) and (c, below) not in grid:
            small = both == {True} or (c, below) in least
            grid[c, below] = np.asarray(float((extents.least if small else extents.whole)[c]))
    grid.update({key: grid[other] for key, other in same.items() if key != other})
    shape = tuple(map(len, values))
    occupied: Floats = np.asarray(0.0)
    columns = []
    for number, (tensor, depth) in enumerate(depths):
        tile: Floats = np.asarray(width[tensor])
        passes: Floats = np.asarray(1.0)
        for c, having in enumerate(members):
            if c in classes and tensor not in having:
                passes = passes * (extents.whole[c] / grid[c, classes.index(c) < depth])
            elif c in classes and number < len(order.depths):
                tile = tile * grid[c, classes.index(c) < depth]
            elif tensor in having:
                tile = tile * extents.least[c]
        if number < len(order.depths):
            occupied = occupied + tile
        columns.append(np.broadcast_to(passes, shape).reshape(-1))
    if register is None:
        columns.append(np.ones(int(np.prod(shape))))
    fits = np.broadcast_to(occupied <= capacity, shape)
    for c in classes:
        if (c, True) in grid and (c, False) in grid:
            fits = fits & (grid[c, True] <= grid[c, False])
    if fits.any():
        yield np.stack(columns, axis=1)[np.nonzero(largest(fits).reshape(-1))[0]]
