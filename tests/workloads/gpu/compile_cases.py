"""Compile kernels for sm_90 outside of the interpreter; one line of JSON for each launch.

Run by test_compiled.py in a process of its own: `triton.jit` decides between compiler and
interpreter when a kernel is defined. Arguments: kernel,D,mask,P,M,P0,M0,warps,stages,dtype.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import torch

from workloads.gpu.compiled import compile_step
from workloads.gpu.counts import Kernel
from workloads.gpu.kernels import build
from workloads.gpu.kernels.step import TORCH_DTYPES, Inputs
from workloads.gpu.problem import Dtype, Launch, Mask, Problem, Tiling


def main(cases: list[str]) -> None:
    for case in cases:
        kernel, dim, mask, p, m, p0, m0, warps, stages, dtype = case.split(",")
        problem = Problem(1, 2, 1, int(p), int(m), int(dim), int(dim), Mask(mask), Dtype(dtype))
        shapes = ((2, problem.queries), (1, problem.keys), (1, problem.keys))
        q, k, v = (
            torch.empty(1, heads, rows, problem.head_dim, dtype=TORCH_DTYPES[problem.dtype])
            for heads, rows in shapes
        )
        launch = Launch(Tiling(int(p0), int(m0), 4), int(warps), int(stages))
        for step in build(Kernel(kernel), Inputs(q, k, v, 0.1), problem, launch).steps:
            print(json.dumps({"case": case, **asdict(compile_step(step))}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
