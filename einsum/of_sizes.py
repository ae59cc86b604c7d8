"""Counts as functions of plain numbers, for sizes that are no plain numbers.

A sweep gives sizes that record what is computed with them; they take part in NumPy's dispatch of
functions (NEP 13), as arrays do. A count takes thousands of steps that differ from size to size:
for such sizes it is one step, a NumPy function of all its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from einsum.expression import Comparison, symbols, variables

if TYPE_CHECKING:
    from einsum.cascade import Cascade
    from einsum.shapes import Shapes

T = TypeVar("T")
Count = Callable[[tuple[Comparison, ...], Mapping[str, int], "Shapes", Mapping[str, int]], T]


def of_sizes(
    count: Count[T],
    conditions: tuple[Comparison, ...],
    space: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
) -> T:
    """`count(conditions, space, shapes, tile)`, a single step for sizes that are not plain."""
    parts = (space, _related(conditions, space, shapes), shapes.constants, tile)
    numbers = [number for part in parts for number in part.values()]
    if all(isinstance(number, int | np.generic) for number in numbers):
        return count(conditions, space, shapes, tile)
    names = tuple(map(tuple, parts))
    found: T = _function(count, conditions, shapes.cascade, names)(*numbers)
    return found


def _related(
    conditions: tuple[Comparison, ...], space: Mapping[str, int], shapes: Shapes
) -> dict[str, int]:
    """The sizes of all ranks that the conditions or the space name, and of their partitions."""
    cascade = shapes.cascade
    sides = [side for one in conditions for side in (one.left, one.right)]
    named = {name for side in sides for name in symbols(side)}
    used = {*space, *(name for side in sides for name in variables(side))}
    named |= {cascade.rank_of_variable[name] for name in used}
    families = [(rank.name, *rank.partitions) for rank in cascade.ranks]
    kept = {name for family in families if named & {*family} for name in family}
    return {name: size for name, size in shapes.sizes.items() if name in kept}


@lru_cache(maxsize=4096)
def _function(
    count: Count[T],
    conditions: tuple[Comparison, ...],
    cascade: Cascade,
    names: tuple[tuple[str, ...], ...],
) -> Callable[..., Any]:
    from einsum.shapes import Shapes  # which itself needs counts

    def of_numbers(*numbers: float) -> T:
        values = iter(map(int, numbers))
        space, sizes, constants, tile = ({name: next(values) for name in part} for part in names)
        return count(conditions, space, Shapes(cascade, sizes, constants), tile)

    return np.frompyfunc(of_numbers, sum(map(len, names)), 1)
