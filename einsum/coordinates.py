"""Which point of a tensor an access names, partitioned ranks included.

With `M -> (M1, M0)`, a dimension of rank `M` may be indexed by `m1, m0` and two dimensions
`M1, M0` by `m`. Here both become one index over one run of dimensions, by the variable `m`,
which stands for `m1 * M0 + m0` wherever only `m1` and `m0` are iterated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from einsum.cascade import Cascade, Rank
from einsum.errors import SpecError
from einsum.expression import Access, Call, Comparison, Expression, Number, Symbol, Variable
from einsum.indices import dimensions


@dataclass(frozen=True, slots=True)
class Coordinate:
    """An index, and the adjacent dimensions of the tensor (row-major) that it runs over."""

    ranks: tuple[str, ...]
    index: Expression


def coordinates(cascade: Cascade, access: Access) -> tuple[Coordinate, ...]:
    """The coordinates of `access`: one for every dimension, or run of partitions, of its tensor.

    Raises `SpecError` when the indices do not fit the ranks of the tensor.
    """
    tensor = cascade.tensor(access.tensor)
    fitted = dimensions(access, tensor.ranks, cascade.ranks)
    if fitted is None:
        raise SpecError(
            f"{access.tensor} is accessed with {len(access.indices)} indices",
            rule=f"its ranks are {', '.join(tensor.ranks) or 'none'}",
            span=access.span,
        )
    return tuple(
        Coordinate(part.ranks, part.indices[0])
        if len(part.indices) == 1
        else Coordinate(part.ranks, Variable(part.ranks[0].lower()))
        for part in fitted
    )


def points(cascade: Cascade, found: tuple[Coordinate, ...]) -> dict[str, Expression]:
    """The index by rank, for the ranks that `found` covers and those that follow from them.

    An index of `M` also gives `M1` and `M0`; indices of `M1` and `M0` also give `M`.
    """
    at: dict[str, Expression] = {}
    for coordinate in found:
        first = coordinate.ranks[0]
        at[cascade.declared(first) if len(coordinate.ranks) > 1 else first] = coordinate.index
    for rank in cascade.ranks:
        if rank.name in at:
            at.update(_divided(rank, at[rank.name]))
        elif rank.partitions and all(part in at for part in rank.partitions):
            at[rank.name] = _joined(rank, [at[part] for part in rank.partitions])
    return at


def _variables(rank: Rank) -> list[Expression]:
    return [Variable(part.lower()) for part in rank.partitions]


def _joined(rank: Rank, parts: list[Expression]) -> Expression:
    """The index of `rank` from those of its partitions."""
    if parts == _variables(rank):
        return Variable(rank.variable)
    whole, *inner = parts
    for part, index in zip(rank.partitions[1:], inner, strict=True):
        whole = Call("add", (Call("mul", (whole, Symbol(part))), index))
    return whole


def _divided(rank: Rank, index: Expression) -> dict[str, Expression]:
    """The indices of the partitions of `rank` from its own."""
    if index == Variable(rank.variable):
        return dict(zip(rank.partitions, _variables(rank), strict=True))
    parts: dict[str, Expression] = {}
    for part in reversed(rank.partitions[1:]):
        parts[part] = Call("mod", (index, Symbol(part)))
        index = Call("floordiv", (index, Symbol(part)))
    return parts | ({rank.partitions[0]: index} if rank.partitions else {})


def shifted(index: Expression, offset: int) -> Expression:
    """`index + offset`, with constants folded."""
    match index:
        case Number(int(value)):
            return Number(value + offset)
        case Call("add", (inner, Number(int(value)))):
            return shifted(inner, value + offset)
        case Call("sub", (inner, Number(int(value)))):
            return shifted(inner, offset - value)
        case _ if offset == 0:
            return index
        case _ if offset < 0:
            return Call("sub", (index, Number(-offset)))
        case _:
            return Call("add", (index, Number(offset)))


def substituted(comparison: Comparison, values: Mapping[str, Expression]) -> Comparison:
    """`comparison` with every variable that `values` names replaced."""

    def replaced(node: Expression) -> Expression:
        match node:
            case Variable(name):
                return values.get(name, node)
            case Call(arguments=arguments):
                return replace(node, arguments=tuple(map(replaced, arguments)))
            case _:
                return node

    return replace(comparison, left=replaced(comparison.left), right=replaced(comparison.right))
