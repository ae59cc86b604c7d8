"""What a tensor sees of the loops above it: structures that look alike to it cost it the same.

All of a tensor passes a place again for each turn of a loop that it does not have, if a loop that
it has turns inside (`archsim.place`). The order of the loops matters for nothing else, so that
most of the many orders need not be analysed again.
"""

from __future__ import annotations

from collections.abc import Hashable

from archsim.activity import Activity
from archsim.nest import Leaf
from archsim.tiles import Reaches
from einsum.cascade import Einsum
from mapper.structure import Structure


def is_plain(tensor: str, einsums: list[Einsum], reaches: Reaches, activity: Activity) -> bool:
    """Is the order of the loops of no other importance to `tensor`?

    It is where tiles slide over each other, where conditions skip them, and for running values.
    """
    return (
        not reaches.shapes.cascade.iterative_variables(tensor)
        and not any(activity.conditions[einsum.name] for einsum in einsums)
        and all(
            dim.unique
            for einsum in einsums
            for reached in reaches.used(tensor, einsum)
            for dim in reached.dimensions
        )
    )


def frame_key(structure: Structure) -> Hashable:
    """What has to be the same in two structures for their tensors to be compared at all."""
    places = tuple((e.name, structure.places[e.name]) for e in structure.einsums)
    return places, structure.batch, frozenset(structure.outer)


def seen(
    structure: Structure, leaf: Leaf, relevant: frozenset[str], depth: int, always: int
) -> Hashable:
    """The loops above `depth` as a tensor sees it that has the variables `relevant`.

    A turn of the first `always` temporal loops counts in any case.
    """
    own = structure.ranks[leaf.einsum.name]
    loops = [
        (rank, number >= len(structure.outer))
        for number, rank in enumerate(structure.loops[:depth])
        if rank in own
    ]
    other = frozenset(
        (
            loop,
            frozenset(one for one in loops[place + 1 :] if one[0] in relevant),
            len(structure.batch) + place < always,
        )
        for place, loop in enumerate(loops)
        if loop[0] not in relevant
    )
    return frozenset(loop for loop in loops if loop[0] in relevant), other
