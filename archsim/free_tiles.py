"""Choosing the free tile sizes of a mapping: the best of all divisors, by closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, isqrt, prod

import numpy as np

from archsim.amounts import Array
from archsim.architecture import Architecture
from archsim.closed_form import ClosedForm, closed_form
from archsim.mapping import Branches, For, Nest, Node
from archsim.mapping import Mapping as LoopMapping
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.shapes import Shapes

_CHUNK = 1 << 14  # candidates at once: enough to vectorise, little enough to stay in cache


@dataclass(frozen=True, slots=True)
class FreeTile:
    """A loop's free tile size, and the values that it may take."""

    name: str
    variable: str
    candidates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FreeLoop:
    """A loop over `span` coordinates of `variable`, around tiles of `base` of them."""

    name: str
    variable: str
    span: int
    base: int


def divisors(value: int) -> tuple[int, ...]:
    """All divisors of a positive whole number, in increasing order."""
    low = [d for d in range(1, isqrt(value) + 1) if value % d == 0]
    return tuple(dict.fromkeys([*low, *(value // d for d in reversed(low))]))


def _halves(value: int) -> Iterator[int]:
    while value > 1:
        yield value
        value = -(-value // 2)
    yield 1


def all_quotients(value: int) -> tuple[int, ...]:
    """The least `q` for every number of parts `ceil(value / q)` that there can be, increasing."""
    found, parts = [], 1
    while True:
        least = -(-value // parts)
        found.append(least)
        if least == 1:
            return tuple(reversed(found))
        parts = -(-value // (least - 1))  # one coordinate less makes more parts


def free_tiles(
    mapping: LoopMapping, cascade: Cascade, sizes: Mapping[str, int], imperfect: bool = False
) -> tuple[FreeTile, ...]:
    """The free tile sizes of `mapping` with their candidates.

    A tile is a multiple of the next fixed tile of the same variable inside it (1 if there is
    none), and its number of such tiles divides that of the loop around it. Where the inner tiles
    do not divide the loop around, half, a quarter, ... of it are candidates too. With
    `imperfect` the last tile may be smaller: one candidate for every possible number of tiles.
    """
    return tuple(
        FreeTile(one.name, one.variable, tile_candidates(one.span, one.base, imperfect))
        for one in free_loops(mapping, cascade, sizes)
    )


def free_loops(
    mapping: LoopMapping, cascade: Cascade, sizes: Mapping[str, int]
) -> tuple[FreeLoop, ...]:
    """The loops of `mapping` whose tile sizes are free."""
    found: dict[str, FreeLoop] = {}
    for group in mapping.groups:
        for path in _paths(group.nest):
            for index, loop in enumerate(path):
                if not isinstance(loop.tile, str) or loop.tile in found:
                    continue
                whole = sizes[cascade.rank_of_variable[loop.variable]]
                outer = [t.tile for t in path[:index] if t.variable == loop.variable]
                inner = [t.tile for t in path[index + 1 :] if t.variable == loop.variable]
                fixed = [tile for tile in outer if not isinstance(tile, str)]
                span = min([whole, *fixed])
                base = min(next((t for t in inner if not isinstance(t, str)), 1), span)
                found[loop.tile] = FreeLoop(loop.tile, loop.variable, span, base)
    return tuple(found.values())


def tile_candidates(span: int, base: int, imperfect: bool = False) -> tuple[int, ...]:
    """The tile sizes that a free loop over `span` coordinates may take, increasing."""
    count = ceil(span / base)
    quotients = all_quotients(count) if imperfect else divisors(count)
    if span % base and not imperfect:  # the last tile is not full anyway
        quotients = tuple(sorted({*quotients, *_halves(count)}))
    return tuple(min(q * base, span) for q in quotients)


def _paths(nest: Nest, above: tuple[For, ...] = ()) -> Iterator[tuple[For, ...]]:
    """The temporal loops from the root to every end of the nest."""
    for node in nest:
        if isinstance(node, For):
            above = (*above, node)
        elif isinstance(node, Branches):
            for branch in node.nests:
                yield from _paths(branch, above)
            return
    yield above


def with_tiles(mapping: LoopMapping, tiles: Mapping[str, int]) -> LoopMapping:
    """`mapping` with its free tile sizes replaced by numbers."""
    groups = tuple(replace(g, nest=_fixed(g.nest, tiles)) for g in mapping.groups)
    return replace(mapping, groups=groups)


def _fixed(nest: Nest, tiles: Mapping[str, int]) -> Nest:
    def fix(node: Node) -> Node:
        match node:
            case For(variable, str(name)) if name in tiles:
                return For(variable, tiles[name], node.dealt)
            case Branches(nests):
                return Branches(tuple(_fixed(branch, tiles) for branch in nests))
            case _:
                return node

    return tuple(fix(node) for node in nest)


def choose_tiles(
    cascade: Cascade, shapes: Shapes, architecture: Architecture, mapping: LoopMapping
) -> LoopMapping:
    """`mapping` with the free tile sizes that are best among those that fit every memory.

    Best is least latency, then least root traffic, then least occupancy. Raises `SpecError`
    naming the memory and the missing bytes if nothing fits.
    """
    free = free_tiles(mapping, cascade, shapes.sizes)
    if not free:
        return mapping
    best: tuple[tuple[float, ...], tuple[int, ...]] | None = None
    shortage = (np.inf, "")
    counts = tuple(len(tile.candidates) for tile in free)
    for start in range(0, prod(counts), _CHUNK):
        flat = np.arange(start, min(start + _CHUNK, prod(counts)))
        columns = {
            tile.name: np.asarray(tile.candidates)[index]
            for tile, index in zip(free, np.unravel_index(flat, counts), strict=True)
        }
        tiles = {name: column.astype(np.float64) for name, column in columns.items()}
        form = closed_form(cascade, shapes, architecture, mapping, tiles)
        excess = {
            memory: np.maximum(np.broadcast_to(missing, flat.shape), 0.0)
            for memory, missing in overflow(form, architecture).items()
        }
        total = sum(excess.values(), start=np.zeros(flat.shape))
        nearest = int(np.argmin(total))
        lacking = [(float(total[nearest]), m) for m in excess if excess[m][nearest] > 0]
        shortage = min([shortage, *lacking])
        score = _first_best(form, architecture, total <= 0)
        if score is not None and (best is None or score[0] < best[0]):
            best = (score[0], tuple(int(column[score[1]]) for column in columns.values()))
    if best is None:
        raise SpecError(
            f"mapping {mapping.name} does not fit {architecture.name}: "
            f"{shortage[1]} is {shortage[0]:,.0f} bytes short even with the best tiles",
            rule="hold fewer tensors there, or make the memory larger",
        )
    names = (tile.name for tile in free)
    return with_tiles(mapping, dict(zip(names, best[1], strict=True)))


def _first_best(
    form: ClosedForm, architecture: Architecture, fits: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[tuple[float, ...], int] | None:
    if not fits.any():
        return None
    shape = fits.shape
    criteria = [
        np.broadcast_to(form.latency_s, shape),
        np.broadcast_to(form.moved_bytes[architecture.root.name], shape),
        np.broadcast_to(sum(form.occupied_bytes.values(), start=np.asarray(0.0)), shape),
    ]
    masked = [np.where(fits, values, np.inf) for values in criteria]
    index = int(np.lexsort(masked[::-1])[0])
    return tuple(float(values[index]) for values in masked), index


def overflow(form: ClosedForm, architecture: Architecture) -> dict[str, Array]:
    """Bytes that an instance of each bounded memory lacks for its holds (<= 0: it fits)."""
    return {
        memory.name: form.occupied_bytes[memory.name] - memory.size_bytes
        for memory in architecture.memories
        if memory.size_bytes is not None and memory.name in form.occupied_bytes
    }
