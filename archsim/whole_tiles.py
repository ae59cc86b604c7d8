"""Which share of a tensor's tiles is moved, where conditions leave some of them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from einsum.count import executed
from einsum.expression import Comparison
from einsum.shapes import Shapes


def moved_share(
    conditions: Iterable[Comparison],
    space: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
    own: frozenset[str],
) -> float:
    """The share (0 to 1) of the elements that tiles with a useful point have of all that pass.

    A tile's elements are those along the tensor's `own` variables: the last tile has what is left
    of them. Along the other variables of `space` a tile is one step, also where it is not full.
    """
    conditions = tuple(conditions)
    space, tile = _joined(space, tile, shapes)
    others = [name for name in space if name not in own and name not in _wholes(shapes, own)]
    moved = _moved(conditions, space, shapes, tile, others)
    steps = prod(-(-space[name] // min(tile[name], space[name])) for name in others)
    return moved / (steps * prod(size for name, size in space.items() if name not in others))


def _moved(
    conditions: tuple[Comparison, ...],
    space: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
    others: list[str],
) -> float:
    """Elements of all live tiles: their points, over the width of each along the others."""
    if not others:
        return float(executed(conditions, space, shapes, tile))
    name, *rest = others
    width = min(tile[name], space[name])
    last = space[name] % width
    if not last:
        return _moved(conditions, space, shapes, tile, rest) / width
    whole = _moved(conditions, {**space, name: space[name] - last}, shapes, tile, rest)
    return whole / width + (_moved(conditions, space, shapes, tile, rest) - whole) / last


def _joined(
    space: Mapping[str, int], tile: Mapping[str, int], shapes: Shapes
) -> tuple[dict[str, int], dict[str, int]]:
    """`space` with `m` in place of `m1, m0` where tiles are runs of it: it ends where M does."""
    space, tile = dict(space), dict(tile)
    for rank in shapes.cascade.ranks:
        parts = [part.lower() for part in rank.partitions]
        if not parts or any(name not in space for name in parts):
            continue
        run = 1
        for outer, name in reversed([*zip((None, *parts), parts, strict=False)]):
            run *= min(tile[name], space[name])
            above = parts[: parts.index(outer) + 1] if outer else []
            if tile[name] < space[name]:
                if any(min(tile[one], space[one]) > 1 for one in above):
                    run = 0  # tiles of outer parts that leave out inner ones
                break
        inner = prod(space[name] for name in parts[1:])
        if run and (run % inner == 0 or inner % run == 0):
            for name in parts:
                del space[name]
            space[rank.variable] = shapes.size(rank.name)
            tile[rank.variable] = run
    return space, tile


def _wholes(shapes: Shapes, own: frozenset[str]) -> frozenset[str]:
    """The ranks of which a tensor has all partitions."""
    return frozenset(
        rank.variable
        for rank in shapes.cascade.ranks
        if rank.partitions and all(part.lower() in own for part in rank.partitions)
    )
