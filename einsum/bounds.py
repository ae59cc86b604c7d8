"""Every access stays inside its tensor, and every recurrence finds the values that it needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from einsum.cascade import Einsum
from einsum.coordinates import Coordinate, coordinates
from einsum.count import is_never
from einsum.domain import domains, inherited, is_consumed, negated
from einsum.errors import SpecError
from einsum.expression import Access, Comparison, Number, Symbol, Variable
from einsum.graph import dependence_graph, iterative_index
from einsum.printer import print_comparison, print_expression

if TYPE_CHECKING:
    from einsum.shapes import Shapes

Domain = tuple[Comparison, ...]

_BOUND = "the bound"  # no constant of a cascade has such a name


def check_accesses(shapes: Shapes) -> None:
    """Raise `SpecError` for an access that leaves its tensor where the Einsum has a value.

    Also for a step of a recurrence that needs a value which a condition took away.
    """
    domain = domains(shapes.cascade)
    for einsum in shapes.cascade.einsums:
        for access in (einsum.output, *einsum.inputs):
            extents = iter(shapes.extents(access.tensor))
            for coordinate in coordinates(shapes.cascade, access):
                extent = math.prod(next(extents) for _ in coordinate.ranks)
                _check_inside(shapes, einsum, domain[einsum.name], access, coordinate, extent)
    graph = dependence_graph(shapes.cascade)
    for producer, reader, read in graph.edges(data=True):
        einsums = graph.nodes[producer]["einsum"], graph.nodes[reader]["einsum"]
        _check_present(shapes, *einsums, domain, read["access"])


def _check_inside(
    shapes: Shapes,
    einsum: Einsum,
    domain: Domain,
    access: Access,
    coordinate: Coordinate,
    extent: int,
) -> None:
    index = coordinate.index
    form = shapes.affine(index, einsum.variables)
    space = shapes.space(einsum)
    low, high = form.bounds({name: (0, size - 1) for name, size in space.items()})
    if low >= 0 and high < extent:
        return

    def happens(relation: str, bound: int) -> bool:
        beyond = Comparison(index, relation, Symbol(_BOUND))
        bounded = replace(shapes, constants={**shapes.constants, _BOUND: bound})
        return not is_never(beyond, domain, space, bounded)

    text = print_expression(access)
    rank = " x ".join(coordinate.ranks)
    if low < 0 and happens("<", 0):
        reach = _least(lambda below: not happens("<", -below), 0, -low)
        raise SpecError(
            f"{einsum.name} accesses {text} down to {-reach} along rank {rank}",
            rule="an index is never negative; add a condition that keeps it away",
            span=access.span,
        )
    if high >= extent and happens(">=", extent):
        reach = _least(lambda above: not happens(">", above), extent, high)
        if isinstance(index, Variable):
            own = shapes.cascade.rank_of_variable[index.name]
            raise SpecError(
                f"shapes clash: {einsum.name} accesses {text}, where rank {own} has size "
                f"{reach + 1} and rank {rank} of {access.tensor} only {extent}",
                rule=f"{own} <= {rank}, or a condition that keeps {index.name} below {extent}",
                span=access.span,
            )
        raise SpecError(
            f"{einsum.name} accesses {text} up to {reach} along rank {rank}, "
            f"{reach - extent + 1} beyond the end of {access.tensor}",
            rule=f"{rank} = {extent} is too small: give at least {reach + 1}, "
            "or add a condition that keeps the index inside",
            span=access.span,
        )


def _least(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least value in `low..high` for which the monotone `holds`; it does for `high`."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _check_present(
    shapes: Shapes, producer: Einsum, reader: Einsum, domain: dict[str, Domain], access: Access
) -> None:
    """Does `reader` have all conditions of what it reads? It may lack those of a recurrence."""
    needed = [
        inherited(shapes.cascade, producer, access, comparison)
        for comparison in domain[producer.name]
        if not is_consumed(shapes.cascade, producer, comparison)
    ]
    own = domain[reader.name]
    for comparison in needed:
        if comparison in own:
            continue
        when = _reads_from(shapes, producer, access)
        for opposite in negated(comparison):
            if not is_never(opposite, (*own, *when), shapes.space(reader), shapes):
                raise SpecError(
                    f"{reader.name} reads {print_expression(access)} where it is absent: it has "
                    f"a value only if {print_comparison(comparison)}",
                    rule="the condition of a recurrence may only cut off its last steps, "
                    "not values that a later step needs",
                    span=access.span,
                )


def _reads_from(shapes: Shapes, producer: Einsum, access: Access) -> Domain:
    """When an access to an iterative tensor reads a step (m1 >= 1) or the initial value."""
    index = iterative_index(shapes.cascade, access)
    if index is None:
        return ()
    if producer.is_initial:
        return (Comparison(index, "==", Number(0)),)
    return (Comparison(index, ">=", Number(1)),)
