"""The least that one Einsum moves in any loop nest, for every size of the buffer.

In a nest every tensor has a tile of its own: what stays of it at its outermost hold, for all
instances of the memory. Per rank variable v it spans e_v of N_v coordinates, where N_v / e_v is
what the temporal loops above step through. A hold further inside has no larger spans, so the
spans of an Einsum's tensors form a chain, outermost tensor first. A tensor T then passes

    |T| * product over the variables v that T lacks of ceil(N_v / e_v)

elements (a loop that T lacks and that directly encloses its tile is for free: the tile can as well
be held outside of it) and occupies the product of e_v over the variables that it has. This is the
model of Orojenesis (Huang et al., ISCA 2024, section IV, a single buffer and all tilings and
orders), but with a place for each tensor of its own, as loop trees have.

The minimum over all chains is small: outside of the first tensor that has v its span is N_v; a
tensor that has v need not keep more of it than the next tensor without v needs, and after the last
of those one coordinate. So only a few spans are free, and all their values are tried at once.
Where there are too many, neighbouring values form a class, which occupies what its smallest value
does and moves what its largest does: the bound stays one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import permutations
from math import isqrt

import numpy as np

from archsim.amounts import ONE, Array
from archsim.movement.curve import Curve, least, pareto
from archsim.tiles import Dimension, Reach, tile_elements

_POINTS = 1 << 16
"""Combinations of tiles that are looked at for one order of the tensors."""

_MOST_ORDERED = 5
"""Tensors whose order is searched; the others of an Einsum pass once."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One tensor of an Einsum, and what it moves when all of it passes `repeats` times.

    That is `max(least, passing * repeats) + returns * (repeats - 1) - free` bytes. The variables
    in `whole` have to be complete in its tile. A tile that stands `alone` must fit the buffer,
    but need not be there together with the others. Loops over the variables that are kept `apart`
    do not repeat it.
    """

    reach: Reach
    element_bytes: float
    least: float = 0.0
    passing: float = 0.0
    returns: float = 0.0
    free: float = 0.0
    whole: frozenset[str] = frozenset()
    alone: bool = False
    apart: frozenset[str] = frozenset()

    @property
    def variables(self) -> frozenset[str]:
        """The variables whose loops do not repeat it."""
        return self.reach.variables | self.apart

    def moved(self, repeats: Array) -> Array:
        """Bytes, for arrays of repeats."""
        moved = np.maximum(self.least, self.passing * repeats)
        return moved + self.returns * (repeats - 1.0) - self.free

    @property
    def is_moved(self) -> bool:
        return self.passing + self.returns > 0


@lru_cache(maxsize=4096)
def nest_curve(space: tuple[tuple[str, int], ...], stays: tuple[Stay, ...]) -> Curve:
    """The least that `stays`, the tensors of an Einsum over `space`, move in any nest.

    `space` gives the extent of every variable that the Einsum iterates.
    """
    extents = {name: extent for name, extent in space if extent > 1}
    ordered: list[Stay] = []
    single: list[Stay] = []
    for stay in stays:
        lacks = extents.keys() - stay.variables
        (ordered if (lacks and stay.is_moved) or stay.whole else single).append(stay)
    ordered.sort(key=lambda stay: -float(stay.moved(np.asarray(2.0))))
    single += ordered[_MOST_ORDERED:]
    chain = _Chain(extents, tuple(ordered[:_MOST_ORDERED]))
    # Innermost, one element at a time.
    rest = Curve.constant(
        {stay.reach.tensor: float(stay.moved(ONE)) for stay in single},
        sum(stay.element_bytes for stay in single if not stay.alone),
    )
    return _beside(least([*chain.curves()]), rest) if chain.stays else rest


def _beside(curve: Curve, rest: Curve) -> Curve:
    """Both at the same time: what they occupy adds up too. `rest` has one step."""
    return Curve(
        (*curve.tensors, *rest.tensors),
        curve.buffer_bytes + rest.buffer_bytes[0],
        np.hstack(
            (curve.parts, np.broadcast_to(rest.parts, (len(curve.parts), len(rest.tensors))))
        ),
    )


@dataclass(frozen=True, slots=True)
class _Spans:
    """Values of one span: a single `size`, or an axis of the grid with classes of sizes."""

    low: Array
    trips: Array


@dataclass(frozen=True)
class _Chain:
    """The tensors whose order matters, over variables of more than one coordinate."""

    extents: Mapping[str, int]
    stays: tuple[Stay, ...]

    def curves(self) -> Iterator[Curve]:
        """The curve of every order of the tensors, outermost first."""
        for order in permutations(range(len(self.stays))):
            yield self._curve(order, {name: self._slots(name, order) for name in self._ranks})

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        """The size of every span: variables that all tensors treat alike are one."""
        sizes: dict[str, int] = {}
        for name, extent in self.extents.items():
            first = self._rank_of[name]
            sizes[first] = sizes.get(first, 1) * extent
        return sizes

    @cached_property
    def _rank_of(self) -> Mapping[str, str]:
        """By variable, the first of those that all tensors treat alike."""
        first: dict[tuple[object, ...], str] = {}
        sliding = {
            name
            for stay in self.stays
            for dim in stay.reach.dimensions
            if not dim.unique
            for name, _ in dim.terms
        }
        return {
            name: first.setdefault(
                (
                    name if name in sliding else "",
                    *(
                        (name in s.variables, name in s.reach.variables, name in s.whole)
                        for s in self.stays
                    ),
                ),
                name,
            )
            for name in self.extents
        }

    def _slots(self, rank: str, order: tuple[int, ...]) -> tuple[int, ...]:
        """The span of `rank` at every place of `order`: 0 is all of it, -1 one coordinate, others
        number the spans that are free.
        """
        has = [rank in self.stays[index].variables for index in order]
        whole = [place for place, index in enumerate(order) if rank in self.stays[index].whole]
        complete = whole[-1] if whole else -1
        slots: list[int] = []
        current = 0
        for place, is_own in enumerate(has):
            follows = place > max(complete + 1, 0) and has[place - 1]
            if place > complete and is_own and not follows:
                current = current + 1 if not all(has[place:]) else -1
            slots.append(current)
        return tuple(slots)

    def _curve(self, order: tuple[int, ...], slots: Mapping[str, tuple[int, ...]]) -> Curve:
        axes = [(rank, slot) for rank, s in slots.items() for slot in sorted({*s}) if slot > 0]
        spans = self._spans(axes)
        shape = tuple(spans[axis].low.size for axis in axes)
        buffer = ONE * 0.0
        alone = ONE * 0.0
        moved: dict[str, Array] = {}
        for place, index in enumerate(order):
            stay = self.stays[index]
            at = {rank: spans[rank, s[place]] for rank, s in slots.items()}
            occupied = stay.element_bytes * self._elements(stay.reach, at)
            if stay.alone:
                alone = np.maximum(alone, occupied)
            else:
                buffer = buffer + occupied
            repeats = ONE
            for rank, span in at.items():
                if rank not in stay.variables:
                    repeats = repeats * span.trips
            tensor = stay.reach.tensor
            moved[tensor] = moved.get(tensor, ONE * 0.0) + stay.moved(repeats)
        buffer = np.maximum(buffer, alone)
        for rank, slot in axes:  # a span further inside is not larger
            if (rank, slot - 1) in axes:
                inside = spans[rank, slot].low > spans[rank, slot - 1].low
                buffer = np.where(inside, np.inf, buffer)
        columns = [np.broadcast_to(one, shape).ravel() for one in moved.values()]
        sizes = np.broadcast_to(buffer, shape).ravel()
        kept = pareto(sizes, np.sum(columns, axis=0))
        return Curve(tuple(moved), sizes[kept], np.stack([c[kept] for c in columns], axis=1))

    def _spans(self, axes: list[tuple[str, int]]) -> Mapping[tuple[str, int], _Spans]:
        found = {}
        for rank, size in self._ranks.items():
            found[rank, 0] = _Spans(np.asarray(float(size)), ONE)
            found[rank, -1] = _Spans(ONE, np.asarray(float(size)))
        count = int(_POINTS ** (1 / max(1, len(axes))))
        for number, axis in enumerate(axes):
            size = self._ranks[axis[0]]
            low, high = tile_classes(size, count)
            shape = [1] * len(axes)
            shape[number] = low.size
            found[axis] = _Spans(low.reshape(shape), np.ceil(size / high).reshape(shape))
        return found

    def _elements(self, reach: Reach, at: Mapping[str, _Spans]) -> Array:
        """Elements of a tile: as many as its spans have coordinates, but not more than all."""
        plain = {name for dim in reach.dimensions if dim.unique for name, _ in dim.terms}
        sliding = tuple(dim for dim in reach.dimensions if not dim.unique)
        full = {name: np.asarray(float(extent)) for name, extent in self.extents.items()}
        elements = ONE
        for rank in dict.fromkeys(self._rank_of[n] for n in plain if n in self.extents):
            elements = elements * at[rank].low
        elements = np.minimum(elements, _bounded(reach, full))
        extents = {name: at[name].low for name in _names(sliding) if name in self.extents}
        return elements * tile_elements(Reach(reach.tensor, sliding), extents)


def _bounded(reach: Reach, full: Mapping[str, Array]) -> float:
    """All elements along the dimensions that do not slide."""
    plain = tuple(dim for dim in reach.dimensions if dim.unique)
    return float(tile_elements(Reach(reach.tensor, plain), full))


def _names(dims: tuple[Dimension, ...]) -> tuple[str, ...]:
    return tuple(name for dim in dims for name, _ in dim.terms)


@lru_cache(maxsize=256)
def tile_classes(size: int, count: int) -> tuple[Array, Array]:
    """The tile sizes 1 to `size` in some `count` classes of neighbours: first and last of each.

    The sizes of one class need equally many tiles, if `count` classes are enough for that.
    Otherwise the divisors of `size` stand alone, as far as there is room, and the rest is cut so
    that the last of a class is about the same factor above the first everywhere.
    """
    root = isqrt(size) + 1
    if 2 * root <= count:
        quotients = {-(-size // tile) for tile in range(1, root + 1)} | set(range(1, root + 1))
        starts = sorted({-(-size // quotient) for quotient in quotients})
    else:
        divisors = sorted({d for i in range(1, root + 1) if size % i == 0 for d in (i, size // i)})
        if 4 * len(divisors) > count:
            divisors = [1, size]
        ratio = size ** (1 / max(1, count - 2 * len(divisors)))
        cuts, cut = {1}, 1.0
        while cut < size:
            cut = max(cut * ratio, cut + 1)
            cuts.add(min(int(cut), size))
        alone = {d + 1 for d in divisors if d < size} | set(divisors)
        starts = sorted(cuts | alone)
    low = np.array(starts, dtype=np.float64)
    return low, np.append(low[1:] - 1.0, float(size))
