"""What part of a tensor a point of a loop nest can reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import mul

from archsim.nest import ONE, Array, Extents, Step
from einsum.cascade import Cascade, Einsum
from einsum.expression import Access, Call, Expression, Number, Symbol, Variable, variables


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of an access: each variable's weight in it, `((p, 1), (r, 1))` for `p + r`.

    A plain variable is its own coordinate; several variables slide over each other, unless they
    are all the partitions of the rank whose variable is `whole`.
    """

    terms: tuple[tuple[str, int], ...]
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """The dimensions of a tensor as one Einsum accesses it.

    Running values are updated in place: their iterative dimension is left out.
    """

    tensor: str
    dimensions: tuple[Dimension, ...]

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(name for dim in self.dimensions for name, _ in dim.terms)


def reach(tensor: str, einsum: Einsum, cascade: Cascade, access: Access | None = None) -> Reach:
    """How `einsum` accesses `tensor` (by `access`, or by its first access of it)."""
    if access is None:
        access = next(a for a in (*einsum.inputs, einsum.output) if a.tensor == tensor)
    return _reach(access, cascade)


@lru_cache(maxsize=4096)
def _reach(access: Access, cascade: Cascade) -> Reach:
    running = set(cascade.iterative_variables(access.tensor))
    found: list[Dimension] = []
    families = {rank.variable: rank.partitions for rank in cascade.ranks if rank.partitions}
    singles = {index.name for index in access.indices if isinstance(index, Variable)} - running
    done: set[str] = set()
    for whole, parts in families.items():
        names = [part.lower() for part in parts]
        if singles.issuperset(names):
            found.append(Dimension(tuple((name, 1) for name in names), whole))
            done.update(names)
    for index in access.indices:
        names = [name for name in variables(index) if name not in running]
        if names and not done.issuperset(names):
            found.append(Dimension(tuple((name, _weight(index, name)) for name in names)))
    return Reach(access.tensor, tuple(found))


def _weight(index: Expression, name: str) -> int:
    """The constant that multiplies `name` in an affine index; 1 where it is symbolic."""
    match index:
        case Call("mul", (Number(value), Variable(found))) if found == name:
            return max(1, abs(int(value)))
        case Call("mul", (Variable(found), Number(value))) if found == name:
            return max(1, abs(int(value)))
        case Call(arguments=parts):
            return max((_weight(part, name) for part in parts), default=1)
        case Number() | Symbol() | Variable() | Access():
            return 1


def tile_elements(reached: Reach, extents: Extents) -> Array:
    """Elements of the tensor under the remaining `extents`; missing variables count as 1."""
    total = ONE
    for dim in reached.dimensions:
        total = total * _span(dim, extents)
    return total


def _span(dim: Dimension, extents: Extents) -> Array:
    if dim.whole or len(dim.terms) == 1:
        return reduce(mul, (extents.get(name, ONE) for name, _ in dim.terms), ONE)
    return ONE + sum(
        (weight * (extents.get(name, ONE) - 1.0) for name, weight in dim.terms), start=ONE * 0.0
    )


def coverage(reached: Reach, steps: tuple[Step, ...], extents: Extents, full: Extents) -> Array:
    """Elements that pass a place below `steps` when all relevant loops run once.

    `extents` is what is left at the place, `full` the whole sizes. A dimension with one
    variable passes exactly once, also in uneven tiles; the halo between neighbouring tiles of a
    sliding dimension passes again with each tile.
    """
    total = ONE
    for dim in reached.dimensions:
        if dim.whole or len(dim.terms) == 1:
            total = total * full[dim.whole or dim.terms[0][0]]
            continue
        total = total * _span(dim, extents)
        names = {name for name, _ in dim.terms}
        for step in steps:
            if step.variable in names:
                total = total * step.trips
    return total
