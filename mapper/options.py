"""The ways to hold one tensor in a structure, and what each of them costs.

Amounts come from the same closed form as an evaluation (`archsim.traffic`), link by link: between
a hold and the next one outside, and between the innermost hold and the unit. Traffic,
energy and occupancy of different tensors and links add up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce, wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

import numpy as np

from archsim.activity import Activity
from archsim.architecture import Architecture, Memory
from archsim.closed_form import moved_bytes
from archsim.constraints import FREE, Constraints
from archsim.energy import Pricing
from archsim.mapping import Hold
from archsim.nest import Array, Extents, Held, Leaf, shared_steps
from archsim.occupancy import tile_bytes
from archsim.place import home
from archsim.tiles import Reaches
from archsim.traffic import Flow
from archsim.transfer import Transfer
from einsum.cascade import Einsum
from einsum.shapes import Shapes
from mapper.selection import Option, Port
from mapper.signature import is_plain, seen
from mapper.structure import Structure

Depths = tuple[tuple[str, int], ...]
"""The memories that hold a tensor and the loops above it there, outermost first."""

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
        return tuple(self.option(tensor, depths) for depths in self.ways(tensor))

    def ways(self, tensor: str) -> Iterator[Depths]:
        """The memories that hold `tensor` and the depths at which they do, outermost first."""
        return (depths for depths in self._ways(tensor) if self._allowed(tensor, depths))

    def _ways(self, tensor: str) -> Iterator[Depths]:
        deepest = self.structure.shared_depth(tensor)
        depths = self._depths(tensor, deepest)
        memories = tuple(memory.name for memory in self._buffers(tensor))
        for buffers in _nested(memories, depths):
            yield buffers
            if deepest >= len(self.structure.outer):
                for memory in self._registers(tensor, bool(buffers)):
                    yield (*buffers, (memory.name, deepest))

    def _allowed(self, tensor: str, depths: Depths) -> bool:
        """Do all Einsums find `tensor` where they have to, and nowhere else?"""
        if not self.constraints.keeping:
            return True
        held = {memory for memory, _ in depths}
        if self._home(tensor, depths) is None:
            held.add(self.architecture.root.name)
        for leaf in self._users(tensor):
            outside = False
            for memory in self.architecture.path(leaf.unit):
                keeping = self.constraints.keeping.get((leaf.einsum.name, memory.name))
                there = memory.name in held
                if keeping and there and tensor not in keeping.may:
                    return False
                if keeping and not there and tensor in keeping.must:
                    return False
                if keeping and not there and tensor in keeping.backs and not outside:
                    return False
                outside |= there
        return True

    def _depths(self, tensor: str, deepest: int) -> tuple[int, ...]:
        """The depths that are worth a hold.

        Right below a loop over a rank that the tensor does not have, it would hold the same tile
        as right above the loop, and fetch it again in every turn.
        """
        users = self._users(tensor)
        ranks = {
            name
            for leaf in users
            for reached in self.reaches.used(tensor, leaf.einsum)
            for name in reached.variables
        }
        some = users[0].einsum
        loops = self.structure.loops
        return tuple(
            depth
            for depth in range(deepest + 1)
            if depth == 0
            or loops[depth - 1] in ranks
            or self.structure.depth_in(some, depth - 1) in self.structure.forks(some, depth)
        )

    @cached
    def _users(self, tensor: str) -> tuple[Leaf, ...]:
        return tuple(leaf for leaf in self.leaves if tensor in leaf.tensors)

    def _buffers(self, tensor: str) -> tuple[Memory, ...]:
        """The shared memories below the root that all users of `tensor` reach."""
        paths = [self.architecture.path(leaf.unit) for leaf in self._users(tensor)]
        return tuple(
            memory
            for memory in paths[0]
            if memory.parent is not None
            and memory.per_unit is None
            and memory.holds(tensor)
            and all(memory in path for path in paths)
        )

    def _registers(self, tensor: str, buffered: bool) -> tuple[Memory, ...]:
        """The register files of the units that use `tensor`.

        Sums that are spread over PEs meet in a memory that they share: without a buffer, the
        register files of those PEs will not do.
        """
        users = self._users(tensor)
        apart = {leaf.unit for leaf in users if not buffered and _sums_across(leaf, tensor)}
        units = {leaf.unit for leaf in users} - apart
        return tuple(
            memory
            for memory in self.architecture.memories
            if memory.per_unit in units and memory.holds(tensor)
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
        if not depths or not self._stays(tensor):
            return None
        return self._hold(tensor, self._users(tensor)[0].einsum.name, *depths[0])

    @cached
    def _stays(self, tensor: str) -> bool:
        """Would the tensor stay in a hold, because all that use it are here?"""
        leaves = self._with(tensor, ((self.architecture.root.name, 0),))
        return home(tensor, leaves, self.shapes.cascade) is not None

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
        structure, users = self.structure, self._users(tensor)
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
            for leaf in self._users(tensor)
        ]
        user = self._users(tensor)[0].einsum
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
                    or any(shared_steps(leaf, other) > loops for other in self._users(tensor))
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


def _nested(memories: tuple[str, ...], depths: tuple[int, ...]) -> Iterator[Depths]:
    """Depths for `memories`, outermost first: each is skipped, or not above the one before."""
    if not memories:
        yield ()
        return
    first, *inner = memories
    yield from _nested(tuple(inner), depths)
    for number, depth in enumerate(depths):
        for rest in _nested(tuple(inner), depths[number:]):
            yield ((first, depth), *rest)


def _together(links: tuple[Amounts, ...]) -> Amounts:
    moved: dict[Port, Array] = {}
    for link in links:
        for port, amount in link.moved.items():
            moved[port] = moved[port] + amount if port in moved else amount
    return Amounts(moved, sum((link.energy_pj for link in links), start=_NOTHING))


def _sums_across(leaf: Leaf, tensor: str) -> bool:
    """Does the Einsum add up `tensor` over several PEs?"""
    reduced = leaf.einsum.reduced_variables if leaf.einsum.tensor == tensor else ()
    return any(step.dim and step.variable in reduced for step in leaf.steps)
