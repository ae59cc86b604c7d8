"""What each way to hold a tensor in a structure costs.

Amounts come from the same closed form as an evaluation (`archsim.traffic`), link by link: between
a hold and the next one outside, and between the innermost hold and the unit. Traffic,
energy and occupancy of different tensors and links add up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce, wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

import numpy as np

from archsim.activity import Activity
from archsim.amounts import Array
from archsim.architecture import Architecture
from archsim.closed_form import moved_bytes
from archsim.constraints import FREE, Constraints
from archsim.energy import Pricing
from archsim.mapping import Hold
from archsim.nest import Extents, Held, Leaf, shared_steps
from archsim.occupancy import tile_bytes
from archsim.tiles import Reaches
from archsim.traffic import Flow
from archsim.transfer import Transfer
from einsum.cascade import Einsum
from einsum.shapes import Shapes
from mapper.selection import Option, Port
from mapper.signature import is_plain, seen
from mapper.structure import Structure
from mapper.ways import Depths, Ways

P = ParamSpec("P")
T = TypeVar("T")


def cached(method: Callable[Concatenate[Holding, P], T]) -> Callable[Concatenate[Holding, P], T]:
    """`method` with its results kept in the holding, by its arguments."""

    @wraps(method)
    def kept(self: Holding, /, *args: P.args, **named: P.kwargs) -> T:
        key = (method.__name__, args)
        if key not in self._cache:
            self._cache[key] = method(self, *args, **named)
        return cast(T, self._cache[key])

    return cast("Callable[Concatenate[Holding, P], T]", kept)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Bytes by port, and energy, of one link or of several."""

    moved: Mapping[Port, Array]
    energy_pj: Array


@dataclass(frozen=True)
class Holding:
    """A structure walked for an array of candidate tile sizes, without any holds yet.

    The Einsums of a `serial` one take turns: each has the bandwidths for itself, and a tile is
    there from its first user to its last.
    """

    structure: Structure
    leaves: tuple[Leaf, ...]
    tiles: Mapping[str, Array]
    shapes: Shapes
    architecture: Architecture
    pricing: Pricing
    activity: Activity
    reaches: Reaches
    serial: bool = False
    constraints: Constraints = FREE
    links: dict[Hashable, Amounts] = field(default_factory=dict, compare=False, repr=False)
    _cache: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)

    def options(self, tensor: str) -> tuple[Option, ...]:
        """Every way to hold `tensor`, not holding it on chip at all included."""
        return tuple(self.option(tensor, depths) for depths in self.ways.of(tensor))

    @cached_property
    def ways(self) -> Ways:
        """Where its tensors may be held."""
        return Ways(
            self.structure,
            self.leaves,
            self.shapes.cascade,
            self.architecture,
            self.reaches,
            self.constraints,
        )

    def option(self, tensor: str, depths: Depths) -> Option:
        """One way to hold `tensor`, and what follows."""
        lives = self._home(tensor, depths)
        links = [
            self._link(tensor, above, here, lives)
            for above, here in zip((None, *depths), depths, strict=False)
        ]
        total = _together((*links, self._operands(tensor, depths[-2:], lives)))
        way = tuple((Hold((tensor,), memory), depth) for memory, depth in depths)
        held = {memory: self._occupied(tensor, memory, depth) for memory, depth in depths}
        return Option(way, total.moved, total.energy_pj, held)

    def _home(self, tensor: str, depths: Depths) -> Held | None:
        """The hold that the tensor never leaves, if there is one."""
        if not depths or not self.ways.stays(tensor):
            return None
        return self._hold(tensor, self.ways.users(tensor)[0].einsum.name, *depths[0])

    def _link(
        self,
        tensor: str,
        above: tuple[str, int] | None,
        here: tuple[str, int],
        lives: Held | None,
    ) -> Amounts:
        """Between a hold and the next one outside."""
        outside = above[0] if above else None
        key = (tensor, outside, here[0], self._seen(tensor, here[1], lives))
        if key not in self.links:
            chain = (above, here) if above else (here,)
            leaves = self._with(tensor, chain)
            holds = next(leaf.hold_of(tensor) for leaf in leaves if tensor in leaf.tensors)
            flow = Flow(leaves, self.reaches, self.architecture, self.activity)
            upper = holds[0] if above else None
            self.links[key] = self._priced(flow.between(tensor, upper, holds[-1], lives))
        return self.links[key]

    def _operands(self, tensor: str, last: Depths, lives: Held | None) -> Amounts:
        """Between the innermost hold and the units; `last` are that hold and the one outside."""
        names = tuple(memory for memory, _ in last)
        held = self._seen(tensor, last[-1][1], lives) if last else None
        every = self._seen(tensor, len(self.structure.loops), lives)
        key = (tensor, names, held, every)
        if key not in self.links:
            leaves = self._with(tensor, last)
            flow = Flow(leaves, self.reaches, self.architecture, self.activity)
            self.links[key] = self._priced(
                transfer
                for leaf in leaves
                if tensor in leaf.tensors
                for transfer in flow.operands(tensor, leaf, leaf.hold_of(tensor), lives)
            )
        return self.links[key]

    def _seen(self, tensor: str, depth: int, lives: Held | None) -> Hashable:
        return self._seen_from(tensor, depth, lives is None, lives.depth if lives else 0)

    @cached
    def _seen_from(self, tensor: str, depth: int, leaves_it: bool, lives_at: int) -> Hashable:
        """Equal for places that cost `tensor` the same, also in other structures of the frame."""
        structure, users = self.structure, self.ways.users(tensor)
        einsums = [leaf.einsum for leaf in users]
        if not is_plain(tensor, einsums, self.reaches, self.activity):
            return structure.outer, structure.inner, depth, leaves_it, lives_at
        found = []
        for leaf in users:
            relevant = frozenset[str]().union(
                *(one.variables for one in self.reaches.used(tensor, leaf.einsum))
            )
            inside = depth == len(structure.loops)
            forks = leaf.forks if inside else structure.forks(leaf.einsum, depth)
            always = max((lives_at, *forks))
            found.append(seen(structure, leaf, relevant, depth, always))
        return leaves_it, tuple(found)

    def _priced(self, transfers: Iterable[Transfer]) -> Amounts:
        moved = tuple(transfers)
        spent = self.pricing.terms(moved)
        by_port: dict[Port, Array] = {}
        for turn, names in enumerate(self._turns):
            own = tuple(one for one in moved if one.einsum in names)
            total = moved_bytes(own, self.shapes.cascade, self.architecture)
            by_port.update({(turn, memory): amount for memory, amount in total.items()})
        return Amounts(by_port, sum((term.energy_pj for term in spent), start=_NOTHING))

    @cached_property
    def _turns(self) -> tuple[frozenset[str], ...]:
        names = [leaf.einsum.name for leaf in self.leaves]
        if self.serial:
            return tuple(frozenset({name}) for name in names)
        return (frozenset(names),)

    @cached
    def _occupied(self, tensor: str, memory: str, depth: int) -> Array:
        """A row for each Einsum: the bytes of the tile while it runs."""
        sizes = [
            tile_bytes(
                tensor,
                self._hold(tensor, leaf.einsum.name, memory, depth),
                leaf,
                self.reaches,
                self.architecture,
            )
            for leaf in self.ways.users(tensor)
        ]
        user = self.ways.users(tensor)[0].einsum
        return self._presence(tensor, user, depth) * reduce(np.maximum, sizes)

    def _presence(self, tensor: str, user: Einsum, depth: int) -> Array:
        """A row for each Einsum: 1 if a tile that is held at `depth` above `user` is there."""
        runs = self.structure.runs
        under = [runs[leaf.einsum.name][:depth] == runs[user.name][:depth] for leaf in self.leaves]
        if self.serial:
            users = [tensor in leaf.tensors for leaf in self.leaves]
            first, last = users.index(True), len(users) - 1 - users[::-1].index(True)
            loops = self.structure.depth_in(user, depth)
            under = [
                here
                and (
                    first <= number <= last
                    or any(shared_steps(leaf, other) > loops for other in self.ways.users(tensor))
                )
                for number, (leaf, here) in enumerate(zip(self.leaves, under, strict=True))
            ]
        return np.asarray([[float(here)] for here in under])

    def _with(self, tensor: str, depths: Depths) -> tuple[Leaf, ...]:
        """The leaves with these holds of `tensor`."""
        return tuple(
            replace(
                leaf, holds=tuple(self._hold(tensor, leaf.einsum.name, *place) for place in depths)
            )
            if tensor in leaf.tensors
            else leaf
            for leaf in self.leaves
        )

    @cached
    def _hold(self, tensor: str, einsum: str, memory: str, depth: int) -> Held:
        leaf = next(leaf for leaf in self.leaves if leaf.einsum.name == einsum)
        names = [one.name for one in self.architecture.memories]
        return Held(
            Hold((tensor,), memory),
            (leaf.group, depth, names.index(memory)),
            self.structure.depth_in(leaf.einsum, depth),
            self._extents(leaf.einsum, depth),
            self.structure.forks(leaf.einsum, depth),
        )

    def _extents(self, einsum: Einsum, depth: int) -> Extents:
        """What is left of every rank below `depth` loops above `einsum`."""
        structure = self.structure
        found = {
            variable: np.asarray(float(self.shapes.sizes[rank]))
            for variable, rank in self.shapes.cascade.rank_of_variable.items()
        }
        found.update((rank, np.asarray(1.0)) for rank in structure.batch)
        for number, rank in enumerate(structure.loops[:depth]):
            if rank in structure.ranks[einsum.name]:
                inner = number >= len(structure.outer)
                tile = (
                    np.asarray(float(structure.step[rank]))
                    if inner
                    else self.tiles[structure.tile_names()[rank]]
                )
                found[rank] = np.minimum(tile, found[rank])
        return found


_NOTHING: Array = np.asarray(0.0)


def _together(links: tuple[Amounts, ...]) -> Amounts:
    moved: dict[Port, Array] = {}
    for link in links:
        for port, amount in link.moved.items():
            moved[port] = moved[port] + amount if port in moved else amount
    return Amounts(moved, sum((link.energy_pj for link in links), start=_NOTHING))
