"""Compulsory traffic: what any mapping has to read and to write."""

from __future__ import annotations

from math import prod

from archsim.activity import Activity
from archsim.amounts import amount
from archsim.kept import kept
from archsim.tiles import Reach, Reaches, tile_elements
from einsum.cascade import Einsum, Role, Tensor
from einsum.count import executed
from einsum.shapes import Shapes


@kept
def compulsory_bytes(shapes: Shapes) -> float:
    """Every element of an input that is used, read once; every element of an output, written once.

    Elements that no point reaches (a key that no query sees, the part of an image that no
    window covers) are not counted.
    """
    cascade = shapes.cascade
    activity = Activity.of(cascade, shapes)
    reaches = Reaches(shapes, {tensor.name: frozenset() for tensor in cascade.tensors})
    return sum(
        _elements(tensor, reaches, activity) * tensor.format.bits_per_value / 8
        for tensor in cascade.tensors
        if tensor.role is not Role.INTERMEDIATE
    )


def _elements(tensor: Tensor, reaches: Reaches, activity: Activity) -> float:
    """The elements that the Einsum which uses most of them uses."""
    return max(
        (
            reached_elements(reached, einsum, activity)
            for einsum in activity.cascade.steps
            for reached in reaches.used(tensor.name, einsum)
        ),
        default=0.0,
    )


def reached_elements(reached: Reach, einsum: Einsum, activity: Activity) -> float:
    """The elements that at least one useful point of `einsum` reaches by one of its accesses."""
    shapes, conditions = activity.shapes, activity.conditions[einsum.name]
    space = shapes.space(einsum)
    if not conditions:
        extents = {name: amount(extent) for name, extent in space.items()}
        return tile_elements(reached, extents).item()
    # Tiles of one value of its own variables, and of all values of the others: those that are
    # executed have an element that is used.
    own = reached.variables
    tile = {name: 1 if name in own else extent for name, extent in space.items()}
    points = executed(conditions, space, shapes, tile)
    total = points / prod(extent for name, extent in space.items() if name not in own)
    for dim in reached.dimensions:
        if not dim.unique:  # several combinations may reach the same element
            extents_of = [space[name] for name, _ in dim.terms]
            total /= prod(extents_of) / max(extents_of)
    return total
