"""Traffic and occupancy of a mapping, in closed form.

For a tensor T and a place in the nest, T's elements pass that place once for every full
coverage of T: each loop above it whose variable T does not have repeats the coverage, unless
every loop between it and the place leaves T's tile as it is (the tile is then still there).
This is the reuse rule of Timeloop (Parashar et al., ISPASS 2019, section VI), extended to loop
trees: a tensor that is written and read under one hold lives there and never goes further up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from archsim.architecture import Architecture
from archsim.nest import ONE, Array, Held, Leaf
from archsim.tiles import Reach, coverage, reach, tile_elements
from einsum.cascade import Cascade, Role


class Direction(Enum):
    """Which way the elements of a `Transfer` go."""

    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Elements of a tensor that move between a memory and what is below it.

    `upper` is a memory, `lower` a memory or a unit. `elements` are the accesses of `upper`,
    `deliveries` those at `lower`: more where one element is sent to many instances, or where
    partial sums of many instances are added on their way up.
    """

    einsum: str
    group: int
    tensor: str
    upper: str
    lower: str
    direction: Direction
    elements: Array
    deliveries: Array


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What one hold of one tensor takes in `memory`, in elements of all instances together."""

    group: int
    memory: str
    tensor: str
    position: tuple[int, ...]
    elements: Array


def transfers(
    leaves: tuple[Leaf, ...], cascade: Cascade, architecture: Architecture
) -> tuple[Transfer, ...]:
    """All movements of data that the mapping behind `leaves` causes."""
    homes = {tensor.name: home(tensor.name, leaves, cascade) for tensor in cascade.tensors}
    done: set[tuple[tuple[int, ...], str]] = set()
    found: list[Transfer] = []
    for leaf in leaves:
        for tensor in _tensors(leaf):
            chain = leaf.hold_of(tensor)
            for index, held in enumerate(chain):
                if (held.position, tensor) in done:
                    continue
                done.add((held.position, tensor))
                above = chain[index - 1] if index else None
                found += _fill(tensor, held, above, leaf, leaves, homes[tensor], cascade,
                               architecture)
            found += _leaf_transfers(tensor, leaf, chain, homes[tensor], cascade, architecture)
    return tuple(found)


def home(tensor: str, leaves: tuple[Leaf, ...], cascade: Cascade) -> Held | None:
    """The hold in which an intermediate lives: the outermost that all its users share.

    None if it lives in the root memory, as inputs and outputs of the cascade do.
    """
    if cascade.tensor(tensor).role is not Role.INTERMEDIATE:
        return None
    chains = [leaf.hold_of(tensor) for leaf in leaves if tensor in _tensors(leaf)]
    users = [e for e in cascade.steps if tensor in (e.tensor, *(a.tensor for a in e.inputs))]
    if len(chains) < len(users) or not all(chains):
        return None
    outermost = chains[0][0]
    return outermost if all(c[0].position == outermost.position for c in chains) else None


def _tensors(leaf: Leaf) -> tuple[str, ...]:
    names = [access.tensor for access in leaf.einsum.inputs]
    return tuple(dict.fromkeys([*names, leaf.einsum.tensor]))


def repeats(leaf: Leaf, depth: int, reached: Reach, lives_at: int) -> Array:
    """How many times all of a tensor passes a place with `depth` loops above it.

    Loops above `lives_at`, where the tensor comes into being, repeat it in any case.
    """
    total, changed = ONE, np.asarray(False)
    for index in range(depth - 1, -1, -1):
        step = leaf.steps[index]
        if step.dim:
            continue
        if step.variable in reached.variables:
            changed = changed | (step.trips > 1)
        elif index < lives_at:
            total = total * step.trips
        else:
            total = total * np.where(changed, step.trips, 1.0)
    return total


def _fan(leaf: Leaf, start: int, stop: int, reached: Reach) -> Array:
    """Instances that share one element between two places of the nest."""
    total = ONE
    for step in leaf.steps[start:stop]:
        if step.dim and step.variable not in reached.variables:
            total = total * step.trips
    return total


def _fill(
    tensor: str,
    held: Held,
    above: Held | None,
    leaf: Leaf,
    leaves: tuple[Leaf, ...],
    lives: Held | None,
    cascade: Cascade,
    architecture: Architecture,
) -> Iterator[Transfer]:
    """What moves between `held` and the place above it."""
    if lives is not None and lives.position == held.position:
        return
    below = [one for one in leaves if any(h.position == held.position for h in one.holds)]
    written = any(one.einsum.tensor == tensor for one in below)
    read = any(a.tensor == tensor for one in below for a in one.einsum.inputs)
    outside = [one for one in leaves if one not in below]
    wanted = cascade.tensor(tensor).role is Role.OUTPUT or any(
        a.tensor == tensor for one in outside for a in one.einsum.inputs
    )
    carried = bool(cascade.iterative_variables(tensor))
    reached = reach(tensor, leaf.einsum, cascade)
    count = repeats(leaf, held.depth, reached, lives.depth if lives else 0)
    once = coverage(reached, leaf.steps[: held.depth], held.extents, leaf.full)
    kept = 1.0 - held.hold.spilled
    upper = above.hold.memory if above else architecture.root.name
    fan = _fan(leaf, above.depth if above else 0, held.depth, reached)
    base = Transfer(leaf.einsum.name, leaf.group, tensor, upper, held.hold.memory,
                    Direction.DOWN, ONE, ONE)
    down = ONE * 0.0
    if read and (not written or carried):
        down = once * count
    elif written:
        down = once * _partial_sums(leaf, held.depth, reached, count, leaves, tensor)
    if read or written:
        yield from _spill(replace(base, elements=down * kept, deliveries=down * kept * fan), above,
                          architecture)
    if written and (wanted or carried or bool(np.any(count > 1))):
        up = once * count * kept
        yield from _spill(replace(base, direction=Direction.UP, elements=up, deliveries=up * fan),
                          above, architecture)


def _partial_sums(
    leaf: Leaf, depth: int, reached: Reach, count: Array, leaves: tuple[Leaf, ...], tensor: str
) -> Array:
    """How often partial sums come back: every time but the first."""
    producers = [one for one in leaves if one.einsum.tensor == tensor]
    reduced = {name for one in producers for name in one.einsum.reduced_variables}
    first = ONE
    for step in leaf.steps[:depth]:
        if not step.dim and step.variable not in reached.variables | reduced:
            first = first * step.trips
    return np.maximum(count - np.minimum(first, count), 0.0)


def _leaf_transfers(
    tensor: str,
    leaf: Leaf,
    chain: tuple[Held, ...],
    lives: Held | None,
    cascade: Cascade,
    architecture: Architecture,
) -> Iterator[Transfer]:
    """What the unit itself reads and writes, at the innermost place that has the tensor."""
    held = chain[-1] if chain else None
    memory = held.hold.memory if held else architecture.root.name
    private = architecture.memory(memory).per_unit == leaf.unit
    start = held.depth if held else 0
    for access in (*leaf.einsum.inputs, leaf.einsum.output):
        if access.tensor != tensor:
            continue
        is_output = access is leaf.einsum.output
        reached = reach(tensor, leaf.einsum, cascade, access)
        count = repeats(leaf, len(leaf.steps), reached, lives.depth if lives else 0)
        once = coverage(reached, leaf.steps, {}, leaf.full)
        results = once * count
        fan = _fan(leaf, start, len(leaf.steps), reached)
        base = Transfer(leaf.einsum.name, leaf.group, tensor, memory, leaf.unit, Direction.DOWN,
                        results, results * fan)
        if private:
            base = replace(base, elements=leaf.points, deliveries=leaf.points)
        if not is_output:
            yield from _spill(base, held, architecture)
            continue
        yield from _spill(replace(base, direction=Direction.UP), held, architecture)
        again = (
            np.maximum(leaf.points - results, 0.0)
            if private
            else once * _partial_sums(leaf, len(leaf.steps), reached, count, (leaf,), tensor)
        )
        if leaf.einsum.reductions and bool(np.any(again > 0)):
            yield from _spill(replace(base, elements=again, deliveries=again * (1.0 if private else fan)),
                              held, architecture)


def _spill(
    transfer: Transfer, held: Held | None, architecture: Architecture
) -> Iterator[Transfer]:
    """Split a transfer at `held` into the part that it has and the part that was spilled."""
    spilled = held.hold.spilled if held else 0.0
    if spilled < 1.0:
        kept = 1.0 - spilled
        yield replace(
            transfer, elements=transfer.elements * kept, deliveries=transfer.deliveries * kept
        )
    if spilled > 0.0:
        yield replace(
            transfer,
            upper=architecture.root.name,
            elements=transfer.elements * spilled,
            deliveries=transfer.deliveries * spilled,
        )


def occupancies(leaves: tuple[Leaf, ...], cascade: Cascade) -> tuple[Occupancy, ...]:
    """What every hold takes, once per hold and tensor that its Einsums use."""
    found: dict[tuple[tuple[int, ...], str], Occupancy] = {}
    for leaf in leaves:
        for held in leaf.holds:
            for tensor in set(held.hold.tensors) & set(_tensors(leaf)):
                reached = reach(tensor, leaf.einsum, cascade)
                spread = ONE
                for step in leaf.steps[: held.depth]:
                    spread = spread * (step.trips if step.dim else 1.0)
                size = tile_elements(reached, held.extents) * held.hold.copies * spread
                found.setdefault(
                    (held.position, tensor),
                    Occupancy(leaf.group, held.hold.memory, tensor, held.position,
                              size * (1.0 - held.hold.spilled)),
                )
    return tuple(found.values())
