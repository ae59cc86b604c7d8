"""The cases, and what AccelForge's mapper and ours found in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """A workload on an architecture, both of AccelForge's examples unless they are our files.

    `fused_loops` None is no limit (for AccelForge; ours has none). `bits` replaces the width of
    the workload's values. Without `fusion` the outermost memory has to hold everything.
    """

    name: str
    architecture: str
    workload: str
    values: tuple[tuple[str, int], ...] = ()
    objective: str = "ENERGY"
    fused_loops: int | None = None
    bits: int | None = None
    fusion: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """The best mapping of a case and what it took: `cpu_s` and `peak_mb` of the whole process.

    `search_s` is the CPU time of the search alone, where it is known. `mapping` is a file of
    AccelForge's, empty with the reason in `note`.
    """

    energy_j: float
    latency_s: float
    cpu_s: float
    peak_mb: float
    mapping: str = ""
    search_s: float | None = None
    note: str = ""

    @property
    def edp(self) -> float:
        return self.energy_j * self.latency_s


_SMALL = (("GlobalBufferSize", 524288), ("MainMemoryEnergy", 100))
_TOKENS = (("N_TOKENS", 2048),)


def _matmuls(count: int, size: int) -> tuple[tuple[str, int], ...]:
    return (("N_EINSUMS", count), ("M", size), ("KN", size))


def _layer(
    where: str, machine: str, values: tuple[tuple[str, int], ...] = (), objective: str = "ENERGY"
) -> Case:
    name = f"GPT-3 6.7B layer, {where}"
    return Case(name, machine, "gpt3_6.7B", _TOKENS + values, objective, fused_loops=1, bits=16)


_CORE = str(HERE / "attention_core.yaml")
CASES = (
    Case("1 matmul 1024^3, simple", "simple", "matmuls", _matmuls(1, 1024)),
    Case("3 matmuls 1024^3, simple", "simple", "matmuls", _matmuls(3, 1024)),
    Case("1 matmul 1024^3, simple64K", "simple", "matmuls", _matmuls(1, 1024) + _SMALL),
    Case("3 matmuls 1024^3, simple64K", "simple", "matmuls", _matmuls(3, 1024) + _SMALL),
    Case("attention core, simple64K", "simple", _CORE, _TOKENS + _SMALL),
    Case("attention core, simple64K, 1 fused", "simple", _CORE, _TOKENS + _SMALL, fused_loops=1),
    Case("1 matmul 1024^3, nvdla", "nvdla", "matmuls", _matmuls(1, 1024)),
    Case("1 matmul 1024^3, tpu_v4i", "tpu_v4i", "matmuls", _matmuls(1, 1024)),
    Case("1 matmul 4096^3, tpu_v4i", "tpu_v4i", "matmuls", _matmuls(1, 4096)),
    Case("3 matmuls 1024^3, tpu_v4i", "tpu_v4i", "matmuls", _matmuls(3, 1024)),
    Case("attention core, tpu_v4i", "tpu_v4i", _CORE, _TOKENS),
    Case("attention core, tpu_v4i, unfused", "tpu_v4i", _CORE, _TOKENS, fusion=False),
    Case("attention core, tpu_v4i, latency", "tpu_v4i", _CORE, _TOKENS, "LATENCY"),
    _layer("simple", "simple"),
    _layer("simple64K", "simple", _SMALL),
    _layer("tpu_v4i", "tpu_v4i"),
    _layer("tpu_v4i, latency", "tpu_v4i", objective="LATENCY"),
    _layer("tpu_v4i, EDP", "tpu_v4i", objective="EDP"),
)
