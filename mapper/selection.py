"""Choosing, for every tensor of a structure, one of its options: exact, for all tile sizes at once.

A depth-first walk over the tensors. Each step adds one option's amounts to those of all
candidate tile sizes, and drops the candidates that no longer fit or cannot beat the best found,
even if every tensor that is left took its cheapest option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import assert_never

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
        tally.points += prod(map(len, options)) * self.count
        ordered = tuple(self._preferred(self._undominated(own)) for own in sorted(options, key=len))
        walk = _Walk(self, ordered, self._cheapest(ordered), tally, beat)
        everyone = np.arange(self.count)
        start = _Partial(
            everyone,
            {memory: np.zeros(self.count) for memory in self.memories},
            _spread(self.energy_pj, self.count),
            {memory: np.zeros((1, self.count)) for memory in self.capacities},
            (),
        )
        walk.descend(start, 0)
        return walk.found

    @property
    def memories(self) -> tuple[str, ...]:
        """The memories whose traffic counts."""
        return tuple(dict.fromkeys((self.root, *self.bandwidths)))

    def keys(
        self, moved: Mapping[str, Array], energy_pj: Array, candidates: Candidates
    ) -> tuple[Array, Array, Array]:
        """What the objective compares, for some of the candidates."""
        seconds = _spread(self.compute_s, self.count)[candidates]
        for memory, bandwidth in self.bandwidths.items():
            seconds = np.maximum(seconds, moved[memory] / bandwidth)
        match self.objective:
            case Objective.LATENCY:
                return seconds, moved[self.root], energy_pj
            case Objective.ENERGY:
                return energy_pj, seconds, moved[self.root]
            case Objective.TRAFFIC:
                return moved[self.root], seconds, energy_pj
            case _:
                assert_never(self.objective)

    def cost(self, keys: tuple[float, float, float], occupied_bytes: float) -> Cost:
        """A cost from what the objective compares."""
        first, second, third = keys
        match self.objective:
            case Objective.LATENCY:
                return Cost(first, second, third, occupied_bytes)
            case Objective.ENERGY:
                return Cost(second, third, first, occupied_bytes)
            case Objective.TRAFFIC:
                return Cost(second, first, third, occupied_bytes)
            case _:
                assert_never(self.objective)

    def fits(self, partial: _Partial) -> Mask:
        """Which candidates stay within every memory."""
        fits = np.ones(len(partial.candidates), dtype=bool)
        for memory, capacity in self.capacities.items():
            fits &= (partial.occupied[memory] <= capacity).all(axis=0)
        return fits

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
        pairs += [(one.moved.get(m, _ZERO), other.moved.get(m, _ZERO)) for m in self.memories]
        pairs += [
            (one.occupied.get(m, _ZERO), other.occupied.get(m, _ZERO)) for m in self.capacities
        ]
        return all(bool(np.all(a <= b)) for a, b in pairs)

    def _preferred(self, own: tuple[Option, ...]) -> tuple[Option, ...]:
        """The options that promise most first: an early good choice prunes the others."""

        def promise(option: Option) -> tuple[float, float, float]:
            moved = float(np.mean(option.moved.get(self.root, _ZERO)))
            spent = float(np.mean(option.energy_pj))
            held = sum(float(np.mean(o)) for o in option.occupied.values())
            return (
                (spent, moved, held) if self.objective is Objective.ENERGY else (moved, spent, held)
            )

        return tuple(sorted(own, key=promise))

    def _cheapest(self, ordered: tuple[tuple[Option, ...], ...]) -> tuple[_Rest, ...]:
        """For each step of the walk, the least that all later tensors add."""
        nothing = np.zeros(self.count)
        least: list[_Rest] = [(dict.fromkeys(self.memories, nothing), nothing)]
        for own in reversed(ordered):
            moved, energy = least[-1]
            cheapest = {
                m: moved[m] + _least([o.moved.get(m, _ZERO) for o in own]) for m in self.memories
            }
            least.append((cheapest, energy + _least([o.energy_pj for o in own])))
        return tuple(reversed(least))


Candidates = NDArray[np.intp]
_Rest = tuple[dict[str, Array], Array]
_ZERO: Array = np.asarray(0.0)


@dataclass(frozen=True, slots=True)
class _Partial:
    """The amounts of the options chosen so far, for the `candidates` that are still alive."""

    candidates: Candidates
    moved: dict[str, Array]
    energy_pj: Array
    occupied: dict[str, Array]
    holds: tuple[tuple[Hold, int], ...]

    def plus(self, option: Option) -> _Partial:
        at = self.candidates
        return _Partial(
            at,
            {m: sum_ + _at(option.moved.get(m, _ZERO), at) for m, sum_ in self.moved.items()},
            self.energy_pj + _at(option.energy_pj, at),
            {m: sum_ + _at(option.occupied.get(m, _ZERO), at) for m, sum_ in self.occupied.items()},
            self.holds + option.holds,
        )

    def only(self, mask: Mask) -> _Partial:
        return _Partial(
            self.candidates[mask],
            {memory: amount[mask] for memory, amount in self.moved.items()},
            self.energy_pj[mask],
            {memory: amount[..., mask] for memory, amount in self.occupied.items()},
            self.holds,
        )


@dataclass(slots=True)
class _Walk:
    """The depth-first walk: what it found so far, and what it left out."""

    selector: Selector
    options: tuple[tuple[Option, ...], ...]
    rest: tuple[_Rest, ...]
    tally: Tally
    beat: tuple[float, ...] | None
    found: Choice | None = None

    def descend(self, partial: _Partial, step: int) -> None:
        keys = self._keys(partial, step)
        if self.beat is not None:
            better = _before(keys, self.beat)
            self.tally.over_bound += len(better) - int(np.count_nonzero(better))
            if not better.all():
                partial = partial.only(better)
        if not len(partial.candidates):
            return
        if step == len(self.options):
            self.tally.complete += len(partial.candidates)
            self._choose(partial, self._keys(partial, step))
            return
        for option in self.options[step]:
            after = partial.plus(option)
            fits = self.selector.fits(after)
            if not fits.all():
                self.tally.over_capacity += len(fits) - int(np.count_nonzero(fits))
                after = after.only(fits)
            if len(after.candidates):
                self.descend(after, step + 1)

    def _keys(self, partial: _Partial, step: int) -> tuple[Array, Array, Array]:
        moved, energy = self.rest[step]
        at = partial.candidates
        totals = {memory: amount + moved[memory][at] for memory, amount in partial.moved.items()}
        return self.selector.keys(totals, partial.energy_pj + energy[at], at)

    def _choose(self, partial: _Partial, keys: tuple[Array, Array, Array]) -> None:
        held = sum((o.max(axis=0) for o in partial.occupied.values()), start=_ZERO)
        criteria = (*keys, _spread(held, len(partial.candidates)))
        index = int(np.lexsort(criteria[::-1])[0])
        best = (float(keys[0][index]), float(keys[1][index]), float(keys[2][index]))
        cost = self.selector.cost(best, float(criteria[3][index]))
        self.found = Choice(cost, int(partial.candidates[index]), partial.holds)
        self.beat = best


def _at(amount: Array, candidates: Candidates) -> Array:
    """The entries of some candidates; an amount that is the same for all stays as it is."""
    return amount if amount.ndim == 0 or amount.shape[-1] == 1 else amount[..., candidates]


def _spread(amount: Array, count: int) -> Array:
    return np.broadcast_to(amount, (count,))


def _least(arrays: list[Array]) -> Array:
    return reduce(np.minimum, arrays)


def _before(keys: tuple[Array, Array, Array], limit: tuple[float, ...]) -> Mask:
    """Which candidates are lexicographically before `limit`, rounding aside."""
    before = np.zeros(keys[0].shape, dtype=bool)
    equal = np.ones(keys[0].shape, dtype=bool)
    for key, bound in zip(keys, limit, strict=True):
        slack = abs(bound) * _ROUNDING
        before |= equal & (key < bound - slack)
        equal &= key <= bound + slack
    return before


_ROUNDING = 1e-12
