"""At which points of its iteration space an Einsum has a value.

A condition makes a tensor present only where it holds. An Einsum that reads such a tensor is
absent where its operand is, until a reduction runs over the points that may be absent: it skips
them, and its result is present everywhere. So every condition travels along the dependences, in
the variables of each reader, up to the first reduction over one of its variables.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from einsum.cascade import Cascade, Einsum
from einsum.coordinates import coordinates, points, shifted, substituted
from einsum.expression import Access, Comparison, Symbol, Variable, variables
from einsum.graph import dependence_graph
from einsum.indices import offset


def domain(cascade: Cascade, einsum_name: str) -> tuple[Comparison, ...]:
    """The points of the iteration space at which the Einsum is evaluated: a conjunction.

    It holds the Einsum's own condition, `m < M` where it iterates all partitions of M (which
    cuts the last tile when M0 does not divide M), and the conditions of its operands. All are in
    the variables that the Einsum iterates and in those that follow from them: `m` from m1 and
    m0, or the other way round (`Shapes.affine` resolves both).

    An iterative tensor read at `m1` is present where both its initial value and its steps are:
    a conjunction cannot tell m1 = 0 from the rest. `bind` makes sure that the condition of a
    step takes away no value that a later step needs.
    """
    return domains(cascade)[einsum_name]


def domains(cascade: Cascade) -> dict[str, tuple[Comparison, ...]]:
    """`domain` of every Einsum of the cascade, by name."""
    graph = dependence_graph(cascade)
    found: dict[str, dict[Comparison, None]] = {einsum.name: {} for einsum in cascade.einsums}
    # A condition does not enter an Einsum twice on one path: round a recurrence it would only
    # come back shifted to an earlier step.
    waiting = deque(
        (einsum, comparison, frozenset((einsum.name,)))
        for einsum in cascade.einsums
        for comparison in einsum.condition + _partitions(cascade, einsum)
    )
    while waiting:
        einsum, comparison, path = waiting.popleft()
        if comparison in found[einsum.name]:
            continue
        found[einsum.name][comparison] = None
        if is_consumed(cascade, einsum, comparison):
            continue
        for _, reader, read in graph.out_edges(einsum.name, data=True):
            if reader not in path:
                there = inherited(cascade, einsum, read["access"], comparison)
                waiting.append((graph.nodes[reader]["einsum"], there, path | {reader}))
    return {name: tuple(comparisons) for name, comparisons in found.items()}


def is_consumed(cascade: Cascade, einsum: Einsum, comparison: Comparison) -> bool:
    """Does a reduction of `einsum` run over points that `comparison` tells apart?"""
    return not related(cascade, comparison).isdisjoint(einsum.reduced_variables)


def related(cascade: Cascade, comparison: Comparison) -> frozenset[str]:
    """Its variables, with those of their partitions and of the ranks they are partitions of."""
    names: set[str] = set()
    for name in (*variables(comparison.left), *variables(comparison.right)):
        rank = cascade.rank_of_variable[name]
        names |= {name, cascade.declared(rank).lower()}
        names.update(part.lower() for part in cascade.rank(rank).partitions)
    return frozenset(names)


def inherited(
    cascade: Cascade, producer: Einsum, access: Access, comparison: Comparison
) -> Comparison:
    """`comparison`, over output variables of `producer`, in the variables of who reads it."""
    lag = dict(filter(None, map(offset, producer.output.indices)))
    found = tuple(
        replace(part, index=shifted(part.index, -lag.get(part.ranks[0].lower(), 0)))
        for part in coordinates(cascade, access)
    )
    at = points(cascade, found)
    return substituted(comparison, {rank.lower(): index for rank, index in at.items()})


def _partitions(cascade: Cascade, einsum: Einsum) -> tuple[Comparison, ...]:
    """`m < M` for every rank of which `einsum` iterates all partitions."""
    return tuple(
        Comparison(Variable(rank.variable), "<", Symbol(rank.name))
        for rank in cascade.ranks
        if rank.partitions and all(part.lower() in einsum.variables for part in rank.partitions)
    )


def negated(comparison: Comparison) -> tuple[Comparison, ...]:
    """Comparisons of which one holds exactly where `comparison` does not."""
    left, right = comparison.left, comparison.right
    opposite = {"<=": (">",), "<": (">=",), ">=": ("<",), ">": ("<=",), "==": ("<", ">")}
    return tuple(Comparison(left, relation, right) for relation in opposite[comparison.relation])
