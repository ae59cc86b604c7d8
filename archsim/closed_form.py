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
from archsim.cache import through_caches
from archsim.dealing import slowed
from archsim.latency import compute_time, group_time, memory_times
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping import Policy
from archsim.nest import Array, Leaf, walk
from archsim.occupancy import occupied_bytes
from archsim.ports import port_rates, ports
from archsim.schedule import schedule
from archsim.tiles import Reaches
from archsim.traffic import transfers
from archsim.transfer import Transfer
from archsim.work import Work, work
from einsum.cascade import Cascade
from einsum.errors import SpecError, choices
from einsum.shapes import Shapes


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """A mapping's amounts; arrays over the candidates, or 0-d for a mapping without free tiles.

    `occupied_bytes` is of the fullest instance of each memory, `moved_bytes` of all instances;
    the times are by what runs one after another: a group, or an Einsum of a serial one.
    """

    leaves: tuple[Leaf, ...]
    works: tuple[Work, ...]
    transfers: tuple[Transfer, ...]
    occupied_bytes: Mapping[str, Array]
    moved_bytes: Mapping[str, Array]
    compute_s: tuple[Array, ...]
    memory_s: tuple[Mapping[str, Array], ...]
    launch_s: float = 0.0

    @property
    def latency_s(self) -> Array:
        """All that runs one after another, and the launches of the groups."""
        times = (group_time(c, m) for c, m in zip(self.compute_s, self.memory_s, strict=True))
        return sum(times, start=np.asarray(self.launch_s))


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
    reaches = Reaches.of(leaves, shapes)
    works = tuple(
        work(leaf, architecture, activity.executed(leaf), activity.useful(leaf)) for leaf in leaves
    )
    moved = transfers(leaves, reaches, architecture, activity)
    moved = through_caches(moved, leaves, reaches, architecture)
    bandwidths = port_rates(architecture)
    pipelined = {} if tiles else _pipelined_cycles(cascade, shapes, architecture, mapping)
    compute_s, memory_s = [], []
    for number, group in enumerate(mapping.groups):
        members = [one.einsum for one in works if one.group == number]
        serial = group.policy is Policy.SERIAL
        for together in [[name] for name in members] if serial else [members]:
            own = tuple(one for one in works if one.einsum in together)
            compute_s.append(
                compute_time(
                    group,
                    own,
                    architecture.clock_hz,
                    pipelined.get(number),
                    architecture.overlap,
                )
            )
            its = tuple(one for one in moved if one.einsum in together)
            its_s = memory_times(moved_bytes(its, cascade, architecture), bandwidths)
            here = tuple(leaf for leaf in leaves if leaf.einsum.name in together)
            memory_s.append(slowed(its_s, here, architecture))
    return ClosedForm(
        leaves,
        works,
        moved,
        occupied_bytes(leaves, reaches, architecture, serial_groups(mapping)),
        moved_bytes(moved, cascade, architecture),
        tuple(compute_s),
        tuple(memory_s),
        architecture.launch_s * len(mapping.groups),
    )


def serial_groups(mapping: LoopMapping) -> frozenset[int]:
    """The numbers of the groups whose Einsums run one after another."""
    return frozenset(i for i, g in enumerate(mapping.groups) if g.policy is Policy.SERIAL)


def _pipelined_cycles(
    cascade: Cascade, shapes: Shapes, architecture: Architecture, mapping: LoopMapping
) -> dict[int, int]:
    """The cycles of each group that is pipelined."""
    wanted = [n for n, group in enumerate(mapping.groups) if group.policy is Policy.PIPELINED]
    if not wanted:
        return {}
    found = schedule(cascade, shapes, architecture, mapping)
    return {number: found.group_cycles(number) for number in wanted}


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
    """Bytes read from and written to every memory, both ends of each transfer.

    Where a memory has a port for each, also by port: `buffer.read`, `buffer.write`.
    """
    memories = {memory.name for memory in architecture.memories}
    apart = [port for port in ports(architecture) if port.name not in memories]
    total: dict[str, Array] = {}
    for transfer in moved:
        width = cascade.tensor(transfer.tensor).format.bits_per_value / 8
        ends = ((transfer.upper, transfer.elements), (transfer.lower, transfer.deliveries))
        for memory, values in ends:
            if memory in memories:
                total[memory] = total.get(memory, np.asarray(0.0)) + values * width
        for port in apart:
            passed = port.values(transfer) * width
            total[port.name] = total.get(port.name, np.asarray(0.0)) + passed
    return total
