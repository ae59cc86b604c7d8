"""What Einsums share: loops, and tensors that stay in the home memory.

    stack ::= loops over ranks, outermost first, each with a tile that divides the rank, shared
              by the Einsums on both sides of a boundary
    kept  ::= a tensor whose tile lies in the home memory at a depth of the stack, either for all
              Einsums that use it (an intermediate then lives there) or for one of them, while loops
              over ranks that it lacks turn

A stack is no deeper than what is kept across its boundary: a loop below could as well be two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product

import numpy as np

from archsim.tiles import Reaches
from einsum.cascade import Role
from mapper.chain.site import Floats, Places
from mapper.problem import MapProblem
from mapper.space import sharing

Stack = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A tensor in the home memory below `depth` loops of the stack, for the Einsums `users`."""

    tensor: str
    depth: int
    users: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A boundary between two Einsums; `run` Einsums before it are connected."""

    stack: Stack = ()
    kept: frozenset[Kept] = frozenset()
    run: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """An Einsum between two boundaries: under the loops of `nest`, while `kept` lie at home."""

    before: State
    after: State
    nest: Stack
    kept: frozenset[Kept]


@dataclass(frozen=True)
class Boundaries:
    """The states that a problem can have, and the steps between them."""

    problem: MapProblem

    # Facts.

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(einsum.name for einsum in self.problem.einsums)

    @cached_property
    def users(self) -> dict[str, tuple[int, ...]]:
        """The numbers of the Einsums that use each tensor."""
        return {
            tensor.name: tuple(
                i for i, e in enumerate(self.problem.einsums) if tensor.name in e.tensors
            )
            for tensor in self.problem.cascade.tensors
        }

    @cached_property
    def variables(self) -> dict[tuple[int, str], frozenset[str]]:
        """The rank variables of a tensor in an Einsum."""
        problem = self.problem
        reaches = Reaches(problem.shapes, dict.fromkeys(self.users, frozenset()))
        return {
            (i, tensor): frozenset(v for r in reaches.used(tensor, e) for v in r.variables)
            for i, e in enumerate(problem.einsums)
            for tensor in e.tensors
        }

    @cached_property
    def _numbers(self) -> dict[tuple[int, str], int]:
        found = sharing(self.problem.cascade)
        return {
            (i, v): found[v][e.name]
            for i, e in enumerate(self.problem.einsums)
            for v in e.variables
        }

    def _joined(self, first: int, last: int, variable: str) -> bool:
        """Can all Einsums from `first` to `last` be under one loop over `variable`?"""
        numbers = {self._numbers.get((i, variable)) for i in range(first, last + 1)}
        return len(numbers) == 1 and None not in numbers

    @cached_property
    def _may_keep(self) -> dict[tuple[int, str], bool]:
        """May a tensor be held at home while an Einsum runs, on every unit that it may run on?"""
        problem, found = self.problem, {}
        for i, e in enumerate(problem.einsums):
            for tensor in e.tensors:
                homes = [
                    Places.of(unit.name, problem.architecture).home
                    for unit in problem.architecture.units
                    if problem.constraints.runs_on(e.name, unit.name)
                ]
                found[i, tensor] = all(
                    home is not None
                    and home.holds(tensor)
                    and problem.constraints.may_hold(e.name, home.name, tensor)
                    for home in homes
                )
        return found

    @cached_property
    def shareable(self) -> frozenset[str]:
        """The tensors that all of their users can share at home."""
        problem, root = self.problem, self.problem.architecture.root.name
        found = set()
        for tensor in problem.cascade.tensors:
            users = self.users[tensor.name]
            inside = tensor.role is Role.INTERMEDIATE
            if (
                len(users) > 1
                and all(self._may_keep[i, tensor.name] for i in users)
                and not (
                    inside
                    and any(
                        problem.constraints.must_hold(self.names[i], root, tensor.name)
                        for i in users
                    )
                )
            ):
                found.add(tensor.name)
        return frozenset(found)

    def tile_bytes(self, kept: Kept, stack: Stack, tiles: dict[str, Floats]) -> Floats:
        """Bytes of a kept tile, for arrays of the tiles of the stack."""
        user = kept.users[0]
        bits = self.problem.cascade.tensor(kept.tensor).format.bits_per_value
        size: Floats = np.asarray(bits / 8)
        for variable in sorted(self.variables[user, kept.tensor]):
            inside = variable in stack[: kept.depth]
            size = size * (tiles[variable] if inside else self.problem.shapes.extent(variable))
        return size

    # Steps.

    def steps(self, number: int, before: State) -> Iterator[Step]:
        """All that the Einsum `number` can do after a boundary."""
        for nest in self._nests(number, before):
            for new in self._new(number, before, nest):
                kept = before.kept | new
                if self._finds(number, kept, nest):
                    after = self._after(number, before, nest, kept)
                    if after is not None:
                        yield Step(before, after, nest, kept)

    def _nests(self, number: int, before: State) -> Iterator[Stack]:
        """The stack before, and what can be opened below it for a tensor that starts here."""
        yield before.stack
        if number + 1 >= len(self.names):
            return
        openable: list[frozenset[str]] = []
        for tensor in self.shareable:
            if self.users[tensor][0] == number:
                openable.append(self._common(tensor))
        ranks = {
            v
            for own in openable
            for v in own
            if v not in before.stack
            and self._joined(number, number + 1, v)
            and self.problem.shapes.extent(v) > 1
        }
        for count in range(1, len(ranks) + 1):
            for extra in permutations(sorted(ranks), count):
                nest = (*before.stack, *extra)
                if any(own >= set(nest) for own in openable):
                    yield nest

    def _common(self, tensor: str) -> frozenset[str]:
        """The ranks over which all users of a tensor can share loops."""
        users = self.users[tensor]
        own = [self.variables[i, tensor] for i in users]
        ranks = own[0].intersection(*own[1:])
        return frozenset(v for v in ranks if self._joined(users[0], users[-1], v))

    def _new(self, number: int, before: State, nest: Stack) -> Iterator[frozenset[Kept]]:
        opened = len(nest) > len(before.stack)
        taken = {one.tensor for one in before.kept}
        choices: list[list[Kept | None]] = []
        for tensor in self.users:
            if tensor in taken:
                continue
            own = list(self._candidates(number, tensor, len(before.stack), nest))
            if own:
                choices.append([None, *own])
        for chosen in product(*choices):
            new = frozenset(one for one in chosen if one is not None)
            if opened and not any(one.depth == len(nest) and one.users[-1] > number for one in new):
                continue
            yield new

    def _candidates(self, number: int, tensor: str, begun: int, nest: Stack) -> Iterator[Kept]:
        """What can be kept from here on: below the whole nest, or above a loop that opens here."""
        users = self.users[tensor]
        if tensor in self.shareable and users[0] >= number:
            common = self._common(tensor)
            for depth in range(begun, len(nest) + 1):
                below = depth < len(nest)
                if not set(nest[:depth]) <= common or not (below or users[0] == number):
                    continue
                if below and not self._joined(number, users[0], nest[depth]):
                    continue
                yield Kept(tensor, depth, users)
        if len(nest) == begun:
            return
        for user in users:
            if user < number or not self._may_keep[user, tensor]:
                continue
            own = self.variables[user, tensor]
            for depth in range(begun, len(nest)):
                last = depth == 0 or nest[depth - 1] in own
                if (
                    last
                    and nest[depth] not in own
                    and all(self._joined(number, user, v) for v in nest[: depth + 1])
                ):
                    yield Kept(tensor, depth, (user,))

    def _finds(self, number: int, kept: frozenset[Kept], nest: Stack) -> bool:
        """Is every tensor of the Einsum kept at most once, and for it?"""
        einsum = self.problem.einsums[number]
        seen = set()
        for one in kept:
            if one.tensor in einsum.tensors:
                if number not in one.users or one.tensor in seen:
                    return False
                seen.add(one.tensor)
        return all((number, v) in self._numbers for v in nest)

    def _after(
        self, number: int, before: State, nest: Stack, kept: frozenset[Kept]
    ) -> State | None:
        """The boundary after the Einsum, with no more loops than what is kept across it needs."""
        depth = 0
        for one in kept:
            if one.users[-1] > number:
                depth = max(depth, one.depth + (one.users[0] > number))
        if depth > len(nest) or (len(nest) > len(before.stack) and depth < len(nest)):
            return None
        if number + 1 == len(self.names):
            return State() if depth == 0 and all(k.users[-1] <= number for k in kept) else None
        stack = nest[:depth]
        if not all(self._joined(number, number + 1, v) for v in stack):
            return None
        left = frozenset(k for k in kept if k.users[-1] > number or k.depth < depth)
        run = 0
        if left or stack:
            run = before.run + 1
            if self.problem.width is not None and run >= self.problem.width:
                return None
        return State(stack, left, run if self.problem.width is not None else 0)
