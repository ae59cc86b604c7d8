"""Choosing, for every tensor of a structure, one of its options: exact, for all tile sizes at once.

A depth-first walk over the tensors. Each step adds one option's amounts to those of all
candidate tile sizes, and drops the candidates that no longer fit or cannot beat the best found,
even if every tensor that is left took its cheapest option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from archsim.amounts import Array
from archsim.mapping import Hold
from mapper.front import Front, Mask, leaders
from mapper.objective import Amount, Cost, Objective

Way: TypeAlias = tuple[tuple[Hold, int], ...]
"""How a tensor is held: in each memory at most once, each time at a depth."""

Port: TypeAlias = tuple[int, str]
"""A memory during a turn: what runs one after another does not share its bandwidth."""

Candidates: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Option:
    """One way to hold a tensor: where, and what follows, over the candidates.

    `moved` is bytes by port (an array each), `occupied` bytes by memory and Einsum (rows).
    """

    way: Way
    moved: Mapping[Port, Array]
    energy_pj: Array
    occupied: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Choice:
    """Options of all tensors together, and the candidate that they are for."""

    candidate: int
    holds: Way


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
    """What is common to all choices of one structure, over `count` candidates.

    `compute_s` has the seconds of each turn; `bandwidths` and `capacities` are of the memories
    that have limits; `shared` are the memories whose bytes count as buffer. `einsums` is how many
    there are.
    """

    objective: Objective
    count: int
    compute_s: tuple[Array, ...]
    energy_pj: Array
    bandwidths: Mapping[str, float]
    capacities: Mapping[str, float]
    shared: frozenset[str]
    root: str
    einsums: int

    def extend(
        self, front: Front[Choice], options: tuple[tuple[Option, ...], ...], tally: Tally
    ) -> None:
        """Add to `front` the best choices of one option for each tensor that fit and get in."""
        tally.points += prod(map(len, options)) * self.count
        if not all(options):
            return  # constraints leave a tensor no way to be held
        kept = sorted((self._undominated(own) for own in options), key=_stake, reverse=True)
        ordered = tuple(self._preferred(own) for own in kept)
        walk = _Walk(self, ordered, self._cheapest(ordered), tally, front)
        walk.descend(self._nothing(), 0)

    def together(self, options: Iterable[Option]) -> tuple[dict[Amount, Array], Mask]:
        """The amounts of one option for each tensor, and which candidates fit."""
        total = self._nothing()
        for option in options:
            total = total.plus(option)
        return self.amounts(total.moved, total.energy_pj, total.occupied), self.fits(total)

    def _nothing(self) -> _Partial:
        return _Partial(
            np.arange(self.count),
            {port: np.zeros(self.count) for port in self.ports},
            _spread(self.energy_pj, self.count),
            {memory: np.zeros((1, self.count)) for memory in self.occupiable},
            (),
        )

    @property
    def ports(self) -> tuple[Port, ...]:
        """The memories whose traffic counts, in every turn."""
        names = tuple(dict.fromkeys((self.root, *self.bandwidths)))
        return tuple((turn, name) for turn in range(len(self.compute_s)) for name in names)

    @property
    def occupiable(self) -> tuple[str, ...]:
        """The memories whose occupancy counts."""
        return tuple(dict.fromkeys((*self.capacities, *sorted(self.shared))))

    def amounts(
        self, moved: Mapping[Port, Array], energy_pj: Array, occupied: Mapping[str, Array]
    ) -> dict[Amount, Array]:
        """What is compared, from the sums of some options (`compute_s` has their candidates)."""
        seconds: Array = np.asarray(0.0)
        traffic: Array = np.asarray(0.0)
        for turn, compute in enumerate(self.compute_s):
            longest = compute
            for memory, bandwidth in self.bandwidths.items():
                longest = np.maximum(longest, moved[turn, memory] / bandwidth)
            seconds = seconds + longest
            traffic = traffic + moved[turn, self.root]
        held = sum((occupied[memory].max(axis=0) for memory in self.shared), start=_ZERO)
        shape = energy_pj.shape
        return {
            Amount.LATENCY: np.broadcast_to(seconds, shape),
            Amount.TRAFFIC: np.broadcast_to(traffic, shape),
            Amount.ENERGY: energy_pj,
            Amount.BUFFER: np.broadcast_to(held, shape),
        }

    def only(self, candidates: Candidates) -> Selector:
        """The same for some of the candidates."""
        return Selector(
            self.objective,
            len(candidates),
            tuple(_at(seconds, candidates) for seconds in self.compute_s),
            _at(self.energy_pj, candidates),
            self.bandwidths,
            self.capacities,
            self.shared,
            self.root,
            self.einsums,
        )

    def fits(self, partial: _Partial) -> Mask:
        """Which candidates stay within every memory."""
        fits = np.ones(len(partial.candidates), dtype=bool)
        for memory, capacity in self.capacities.items():
            fits &= (partial.occupied[memory] <= capacity).all(axis=0)
        return fits

    def _undominated(self, own: tuple[Option, ...]) -> tuple[Option, ...]:
        """The options that no other is as good as in everything, for all candidates."""
        table = np.stack([self._amounts_of(option) for option in own])
        kept: list[int] = []
        for number in range(len(own)):
            row = table[number]
            if kept and (table[kept] <= row).all(axis=1).any():
                continue
            kept = [one for one in kept if not (row <= table[one]).all()]
            kept.append(number)
        return tuple(own[number] for number in kept)

    def _amounts_of(self, option: Option) -> Array:
        """All amounts of an option for all candidates, one after another."""
        amounts = [option.energy_pj, *(option.moved.get(port, _ZERO) for port in self.ports)]
        flat = [np.broadcast_to(amount, (self.count,)) for amount in amounts]
        rows = (self.einsums, self.count)
        for memory in self.occupiable:
            held = option.occupied.get(memory, _ZERO)
            flat.append(np.broadcast_to(held, rows).ravel())
        return np.concatenate(flat)

    def _preferred(self, own: tuple[Option, ...]) -> tuple[Option, ...]:
        """The options that promise most first: an early good choice prunes the others."""

        def promise(option: Option) -> tuple[float, float, float]:
            moved = sum(float(np.mean(m)) for p, m in option.moved.items() if p[1] == self.root)
            spent = float(np.mean(option.energy_pj))
            held = sum(float(np.mean(o)) for o in option.occupied.values())
            match self.objective:
                case Objective.ENERGY | Objective.EDP:
                    return spent, moved, held
                case Objective.BUFFER:
                    return held, moved, spent
                case _:
                    return moved, spent, held

        return tuple(sorted(own, key=promise))

    def _cheapest(self, ordered: tuple[tuple[Option, ...], ...]) -> tuple[_Rest, ...]:
        """For each step of the walk, the least that all later tensors add."""
        nothing = np.zeros(self.count)
        least: list[_Rest] = [(dict.fromkeys(self.ports, nothing), nothing)]
        for own in reversed(ordered):
            moved, energy = least[-1]
            cheapest = {
                p: moved[p] + _least([o.moved.get(p, _ZERO) for o in own]) for p in self.ports
            }
            least.append((cheapest, energy + _least([o.energy_pj for o in own])))
        return tuple(reversed(least))


_Rest: TypeAlias = tuple[dict[Port, Array], Array]
_ZERO: Array = np.asarray(0.0)


@dataclass(frozen=True, slots=True)
class _Partial:
    """The amounts of the options chosen so far, for the `candidates` that are still alive."""

    candidates: Candidates
    moved: dict[Port, Array]
    energy_pj: Array
    occupied: dict[str, Array]
    holds: Way

    def plus(self, option: Option) -> _Partial:
        at = self.candidates
        return _Partial(
            at,
            {p: sum_ + _at(option.moved.get(p, _ZERO), at) for p, sum_ in self.moved.items()},
            self.energy_pj + _at(option.energy_pj, at),
            {m: sum_ + _at(option.occupied.get(m, _ZERO), at) for m, sum_ in self.occupied.items()},
            self.holds + option.way,
        )

    def only(self, mask: Mask) -> _Partial:
        return _Partial(
            self.candidates[mask],
            {port: amount[mask] for port, amount in self.moved.items()},
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
    front: Front[Choice]

    def descend(self, partial: _Partial, step: int) -> None:
        better = self.front.admits(self._amounts(partial, step))
        self.tally.over_bound += len(better) - int(np.count_nonzero(better))
        if not better.all():
            partial = partial.only(better)
        if not len(partial.candidates):
            return
        if step == len(self.options):
            self.tally.complete += len(partial.candidates)
            self._choose(partial, self._amounts(partial, step))
            return
        for option in self.options[step]:
            after = partial.plus(option)
            fits = self.selector.fits(after)
            if not fits.all():
                self.tally.over_capacity += len(fits) - int(np.count_nonzero(fits))
                after = after.only(fits)
            if len(after.candidates):
                self.descend(after, step + 1)

    def _amounts(self, partial: _Partial, step: int) -> dict[Amount, Array]:
        moved, energy = self.rest[step]
        at = partial.candidates
        totals = {port: amount + moved[port][at] for port, amount in partial.moved.items()}
        own = self.selector.only(at)
        return own.amounts(totals, partial.energy_pj + energy[at], partial.occupied)

    def _choose(self, partial: _Partial, amounts: dict[Amount, Array]) -> None:
        ranking = self.front.ranking
        compared = [amounts[which] for which in ranking.amounts]
        if ranking.total:  # ties beyond the ranking go to the smaller buffer
            compared.append(amounts[Amount.BUFFER])
        for index in leaders(compared, ranking.total):
            cost = Cost(
                float(amounts[Amount.LATENCY][index]),
                float(amounts[Amount.TRAFFIC][index]),
                float(amounts[Amount.ENERGY][index]),
                float(amounts[Amount.BUFFER][index]),
            )
            self.front.add(cost, Choice(int(partial.candidates[index]), partial.holds))


def _stake(own: tuple[Option, ...]) -> float:
    """How much energy depends on the choice: what matters most is chosen first, to prune most."""
    most = max(float(np.max(option.energy_pj)) for option in own)
    return most - min(float(np.min(option.energy_pj)) for option in own)


def _at(amount: Array, candidates: Candidates) -> Array:
    """The entries of some candidates; an amount that is the same for all stays as it is."""
    return amount if amount.ndim == 0 or amount.shape[-1] == 1 else amount[..., candidates]


def _spread(amount: Array, count: int) -> Array:
    return np.broadcast_to(amount, (count,))


def _least(arrays: list[Array]) -> Array:
    return reduce(np.minimum, arrays)
