"""What an Einsum costs under shared loops: the best of its private loops and holds.

Under shared loops that leave `extents` of its classes, a tensor is *resident* if its tile lies in
the home memory already. Every amount follows from those extents, what is resident and the bytes
that are free in the home memory, not from the loops themselves: results are kept by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import product
from math import prod

import numpy as np

from archsim.architecture import Memory
from mapper.chain.block import Block, Extents, blocks
from mapper.chain.floor import floors
from mapper.chain.site import Factors, Floats, Site, Spreading

Resident = frozenset[int]
_Least = tuple[Spreading, Floats, list[list[tuple[Floats, Floats]]], float]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a second, a byte of the root memory and a pJ count in what is minimised."""

    second: float
    byte: float
    picojoule: float

    def score(self, amounts: Floats, compute_s: Floats | float) -> Floats:
        """Amounts of ledgers (last axis) and compute times as one number each."""
        longest: Floats = np.asarray(compute_s)
        for port in range(2, amounts.shape[-1]):
            longest = np.maximum(longest, amounts[..., port])
        total: Floats = self.picojoule * amounts[..., 0] + self.byte * amounts[..., 1]
        return total + self.second * longest


@dataclass(frozen=True, slots=True)
class Route:
    """Where the tensors are held besides what is resident: by number, memory by memory."""

    home: frozenset[int]
    inner: frozenset[int]
    register: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to compute the Einsum under its shared loops, and its amounts over all their turns."""

    site: Site
    way: Spreading
    route: Route
    block: Block
    row: int
    amounts: Floats
    compute_s: float
    home_bytes: float


@dataclass(frozen=True, slots=True)
class Table:
    """The best scores by bytes taken in the home memory: more bytes only for better scores."""

    taken: Floats
    score: Floats
    choices: tuple[Choice, ...]

    def best(self, free: float) -> int | None:
        """The number of the best choice that takes at most `free` bytes."""
        found = int(np.searchsorted(self.taken, free * (1 + 1e-12), side="right")) - 1
        return found if found >= 0 else None


@dataclass(frozen=True)
class Leaf:
    """An Einsum on a unit, for one objective."""

    site: Site
    weights: Weights
    _tables: dict[object, Table] = field(default_factory=dict, compare=False, repr=False)
    _blocks: dict[object, Block] = field(default_factory=dict, compare=False, repr=False)
    _bounds: dict[Resident, list[_Least]] = field(default_factory=dict, compare=False, repr=False)

    # Bounds.

    def bound(self, extents: Floats, resident: Resident) -> Floats:
        """What no choice is below, for rows of class extents; infinite where none is possible."""
        passes = self._passes(extents)
        best = np.full(len(extents), np.inf)
        for way, fixed, links, compute_s in self._least(resident):
            divides = np.ones(len(extents), dtype=bool)
            for c, parts in enumerate(zip(way.outer, way.within, strict=True)):
                divides &= extents[:, c] % prod(parts) == 0
            amounts = np.broadcast_to(fixed, (len(extents), len(fixed)))
            for t, own in enumerate(links):
                each = [one + passes[:, t, None] * price for one, price in own]
                amounts = amounts + reduce(np.minimum, each)
            score = self.weights.score(amounts, compute_s)
            best = np.minimum(best, np.where(divides, score, np.inf))
        return best

    def floor(self, resident: Resident) -> float:
        """What no choice under any shared loops is below."""
        site, places = self.site, self.site.places
        inner = places.inner.size_bytes if places.inner is not None else None
        capacity = np.inf if inner is None else inner
        best = np.inf
        sizes = np.asarray(site.elements, dtype=np.float64)
        found: dict[object, Floats] = {}
        for way in site.spreadings:
            fixed, compute_s = site.computing(way)
            whole = tuple(n // o for n, o in zip(site.full, way.outer, strict=True))
            for route in self._routes(resident):
                held = tuple(sorted(route.inner))
                key = (whole, way.within, held, route.register)
                if key not in found:
                    extents = Extents(whole, way.within)
                    found[key] = floors(
                        extents, site.members, held, site.width, route.register, capacity
                    )
                passes = found[key]
                if not len(passes):
                    continue
                amounts = np.broadcast_to(fixed, (len(passes), len(fixed)))
                for t, size in enumerate(sizes):
                    own, each = self._tensor(t, t in resident, route, way)
                    amounts = amounts + own
                    for place, price in each.items():
                        times: Floats = np.ones(1)
                        if place != "home":
                            times = passes[:, held.index(t) if place == "inner" else -1]
                        amounts = amounts + np.outer(times * size, price)
                best = min(best, float(self.weights.score(amounts, compute_s).min()))
        return best

    def _passes(self, extents: Floats) -> Floats:
        """Elements of every tensor that pass a place below the shared loops, by row."""
        site = self.site
        columns = []
        for t, size in enumerate(site.elements):
            column = np.full(len(extents), float(size))
            for c, whole in enumerate(site.full):
                if not site.has(t, c):
                    column = column * (whole / extents[:, c])
            columns.append(column)
        return np.stack(columns, axis=1)

    def _least(self, resident: Resident) -> list[_Least]:
        """By spreads: amounts of operations, and those of every tensor on each of its routes."""
        if resident in self._bounds:
            return self._bounds[resident]
        found: list[_Least] = []
        routes = self._routes(resident)
        for way in self.site.spreadings if routes else ():
            fixed, compute_s = self.site.computing(way)
            links = []
            for t in range(len(self.site.tensors)):
                own: dict[bytes, tuple[Floats, Floats]] = {}
                for route in routes:
                    once, each = self._tensor(t, t in resident, route, way)
                    price = sum(each.values(), start=np.zeros(len(once)))
                    own[once.tobytes() + price.tobytes()] = (once, price)
                links.append(_undominated(list(own.values())))
            found.append((way, fixed, links, compute_s))
        self._bounds[resident] = found
        return found

    # Tables.

    def table(self, extents: Factors, resident: Resident, capacity: float, extra: Floats) -> Table:
        """All choices worth making; `extra` are amounts of what is resident."""
        key = (extents, resident, capacity, extra.tobytes())
        if key not in self._tables:
            self._tables[key] = self._table(extents, resident, capacity, extra)
        return self._tables[key]

    def _table(self, extents: Factors, resident: Resident, capacity: float, extra: Floats) -> Table:
        taken, scores, sources = [], [], []
        for found in self._candidates(extents, resident, capacity):
            way, route, block, amounts, compute_s, home_bytes = found
            score = self.weights.score(amounts + extra, compute_s)
            taken.append(np.broadcast_to(home_bytes, score.shape))
            scores.append(score)
            sources.append(found)
        if not scores:
            return Table(np.zeros(0), np.zeros(0), ())
        sizes = [len(one) for one in scores]
        start = np.concatenate([[0], np.cumsum(sizes)])
        all_taken, all_scores = np.concatenate(taken), np.concatenate(scores)
        order = np.lexsort((all_scores, all_taken))
        running = np.minimum.accumulate(all_scores[order])
        better = np.concatenate([[True], running[1:] < running[:-1]])
        kept = order[better]
        choices = []
        for index in kept:
            number = int(np.searchsorted(start, index, side="right")) - 1
            row = int(index - start[number])
            way, route, block, amounts, compute_s, _ = sources[number]
            choices.append(
                Choice(self.site, way, route, block, row, amounts[row], compute_s, all_taken[index])
            )
        return Table(all_taken[kept], all_scores[kept], tuple(choices))

    def _candidates(
        self, extents: Factors, resident: Resident, capacity: float
    ) -> Iterator[tuple[Spreading, Route, Block, Floats, float, Floats]]:
        site, places = self.site, self.site.places
        nested = places.nested
        limit = capacity
        if nested and places.inner is not None and places.inner.size_bytes is not None:
            limit = places.inner.size_bytes
        elif nested:
            limit = np.inf
        passes = self._passes(np.asarray([extents], dtype=np.float64))[0]
        for way in site.spreadings:
            parts = [o * w for o, w in zip(way.outer, way.within, strict=True)]
            if any(n % k for n, k in zip(extents, parts, strict=True)):
                continue
            fixed, compute_s = site.computing(way)
            whole = tuple(n // o for n, o in zip(extents, way.outer, strict=True))
            for route in self._routes(resident):
                home_bytes = sum(
                    site.width[t] * prod(n for c, n in enumerate(extents) if site.has(t, c))
                    for t in route.home
                )
                if home_bytes > capacity:
                    continue
                block = self._block(Extents(whole, way.within), route, limit, nested)
                if not len(block.occupied):
                    continue
                amounts = np.broadcast_to(fixed, (len(block.occupied), len(fixed)))
                for t in range(len(site.tensors)):
                    own, each = self._tensor(t, t in resident, route, way)
                    amounts = amounts + own
                    for place, price in each.items():
                        times: Floats = np.ones(1)
                        if place == "inner":
                            times = block.fetched[:, sorted(route.inner).index(t)]
                        elif place == "register":
                            times = block.fetched[:, -1]
                        amounts = amounts + np.outer(times * passes[t], price)
                taken = np.asarray(home_bytes) if nested else block.occupied
                yield way, route, block, amounts, compute_s, taken

    def _block(self, extents: Extents, route: Route, capacity: float, nested: bool) -> Block:
        held = tuple(sorted(route.inner))
        key = (extents, held, route.register, capacity)
        if key not in self._blocks:
            self._blocks[key] = blocks(
                extents,
                self.site.members,
                held,
                self.site.width,
                route.register,
                capacity,
                nested,
            )
        return self._blocks[key]

    # Routes.

    def _routes(self, resident: Resident) -> tuple[Route, ...]:
        return self._all_routes[resident]

    @cached_property
    def _all_routes(self) -> dict[Resident, tuple[Route, ...]]:
        count = len(self.site.tensors)
        subsets = [
            frozenset(t for t in range(count) if flags[t])
            for flags in product((False, True), repeat=count)
        ]
        return {resident: tuple(self._routes_of(resident, subsets)) for resident in subsets}

    def _routes_of(self, resident: Resident, subsets: list[Resident]) -> Iterator[Route]:
        site, places = self.site, self.site.places
        home = places.home if places.nested else None
        registers: list[int | None] = [None]
        if places.registers is not None:
            size = places.registers.size_bytes
            registers += [
                t
                for t in range(len(site.tensors))
                if t != site.output
                and site.may(t, places.registers)
                and (size is None or site.width[t] <= size)
            ]
        for register, inner, at_home in product(registers, subsets, subsets):
            if at_home & resident or (inner & resident and not places.nested):
                continue
            held = {
                "home": (home, at_home | (resident if places.nested else frozenset())),
                "inner": (places.inner, inner | (frozenset() if places.nested else resident)),
                "register": (places.registers, frozenset({register} - {None})),
            }
            if all(
                self._allowed(t, memory, t in own)
                for memory, own in held.values()
                for t in range(len(site.tensors))
            ):
                yield Route(at_home, inner, register)

    def _allowed(self, tensor: int, memory: Memory | None, there: bool) -> bool:
        if there:
            return self.site.may(tensor, memory)
        return not self.site.must(tensor, memory)

    def _tensor(
        self, tensor: int, resident: bool, route: Route, way: Spreading
    ) -> tuple[Floats, dict[str, Floats]]:
        """Amounts of a tensor on its route: fixed ones, and of each element on each link."""
        site, places = self.site, self.site.places
        last, fixed, each = places.root, np.zeros(2 + len(site.problem.bandwidths)), {}
        steps: list[tuple[str, Memory | None, bool]] = [
            ("home", places.home, tensor in route.home),
            ("inner", places.inner, tensor in route.inner),
            ("register", places.registers, tensor == route.register),
        ]
        if resident:
            assert places.home is not None
            last = places.home
        for place, memory, here in steps:
            if not here or memory is None:
                continue
            if tensor == site.output:
                back = site.price(tensor, last, memory.name, way, "back")
                each[place] = site.price(tensor, last, memory.name, way, "up") + back
                fixed = fixed - back * site.elements[tensor]
            else:
                each[place] = site.price(tensor, last, memory.name, way, "down")
            last = memory
        return fixed + site.operand(tensor, last, way), each


def _undominated(links: list[tuple[Floats, Floats]]) -> list[tuple[Floats, Floats]]:
    """Those that no other one is below, whatever passes."""
    return [
        one
        for place, one in enumerate(links)
        if not any(
            bool((other[0] <= one[0]).all() and (other[1] <= one[1]).all())
            for number, other in enumerate(links)
            if number != place
            and (number < place or (other[0] < one[0]).any() or (other[1] < one[1]).any())
        )
    ]
