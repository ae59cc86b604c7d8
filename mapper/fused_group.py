"""The best mapping of one fused group, and what no mapping of it can be below."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from archsim.activity import Activity
from archsim.architecture import Architecture
from archsim.bounds import compute_bound
from archsim.components import Library
from archsim.energy import Accounting, Pricing
from archsim.free_tiles import free_tiles, with_tiles
from archsim.latency import compute_time
from archsim.mapping import Group, Hold, Policy
from archsim.mapping import Mapping as LoopMapping
from archsim.nest import walk
from archsim.tiles import Reaches
from archsim.work import work
from einsum.cascade import Cascade, Einsum, Role
from einsum.errors import SpecError
from einsum.shapes import Shapes
from mapper.objective import Cost, Objective
from mapper.options import Holding
from mapper.selection import Choice, Selector, Tally
from mapper.space import structures
from mapper.structure import Structure


@dataclass(frozen=True, slots=True)
class FusedGroup:
    """A group with all tile sizes and holds, and its cost."""

    group: Group
    cost: Cost


def best_group(
    segment: tuple[Einsum, ...],
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    library: Library,
    objective: Objective,
    tally: Tally,
) -> FusedGroup:
    """The best group that computes `segment`.

    Raises `SpecError` if none fits, naming the memory and what the smallest needs.
    """
    tally.groups += 1
    best: FusedGroup | None = None
    for structure in structures(segment, cascade, shapes, architecture):
        found = _best_of(structure, cascade, shapes, architecture, library, objective, best, tally)
        best = found or best
    if best is None:
        names = ", ".join(einsum.name for einsum in segment)
        raise SpecError(f"no tiles of {names} fit the memories of {architecture.name}")
    return best


def _best_of(
    structure: Structure,
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    library: Library,
    objective: Objective,
    before: FusedGroup | None,
    tally: Tally,
) -> FusedGroup | None:
    """The best of a structure, if it is better than `before`."""
    open_group = Group(structure.nest(), Policy.OVERLAPPED)
    free = free_tiles(LoopMapping("open", (open_group,)), cascade, shapes.sizes)
    rows = list(product(*(tile.candidates for tile in free)))
    grid = np.asarray(rows, dtype=np.float64).reshape(len(rows), len(free))
    tiles = {tile.name: grid[:, column] for column, tile in enumerate(free)}
    leaves = walk(open_group.nest, cascade, architecture, shapes.sizes, tiles)
    activity = Activity.of(cascade, shapes)
    works = tuple(
        work(leaf, architecture, activity.executed(leaf), activity.useful(leaf)) for leaf in leaves
    )
    pricing = Pricing(cascade, architecture, library, Accounting.COMPLETE)
    operations = pricing.terms((), works)
    holding = Holding(
        structure,
        leaves,
        tiles,
        shapes,
        architecture,
        pricing,
        activity,
        Reaches.of(leaves, shapes),
    )
    tensors = dict.fromkeys(t for leaf in leaves for t in leaf.tensors)
    selector = Selector(
        objective,
        len(grid),
        compute_time(open_group, works, architecture.clock_hz),
        sum((term.energy_pj for term in operations), start=np.asarray(0.0)),
        {
            memory.name: memory.bandwidth_bytes_per_s * architecture.instances(memory.name)
            for memory in architecture.memories
            if memory.bandwidth_bytes_per_s is not None
        },
        {
            memory.name: memory.size_bytes
            for memory in architecture.memories
            if memory.size_bytes is not None
        },
        architecture.root.name,
    )
    beat = objective.key(before.cost) if before else None
    options = tuple(holding.options(tensor) for tensor in tensors)
    choice = selector.best(options, beat, tally)
    if choice is None:
        return None
    sizes = {tile.name: int(grid[choice.candidate, i]) for i, tile in enumerate(free)}
    return FusedGroup(_group(structure, choice, sizes), choice.cost)


def _group(structure: Structure, choice: Choice, sizes: dict[str, int]) -> Group:
    """The group of a choice, with the tensors of one memory and depth in one hold."""
    together: dict[tuple[int, str], list[str]] = {}
    for hold, depth in choice.holds:
        together.setdefault((depth, hold.memory), []).extend(hold.tensors)
    holds = tuple(
        (Hold(tuple(sorted(tensors)), memory), depth)
        for (depth, memory), tensors in together.items()
    )
    group = Group(structure.nest(holds), Policy.OVERLAPPED)
    return with_tiles(LoopMapping("group", (group,)), sizes).groups[0]


def group_bound(
    segment: tuple[Einsum, ...],
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    library: Library,
    activity: Activity,
) -> Cost:
    """What no group of these Einsums can be below.

    Every tensor from outside is read once, every result that is used outside written once, and
    the units share the work as well as can be; energy is that of the operations and the root.
    """
    names = {einsum.name for einsum in segment}
    traffic = reads_pj = 0.0
    root = architecture.root
    price = library.memory_cost(
        root.component, root.size_bytes, root.access_bits, architecture.node_nm
    )
    for tensor in cascade.tensors:
        users = [e for e in cascade.steps if any(a.tensor == tensor.name for a in e.inputs)]
        made_here = tensor.name in names
        read = not made_here and any(e.name in names for e in users)
        outside = tensor.role is Role.OUTPUT or any(e.name not in names for e in users)
        written = made_here and outside
        if read or written:
            bits = tensor.format.bits_per_value
            for rank in tensor.ranks:
                bits *= shapes.sizes[rank]
            if cascade.iterative_variables(tensor.name):
                bits = 0.0  # only its last value need leave
            traffic += bits / 8
            reads_pj += bits / root.access_bits * (price.read_pj if read else price.write_pj)
    points = {e.name: float(activity.useful_points(e)) for e in segment}
    seconds = compute_bound(segment, architecture, points) / architecture.clock_hz
    bandwidth = root.bandwidth_bytes_per_s
    moving = traffic / bandwidth if bandwidth else 0.0
    return Cost(max(seconds, moving), traffic, reads_pj)
