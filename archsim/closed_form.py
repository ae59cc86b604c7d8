"""The closed form of a mapping: traffic, occupancy, work and latency from its loop nests.

With free tile sizes given as arrays, every amount is an array over the candidates: one call
analyses them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from archsim.activity import Activity
from archsim.amounts import NOTHING, Array, amount
from archsim.architecture import Architecture
from archsim.cache import through_caches
from archsim.dealing import slowed
from archsim.kept import kept
from archsim.latency import compute_time, group_time, memory_times
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping import Policy
from archsim.nest import Leaf, walk
from archsim.occupancy import occupied_bytes
from archsim.ports import Port, port_rates, ports
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
        return sum(times, start=amount(self.launch_s))


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
    turns = tuple(_turns(mapping, leaves))
    turn_of = {leaves[i].einsum.name: turn for turn, (_, own) in enumerate(turns) for i in own}
    crossed = _crossings(moved, cascade, architecture)
    in_turn: list[list[_Crossings]] = [[] for _ in turns]
    for one, passed in zip(moved, crossed, strict=True):
        in_turn[turn_of[one.einsum]].append(passed)
    compute_s, memory_s = [], []
    for (group, members), its in zip(turns, in_turn, strict=True):
        compute_s.append(
            compute_time(
                mapping.groups[group],
                tuple(works[member] for member in members),
                architecture.clock_hz,
                pipelined.get(group),
                architecture.overlap,
            )
        )
        here = tuple(leaves[member] for member in members)
        memory_s.append(slowed(memory_times(_sums(its), bandwidths), here, architecture))
    return ClosedForm(
        leaves,
        works,
        moved,
        occupied_bytes(leaves, reaches, architecture, serial_groups(mapping)),
        _sums(crossed),
        tuple(compute_s),
        tuple(memory_s),
        architecture.launch_s * len(mapping.groups),
    )


def serial_groups(mapping: LoopMapping) -> frozenset[int]:
    """The numbers of the groups whose Einsums run one after another."""
    return frozenset(i for i, g in enumerate(mapping.groups) if g.policy is Policy.SERIAL)


def _turns(mapping: LoopMapping, leaves: tuple[Leaf, ...]) -> Iterator[tuple[int, list[int]]]:
    """What runs one after another: the group, and the numbers of the leaves of each turn."""
    members: dict[int, list[int]] = {number: [] for number in range(len(mapping.groups))}
    for index, leaf in enumerate(leaves):
        members[leaf.group].append(index)
    for number, group in enumerate(mapping.groups):
        if group.policy is Policy.SERIAL:
            yield from ((number, [member]) for member in members[number])
        else:
            yield number, members[number]


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
    moved: Iterable[Transfer], cascade: Cascade, architecture: Architecture
) -> dict[str, Array]:
    """Bytes read from and written to every memory, both ends of each transfer.

    Where a memory has a port for each, also by port: `buffer.read`, `buffer.write`.
    """
    return _sums(_crossings(moved, cascade, architecture))


_Crossings: TypeAlias = list[tuple[str, Array]]
"""Bytes by memory, and by port."""


def _crossings(
    moved: Iterable[Transfer], cascade: Cascade, architecture: Architecture
) -> list[_Crossings]:
    """What crosses where, by transfer."""
    apart = _apart(architecture)
    crossed = []
    for one in moved:
        width = cascade.value_bits[one.tensor] / 8
        found = [(one.upper, one.elements * width)]
        if not architecture.is_unit(one.lower):
            found.append((one.lower, one.deliveries * width))
        found += [(port.name, port.values(one) * width) for port in apart]
        crossed.append(found)
    return crossed


@kept
def _apart(architecture: Architecture) -> tuple[Port, ...]:
    """The ports that are not all of a memory's."""
    return tuple(port for port in ports(architecture) if port.name != port.memory)


def _sums(crossed: Iterable[_Crossings]) -> dict[str, Array]:
    total: dict[str, Array] = {}
    for one in crossed:
        for port, passed in one:
            total[port] = total.get(port, NOTHING) + passed
    return total
