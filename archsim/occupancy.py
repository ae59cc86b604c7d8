"""How much of every memory a mapping takes."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np

from archsim.amounts import NOTHING, Array, greatest, maximum, minimum, total
from archsim.architecture import Architecture
from archsim.nest import Held, Leaf, shared_steps
from archsim.tiles import Reaches, tile_elements, whole_elements


def occupied_bytes(
    leaves: tuple[Leaf, ...],
    reaches: Reaches,
    architecture: Architecture,
    serial: frozenset[int] = frozenset(),
) -> dict[str, Array]:
    """Bytes that the fullest instance of each memory must have.

    A hold takes the tiles of those of its tensors that the Einsums below it use, as often as it
    is copied; holds above one Einsum exist at the same time, those of different branches do not.
    In the groups of `serial` a tile exists from its first user to its last one.
    """
    sizes: dict[tuple[int, ...], dict[str, Array]] = {}
    users: dict[tuple[tuple[int, ...], str], list[int]] = {}
    for number, leaf in enumerate(leaves):
        for held in leaf.holds:
            tiles = sizes.setdefault(held.position, {})
            for tensor in held.hold.tensors:
                if tensor in leaf.tensors:
                    size = tile_bytes(tensor, held, leaf, reaches, architecture)
                    tiles[tensor] = maximum(tiles.get(tensor, NOTHING), size)
                    users.setdefault((held.position, tensor), []).append(number)
    needed: dict[str, Array] = {}
    for number, leaf in enumerate(leaves):
        branch: dict[str, Array] = {}
        for held in leaf.holds:
            parts = [
                size
                for tensor, size in sizes[held.position].items()
                if leaf.group not in serial
                or _is_live(users[held.position, tensor], held.depth, number, leaves)
            ]
            whole = greatest(parts) if held.hold.overlaid else total(parts)
            memory = held.hold.memory
            branch[memory] = branch.get(memory, NOTHING) + whole
        for memory, size in branch.items():
            needed[memory] = maximum(needed.get(memory, NOTHING), size)
    return needed


def tile_bytes(
    tensor: str, held: Held, leaf: Leaf, reaches: Reaches, architecture: Architecture
) -> Array:
    """The part of a tile in one instance: the loops below the hold may spread it over several."""
    memory = held.hold.memory
    dims = architecture.instance_dims(memory)
    extents = dict(held.extents)
    for step in leaf.steps[held.depth :] if dims else ():
        if step.dim in dims:
            extents[step.variable] = np.ceil(extents[step.variable] / step.trips)
    ways = reaches.used(tensor, leaf.einsum)
    # Each way of access needs a tile of its own, but no more than the tensor has.
    whole = reduce(maximum, [whole_elements(reached, leaf.full) for reached in ways])
    elements = minimum(reduce(add, [tile_elements(reached, extents) for reached in ways]), whole)
    if not dims <= architecture.instance_dims(leaf.unit):
        # Another array computes this: how the tile lies in the instances is not said here.
        elements = np.ceil(elements / architecture.instances(memory))
    bits = reaches.shapes.cascade.value_bits[tensor]
    return elements * (held.hold.copies * (1.0 - held.hold.spilled) * bits / 8)


def _is_live(users: list[int], depth: int, number: int, leaves: tuple[Leaf, ...]) -> bool:
    """Is a tile there while a leaf runs: between two users, or under a loop with one?"""
    return users[0] <= number <= users[-1] or any(
        shared_steps(leaves[number], leaves[user]) > depth for user in users
    )
