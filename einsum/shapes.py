"""Sizes for the ranks of a cascade: given, from its defaults, or following from one another."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from einsum.affine import Affine, affine, quotient, remainder, variable
from einsum.bounds import check_accesses
from einsum.cascade import Cascade, Einsum, Rank, unknown
from einsum.coordinates import coordinates
from einsum.errors import SpecError
from einsum.expression import Expression, symbols
from einsum.indices import offset


@dataclass(frozen=True)
class Shapes:
    """A cascade with a size for every rank and partition, and a value for every constant.

    Made by `bind`. Nothing here takes memory or time in proportion to a size.
    """

    cascade: Cascade
    sizes: Mapping[str, int] = field(hash=False)
    constants: Mapping[str, int] = field(hash=False)

    def size(self, rank: str) -> int:
        """The size of a declared rank or of a partition."""
        return self.sizes[rank]

    def extent(self, variable: str) -> int:
        """How many values `variable` takes: from 0 to one less than the size of its rank."""
        return self.sizes[self.cascade.rank_of_variable[variable]]

    def symbol(self, name: str) -> int:
        """The size of the rank or the value of the constant called `name`."""
        return self.sizes[name] if name in self.sizes else self.constants[name]

    def extents(self, tensor: str) -> tuple[int, ...]:
        """The size of every dimension of `tensor`, in elements.

        A rank along which it is iterative (`RM[m1 + 1, p]`) has room for the initial values:
        `M1 + 1`.
        """
        sizes = tuple(self.sizes[rank] for rank in self.cascade.tensor(tensor).ranks)
        producer = self.cascade.producer(tensor)
        if producer is None or not self.cascade.iterative_variables(tensor):
            return sizes
        ahead = (offset(index) or ("", 0) for index in producer.output.indices)
        return tuple(size + lag for size, (_, lag) in zip(sizes, ahead, strict=True))

    def space(self, einsum: Einsum) -> dict[str, int]:
        """The extent of every variable that `einsum` iterates."""
        return {name: self.extent(name) for name in einsum.variables}

    def affine(self, expression: Expression, iterated: Collection[str]) -> Affine:
        """The normal form of an index or of one side of a condition, over `iterated` variables.

        Where only `m1` and `m0` are iterated `m` is `m1 * M0 + m0`; where only `m` is, `m1` is
        `m // M0` and `m0` is `m % M0`. `SpecError` for any other variable.
        """

        def resolved(name: str) -> Affine:
            if name in iterated:
                return variable(name)
            rank = self.cascade.rank_of_variable.get(name, "")
            parent = self.cascade.declared(rank)
            if rank in self.cascade.parents and parent.lower() in iterated:
                return self._partition(rank, variable(parent.lower()))
            if rank and (parts := self.cascade.rank(rank).partitions):
                whole = Affine()
                for part in parts:
                    whole = whole * self.sizes[part] + resolved(part.lower())
                return whole
            raise unknown("rank variable", name, list(iterated), expression.span)

        return affine(expression, resolved, self.symbol)

    def _partition(self, part: str, whole: Affine) -> Affine:
        parts = self.cascade.rank(self.cascade.declared(part)).partitions
        position = parts.index(part)
        above = quotient(whole, math.prod(self.sizes[p] for p in parts[position + 1 :]))
        return remainder(above, self.sizes[part]) if position else above


def bind(cascade: Cascade, given: Mapping[str, int] | None = None) -> Shapes:
    """Sizes for all ranks of `cascade`, and values for its constants.

    `given` names ranks, partitions and constants; it goes before the cascade's own defaults. Of
    a rank and its partitions all but one need a size, as M1 = ceil(M / M0). A rank that only
    dimensions of inputs have and that no variable runs over (`W` in `I[p + r]`) gets the least
    size that holds every access, whatever their conditions.

    Raises `SpecError` for an unknown name, a size below one, missing sizes (all at once), sizes
    of partitions that contradict their rank's, and accesses outside a tensor that no condition
    keeps away.
    """
    given = _checked(cascade, given or {})
    constants = {name: given.get(name, value) for name, value in cascade.constants}
    sizes = known_sizes(cascade, given)
    inferred = _inferred(cascade, sizes)
    _require(cascade, sizes, inferred)
    sizes.update(_least(Shapes(cascade, sizes, constants), inferred))
    _require(cascade, sizes)
    shapes = Shapes(cascade, MappingProxyType(sizes), MappingProxyType(constants))
    check_accesses(shapes)
    return shapes


def known_sizes(cascade: Cascade, given: Mapping[str, int] | None = None) -> dict[str, int]:
    """The sizes that follow from `given` and the cascade's defaults; other ranks have none.

    Raises `SpecError` for an unknown name, a size below one, and sizes of partitions that
    contradict their rank's.
    """
    chosen, defaults = _checked(cascade, given or {}), dict(cascade.shape)
    sizes: dict[str, int] = {}
    for rank in cascade.ranks:
        sizes.update(_family(rank, chosen, defaults))
    return sizes


def _checked(cascade: Cascade, given: Mapping[str, int]) -> dict[str, int]:
    constants = dict(cascade.constants)
    ranks = list(cascade.rank_of_variable.values())
    checked = {}
    for name, size in given.items():
        if name not in ranks and name not in constants:
            raise unknown("rank", name, ranks + list(constants), None)
        checked[name] = _whole(size)
        if name in ranks and (isinstance(size, bool) or checked[name] < 1):
            raise SpecError(
                f"rank {name} has size {size}", rule="a size is a positive whole number"
            )
    return checked


def _whole(size: int) -> int:
    """`size` if it is a whole number and no float, else 0."""
    if isinstance(size, float) or not hasattr(size, "__trunc__"):
        return 0
    whole = math.trunc(size)
    return whole if whole == size else 0


def _family(rank: Rank, given: Mapping[str, int], defaults: Mapping[str, int]) -> dict[str, int]:
    """The sizes of `rank` and of its partitions, as far as they are known."""
    family = (rank.name, *rank.partitions)
    known = {name: given[name] for name in family if name in given}
    if len(known) < len(family) - 1 or len(family) == 1:
        known = {name: defaults[name] for name in family if name in defaults} | known
    if not rank.partitions or len(known) < len(family) - 1:
        return known
    outer = math.prod(known[part] for part in rank.partitions if part in known)
    for name in family:
        if name not in known:
            known[name] = outer if name == rank.name else -(-known[rank.name] // outer)
            return known
    total = known[rank.name]
    if not any(known[part] == -(-total // (outer // known[part])) for part in rank.partitions):
        product = " * ".join(f"{part} = {known[part]}" for part in rank.partitions)
        raise SpecError(
            f"sizes of rank {rank.name} contradict: {rank.name} = {total}, {product}",
            rule=f"give all but one of {', '.join(family)}; the last one follows",
        )
    return known


def _inferred(cascade: Cascade, sizes: Mapping[str, int]) -> frozenset[str]:
    """The ranks without a size that only inputs have and that no variable runs over."""
    iterated = {name for einsum in cascade.einsums for name in einsum.variables}
    return frozenset(
        rank.name
        for rank in cascade.ranks
        if rank.name not in sizes and rank.variable not in iterated and not rank.partitions
    )


def _least(bound: Shapes, ranks: frozenset[str]) -> dict[str, int]:
    """The least sizes of `ranks` that hold every access; `bound` has those of all others."""
    least: dict[str, int] = {}
    for einsum in bound.cascade.einsums:
        box = {name: (0, extent - 1) for name, extent in bound.space(einsum).items()}
        for access in einsum.inputs:
            for coordinate in coordinates(bound.cascade, access):
                rank, index = coordinate.ranks[0], coordinate.index
                if rank in ranks and ranks.isdisjoint(symbols(index)):
                    high = bound.affine(index, einsum.variables).bounds(box)[1]
                    least[rank] = max(least.get(rank, 1), high + 1)
    return least


def _require(
    cascade: Cascade, sizes: Mapping[str, int], inferred: frozenset[str] = frozenset()
) -> None:
    """Refuse ranks without a size, all of them at once, but for those in `inferred`."""
    missing = []
    for rank in cascade.ranks:
        lacking = [name for name in (rank.name, *rank.partitions) if name not in sizes]
        if lacking and rank.partitions:
            missing.append(f"{len(lacking) - 1} of ({', '.join(lacking)})")
        elif lacking and rank.name not in inferred:
            missing.append(rank.name)
    if missing:
        raise SpecError(
            f"no size for {', '.join(missing)}",
            rule="give each rank a size, M=64K,P=1K, or a default in the cascade, shape M = 64K; "
            "of a rank and its partitions one may be left out",
        )
