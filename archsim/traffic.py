"""Traffic of a mapping, in closed form.

For a tensor T and a place in the nest, T's elements pass that place once for every full
coverage of T: each loop above it whose variable T does not have repeats the coverage, unless
every loop between it and the place leaves T's tile as it is (the tile is then still there).
This is the reuse rule of Timeloop (Parashar et al., ISPASS 2019, section VI), extended to loop
trees: a tensor that is written and read under one hold lives there and never goes further up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

from archsim.activity import Activity
from archsim.amounts import NOTHING, ONE, Array, amount, maximum, minimum, where
from archsim.architecture import Architecture
from archsim.nest import Extents, Held, Leaf
from archsim.place import Place, home
from archsim.tiles import Reach, Reaches, coverage, tile_elements, whole_elements
from archsim.transfer import Direction, Transfer, Way, copies, is_private
from einsum.cascade import Cascade, Role
from einsum.expression import variables


def transfers(
    leaves: tuple[Leaf, ...],
    reaches: Reaches,
    architecture: Architecture,
    activity: Activity,
    tensors: Collection[str] | None = None,
) -> tuple[Transfer, ...]:
    """All movements of data that the mapping behind `leaves` causes; of `tensors`, if given."""
    return tuple(Flow(leaves, reaches, architecture, activity).all(tensors))


@dataclass(frozen=True)
class Flow:
    """Movements of data, link by link: the search adds up links, an evaluation takes all."""

    leaves: tuple[Leaf, ...]
    reaches: Reaches
    architecture: Architecture
    activity: Activity

    @property
    def cascade(self) -> Cascade:
        return self.reaches.shapes.cascade

    def all(self, wanted: Collection[str] | None) -> Iterator[Transfer]:
        names = [t.name for t in self.cascade.tensors if wanted is None or t.name in wanted]
        homes = {name: home(name, self.leaves, self.cascade) for name in names}
        done: set[tuple[tuple[int, ...], str]] = set()
        for leaf in self.leaves:
            for tensor in (name for name in leaf.tensors if name in homes):
                chain, lives = leaf.hold_of(tensor), homes[tensor]
                for above, held in zip((None, *chain), chain, strict=False):
                    if (held.position, tensor) not in done:
                        done.add((held.position, tensor))
                        yield from self.between(tensor, above, held, lives)
                yield from self.operands(tensor, leaf, chain, lives)

    def between(
        self, tensor: str, above: Held | None, held: Held, lives: Held | None
    ) -> Iterator[Transfer]:
        """Between a hold and `above`, the next one outside (None: the root memory).

        What `lives` in the hold does not leave it.
        """
        if lives is None or lives.position != held.position:
            yield from self._fill(tensor, held, above, lives)
            yield from self._drain(tensor, held, above, lives)

    # Between a hold and the place above it.

    def _fill(
        self, tensor: str, held: Held, above: Held | None, lives: Held | None
    ) -> Iterator[Transfer]:
        """Tiles that are read under a hold and were not made there."""
        below = self._below(held)
        readers = [leaf for leaf in below if leaf.reads(tensor)]
        started, made = frozenset[str](), _writer(tensor, below) is not None
        if made:
            # Only the value of an earlier step can then come from above. The first of them is
            # the initial value, a constant.
            started = self.reaches.running[tensor]
            readers = readers if started else [x for x in readers if self._looks_back(x, held)]
        amounts = []
        for leaf in readers:
            found = self.reaches.read(tensor, leaf.einsum)
            counts = []
            for reached in found:
                once, place = self._passing(leaf, held, reached, lives, renewed=not made)
                first = place.first(started) if started else 0.0
                counts.append(once * (place.repeats - first))
            amounts.append(_together(found, counts, held, leaf))
        if readers:
            reached = self.reaches.read(tensor, readers[0].einsum)[0]
            way = Way(
                self.architecture, readers[0], reached, above, held.hold.memory, Direction.DOWN
            )
            yield from way.transfers(reduce(maximum, amounts))

    def _looks_back(self, leaf: Leaf, held: Held) -> bool:
        """Does it read its own earlier step, which has left the hold since?"""
        steps = self.cascade.iterative_variables(leaf.einsum.tensor)
        return leaf.reads(leaf.einsum.tensor) and any(
            step.variable in steps and step.turns for step in leaf.steps[: held.depth]
        )

    def _drain(
        self, tensor: str, held: Held, above: Held | None, lives: Held | None
    ) -> Iterator[Transfer]:
        """Results that leave a hold, and sums that come back because they were not complete."""
        below = self._below(held)
        writer = _writer(tensor, below)
        if writer is None:
            return
        memory = held.hold.memory
        reached = self.reaches.output(writer.einsum)
        renewed = self._is_followed(reached, below)
        once, place = self._passing(writer, held, reached, lives, renewed)
        if not self.reaches.running[tensor]:
            reduced = frozenset(writer.einsum.reduced_variables)
            again = once * (place.repeats - place.first(reduced))
            back = Way(self.architecture, writer, reached, above, memory, Direction.DOWN, reduced)
            yield from back.transfers(again)
        up = once * place.repeats
        if not self._is_wanted(tensor, [leaf.einsum.name for leaf in below]):
            up = where(place.repeats > ONE, up, NOTHING)
        way = Way(self.architecture, writer, reached, above, memory, Direction.UP)
        yield from way.transfers(up)

    def _is_wanted(self, tensor: str, below: list[str]) -> bool:
        """Is it a result of the cascade, or read by an Einsum that is not `below`?"""
        return self.cascade.tensor(tensor).role is Role.OUTPUT or any(
            einsum.name not in below for einsum in self.cascade.readers[tensor]
        )

    def _is_followed(self, reached: Reach, below: Sequence[Leaf]) -> bool:
        """Does an Einsum that is not `below` read a running tensor step by step?"""
        return bool(reached.running) and any(
            access.tensor == reached.tensor and not reached.running.isdisjoint(variables(access))
            for leaf in self.leaves
            if leaf not in below
            for access in leaf.einsum.inputs
        )

    def _below(self, held: Held) -> list[Leaf]:
        return self._under[held.position]

    @cached_property
    def _under(self) -> dict[tuple[int, ...], list[Leaf]]:
        """The Einsums under each hold."""
        found: dict[tuple[int, ...], list[Leaf]] = {}
        for leaf in self.leaves:
            for held in leaf.holds:
                found.setdefault(held.position, []).append(leaf)
        return found

    def _passing(
        self, leaf: Leaf, held: Held, reached: Reach, lives: Held | None, renewed: bool
    ) -> tuple[Array, Place]:
        """Elements of one coverage that pass a hold, and the place where they do."""
        place = Place.of(leaf, held, reached, lives.depth if lives else 0, renewed=renewed)
        once = coverage(reached, leaf.steps[: held.depth], held.extents, leaf.full)
        tile = held.extents
        if held.hold.parts:
            tile = {**tile, **{name: amount(size) for name, size in held.hold.parts}}
        once = once * self._moved(place, tile)
        return once * (1.0 - held.hold.spilled) if held.hold.spilled else once, place

    def _moved(self, place: Place, tile: Extents) -> Array:
        """The share of what passes a place that no condition skips, in tiles of `tile`."""
        einsum = place.leaf.einsum
        if not self.activity.skips(einsum):
            return ONE
        return self.activity.moved(einsum, tile, place.stepped, place.reached.variables)

    # Between the unit and the innermost hold that has the tensor.

    def operands(
        self, tensor: str, leaf: Leaf, chain: tuple[Held, ...], lives: Held | None
    ) -> Iterator[Transfer]:
        """What the unit itself reads and writes, below the holds of `chain`, outermost first."""
        held, lives_at = chain[-1] if chain else None, lives.depth if lives else 0
        latched = self.architecture.unit(leaf.unit).latches
        for reached in self.reaches.inputs(leaf.einsum):
            if reached.tensor == tensor:
                # Its own value before is still in the unit, unless something else ran there.
                renewed = tensor != leaf.einsum.tensor
                place = Place.of(leaf, None, reached, lives_at, latched, renewed)
                way = Way(self.architecture, leaf, reached, held, leaf.unit, Direction.DOWN)
                yield from way.transfers(self._values(place, held))
        if leaf.einsum.tensor != tensor:
            return
        reached = self.reaches.output(leaf.einsum)
        renewed = self._is_followed(reached, [leaf])
        place = Place.of(leaf, None, reached, lives_at, latched, renewed)
        written = self._values(place, held)
        way = Way(self.architecture, leaf, reached, held, leaf.unit, Direction.UP)
        yield from way.transfers(written)
        if leaf.einsum.reductions:
            reduced = frozenset(leaf.einsum.reduced_variables)
            back = Way(self.architecture, leaf, reached, held, leaf.unit, Direction.DOWN, reduced)
            again = self._sums_read_again(place, chain, written, lives_at)
            yield from back.transfers(again)

    def _values(self, place: Place, held: Held | None) -> Array:
        leaf = place.leaf
        if is_private(self.architecture, held, leaf):
            # A register file next to the PE is accessed once for every point.
            return leaf.points * self.activity.executed(leaf)
        return _by_points(place) * place.repeats * self._moved(place, leaf.array_extents)

    def _sums_read_again(
        self, place: Place, chain: tuple[Held, ...], written: Array, lives_at: int
    ) -> Array:
        """Partial sums that come back to be added to: all but the first of each result."""
        leaf = place.leaf
        reduced = frozenset(leaf.einsum.reduced_variables)
        if not chain or not is_private(self.architecture, chain[-1], leaf):
            return written * (1.0 - place.first(reduced) / place.repeats)
        # Every PE that adds to a result starts it from nothing. When a sum comes back from the
        # memory above, one of the PEs below it goes on with it and the others start again.
        dims = self.architecture.instance_dims(leaf.unit)
        pes = copies(leaf, place.reached, dims)
        above = self.architecture.instance_dims(_memory(chain[:-1], self.architecture))
        going_on = copies(leaf, place.reached, above)
        visits = Place.of(leaf, chain[-1], place.reached, lives_at)
        back = visits.repeats - visits.first(reduced)
        starts = place.first(reduced) * pes + back * (pes - going_on)
        starts = starts * _by_points(place) * self.activity.executed(leaf)
        return maximum(written - starts, NOTHING)


def _memory(chain: tuple[Held, ...], architecture: Architecture) -> str:
    """The memory at the end of a chain of holds; the root if there are none."""
    return chain[-1].hold.memory if chain else architecture.root.name


def _writer(tensor: str, leaves: Iterable[Leaf]) -> Leaf | None:
    for leaf in leaves:
        if leaf.einsum.tensor == tensor:
            return leaf
    return None


def _by_points(place: Place) -> Array:
    """Elements of one coverage, point by point."""
    return coverage(place.reached, place.leaf.steps, {}, place.leaf.full)


def _together(found: tuple[Reach, ...], counts: list[Array], held: Held, leaf: Leaf) -> Array:
    """Elements that pass a hold for one Einsum that accesses a tensor in all the ways `found`.

    Each way needs tiles of its own, unless all of the tensor is held.
    """
    if len(found) == 1:
        return counts[0]
    held_share = reduce(
        minimum,
        (tile_elements(one, held.extents) / whole_elements(one, leaf.full) for one in found),
    )
    return where(held_share >= 1.0, reduce(maximum, counts), reduce(add, counts))
