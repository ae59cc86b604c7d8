"""What an evaluation says: numbers by Einsum, by resource and by tensor, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.mapping import Mapping as LoopMapping

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class EinsumCost:
    """One Einsum: where it runs, how long that unit is busy, its points and useful MACs."""

    einsum: str
    unit: str
    busy_s: float
    points: float
    useful_points: float
    energy_pj: float


@dataclass(frozen=True, slots=True)
class UnitCost:
    """One compute unit: busy time, and its share of the latency (busy utilization)."""

    unit: str
    pes: int
    busy_s: float
    utilization: float


@dataclass(frozen=True, slots=True)
class MemoryCost:
    """One memory: bytes in and out of all instances, and the time that their bandwidth makes of
    them; what the fullest instance holds, and its size.
    """

    memory: str
    read_bytes: float
    write_bytes: float
    time_s: float
    occupied_bytes: float
    size_bytes: float | None


@dataclass(frozen=True, slots=True)
class TensorTraffic:
    """Bytes of one tensor read from and written to one memory."""

    memory: str
    tensor: str
    read_bytes: float
    write_bytes: float


@dataclass(frozen=True, slots=True)
class EnergyCost:
    """One kind of action of one component, by accounting."""

    owner: str
    action: str
    complete_pj: float
    published_pj: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """What no mapping on this architecture can beat."""

    compulsory_bytes: float
    compute_s: float
    roofline_s: float


def _gap(value: float, bound: float) -> float:
    """1 where there is nothing to do and nothing is done."""
    return value / bound if bound else 1.0 if value == 0.0 else float("inf")


@dataclass(frozen=True)
class CostReport:
    """The cost of one cascade on one architecture, mapped in one way."""

    cascade: str
    architecture: str
    mapping: LoopMapping
    shape: Mapping[str, int]
    latency_s: float
    compute_s: float
    memory_s: float
    dram_traffic_bytes: float
    energy_pj_complete: float
    energy_pj_published: float
    area_um2: float
    util_2d: float
    util_1d: float
    util_useful_macs: float
    bounds: Bounds
    einsums: tuple[EinsumCost, ...]
    units: tuple[UnitCost, ...]
    memories: tuple[MemoryCost, ...]
    tensors: tuple[TensorTraffic, ...]
    energies: tuple[EnergyCost, ...]

    @property
    def latency_gap(self) -> float:
        """Latency over the roofline bound: 1 is optimal."""
        return _gap(self.latency_s, self.bounds.roofline_s)

    @property
    def traffic_gap(self) -> float:
        """DRAM traffic over compulsory traffic: 1 is optimal."""
        return _gap(self.dram_traffic_bytes, self.bounds.compulsory_bytes)

    def to_row(self) -> dict[str, object]:
        """One tidy row: the columns of `attention.csv`, and the gaps."""
        return {
            "cascade": self.cascade,
            "architecture": self.architecture,
            "mapping": self.mapping.name,
            "dram_traffic_bytes": self.dram_traffic_bytes,
            "latency_s": self.latency_s,
            "energy_pj_complete": self.energy_pj_complete,
            "energy_pj_published": self.energy_pj_published,
            "area_um2": self.area_um2,
            "util_2d": self.util_2d,
            "util_1d": self.util_1d,
            "util_useful_macs": self.util_useful_macs,
            "latency_bound_s": self.bounds.roofline_s,
            "latency_gap": self.latency_gap,
            "traffic_bound_bytes": self.bounds.compulsory_bytes,
            "traffic_gap": self.traffic_gap,
        }

    def to_frame(self) -> pd.DataFrame:
        """`to_row` as a frame of one row."""
        import pandas as pd  # slow to load, and most callers want the numbers only

        return pd.DataFrame([self.to_row()])

    def __str__(self) -> str:
        from archsim.report_text import report_text

        return report_text(self)
