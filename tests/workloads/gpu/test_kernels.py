"""Every kernel in Triton's interpreter: its values are those of its cascade, its counts exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra einfall[gpu]")
pytest.importorskip("triton", reason="needs the extra einfall[gpu]")

from einsum.errors import SpecError  # noqa: E402
from einsum.interpret import run  # noqa: E402
from einsum.passes import analyse  # noqa: E402
from workloads.gpu.counting import run_counted  # noqa: E402
from workloads.gpu.counts import Counts, Kernel, counts, executed  # noqa: E402
from workloads.gpu.kernels import IMPLEMENTATIONS, build  # noqa: E402
from workloads.gpu.kernels.step import TORCH_DTYPES, Inputs  # noqa: E402
from workloads.gpu.problem import (  # noqa: E402
    Dtype,
    GridOrder,
    Launch,
    Mask,
    Problem,
    Tiling,
)
from workloads.library import load_cascade  # noqa: E402
from workloads.masks import causal  # noqa: E402

SCALE = 0.3
# Root mean square error against float64 over that of the values: a few units in the last place
# of the format, since probabilities are rounded to it before the product. The interpreter cuts
# fp32 to bf16 where hardware rounds.
TOLERANCE = {Dtype.FP32: 2e-6, Dtype.FP16: 2e-3, Dtype.BF16: 3e-2}

FULL, CAUSAL = Mask.FULL, Mask.CAUSAL
CASES = {
    "whole tiles": (Problem(1, 2, 2, 64, 64, 16, 16, FULL, Dtype.FP32), Tiling(32, 32, 2)),
    "grouped, E and F differ": (
        Problem(1, 4, 2, 32, 96, 16, 32, FULL, Dtype.FP32),
        Tiling(16, 32, 2),
    ),
    "short tiles": (Problem(2, 1, 1, 37, 53, 16, 16, FULL, Dtype.FP32), Tiling(16, 32, 3)),
    "causal": (Problem(1, 1, 1, 64, 64, 16, 16, CAUSAL, Dtype.FP32), Tiling(32, 16, 2)),
    "causal, wide key tiles": (
        Problem(1, 2, 1, 45, 45, 16, 16, CAUSAL, Dtype.FP32),
        Tiling(16, 32, 2),
    ),
    "causal, more keys": (Problem(1, 2, 1, 19, 70, 16, 16, CAUSAL, Dtype.FP32), Tiling(16, 16, 3)),
    "causal, more queries": (
        Problem(1, 2, 1, 50, 21, 16, 16, CAUSAL, Dtype.FP32),
        Tiling(16, 16, 2),
    ),
    "one query": (Problem(2, 4, 1, 1, 100, 16, 16, FULL, Dtype.FP32), Tiling(16, 16, 4)),
    "one key": (Problem(1, 1, 1, 3, 1, 16, 16, FULL, Dtype.FP32), Tiling(16, 16, 2)),
    "fp16": (Problem(1, 2, 1, 33, 65, 64, 64, FULL, Dtype.FP16), Tiling(32, 32, 2)),
    "bf16": (Problem(1, 1, 1, 33, 65, 64, 64, CAUSAL, Dtype.BF16), Tiling(32, 32, 2)),
    "D 128": (Problem(1, 1, 1, 128, 128, 128, 128, CAUSAL, Dtype.FP16), Tiling(64, 64, 2)),
}


def draw(problem: Problem, seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    heads = (problem.heads, problem.kv_heads, problem.kv_heads)
    rows = (problem.queries, problem.keys, problem.keys)
    dims = (problem.head_dim, problem.head_dim, problem.value_dim)
    q, k, v = (
        torch.randn(problem.batch, h, n, d, generator=generator).to(TORCH_DTYPES[problem.dtype])
        for h, n, d in zip(heads, rows, dims, strict=True)
    )
    return Inputs(q, k, v, SCALE)


def cascade_values(kernel: Kernel, inputs: Inputs, problem: Problem, tiling: Tiling) -> np.ndarray:
    """AV [B, H, P, F] of the kernel's own cascade in float64, on NumPy."""
    cascade = load_cascade(IMPLEMENTATIONS[kernel].cascade)
    if problem.mask is Mask.CAUSAL:
        cascade = causal(cascade)
    q, k, v = (
        tensor.double().numpy().transpose(0, 1, 3, 2) for tensor in (inputs.q, inputs.k, inputs.v)
    )
    sizes = {"G": problem.group}
    if "M0" in cascade.parents:
        sizes["M0"] = tiling.keys
    if "M2" in cascade.parents:
        sizes["M1"] = -(-problem.keys // tiling.keys // tiling.splits) or 1
    av = run(cascade, {"Q": q * SCALE, "K": k, "V": v}, sizes)["AV"]
    return av.reshape(q.shape[0], q.shape[1], *av.shape[-2:]).transpose(0, 1, 3, 2)


def same(counted: Counts, expected: Counts) -> None:
    assert counted.loads == dict(expected.loads)
    assert counted.stores == dict(expected.stores)
    assert counted.tensor_flop == expected.tensor_flop
    assert counted.exps == expected.exps


def split_causal_undefined(kernel: Kernel, problem: Problem) -> bool:
    """gpu/split-k has no value where a split holds no key that a query sees: -inf less -inf."""
    return kernel is Kernel.P1_SPLIT_K and problem.mask is Mask.CAUSAL


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", GridOrder)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kernel", Kernel)
def test_values_and_counts(kernel: Kernel, case: str, order: GridOrder) -> None:
    problem, tiling = CASES[case]
    if order is GridOrder.HEAD_FASTEST and problem.batch * problem.heads == 1:
        pytest.skip("one head has one order")
    inputs = draw(problem)
    call = build(kernel, inputs, problem, Launch(tiling, order=order))
    call.output.fill_(float("nan"))
    same(run_counted(call), counts(kernel, problem, tiling))
    reference = Kernel.P1 if split_causal_undefined(kernel, problem) else kernel
    right = cascade_values(reference, inputs, problem, tiling)
    found = call.output.double().numpy()
    error = np.sqrt(np.mean((found - right) ** 2) / np.mean(right**2))
    assert error < TOLERANCE[problem.dtype]


@pytest.mark.parametrize("kernel", Kernel)
def test_large_scores_do_not_overflow(kernel: Kernel) -> None:
    problem = Problem(1, 1, 1, 16, 40, 16, 16, FULL, Dtype.FP32)
    inputs = replace(draw(problem), scale=1e3)
    call = build(kernel, inputs, problem, Launch(Tiling(16, 16, 2)))
    assert torch.isfinite(call.run()).all()


# The tensors whose traversals are the passes of a kernel that goes to memory for each of them.
TRAVERSED = {
    Kernel.U5: ("QK", "SN"),
    Kernel.P3_RECOMPUTE: ("K",),
    Kernel.P2_RECOMPUTE: ("K",),
    Kernel.P2_SPILL: ("K", "SLN"),
    Kernel.P1: ("K",),
    Kernel.P1_SPLIT_K: ("K",),
}


@pytest.mark.parametrize("kernel", Kernel)
def test_passes_are_seen_in_the_loads(kernel: Kernel) -> None:
    problem = Problem(1, 1, 1, 48, 80, 16, 16, FULL, Dtype.FP32)
    tiling = Tiling(16, 16, 2)
    loads = run_counted(build(kernel, draw(problem), problem, Launch(tiling))).loads
    done = executed(problem, tiling)
    one = {"K": done.keys * problem.head_dim * 4}
    seen = sum(loads[t] / one.get(t, done.points * 4) for t in TRAVERSED.get(kernel, ("K",)))
    passes = analyse(load_cascade(IMPLEMENTATIONS[kernel].cascade)).max_passes
    on_chip = {Kernel.P3_RETAIN: 2, Kernel.U3: 2}.get(kernel, 0)  # passes over a row in registers
    assert seen + on_chip == passes


def test_what_does_not_fit_the_problem_is_refused() -> None:
    problem = Problem(1, 2, 1, 16, 16, 16, 16)
    inputs = draw(problem)
    with pytest.raises(SpecError, match="Q is"):
        build(Kernel.P1, replace(inputs, q=inputs.q[:, :1]), problem, Launch())
    with pytest.raises(SpecError, match="K is"):
        build(Kernel.P1, replace(inputs, k=inputs.k.float()), problem, Launch())
    wide = torch.zeros(1, 1, 16, 32, dtype=torch.float16)
    problem = replace(problem, kv_heads=1)
    inputs = replace(draw(problem), v=wide[..., ::2])
    with pytest.raises(SpecError, match="V is not contiguous"):
        build(Kernel.P1, inputs, problem, Launch())
    inputs = draw(problem)
    with pytest.raises(SpecError, match="scale"):
        build(Kernel.P1, replace(inputs, scale=0.0), problem, Launch())


def test_a_causal_query_does_not_see_later_keys() -> None:
    problem = Problem(1, 1, 1, 40, 40, 16, 16, CAUSAL, Dtype.FP32)
    for kernel in Kernel:
        inputs = draw(problem)
        before = build(kernel, inputs, problem, Launch(Tiling(16, 16, 2))).run()
        inputs.k[..., 20:, :] += 3
        after = build(kernel, inputs, problem, Launch(Tiling(16, 16, 2))).run()
        assert torch.equal(before[..., :20, :], after[..., :20, :])
        assert not torch.equal(before[..., 20:, :], after[..., 20:, :])
