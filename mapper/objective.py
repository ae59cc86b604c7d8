"""What a search minimises: one amount, a product of amounts, or several at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isclose
from typing import assert_never

ROUNDING = 1e-12
"""Sums of the same amounts in another order differ by less."""


class Amount(Enum):
    """What a mapping costs."""

    LATENCY = "latency"
    ENERGY = "energy"
    TRAFFIC = "traffic"
    BUFFER = "buffer"


@dataclass(frozen=True, slots=True)
class Cost:
    """The amounts of a mapping, or of a group of it.

    Seconds, bytes of the root memory, and energy add up over groups; `buffer_bytes` is the most
    that any of them holds in the memories that PEs share.
    """

    latency_s: float
    traffic_bytes: float
    energy_pj: float
    buffer_bytes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.latency_s + other.latency_s,
            self.traffic_bytes + other.traffic_bytes,
            self.energy_pj + other.energy_pj,
            max(self.buffer_bytes, other.buffer_bytes),
        )

    def amount(self, which: Amount) -> float:
        """One of the amounts: seconds, pJ or bytes."""
        match which:
            case Amount.LATENCY:
                return self.latency_s
            case Amount.ENERGY:
                return self.energy_pj
            case Amount.TRAFFIC:
                return self.traffic_bytes
            case Amount.BUFFER:
                return self.buffer_bytes
            case _:
                assert_never(which)


class Objective(Enum):
    """What comes first in choosing one mapping."""

    LATENCY = "latency"
    ENERGY = "energy"
    EDP = "edp"
    TRAFFIC = "traffic"
    BUFFER = "buffer"

    def value_of(self, cost: Cost) -> float:
        """Seconds, pJ, pJ s or bytes."""
        if self is Objective.EDP:
            return cost.energy_pj * cost.latency_s
        return cost.amount(Amount(self.value))

    def key(self, cost: Cost) -> tuple[float, ...]:
        """What to compare lexicographically: ties are broken by the ranking's other amounts."""
        return self.value_of(cost), *(cost.amount(which) for which in self.ranking.amounts)

    @property
    def ranking(self) -> Ranking:
        """Which mappings of a part have to be kept, to find the best of the whole.

        Where amounts that add up are compared one after another, one mapping is enough. A
        product, or a maximum with ties, needs all that no other one is better than.
        """
        match self:
            case Objective.LATENCY:
                return Ranking((Amount.LATENCY, Amount.TRAFFIC, Amount.ENERGY), total=True)
            case Objective.ENERGY:
                return Ranking((Amount.ENERGY, Amount.LATENCY, Amount.TRAFFIC), total=True)
            case Objective.TRAFFIC:
                return Ranking((Amount.TRAFFIC, Amount.LATENCY, Amount.ENERGY), total=True)
            case Objective.EDP:
                return Ranking((Amount.LATENCY, Amount.ENERGY), total=False)
            case Objective.BUFFER:
                return Ranking((Amount.BUFFER, Amount.LATENCY), total=False)
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Ranking:
    """An order of mappings by `amounts`.

    A `total` one compares them one after another. Otherwise a mapping is better than another
    one only if it is so in one amount and not worse in any (Pareto).
    """

    amounts: tuple[Amount, ...]
    total: bool

    def of(self, cost: Cost) -> tuple[float, ...]:
        """The amounts that are compared."""
        return tuple(cost.amount(which) for which in self.amounts)

    def is_met(self, cost: Cost, by: Cost) -> bool:
        """Is `by` as good as `cost`, or better, rounding aside?"""
        pairs = zip(self.of(cost), self.of(by), strict=True)
        differ = [(own, other) for own, other in pairs if not isclose(own, other, rel_tol=ROUNDING)]
        if self.total:
            differ = differ[:1]
        return all(other < own for own, other in differ)
