"""The mapping of a cascade that has none: every Einsum by itself, as well as it can be tiled.

The rule. Each Einsum is a group of its own, between which tensors go through the root memory.
It runs on the unit that is fastest for it. The array's dimensions are filled greedily, longest
rank first; ranks that all of its tensors have are stepped through outermost; the three longest of
the others get a free tile size and every loop order, the rest stay whole, with all its tensors
held in the largest memory on chip. Of all these tilings the best by closed form is taken. No
fusion, no search across Einsums.
"""

from __future__ import annotations

from itertools import permutations

from archsim.architecture import Architecture, ComputeUnit, Memory
from archsim.closed_form import closed_form
from archsim.free_tiles import choose_tiles
from archsim.mapping import Compute, For, Group, Hold, Node, Policy, Spread
from archsim.mapping import Mapping as LoopMapping
from archsim.work import needed, no_unit, operation_on, supports
from einsum.cascade import Cascade, Einsum
from einsum.expression import variables
from einsum.shapes import Shapes

_FREE_RANKS = 3  # more would multiply the tilings beyond what a default should cost


def default_mapping(cascade: Cascade, shapes: Shapes, architecture: Architecture) -> LoopMapping:
    """The best tiling of every Einsum by itself, by the rule above.

    Raises `SpecError` if no unit can compute an Einsum.
    """
    groups = tuple(_best_group(e, cascade, shapes, architecture) for e in cascade.steps)
    return LoopMapping("default", groups)


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
    spreads, chunk = _fill_array(einsum, unit, shapes, architecture)
    tensors = (*einsum.inputs, einsum.output)
    shared = [v for v in einsum.variables if all(v in variables(t) for t in tensors)]
    rest = sorted((v for v in einsum.variables if v not in shared), key=shapes.extent, reverse=True)
    free = rest[:_FREE_RANKS]
    outer: list[Node] = [For(v, chunk.get(v, 1)) for v in shared]
    buffer = _largest_buffer(architecture, unit)
    held = tuple(dict.fromkeys(t.tensor for t in tensors if buffer and buffer.holds(t.tensor)))
    candidates: list[tuple[tuple[float, float], int, Group]] = []
    for order in permutations(free):
        loops: list[Node] = [For(v, f"{v} tile") for v in order]
        holds: list[Node] = [Hold(held, buffer.name)] if buffer and held else []
        inner: list[Node] = [For(v, chunk.get(v, 1)) for v in order]
        nest = (*outer, *loops, *holds, *inner, *spreads, Compute(einsum.name, unit.name))
        group = Group(nest, Policy.SERIAL)
        mapping = choose_tiles(cascade, shapes, architecture, LoopMapping("default", (group,)))
        form = closed_form(cascade, shapes, architecture, mapping)
        root = float(form.moved_bytes[architecture.root.name])
        candidates.append(((float(form.latency_s), root), len(candidates), mapping.groups[0]))
    return min(candidates)[2]


def _fill_array(
    einsum: Einsum, unit: ComputeUnit, shapes: Shapes, architecture: Architecture
) -> tuple[tuple[Spread, ...], dict[str, int]]:
    """Spatial loops that use as much of the array as the Einsum's ranks can."""
    left = {v: shapes.extent(v) for v in einsum.variables}
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
        if memory.size_bytes is not None and memory.per_unit is None
    ]
    return max(
        bounded, key=lambda m: (m.size_bytes or 0) * architecture.instances(m.name), default=None
    )
