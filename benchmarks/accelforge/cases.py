"""The cases, and what AccelForge's mapper and ours found in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mapper.accelforge.architecture import Machine
from mapper.accelforge.workload import Workload

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """A workload on an architecture, both of AccelForge's examples unless they are our files.

    `fused_loops` None is no limit (for AccelForge; ours has none). `bits` replaces the width of
    the workload's values. Without `fusion` the main memory has to hold everything.
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
    """The best mapping of a case: joules, seconds, and what it took to find it."""

    energy: float
    latency: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Problem:
    """A case in our types."""

    workload: Workload
    machine: Machine


_SMALL = (("GlobalBufferSize", 524288), ("MainMemoryEnergy", 100))
_TOKENS = (("N_TOKENS", 2048),)


def _matmuls(count: int, size: int) -> tuple[tuple[str, int], ...]:
    return (("N_EINSUMS", count), ("M", size), ("KN", size))


def _layer(where: str, machine: str, values: tuple[tuple[str, int], ...]) -> Case:
    name = f"GPT-3 6.7B layer, {where}"
    return Case(name, machine, "gpt3_6.7B", _TOKENS + values, fused_loops=1, bits=16)


_CORE = str(HERE / "attention_core.yaml")
CASES = (
    Case("1 matmul 1024^3, simple", "simple", "matmuls", _matmuls(1, 1024)),
    Case("3 matmuls 1024^3, simple", "simple", "matmuls", _matmuls(3, 1024)),
    Case("1 matmul 1024^3, simple64K", "simple", "matmuls", _matmuls(1, 1024) + _SMALL),
    Case("3 matmuls 1024^3, simple64K", "simple", "matmuls", _matmuls(3, 1024) + _SMALL),
    Case("attention core, simple64K", "simple", _CORE, _TOKENS + _SMALL),
    Case("attention core, simple64K, 1 fused", "simple", _CORE, _TOKENS + _SMALL, fused_loops=1),
    _layer("simple", "simple", ()),
    _layer("simple64K", "simple", _SMALL),
    Case("1 matmul 4096^3, tpu_v4i", "tpu_v4i", "matmuls", _matmuls(1, 4096)),
    Case("3 matmuls 1024^3, tpu_v4i", "tpu_v4i", "matmuls", _matmuls(3, 1024)),
    Case("attention core, tpu_v4i", "tpu_v4i", _CORE, _TOKENS),
    _layer("tpu_v4i", "tpu_v4i", ()),
)
