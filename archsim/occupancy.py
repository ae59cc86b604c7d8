"""How much of every memory a mapping takes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

from archsim.nest import ONE, Array, Held, Leaf
from archsim.tiles import reach, tile_elements
from einsum.cascade import Cascade

_NOTHING: Array = np.asarray(0.0)


def occupied_bytes(leaves: tuple[Leaf, ...], cascade: Cascade) -> dict[str, Array]:
    """Bytes that each memory must have, all instances together.

    A hold takes the tiles of those of its tensors that the Einsums below it use, as often as it
    is copied; holds above one Einsum exist at the same time, those of different branches do not.
    """
    sizes: dict[tuple[int, ...], dict[str, Array]] = {}
    for leaf in leaves:
        for held in leaf.holds:
            tiles = sizes.setdefault(held.position, {})
            for tensor in held.hold.tensors:
                if tensor not in tiles and tensor in leaf.tensors:
                    tiles[tensor] = _tile_bytes(tensor, held, leaf, cascade)
    needed: dict[str, Array] = {}
    for leaf in leaves:
        branch: dict[str, Array] = {}
        for held in leaf.holds:
            parts = sizes[held.position].values()
            whole = _largest(parts) if held.hold.overlaid else sum(parts, start=_NOTHING)
            memory = held.hold.memory
            branch[memory] = branch.get(memory, _NOTHING) + whole
        for memory, size in branch.items():
            needed[memory] = np.maximum(needed.get(memory, _NOTHING), size)
    return needed


def _tile_bytes(tensor: str, held: Held, leaf: Leaf, cascade: Cascade) -> Array:
    spread = ONE
    for step in leaf.steps[: held.depth]:
        if step.dim:
            spread = spread * step.trips
    elements = tile_elements(reach(tensor, leaf.einsum, cascade), held.extents) * spread
    kept = held.hold.copies * (1.0 - held.hold.spilled)
    return elements * kept * (cascade.tensor(tensor).format.bits_per_value / 8)


def _largest(parts: Iterable[Array]) -> Array:
    return reduce(np.maximum, parts, _NOTHING)
