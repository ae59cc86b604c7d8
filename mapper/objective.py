"""What a search minimises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Cost:
    """The amounts of a mapping, or of a group of it: they add up over groups.

    `occupied_bytes` does not add up: it is the most that any group holds on chip.
    """

    latency_s: float
    traffic_bytes: float
    energy_pj: float
    occupied_bytes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.latency_s + other.latency_s,
            self.traffic_bytes + other.traffic_bytes,
            self.energy_pj + other.energy_pj,
            max(self.occupied_bytes, other.occupied_bytes),
        )


class Objective(Enum):
    """What comes first; ties are broken by the amounts after it."""

    LATENCY = "latency"
    ENERGY = "energy"
    TRAFFIC = "traffic"

    def key(self, cost: Cost) -> tuple[float, float, float]:
        """What to compare lexicographically; every entry adds up over groups."""
        match self:
            case Objective.LATENCY:
                return cost.latency_s, cost.traffic_bytes, cost.energy_pj
            case Objective.ENERGY:
                return cost.energy_pj, cost.latency_s, cost.traffic_bytes
            case Objective.TRAFFIC:
                return cost.traffic_bytes, cost.latency_s, cost.energy_pj
            case _:
                assert_never(self)
