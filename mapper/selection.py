"""Choosing, for every tensor of a structure, one of its options: exact, for all tile sizes at once.

A depth-first walk over the tensors. Each step adds one option's amounts to those of all
candidate tile sizes, and drops the candidates that no longer fit or cannot beat the best found,
even if every tensor that is left took its cheapest option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.mapping import Hold
from archsim.nest import Array
from mapper.objective import Cost, Objective

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Option:
    """One way to hold a tensor: where, and what follows, over the candidates.

    `moved` is bytes by memory (an array each), `occupied` bytes by memory and Einsum (rows).
    """

    holds: tuple[tuple[Hold, int], ...]
    moved: Mapping[str, Array]
    energy_pj: Array
    occupied: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Choice:
    """The best options of all tensors together, and the candidate they are best for."""

    cost: Cost
    candidate: int
    holds: tuple[tuple[Hold, int], ...]


@dataclass(slots=True)
class Tally:
    """How much of the space was looked at, for the certificate."""

    points: int = 0
    complete: int = 0
    over_capacity: int = 0
    over_bound: int = 0
    groups: int = 0


@dataclass(frozen=True)
class Selector:
    """What is common to all choices of one structure, over `count` candidates."""

    objective: Objective
    count: int
    compute_s: Array
    energy_pj: Array
    bandwidths: Mapping[str, float]
    capacities: Mapping[str, float]
    root: str

    def best(
        self, options: tuple[tuple[Option, ...], ...], beat: tuple[float, ...] | None, tally: Tally
    ) -> Choice | None:
        """The best choice of one option for each tensor; None if none fits or beats `beat`."""
        ordered = tuple(sorted((self._undominated(own) for own in options), key=len))
        rest = self._cheapest(ordered)
        start = _Partial(
            np.ones(self.count, dtype=bool),
            {memory: np.zeros(self.count) for memory in (*self.bandwidths, self.root)},
            np.broadcast_to(self.energy_pj, (self.count,)),
            {memory: np.zeros((1, self.count)) for memory in self.capacities},
            (),
        )
        combinations = 1
        for own in ordered:
            combinations *= len(own)
        tally.points += combinations * self.count
        found: list[Choice | None] = [None]
        self._descend(start, ordered, rest, 0, beat, found, tally)
        return found[0]

    def _undominated(self, own: tuple[Option, ...]) -> tuple[Option, ...]:
        """The options that no other is as good as in everything, for all candidates."""
        kept: list[Option] = []
        for option in own:
            if not any(self._dominates(other, option) for other in kept):
                kept = [other for other in kept if not self._dominates(option, other)]
                kept.append(option)
        return tuple(kept)

    def _dominates(self, one: Option, other: Option) -> bool:
        pairs = [(one.energy_pj, other.energy_pj)]
        pairs += [
            (one.moved.get(m, _ZERO), other.moved.get(m, _ZERO))
            for m in {*self.bandwidths, self.root}
        ]
        pairs += [
            (one.occupied.get(m, _ZERO), other.occupied.get(m, _ZERO)) for m in self.capacities
        ]
        return all(bool(np.all(a <= b)) for a, b in pairs)

    def _cheapest(
        self, ordered: tuple[tuple[Option, ...], ...]
    ) -> tuple[tuple[dict[str, Array], Array], ...]:
        """For each step of the walk, the least that all later tensors add."""
        memories = (*self.bandwidths, self.root)
        least: list[tuple[dict[str, Array], Array]] = [(dict.fromkeys(memories, _ZERO), _ZERO)]
        for own in reversed(ordered):
            moved, energy = least[-1]
            cheapest = {
                m: moved[m] + _least([o.moved.get(m, _ZERO) for o in own]) for m in memories
            }
            least.append((cheapest, energy + _least([o.energy_pj for o in own])))
        return tuple(reversed(least))

    def _descend(
        self,
        partial: _Partial,
        ordered: tuple[tuple[Option, ...], ...],
        rest: tuple[tuple[dict[str, Array], Array], ...],
        index: int,
        beat: tuple[float, ...] | None,
        found: list[Choice | None],
        tally: Tally,
    ) -> None:
        keys = self._keys(partial, rest[index])
        limit = self.objective.key(found[0].cost) if found[0] else beat
        alive = partial.alive
        if limit is not None:
            better = _before(keys, limit)
            tally.over_bound += int(np.count_nonzero(alive & ~better))
            alive = alive & better
        if not alive.any():
            return
        if index == len(ordered):
            tally.complete += int(np.count_nonzero(alive))
            found[0] = self._choice(partial, keys, alive)
            return
        for option in ordered[index]:
            after = partial.plus(option)
            fits = alive & self._fits(after)
            tally.over_capacity += int(np.count_nonzero(alive & ~fits))
            if fits.any():
                after.alive = fits
                self._descend(after, ordered, rest, index + 1, beat, found, tally)

    def _keys(
        self, partial: _Partial, rest: tuple[dict[str, Array], Array]
    ) -> tuple[Array, Array, Array]:
        moved, energy = rest
        seconds = np.broadcast_to(self.compute_s, (self.count,))
        for memory, bandwidth in self.bandwidths.items():
            seconds = np.maximum(seconds, (partial.moved[memory] + moved[memory]) / bandwidth)
        traffic = partial.moved[self.root] + moved[self.root]
        spent = partial.energy_pj + energy
        match self.objective:
            case Objective.LATENCY:
                return seconds, traffic, spent
            case Objective.ENERGY:
                return spent, seconds, traffic
            case Objective.TRAFFIC:
                return traffic, seconds, spent

    def _fits(self, partial: _Partial) -> Mask:
        fits = np.ones(self.count, dtype=bool)
        for memory, capacity in self.capacities.items():
            fits &= np.max(partial.occupied[memory], axis=0) <= capacity
        return fits

    def _choice(self, partial: _Partial, keys: tuple[Array, Array, Array], alive: Mask) -> Choice:
        held = sum((np.max(o, axis=0) for o in partial.occupied.values()), start=_ZERO)
        ranked = [
            np.where(alive, key, np.inf) for key in (*keys, np.broadcast_to(held, keys[0].shape))
        ]
        index = int(np.lexsort(ranked[::-1])[0])
        by_name = dict(zip(_KEYS[self.objective], keys, strict=True))
        cost = Cost(
            float(by_name["latency_s"][index]),
            float(by_name["traffic_bytes"][index]),
            float(by_name["energy_pj"][index]),
            float(ranked[3][index]),
        )
        return Choice(cost, index, partial.holds)


_KEYS = {
    Objective.LATENCY: ("latency_s", "traffic_bytes", "energy_pj"),
    Objective.ENERGY: ("energy_pj", "latency_s", "traffic_bytes"),
    Objective.TRAFFIC: ("traffic_bytes", "latency_s", "energy_pj"),
}
_ZERO: Array = np.asarray(0.0)


@dataclass(slots=True)
class _Partial:
    """The amounts of the options chosen so far, and the candidates still `alive`."""

    alive: Mask
    moved: dict[str, Array]
    energy_pj: Array
    occupied: dict[str, Array]
    holds: tuple[tuple[Hold, int], ...]

    def plus(self, option: Option) -> _Partial:
        return _Partial(
            self.alive,
            {m: amount + option.moved.get(m, _ZERO) for m, amount in self.moved.items()},
            self.energy_pj + option.energy_pj,
            {m: amount + option.occupied.get(m, _ZERO) for m, amount in self.occupied.items()},
            self.holds + option.holds,
        )


def _least(arrays: list[Array]) -> Array:
    least = arrays[0]
    for array in arrays[1:]:
        least = np.minimum(least, array)
    return least


def _before(keys: tuple[Array, Array, Array], limit: tuple[float, ...]) -> Mask:
    """Which candidates are lexicographically before `limit`, rounding aside."""
    before = np.zeros(keys[0].shape, dtype=bool)
    equal = np.ones(keys[0].shape, dtype=bool)
    for key, bound in zip(keys, limit, strict=True):
        slack = abs(bound) * 1e-12
        before |= equal & (key < bound - slack)
        equal &= np.abs(key - bound) <= slack
    return before
