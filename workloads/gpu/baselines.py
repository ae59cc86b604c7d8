"""What other people's kernels make of the same problem: torch's attention and flex_attention."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import Enum
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from workloads.gpu.kernels.step import Inputs
from workloads.gpu.problem import Mask, Problem


class Baseline(Enum):
    """By the name in records: the backends of torch's attention, and flex_attention."""

    FLASH = "sdpa-flash"
    CUDNN = "sdpa-cudnn"
    EFFICIENT = "sdpa-efficient"
    MATH = "sdpa-math"
    FLEX = "flex-attention"


_BACKENDS = {
    Baseline.FLASH: "FLASH_ATTENTION",
    Baseline.CUDNN: "CUDNN_ATTENTION",
    Baseline.EFFICIENT: "EFFICIENT_ATTENTION",
    Baseline.MATH: "MATH",
}


def baseline_call(baseline: Baseline, inputs: Inputs, problem: Problem) -> Callable[[], Any]:
    """A call of `baseline`; raises RuntimeError, of torch, where it does not take the problem."""
    if baseline is Baseline.FLEX:
        return _flex(inputs, problem)
    backend = getattr(SDPBackend, _BACKENDS[baseline])
    k, v = inputs.k, inputs.v
    if problem.group > 1 and baseline is Baseline.EFFICIENT:
        # It takes no groups: every query head gets a copy, which is not timed.
        k, v = (tensor.repeat_interleave(problem.group, 1) for tensor in (k, v))
    options = {
        "is_causal": problem.mask is Mask.CAUSAL,
        "scale": inputs.scale,
        "enable_gqa": k.shape[1] != inputs.q.shape[1],
    }

    def call() -> Any:
        with sdpa_kernel(backend):
            return scaled_dot_product_attention(inputs.q, k, v, **options)

    return call


@functools.cache
def _compiled_flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)


def _flex(inputs: Inputs, problem: Problem) -> Callable[[], Any]:
    from torch.nn.attention.flex_attention import create_block_mask

    mask = None
    if problem.mask is Mask.CAUSAL:
        mask = create_block_mask(
            lambda b, h, q, k: k <= q, None, None, problem.queries, problem.keys,
            device=str(inputs.q.device),
        )  # fmt: skip
    flex = _compiled_flex()
    return lambda: flex(
        inputs.q, inputs.k, inputs.v, block_mask=mask, scale=inputs.scale,
        enable_gqa=problem.group > 1,
    )  # fmt: skip
