"""The mapping of a cascade that has none: every Einsum by itself, as well as it can be tiled.

The rule. Each Einsum is a group of its own, between which tensors go through the root memory; only
those that need each other's values step by step (a recurrence) share the loop over the steps.
It runs on the unit that is fastest for it. The array's dimensions are filled greedily, longest
rank first; ranks that all of its tensors have are stepped through outermost; the three longest of
the others get a free tile size and every loop order, the rest stay whole, with all its tensors
held in the largest memory on chip. Of all these tilings the best by closed form is taken. No
fusion, no search across Einsums.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations, product

from archsim.architecture import Architecture, ComputeUnit, Memory
from archsim.closed_form import closed_form
from archsim.free_tiles import choose_tiles, overflow
from archsim.mapping import Branches, Compute, For, Group, Hold, Nest, Node, Policy, Spread
from archsim.mapping import Mapping as LoopMapping
from archsim.work import needed, no_unit, operation_on, supports
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError
from einsum.expression import variables
from einsum.graph import order, recurrences
from einsum.shapes import Shapes

_FREE_RANKS = 3  # more would multiply the tilings beyond what a default should cost


def default_mapping(cascade: Cascade, shapes: Shapes, architecture: Architecture) -> LoopMapping:
    """The best tiling of every Einsum by itself, by the rule above.

    Raises `SpecError` if no unit can compute an Einsum.
    """
    members = {name: names for names in recurrences(cascade) for name in names}
    groups: dict[tuple[str, ...], Group] = {}
    for einsum in order(cascade):
        together = members.get(einsum.name, (einsum.name,))
        steps = tuple(e for e in order(cascade) if e.name in together)
        if einsum.is_initial or together in groups:
            continue
        if len(steps) > 1:
            groups[together] = _recurrence(steps, cascade, shapes, architecture)
        else:
            groups[together] = _best_group(einsum, cascade, shapes, architecture)
    return LoopMapping("default", tuple(groups.values()))


def fastest_unit(einsum: Einsum, architecture: Architecture) -> ComputeUnit:
    """The unit with most points per cycle for `einsum`; `SpecError` if none can compute it."""
    able = [unit for unit in architecture.units if supports(unit, einsum)]
    if not able:
        raise no_unit(einsum, architecture)

    def rate(unit: ComputeUnit) -> float:
        cycles = sum(
            operation_on(unit, name, einsum).cycles * count
            for name, count in needed(einsum, unit).items()
        )
        return architecture.pes(unit.name) / max(cycles, 1e-9)

    return max(able, key=rate)


def _best_group(
    einsum: Einsum, cascade: Cascade, shapes: Shapes, architecture: Architecture
) -> Group:
    unit = fastest_unit(einsum, architecture)
    # The steps of a running tensor follow one another; all else may be spread.
    steps = cascade.iterative_variables(einsum.tensor)
    extents = {v: shapes.extent(v) for v in einsum.variables if v not in steps}
    spreads, chunk = _fill_array(extents, unit, architecture)
    tensors = (*einsum.inputs, einsum.output)
    shared = [v for v in einsum.variables if all(v in variables(t) for t in tensors)]
    rest = sorted((v for v in einsum.variables if v not in shared), key=shapes.extent, reverse=True)
    free = rest[:_FREE_RANKS]
    outer: list[Node] = [For(v, chunk.get(v, 1)) for v in shared]
    buffer = _largest_buffer(architecture, unit)
    names = dict.fromkeys(t.tensor for t in tensors if buffer and buffer.holds(t.tensor))
    for kept in range(len(names), -1, -1):  # as many tensors as fit
        found: list[tuple[tuple[float, float], int, Group]] = []
        for held, nested in product(combinations(names, kept), permutations(free)):
            loops: list[Node] = [For(v, f"{v} tile") for v in nested]
            holds: list[Node] = [Hold(held, buffer.name)] if buffer and held else []
            inner: list[Node] = [For(v, chunk.get(v, 1)) for v in nested]
            nest = (*outer, *loops, *holds, *inner, *spreads, Compute(einsum.name, unit.name))
            group = Group(nest, Policy.SERIAL)
            cost = _tiled(cascade, shapes, architecture, group)
            if cost is not None:
                found.append((cost[0], len(found), cost[1]))
        if found:
            return min(found)[2]
    raise AssertionError("a nest that holds nothing fits")


def _recurrence(
    steps: tuple[Einsum, ...], cascade: Cascade, shapes: Shapes, architecture: Architecture
) -> Group:
    """Einsums that need each other's values of the step before: one loop over the steps."""
    carried = {v for e in steps for v in cascade.iterative_variables(e.tensor)}
    common = [v for v in steps[0].variables if all(v in e.output_variables for e in steps)]
    branches: list[Nest] = []
    chunks = dict.fromkeys(common, 1)
    for einsum in steps:
        unit = fastest_unit(einsum, architecture)
        extents = {v: shapes.extent(v) for v in einsum.variables if v not in carried}
        spreads, chunk = _fill_array(extents, unit, architecture)
        branches.append((*spreads, Compute(einsum.name, unit.name)))
        chunks |= {v: max(chunks[v], chunk.get(v, 1)) for v in common}
    outer: Nest = tuple(For(v, chunks[v]) for v in common if v not in carried)
    inner: Nest = (*(For(v) for v in common if v in carried), Branches(tuple(branches)))
    buffer = _largest_buffer(architecture, fastest_unit(steps[0], architecture))
    running = (e.tensor for e in steps if cascade.iterative_variables(e.tensor))
    held = tuple(name for name in running if buffer and buffer.holds(name))
    if buffer and held:
        group = Group((*outer, Hold(held, buffer.name), *inner), Policy.SERIAL)
        if _tiled(cascade, shapes, architecture, group):
            return group
    return Group((*outer, *inner), Policy.SERIAL)


def _tiled(
    cascade: Cascade, shapes: Shapes, architecture: Architecture, group: Group
) -> tuple[tuple[float, float], Group] | None:
    """Latency and root traffic of `group` with its best tiles; None if it fits with none."""
    try:
        mapping = choose_tiles(cascade, shapes, architecture, LoopMapping("default", (group,)))
    except SpecError:
        return None
    form = closed_form(cascade, shapes, architecture, mapping)
    if any(float(missing) > 0 for missing in overflow(form, architecture).values()):
        return None
    root = float(form.moved_bytes[architecture.root.name])
    return (float(form.latency_s), root), mapping.groups[0]


def _fill_array(
    extents: Mapping[str, int], unit: ComputeUnit, architecture: Architecture
) -> tuple[tuple[Spread, ...], dict[str, int]]:
    """Spatial loops that use as much of the array as variables of these extents can."""
    left = dict(extents)
    chunk: dict[str, int] = {}
    spreads = []
    for dim in architecture.dims_above(unit.name):
        free = architecture.dim_size(dim)
        while free > 1 and left:
            # A rank of its own for each dimension: operands are then shared along the other.
            variable = max(left, key=lambda v: (min(left[v], free), v not in chunk, left[v], v))
            count = min(left[variable], free)
            if count <= 1:
                break
            spreads.append(Spread(variable, dim, count))
            chunk[variable] = chunk.get(variable, 1) * count
            left[variable] = -(-left[variable] // count)
            free //= count
    return tuple(spreads), chunk


def _largest_buffer(architecture: Architecture, unit: ComputeUnit) -> Memory | None:
    bounded = [
        memory
        for memory in architecture.path(unit.name)
        if memory.size_bytes is not None and memory.per_unit is None and not memory.cache
    ]
    return max(
        bounded, key=lambda m: (m.size_bytes or 0) * architecture.instances(m.name), default=None
    )
