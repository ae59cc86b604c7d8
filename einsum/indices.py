"""Which index of an access stands for which rank of its tensor, and what an index refers to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from einsum.cascade import Rank, Reduction
from einsum.expression import Access, Call, Expression, Number, Variable, variables


@dataclass(frozen=True, slots=True)
class Dimension:
    """Ranks of a tensor and the indices that address them in one access.

    One rank with one index as a rule. A partitioned rank may be addressed by its partitions'
    variables (`ranks=("M",)`, indices `m1, m0`), and adjacent ranks that partition M by M's
    (`ranks=("M1", "M0")`, index `m`).
    """

    ranks: tuple[str, ...]
    indices: tuple[Expression, ...]


def dimensions(
    access: Access, tensor_ranks: tuple[str, ...], ranks: Iterable[Rank]
) -> tuple[Dimension, ...] | None:
    """The dimensions of `access`, left to right; None if the indices do not fit the ranks.

    `tensor_ranks` are the ranks of the tensor, `ranks` the declared ones of the cascade.
    """
    partitioned = {rank.name: rank for rank in ranks if rank.partitions}
    found = []
    indices = access.indices
    while indices and tensor_ranks:
        rank_count = index_count = 1
        rank = partitioned.get(tensor_ranks[0])
        # A rank split into its partitions first, then partitions joined, then one to one.
        if rank and indices[: len(rank.partitions)] == _variables(rank):
            index_count = len(rank.partitions)
        for rank in partitioned.values():
            count = len(rank.partitions)
            if tensor_ranks[:count] == rank.partitions and indices[0] == Variable(rank.variable):
                rank_count = count
        found.append(Dimension(tensor_ranks[:rank_count], indices[:index_count]))
        tensor_ranks, indices = tensor_ranks[rank_count:], indices[index_count:]
    return None if indices or tensor_ranks else tuple(found)


def _variables(rank: Rank) -> tuple[Expression, ...]:
    return tuple(Variable(name.lower()) for name in rank.partitions)


def offset(index: Expression) -> tuple[str, int] | None:
    """Variable and constant offset of `m`, `m + 1`, `1 + m` or `m - 1`; None otherwise."""
    match index:
        case Variable(name=name):
            return name, 0
        case Call(operator="add", arguments=(Variable(name=name), Number(value=int(value)))):
            return name, value
        case Call(operator="add", arguments=(Number(value=int(value)), Variable(name=name))):
            return name, value
        case Call(operator="sub", arguments=(Variable(name=name), Number(value=int(value)))):
            return name, -value
        case _:
            return None


def derived_variables(ranks: Iterable[Rank], output: Access, right: Expression) -> tuple[str, ...]:
    """Variables of partitioned ranks that follow from those of all their partitions.

    `m` is `m1 * M0 + m0` in an Einsum that iterates m1 and m0; it is no loop of its own.
    """
    used = {*variables(output), *variables(right)}
    return tuple(
        rank.variable
        for rank in ranks
        if rank.partitions
        and rank.variable not in variables(output)
        and all(name.lower() in used for name in rank.partitions)
    )


def unlisted_variables(
    ranks: Iterable[Rank], output: Access, right: Expression, reductions: Iterable[Reduction]
) -> tuple[str, ...]:
    """The variables on the right only that none of `reductions` lists: reduced with +."""
    known = {
        *variables(output),
        *derived_variables(ranks, output, right),
        *(name for reduction in reductions for name in reduction.variables),
    }
    return tuple(name for name in variables(right) if name not in known)
