"""The closed form of a mapping: traffic, occupancy, work and latency from its loop nests.

With free tile sizes given as arrays, every amount is an array over the candidates: one call
analyses them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from archsim.activity import Activity
from archsim.architecture import Architecture
from archsim.latency import compute_time, group_time, memory_times
from archsim.mapping import Mapping as LoopMapping
from archsim.nest import Array, Leaf, walk
from archsim.occupancy import occupied_bytes
from archsim.traffic import Transfer, transfers
from archsim.work import Work, work
from einsum.cascade import Cascade
from einsum.errors import SpecError, choices
from einsum.shapes import Shapes


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """A mapping's amounts; arrays over the candidates, or 0-d for a mapping without free tiles.

    `occupied_bytes` and `moved_bytes` are by memory; the memories' times by group and memory.
    """

    leaves: tuple[Leaf, ...]
    works: tuple[Work, ...]
    transfers: tuple[Transfer, ...]
    occupied_bytes: Mapping[str, Array]
    moved_bytes: Mapping[str, Array]
    compute_s: tuple[Array, ...]
    memory_s: tuple[Mapping[str, Array], ...]

    @property
    def latency_s(self) -> Array:
        """Groups run one after another."""
        times = (group_time(c, m) for c, m in zip(self.compute_s, self.memory_s, strict=True))
        return sum(times, start=np.asarray(0.0))


def closed_form(
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    mapping: LoopMapping,
    tiles: Mapping[str, Array] | None = None,
) -> ClosedForm:
    """Analyse `mapping`, for the free tile sizes in `tiles` if it has any.

    A mapping of some of the Einsums is analysed as it is; what is missing is not counted.
    Raises `SpecError` if the mapping names what is not there.
    """
    leaves = tuple(
        leaf
        for number, group in enumerate(mapping.groups)
        for leaf in walk(group.nest, cascade, architecture, shapes.sizes, tiles or {}, number)
    )
    activity = Activity.of(cascade, shapes)
    works = tuple(
        work(leaf, architecture, activity.executed(leaf), activity.useful(leaf)) for leaf in leaves
    )
    moved = transfers(leaves, cascade, architecture, activity)
    bandwidths = {
        memory.name: memory.bandwidth_bytes_per_s * architecture.instances(memory.name)
        for memory in architecture.memories
        if memory.bandwidth_bytes_per_s is not None
    }
    compute_s, memory_s = [], []
    for number, group in enumerate(mapping.groups):
        own = tuple(one for one in works if one.group == number)
        compute_s.append(compute_time(group, own, architecture.clock_hz))
        group_bytes = moved_bytes(
            tuple(t for t in moved if t.group == number), cascade, architecture
        )
        memory_s.append(memory_times(group_bytes, bandwidths))
    return ClosedForm(
        leaves,
        works,
        moved,
        occupied_bytes(leaves, cascade),
        moved_bytes(moved, cascade, architecture),
        tuple(compute_s),
        tuple(memory_s),
    )


def check_complete(cascade: Cascade, mapping: LoopMapping) -> None:
    """`SpecError` unless the mapping has exactly one place for every Einsum of the cascade."""
    placed = [compute.einsum for compute in mapping.computes]
    wanted = [einsum.name for einsum in cascade.steps]
    for name in placed:
        if name not in wanted:
            raise SpecError(
                f"mapping {mapping.name} computes {name}, which {cascade.name} does not have",
                rule=choices(name, wanted),
            )
        if placed.count(name) > 1:
            raise SpecError(f"mapping {mapping.name} computes {name} twice")
    missing = [name for name in wanted if name not in placed]
    if missing:
        raise SpecError(
            f"mapping {mapping.name} does not compute {', '.join(missing)}",
            rule=f"every Einsum of {cascade.name} has one place in the mapping",
        )


def moved_bytes(
    moved: tuple[Transfer, ...], cascade: Cascade, architecture: Architecture
) -> dict[str, Array]:
    """Bytes read from and written to every memory, both ends of each transfer."""
    memories = {memory.name for memory in architecture.memories}
    total: dict[str, Array] = {}
    for transfer in moved:
        width = cascade.tensor(transfer.tensor).format.bits_per_value / 8
        ends = ((transfer.upper, transfer.elements), (transfer.lower, transfer.deliveries))
        for memory, values in ends:
            if memory in memories:
                total[memory] = total.get(memory, np.asarray(0.0)) + values * width
    return total
