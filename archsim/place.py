"""Places in a nest as one tensor sees them: how often all of it passes there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from archsim.amounts import ONE, Array, Mask, where
from archsim.nest import Held, Leaf
from archsim.tiles import Reach
from einsum.cascade import Cascade, Role

_ALWAYS: Mask = np.asarray(True)


class Place(NamedTuple):
    """A place on the way to an Einsum, for an access of a tensor: a hold, or the unit itself.

    `repeating` are the temporal loops that repeat, from the innermost, and how often each does.
    """

    leaf: Leaf
    reached: Reach
    repeating: tuple[tuple[str, Array], ...]

    @staticmethod
    def of(
        leaf: Leaf,
        held: Held | None,
        reached: Reach,
        lives_at: int = 0,
        latched: bool = True,
        renewed: bool = False,
    ) -> Place:
        """A hold, or the unit (None).

        `lives_at` loops stand above the place where the tensor comes into being. Where nothing is
        `latched`, nothing is left from the point before: every loop repeats. Where it is
        `renewed`, every step of a running tensor passes; otherwise it is updated here, out of
        sight.
        """
        depth = held.depth if held else len(leaf.steps)
        forks = held.forks if held else leaf.forks
        # Above, the tile is made or fetched every time: nothing stays from one task to the next.
        always = max(lives_at, leaf.task_depth, *forks)
        relevant = reached.variables
        repeating: list[tuple[str, Array]] = []
        inner = ONE  # trips of the tensor's own loops so far: has its tile changed?
        for index, variable, trips in leaf.turning:
            if index >= depth:
                continue
            if variable in relevant:
                inner = inner * trips
            elif renewed and variable in reached.running:
                inner = inner * trips  # the same place, but another value
                repeating.append((variable, trips))
            elif index < always or not latched:
                repeating.append((variable, trips))
            elif inner.ndim or inner > ONE:
                repeating.append((variable, where(inner > ONE, trips, ONE)))
        return Place(leaf, reached, tuple(repeating))

    @property
    def repeats(self) -> Array:
        """How many times all of the tensor passes here."""
        total = ONE
        for _, trips in self.repeating:
            total = total * trips
        return total

    def first(self, continued: frozenset[str]) -> Array:
        """Of the repeats, those that start anew: not caused by the variables `continued`."""
        total = ONE
        for variable, trips in self.repeating:
            if variable not in continued:
                total = total * trips
        return total

    @property
    def stepped(self) -> Mapping[str, Mask]:
        """The variables that the accesses step through, by candidate: its own, the repeating."""
        found = dict.fromkeys(self.reached.variables, _ALWAYS)
        for name, trips in self.repeating:
            found[name] = found.get(name, ~_ALWAYS) | (trips > 1)
        return found


def home(tensor: str, leaves: tuple[Leaf, ...], cascade: Cascade) -> Held | None:
    """The hold in which an intermediate lives: the outermost that all its users share.

    None if it lives in the root memory, as inputs and outputs of the cascade do.
    """
    if cascade.tensor(tensor).role is not Role.INTERMEDIATE:
        return None
    chains = [leaf.hold_of(tensor) for leaf in leaves if tensor in leaf.tensors]
    if len(chains) < len(cascade.users[tensor]) or not all(chains):
        return None
    outermost = chains[0][0]
    return outermost if all(c[0].position == outermost.position for c in chains) else None
