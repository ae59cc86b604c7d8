"""An Einsum over bound shapes as plain data: where its accesses lie, which points are absent.

Made once per Einsum; `einsum.evaluate` then applies it, in a recurrence once per iteration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from einsum.affine import Affine
from einsum.cascade import Einsum, Reduction
from einsum.constraints import Constraint, constraints
from einsum.coordinates import coordinates
from einsum.domain import related
from einsum.expression import Access, Comparison, Variable, walk
from einsum.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Axis:
    """One index of an access: its form, what it must stay below, and its stride in elements."""

    index: Affine
    extent: int
    stride: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where an access lies in the row-major memory of its tensor."""

    tensor: str
    axes: tuple[Axis, ...]
    flat: Affine
    """The position in elements: the sum of all indices times their strides."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A reduction, and the constraints whose absent points it skips."""

    reduction: Reduction
    skipped: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to evaluate one Einsum."""

    einsum: Einsum
    name: str
    extents: Mapping[str, int]
    """By variable of the iteration space."""
    locations: Mapping[Access, Location]
    values: Mapping[str, Affine]
    """By rank variable that is used as a value."""
    symbols: Mapping[str, int]
    stages: tuple[Stage, ...]
    """The reductions in the order in which they are applied."""
    kept: tuple[Constraint, ...]
    """Where the result is present."""

    @property
    def is_conditional(self) -> bool:
        return bool(self.kept) or any(stage.skipped for stage in self.stages)


def plan(shapes: Shapes, einsum: Einsum, domain: tuple[Comparison, ...]) -> Plan:
    """The plan of `einsum`, an Einsum of `shapes.cascade` with a value in `domain`."""
    iterated = einsum.variables
    reductions = einsum.reductions[::-1]
    skipped: dict[Reduction | None, list[Comparison]] = {}
    for comparison in domain:
        told_apart = related(shapes.cascade, comparison)
        first = next((r for r in reductions if not told_apart.isdisjoint(r.variables)), None)
        skipped.setdefault(first, []).append(comparison)

    def among(reduction: Reduction | None) -> tuple[Constraint, ...]:
        return constraints(skipped.get(reduction, ()), iterated, shapes)

    return Plan(
        einsum,
        einsum.name,
        shapes.space(einsum),
        {access: locate(shapes, einsum, access) for access in (einsum.output, *einsum.inputs)},
        {
            node.name: shapes.affine(node, iterated)
            for node in walk(einsum.expression)
            if isinstance(node, Variable)
        },
        {**shapes.sizes, **shapes.constants},
        tuple(Stage(reduction, among(reduction)) for reduction in reductions),
        among(None),
    )


def locate(shapes: Shapes, einsum: Einsum, access: Access) -> Location:
    """Where `access` of `einsum` lies."""
    extents = shapes.extents(access.tensor)
    axes = []
    flat = Affine()
    position = 0
    for coordinate in coordinates(shapes.cascade, access):
        after = position + len(coordinate.ranks)
        extent, stride = math.prod(extents[position:after]), math.prod(extents[after:])
        index = shapes.affine(coordinate.index, einsum.variables)
        axes.append(Axis(index, extent, stride))
        flat += index * stride
        position = after
    return Location(access.tensor, tuple(axes), flat)
