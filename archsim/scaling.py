"""How energy and area change between technology nodes.

Factors of Stillmaker and Baas, "Scaling equations for the accurate prediction of CMOS device
performance from 180 nm to 7 nm", Integration 58 (2017): area relative to 45 nm (table 1), and
energy of a gate as a polynomial in the supply voltage (equation 4 with the coefficients of
table 5: bulk to 65 nm, high-k to 32 nm, multi-gate below), here at each node's nominal voltage.
Between nodes the factors are interpolated geometrically.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from einsum.errors import SpecError


@dataclass(frozen=True, slots=True)
class Node:
    """A technology node: area factor, supply voltage, and energy coefficients of V^2, V, 1."""

    nm: float
    area: float
    voltage: float
    coefficients: tuple[float, float, float]

    @property
    def energy(self) -> float:
        a2, a1, a0 = self.coefficients
        return a2 * self.voltage**2 + a1 * self.voltage + a0


NODES = (
    Node(7, 0.059, 0.80, (0.1776, -0.09097, 0.02447)),
    Node(10, 0.10, 0.83, (0.2068, -0.09311, 0.02375)),
    Node(14, 0.17, 0.86, (0.2363, -0.09675, 0.02239)),
    Node(16, 0.19, 0.86, (0.2958, -0.1241, 0.03024)),
    Node(20, 0.21, 0.90, (0.3730, -0.1582, 0.04104)),
    Node(32, 0.46, 0.97, (0.8367, -0.4341, 0.1701)),
    Node(45, 1.0, 1.10, (1.018, -0.3107, 0.1539)),
    Node(65, 1.5, 1.10, (3.755, -4.398, 1.975)),
    Node(90, 2.8, 1.20, (4.762, -4.781, 2.092)),
    Node(130, 6.4, 1.30, (7.171, -6.709, 2.904)),
)


def energy_factor(from_nm: float, to_nm: float) -> float:
    """What an energy at `from_nm` is multiplied with to be one at `to_nm`.

    Raises `SpecError` for a node outside 7 to 130 nm, unless both are the same.
    """
    if from_nm == to_nm:
        return 1.0
    return _at(to_nm, energy=True) / _at(from_nm, energy=True)


def area_factor(from_nm: float, to_nm: float) -> float:
    """What an area at `from_nm` is multiplied with; errors as of `energy_factor`."""
    if from_nm == to_nm:
        return 1.0
    return _at(to_nm, energy=False) / _at(from_nm, energy=False)


def _at(nm: float, *, energy: bool) -> float:
    first, last = NODES[0], NODES[-1]
    if not first.nm <= nm <= last.nm:
        raise SpecError(
            f"there are no scaling factors for {nm:g} nm",
            rule=f"they reach from {first.nm:g} nm to {last.nm:g} nm; "
            "outside, use components of the architecture's own node",
        )
    above = next(index for index, node in enumerate(NODES) if node.nm >= nm)
    high = NODES[above]
    low = NODES[max(0, above - 1)]
    ends = (low.energy, high.energy) if energy else (low.area, high.area)
    if low is high:
        return ends[1]
    share = math.log(nm / low.nm) / math.log(high.nm / low.nm)
    return math.exp((1 - share) * math.log(ends[0]) + share * math.log(ends[1]))
