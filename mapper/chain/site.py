"""An Einsum on a unit: its rank classes, its spreads, and what moving a value of a tensor costs.

Prices come from the same code as an evaluation (`archsim.transfer`, `archsim.energy`), for one
element each; the programme only counts elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product
from math import gcd, isqrt, prod

import numpy as np
from numpy.typing import NDArray

from archsim.architecture import Architecture, Memory
from archsim.closed_form import moved_bytes
from archsim.constraints import Spreading as Demand
from archsim.constraints import most_used
from archsim.mapping import Hold, Spread
from archsim.nest import Held, Leaf, Step
from archsim.tiles import Reach, Reaches
from archsim.transfer import Direction, Way, is_private
from archsim.work import work
from einsum.cascade import Einsum
from mapper.problem import MapProblem

Floats = NDArray[np.float64]
Factors = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """The memories that an Einsum on a unit can use: the root, and up to three on chip.

    `home` is the outermost of them: what Einsums share, and what stays while shared loops turn,
    lies there. `inner` is the innermost that PEs share; it may be the same. `registers` each PE has
    for itself.
    """

    root: Memory
    home: Memory | None
    inner: Memory | None
    registers: Memory | None

    @staticmethod
    def of(unit: str, architecture: Architecture) -> Places:
        path = architecture.path(unit)[1:]
        shared = [m for m in path if m.per_unit is None and not m.cache]
        home = next((m for m in shared if not architecture.instance_dims(m.name)), None)
        private = next((m for m in architecture.memories if m.per_unit == unit), None)
        return Places(architecture.root, home, shared[-1] if shared else None, private)

    @property
    def nested(self) -> bool:
        """Are there shared memories below the home?"""
        return self.inner is not self.home


@dataclass(frozen=True, slots=True)
class Spreading:
    """How the dimensions above a unit are used: `counts` by dimension and rank class.

    `outer` is what each class is divided by above the inner memory, `within` below it.
    """

    counts: tuple[tuple[str, Factors], ...]
    outer: Factors
    within: Factors


@dataclass(frozen=True)
class Site:
    """An Einsum on a unit.

    Its rank variables fall into `classes`: those that the same of its tensors have. Only the
    product of the tiles of a class matters, since any divisor of a product is one of divisors.
    """

    problem: MapProblem
    einsum: Einsum
    unit: str
    classes: tuple[tuple[str, ...], ...]
    members: tuple[frozenset[int], ...]
    places: Places
    _prices: dict[object, Floats] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(einsum: Einsum, unit: str, problem: MapProblem) -> Site:
        reaches = Reaches(problem.shapes, dict.fromkeys(_names(problem), frozenset()))
        having = [
            frozenset(v for r in reaches.used(t, einsum) for v in r.variables)
            for t in einsum.tensors
        ]
        found: dict[frozenset[int], list[str]] = {}
        for variable in einsum.variables:
            own = frozenset(i for i, names in enumerate(having) if variable in names)
            found.setdefault(own, []).append(variable)
        return Site(
            problem,
            einsum,
            unit,
            tuple(map(tuple, found.values())),
            tuple(found),
            Places.of(unit, problem.architecture),
        )

    # What it computes and reads.

    @property
    def tensors(self) -> tuple[str, ...]:
        return self.einsum.tensors

    @cached_property
    def output(self) -> int:
        """The number of the tensor that it writes."""
        return self.tensors.index(self.einsum.tensor)

    @cached_property
    def full(self) -> Factors:
        """The sizes of the classes."""
        return self.class_extents({v: self.problem.shapes.extent(v) for v in self.einsum.variables})

    def class_extents(self, extents: dict[str, int]) -> Factors:
        """The products of the extents of each class's variables."""
        return tuple(prod(extents[v] for v in names) for names in self.classes)

    def has(self, tensor: int, rank_class: int) -> bool:
        return tensor in self.members[rank_class]

    @cached_property
    def elements(self) -> Factors:
        """The sizes of the tensors."""
        return tuple(
            prod(n for c, n in enumerate(self.full) if self.has(t, c))
            for t in range(len(self.tensors))
        )

    @cached_property
    def width(self) -> tuple[float, ...]:
        """Bytes of a value of each tensor."""
        cascade = self.problem.cascade
        return tuple(cascade.tensor(t).format.bits_per_value / 8 for t in self.tensors)

    # What constraints let it do.

    def may(self, tensor: int, memory: Memory | None) -> bool:
        """May a tensor be held in a memory?"""
        if memory is None or not memory.holds(self.tensors[tensor]):
            return False
        own = self.problem.constraints
        return own.may_hold(self.einsum.name, memory.name, self.tensors[tensor])

    def must(self, tensor: int, memory: Memory | None) -> bool:
        """Has a tensor to be held in a memory?"""
        own = self.problem.constraints
        return memory is not None and own.must_hold(
            self.einsum.name, memory.name, self.tensors[tensor]
        )

    # Spreads.

    @cached_property
    def spreadings(self) -> tuple[Spreading, ...]:
        """Every way to use the dimensions as fully as whole factors of the ranks can."""
        architecture, dims = self.problem.architecture, self._dims
        above = architecture.instance_dims(self.places.inner.name) if self.places.inner else ()
        ways = []
        for counts in self._counts(dims, self.full):
            own = tuple(zip(dims, counts, strict=True))
            outer = [prod(n[c] for d, n in own if d in above) for c in range(len(self.full))]
            within = [prod(n[c] for d, n in own if d not in above) for c in range(len(self.full))]
            ways.append(Spreading(own, tuple(outer), tuple(within)))
        return tuple(ways)

    @property
    def _dims(self) -> tuple[str, ...]:
        return self.problem.architecture.dims_above(self.unit)

    def _counts(self, dims: tuple[str, ...], left: Factors) -> list[tuple[Factors, ...]]:
        """Counts by dimension and class: of each dimension in turn the most that can be used."""
        if not dims:
            return [()]
        first, *rest = dims
        size = self.problem.architecture.dim_size(first)
        free = [c for c in range(len(left)) if self._may_spread(first, c)]
        ways: dict[int, list[Factors]] = {}
        for way in product(*(_up_to(size, n) if c in free else (1,) for c, n in enumerate(left))):
            ways.setdefault(prod(way), []).append(way)
        demanded = self.problem.constraints.spreading.get((self.einsum.name, first), Demand()).least
        most = most_used(
            (self.problem.shapes.extent(v) for c in free for v in self.classes[c]), size
        )
        for used in sorted((used for used in ways if used <= size), reverse=True):
            if used < demanded * size and used < most:
                return []
            found = [
                (way, *more)
                for way in ways[used]
                for more in self._counts(
                    tuple(rest), tuple(n // k for n, k in zip(left, way, strict=True))
                )
            ]
            if found:
                return found
        return []

    def _may_spread(self, dim: str, rank_class: int) -> bool:
        own = self.problem.constraints
        return all(own.may_spread(self.einsum, dim, v) for v in self.classes[rank_class])

    def spreads(self, way: Spreading, above: bool, left: dict[str, int]) -> tuple[Spread, ...]:
        """The spatial loops above or below the inner memory; `left` is divided by them."""
        inner, found = self.places.inner, []
        dims = self.problem.architecture.instance_dims(inner.name) if inner else frozenset()
        for dim, counts in way.counts:
            for names, count in zip(self.classes, counts, strict=True):
                for name, own in split(names, count if (dim in dims) == above else 1, left):
                    left[name] //= own
                    if own > 1:
                        found.append(Spread(name, dim, own))
        return tuple(found)

    # Prices.

    def leaf(self, way: Spreading) -> Leaf:
        """The Einsum with its spatial loops only."""
        sizes = {v: np.asarray(float(self.problem.shapes.extent(v))) for v in self.einsum.variables}
        steps = tuple(
            Step(names[0], np.asarray(float(count)), dim)
            for dim, counts in way.counts
            for names, count in zip(self.classes, counts, strict=True)
        )
        return Leaf(self.einsum, self.unit, 0, steps, (), sizes, sizes, ())

    def price(self, tensor: int, upper: Memory, lower: str, way: Spreading, kind: str) -> Floats:
        """Amounts (`Ledger`) of one element: `down`, `up`, or a sum that comes `back`."""
        key = (tensor, upper.name, lower, way, kind)
        if key not in self._prices:
            self._prices[key] = self._priced(tensor, upper, lower, way, kind)
        return self._prices[key]

    def _priced(self, tensor: int, upper: Memory, lower: str, way: Spreading, kind: str) -> Floats:
        problem, leaf, name = self.problem, self.leaf(way), self.tensors[tensor]
        reaches = Reaches(problem.shapes, dict.fromkeys(_names(problem), frozenset()))
        reached: Reach = reaches.used(name, self.einsum)[0]
        above = None
        if upper is not self.places.root:
            above = Held(Hold((name,), upper.name), (0,), 0, leaf.full, ())
        direction = Direction.UP if kind == "up" else Direction.DOWN
        single = frozenset(self.einsum.reduced_variables if kind == "back" else ())
        moved = tuple(
            Way(problem.architecture, leaf, reached, above, lower, direction, single).transfers(
                np.asarray(1.0)
            )
        )
        spent = sum(float(term.energy_pj) for term in problem.pricing.terms(moved))
        passed = moved_bytes(moved, problem.cascade, problem.architecture)
        return ledger(problem, spent, {port: float(n) for port, n in passed.items()})

    def operand(self, tensor: int, last: Memory, way: Spreading) -> Floats:
        """Amounts of all that the unit reads and writes of a tensor that it finds in `last`."""
        private = is_private(
            self.problem.architecture,
            Held(Hold((self.tensors[tensor],), last.name), (0,), 0, {}, ()),
            self.leaf(way),
        )
        if private:
            return self.price(tensor, last, self.unit, way, "down") * float(prod(self.full))
        values = float(self.elements[tensor])
        for c, size in enumerate(self.full):
            if not self.has(tensor, c):
                values *= size // (way.outer[c] * way.within[c])
        if tensor != self.output:
            return self.price(tensor, last, self.unit, way, "down") * values
        total = self.price(tensor, last, self.unit, way, "up") * values
        if self.einsum.reductions:
            again = values - self.elements[tensor]
            total = total + self.price(tensor, last, self.unit, way, "back") * again
        return total

    def computing(self, way: Spreading) -> tuple[Floats, float]:
        """Amounts of the operations, and the seconds that the unit needs."""
        problem, leaf = self.problem, self.leaf(way)
        rest = [
            Step(names[0], np.asarray(size / (way.outer[c] * way.within[c])))
            for c, (names, size) in enumerate(zip(self.classes, self.full, strict=True))
        ]
        whole = Leaf(self.einsum, self.unit, 0, (*leaf.steps, *rest), (), leaf.full, leaf.full, ())
        one = work(whole, problem.architecture, np.asarray(1.0), 1.0)
        spent = sum(float(term.energy_pj) for term in problem.pricing.terms((), (one,)))
        return ledger(problem, spent, {}), float(one.cycles) / problem.architecture.clock_hz


def ledger(problem: MapProblem, energy_pj: float, passed: dict[str, float]) -> Floats:
    """Amounts in a row: energy, bytes of the root memory, and seconds at every port."""
    busy = [passed.get(port, 0.0) / rate for port, rate in problem.bandwidths.items()]
    return np.asarray([energy_pj, passed.get(problem.architecture.root.name, 0.0), *busy])


def split(names: tuple[str, ...], product_: int, extents: dict[str, int]) -> list[tuple[str, int]]:
    """A divisor of each extent, with the given product, which divides the product of all."""
    found = []
    for name in names:
        own = gcd(product_, extents[name])
        product_ //= own
        found.append((name, own))
    return found


@lru_cache(maxsize=4096)
def divisors(n: int) -> Factors:
    """The divisors of a number, ascending."""
    low = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return tuple(sorted({*low, *(n // d for d in low)}))


def _up_to(most: int, n: int) -> Factors:
    return tuple(d for d in divisors(n) if d <= most)


def _names(problem: MapProblem) -> tuple[str, ...]:
    return tuple(tensor.name for tensor in problem.cascade.tensors)
