"""Published attention implementations by the passes over the keys that their cascade makes.

After Nayak et al., FuseMax, MICRO 2024. The table below only says which of our cascades
a system computes; the number of passes is what the analysis finds in that cascade.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from einsum.passes import analyse
from workloads.library import load_cascade


@dataclass(frozen=True, slots=True)
class System:
    """A published system or library, the cascade of its attention, and where it is described."""

    name: str
    cascade: str
    citation: str


SYSTEMS: tuple[System, ...] = (
    System("PyTorch", "attention/stable", "Paszke et al., NeurIPS 2019 (arXiv 1912.01703)"),
    System("TensorFlow", "attention/stable", "Abadi et al., OSDI 2016 (arXiv 1605.08695)"),
    System("FLAT", "attention/stable", "Kao et al., ASPLOS 2023 (arXiv 2107.06419)"),
    System("E.T.", "attention/stable", "Chen et al., SC 2021 (10.1145/3458817.3476138)"),
    System("TileFlow", "attention/partial", "Zheng et al., MICRO 2023"),
    System("Choi et al.", "attention/partial", "Choi et al., IISWC 2022"),
    System("FlashAttention", "attention/flash1", "Dao et al., NeurIPS 2022 (arXiv 2205.14135)"),
    System("FlashAttention-2", "attention/flash2", "Dao, ICLR 2024 (arXiv 2307.08691)"),
    System("Rabe and Staats", "attention/online", "Rabe and Staats, 2021 (arXiv 2112.05682)"),
    System("FuseMax", "attention/fusemax", "Nayak et al., MICRO 2024 (arXiv 2406.10491)"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A system with the passes over the keys that its cascade needs."""

    system: System
    passes: int


def taxonomy() -> tuple[Row, ...]:
    """Every system in `SYSTEMS` with its passes over M, as the analysis finds them.

    Most passes first; systems with as many stay in the order of the table.
    """
    rows = [Row(system, _passes_over_keys(system.cascade)) for system in SYSTEMS]
    return tuple(sorted(rows, key=lambda row: -row.passes))


@cache
def _passes_over_keys(cascade: str) -> int:
    passes = analyse(load_cascade(cascade)).passes
    return max(counts.get("M", 1) for counts in passes.values())
