"""What part of a tensor a point of a loop nest can reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from archsim.amounts import ONE, Array, amount, minimum
from archsim.kept import kept
from archsim.nest import Extents, Leaf, Step, shared_steps
from einsum.affine import Affine, variables_of
from einsum.cascade import Cascade, Einsum, Role
from einsum.coordinates import Coordinate, coordinates
from einsum.expression import Access, variables
from einsum.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of an access: each variable's weight in it, `((p, 1), (r, 1))` for `p + r`.

    `size` is how many coordinates there are. Where it is `unique` every combination of values
    is another coordinate: `m`, or `m1 * M0 + m0`. Otherwise the variables slide over each other.
    An index with // or % has no weights (0): all its combinations may differ, up to `size`.
    """

    terms: tuple[tuple[str, int], ...] = field(hash=False)
    size: int = field(hash=False)
    unique: bool


@dataclass(frozen=True)
class Reach:
    """The dimensions of a tensor as one access reaches them; those without variables left out.

    Along the `running` variables there is no dimension: each step replaces the value.
    """

    tensor: str
    dimensions: tuple[Dimension, ...]
    running: frozenset[str] = frozenset()

    @cached_property
    def variables(self) -> frozenset[str]:
        return frozenset(name for dim in self.dimensions for name, _ in dim.terms)


@dataclass(frozen=True, slots=True)
class Reaches:
    """How the Einsums of a mapping reach tensors.

    `running` lists, by tensor, the iterative variables along which only the latest value is
    kept: the tensor is updated in place, and has no dimension there. Of an output every value
    is wanted.
    """

    shapes: Shapes
    running: Mapping[str, frozenset[str]]
    _found: dict[str, tuple[Reach, ...]] = field(default_factory=dict, compare=False)
    _read: dict[tuple[str, str], tuple[Reach, ...]] = field(default_factory=dict, compare=False)
    _used: dict[tuple[str, str], tuple[Reach, ...]] = field(default_factory=dict, compare=False)

    @staticmethod
    def of(leaves: tuple[Leaf, ...], shapes: Shapes) -> Reaches:
        """The reaches under the nests that end in `leaves`."""
        cascade = shapes.cascade
        running = {
            tensor.name: frozenset(
                name
                for name in cascade.iterative_variables(tensor.name)
                if tensor.role is not Role.OUTPUT and _streams(tensor.name, name, leaves, cascade)
            )
            for tensor in cascade.tensors
        }
        return _by_running(shapes).setdefault(tuple(running.values()), Reaches(shapes, running))

    def read(self, tensor: str, einsum: Einsum) -> tuple[Reach, ...]:
        """The different ways in which `einsum` reads `tensor`."""
        key = (tensor, einsum.name)
        if key not in self._read:
            found = (reached for reached in self.inputs(einsum) if reached.tensor == tensor)
            self._read[key] = tuple(dict.fromkeys(found))
        return self._read[key]

    def used(self, tensor: str, einsum: Einsum) -> tuple[Reach, ...]:
        """The different ways in which `einsum` reads or writes `tensor`."""
        key = (tensor, einsum.name)
        if key not in self._used:
            written = (self.output(einsum),) if einsum.tensor == tensor else ()
            self._used[key] = tuple(dict.fromkeys((*written, *self.read(tensor, einsum))))
        return self._used[key]

    def inputs(self, einsum: Einsum) -> tuple[Reach, ...]:
        """How `einsum` reaches what it reads, access by access."""
        return self._accesses(einsum)[:-1]

    def output(self, einsum: Einsum) -> Reach:
        """How `einsum` reaches what it writes."""
        return self._accesses(einsum)[-1]

    def _accesses(self, einsum: Einsum) -> tuple[Reach, ...]:
        if einsum.name not in self._found:
            self._found[einsum.name] = tuple(
                self._reach(access, einsum) for access in (*einsum.inputs, einsum.output)
            )
        return self._found[einsum.name]

    def _reach(self, access: Access, einsum: Einsum) -> Reach:
        running = self.running[access.tensor]
        found = [
            self._dimension(part, einsum)
            for part in coordinates(self.shapes.cascade, access)
            if running.isdisjoint(variables(part.index))
        ]
        stepped = running & frozenset(variables(access))
        return Reach(access.tensor, self._joined([dim for dim in found if dim.terms]), stepped)

    def _dimension(self, part: Coordinate, einsum: Einsum) -> Dimension:
        rank = part.ranks[0]
        if len(part.ranks) > 1:  # adjacent partitions, accessed by the rank's own variable
            rank = self.shapes.cascade.declared(rank)
        index = self.shapes.affine(part.index, einsum.variables)
        return self._weighted(index, self.shapes.size(rank))

    def _weighted(self, index: Affine, size: int) -> Dimension:
        if not index.is_linear:
            names = sorted(frozenset().union(*(variables_of(atom) for atom, _ in index.terms)))
            return Dimension(tuple((name, 0) for name in names), size, unique=False)
        terms = tuple((str(atom), abs(factor)) for atom, factor in index.terms)
        span, unique = 0, True
        for name, weight in sorted(terms, key=lambda term: term[1]):
            unique &= weight > span
            span += weight * (self.shapes.extent(name) - 1)
        return Dimension(terms, size, unique)

    def _joined(self, found: list[Dimension]) -> tuple[Dimension, ...]:
        """`found`, where dimensions by all partitions of a rank become one by that rank.

        It has as many coordinates as the rank, also when its last tile is not full.
        """
        for rank in self.shapes.cascade.ranks:
            parts = [((part.lower(), 1),) for part in rank.partitions]
            own = [dim for dim in found if dim.terms in parts]
            if parts and len(own) == len(parts):
                terms = tuple(
                    (part.lower(), prod(map(self.shapes.size, rank.partitions[number + 1 :])))
                    for number, part in enumerate(rank.partitions)
                )
                found = [dim for dim in found if dim not in own]
                found.append(Dimension(terms, self.shapes.size(rank.name), unique=True))
        return tuple(found)


@kept
def _by_running(shapes: Shapes) -> dict[tuple[frozenset[str], ...], Reaches]:
    """What is known of the reaches: for each choice of running variables, in order of tensors."""
    return {}


def _streams(tensor: str, variable: str, leaves: tuple[Leaf, ...], cascade: Cascade) -> bool:
    """Do all that use `tensor` along `variable` step through it together, value by value?"""
    names = {einsum.name for einsum in cascade.steps if _uses(einsum, tensor, variable)}
    users = [leaf for leaf in leaves if leaf.einsum.name in names]
    if len(users) < len(names):
        return False
    common = min(shared_steps(users[0], user) for user in users)
    return not any(
        step.variable == variable and step.turns for user in users for step in user.steps[common:]
    )


def _uses(einsum: Einsum, tensor: str, variable: str) -> bool:
    return any(
        access.tensor == tensor and variable in variables(access)
        for access in (*einsum.inputs, einsum.output)
    )


def tile_elements(reached: Reach, extents: Extents) -> Array:
    """Elements of the tensor under the remaining `extents`; a variable without one counts as 1."""
    total = ONE
    for dim in reached.dimensions:
        total = total * _span(dim, extents)
    return total


@kept
def whole_elements(reached: Reach, full: Extents) -> Array:
    """Elements of the tensor that are reached at all, with the whole sizes `full`."""
    return tile_elements(reached, full)


def _span(dim: Dimension, extents: Extents) -> Array:
    if len(dim.terms) == 1 and dim.unique:
        return extents.get(dim.terms[0][0], ONE)
    combinations, interval = ONE, ONE
    for name, weight in dim.terms:
        extent = extents.get(name, ONE)
        combinations = combinations * extent
        interval = interval + weight * (extent - 1.0)
    if dim.unique or not all(weight for _, weight in dim.terms):
        interval = amount(dim.size)
    return minimum(minimum(combinations, interval), amount(dim.size))


def coverage(reached: Reach, steps: tuple[Step, ...], extents: Extents, full: Extents) -> Array:
    """Elements that pass a place below `steps` when all relevant loops run once.

    `extents` is what is left at the place, `full` the whole sizes. A unique dimension passes
    exactly once, also in uneven tiles; the halo between neighbouring tiles of a sliding
    dimension passes again with each tile.
    """
    total = ONE
    for dim, reachable in zip(reached.dimensions, _reachable(reached, full), strict=True):
        if dim.unique:
            total = total * reachable
        else:
            total = total * minimum(reachable, _tiles_passed(dim, steps, extents, full))
    return total


@kept
def _reachable(reached: Reach, full: Extents) -> tuple[Array, ...]:
    """By dimension, the combinations of values; of a unique one no more than its coordinates."""
    found = []
    for dim in reached.dimensions:
        combinations = ONE
        for name, _ in dim.terms:
            combinations = combinations * full[name]
        cut = dim.unique and combinations > dim.size
        found.append(amount(dim.size) if cut else combinations)
    return tuple(found)


def _tiles_passed(
    dim: Dimension, steps: tuple[Step, ...], extents: Extents, full: Extents
) -> Array:
    """The sum of the tiles' spans: of `1 + sum(weight * (extent - 1))` over all of them."""
    trips = {name: ONE for name, _ in dim.terms}
    for step in steps:
        if step.variable in trips:
            trips[step.variable] = trips[step.variable] * step.trips
    tiles = ONE
    for count in trips.values():
        tiles = tiles * count
    if not all(weight for _, weight in dim.terms):
        return tiles * _span(dim, extents)
    total = tiles
    for name, weight in dim.terms:
        # All tiles of one variable together have as many coordinates as it has.
        total = total + tiles / trips[name] * (weight * (full[name] - trips[name]))
    return minimum(total, tiles * amount(dim.size))
