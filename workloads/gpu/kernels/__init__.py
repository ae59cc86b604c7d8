"""The kernels: one file for each, which names the cascade that it computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from workloads.gpu.counts import Kernel
from workloads.gpu.kernels import (
    p1,
    p1_splitk,
    p2_recompute,
    p2_spill,
    p3_recompute,
    p3_retain,
    u3,
    u5,
)
from workloads.gpu.kernels.step import Build, Call, Inputs, check_inputs
from workloads.gpu.problem import Launch, Problem


@dataclass(frozen=True, slots=True)
class Implementation:
    """The file of a kernel, the cascade that it computes (without a mask), and what builds it."""

    module: str
    cascade: str
    build: Build


IMPLEMENTATIONS: Mapping[Kernel, Implementation] = MappingProxyType(
    {
        kernel: Implementation(module.__name__, module.CASCADE, module.build)
        for kernel, module in (
            (Kernel.U3, u3),
            (Kernel.U5, u5),
            (Kernel.P3_RETAIN, p3_retain),
            (Kernel.P3_RECOMPUTE, p3_recompute),
            (Kernel.P2_RECOMPUTE, p2_recompute),
            (Kernel.P2_SPILL, p2_spill),
            (Kernel.P1, p1),
            (Kernel.P1_SPLIT_K, p1_splitk),
        )
    }
)


def build(kernel: Kernel, inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """A call of `kernel` on `inputs`, ready to run; memory for all that it writes is taken here.

    Raises `SpecError` where the inputs are not those of the problem.
    """
    check_inputs(inputs, problem)
    return IMPLEMENTATIONS[kernel].build(inputs, problem, launch)
