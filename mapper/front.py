"""The best found so far: one cost, or all that no other one is better than."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from archsim.amounts import Array
from mapper.objective import ROUNDING, Amount, Cost, Ranking

T = TypeVar("T")
Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Front(Generic[T]):
    """Mappings that are best by a ranking, with their costs; a total ranking has one of them."""

    ranking: Ranking
    entries: list[tuple[Cost, T]] = field(default_factory=list)

    def admits(self, least: dict[Amount, Array]) -> Mask:
        """Which candidates could still get in, if they cost no less than `least`."""
        if not self.entries:
            return np.ones(next(iter(least.values())).shape, dtype=bool)
        amounts = [least[which] for which in self.ranking.amounts]
        if self.ranking.total:
            return _before(amounts, self.ranking.of(self.entries[0][0]))
        admitted = np.ones(amounts[0].shape, dtype=bool)
        for cost, _ in self.entries:
            met = np.ones(amounts[0].shape, dtype=bool)
            for amount, bound in zip(amounts, self.ranking.of(cost), strict=True):
                met &= amount >= bound - abs(bound) * ROUNDING
            admitted &= ~met
        return admitted

    def add(self, cost: Cost, found: T) -> bool:
        """Keep `found`, unless what is kept is as good; what it is better than goes."""
        if any(self.ranking.is_met(cost, by=kept) for kept, _ in self.entries):
            return False
        self.entries = [one for one in self.entries if not self.ranking.is_met(one[0], by=cost)]
        self.entries.append((cost, found))
        return True


def leaders(amounts: list[Array], total: bool) -> NDArray[np.intp]:
    """The candidates to keep by a ranking; the order of `amounts` breaks ties.

    The last amounts may be there for the ties only: `total` compares all of them, otherwise
    the caller passes those of the ranking.
    """
    if total:
        best = np.arange(len(amounts[0]))
        for amount in amounts:
            least = amount[best].min()
            best = best[amount[best] <= least + abs(least) * ROUNDING]
        return best[:1]
    order = np.lexsort(tuple(reversed(amounts)))
    kept: list[int] = []
    columns = np.stack(amounts, axis=1)[order]
    alive = np.ones(len(order), dtype=bool)
    while alive.any():
        first = int(np.argmax(alive))
        kept.append(int(order[first]))
        alive &= (columns < columns[first] - abs(columns[first]) * ROUNDING).any(axis=1)
    return np.asarray(kept, dtype=np.intp)


def _before(amounts: list[Array], limit: tuple[float, ...]) -> Mask:
    """Which candidates are lexicographically before `limit`, rounding aside."""
    before = np.zeros(amounts[0].shape, dtype=bool)
    equal = np.ones(amounts[0].shape, dtype=bool)
    for amount, bound in zip(amounts, limit, strict=True):
        slack = abs(bound) * ROUNDING
        before |= equal & (amount < bound - slack)
        equal &= amount <= bound + slack
    return before
