"""U5: unfused attention in five launches, one for each pass over the scores.

Computes the cascade gpu/stable: scores; their maximum; numerators and their sum; the division; the
product with V. Every launch in the middle reads each executed score once.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from workloads.gpu.kernels.step import (
    Call,
    Inputs,
    make_step,
    query_blocks,
    stored_scores,
    tiles_of,
)
from workloads.gpu.kernels.tiles import end_of_keys, place
from workloads.gpu.kernels.unfused import probabilities_values, query_keys
from workloads.gpu.problem import Launch, Problem

CASCADE = "gpu/stable"


@triton.jit
def row_maximum(
    qk_desc, gm_ptr, queries, keys, heads,
    P0: tl.constexpr, M0: tl.constexpr, CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr,
):  # fmt: skip
    """GM of a tile of queries."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    row = first + tl.arange(0, P0)
    gm = tl.full([P0], -float("inf"), tl.float32)
    for start in tl.range(0, end, M0):
        qk = qk_desc.load([head, first, start]).reshape(P0, M0).to(tl.float32)
        # Beyond the last key a tile reads as 0, which must not count.
        seen = start + tl.arange(0, M0) < keys
        gm = tl.maximum(gm, tl.max(tl.where(seen[None, :], qk, -float("inf")), 1))
    tl.store(gm_ptr + head * queries + row, gm, mask=row < queries)


@triton.jit
def numerators(
    qk_desc, gm_ptr, sn_desc, sd_ptr, queries, keys, heads,
    P0: tl.constexpr, M0: tl.constexpr, CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr,
):  # fmt: skip
    """SN of a tile of queries, and their sums SD."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    row = first + tl.arange(0, P0)
    gm = tl.load(gm_ptr + head * queries + row, mask=row < queries, other=0.0)
    sd = tl.zeros([P0], tl.float32)
    for start in tl.range(0, end, M0):
        qk = qk_desc.load([head, first, start]).reshape(P0, M0).to(tl.float32)
        seen = start + tl.arange(0, M0) < keys
        sn = tl.exp2(tl.where(seen[None, :], qk - gm[:, None], -float("inf")))
        sd += tl.sum(sn, 1)
        sn_desc.store([head, first, start], sn.to(sn_desc.dtype).reshape(1, P0, M0))
    tl.store(sd_ptr + head * queries + row, sd, mask=row < queries)


@triton.jit
def divide(
    sn_desc, sd_ptr, a_desc, queries, keys, heads,
    P0: tl.constexpr, M0: tl.constexpr, CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr,
):  # fmt: skip
    """A of a tile of queries."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    row = first + tl.arange(0, P0)
    si = 1.0 / tl.load(sd_ptr + head * queries + row, mask=row < queries, other=1.0)
    for start in tl.range(0, end, M0):
        sn = sn_desc.load([head, first, start]).reshape(P0, M0).to(tl.float32)
        a = sn * si[:, None]
        a_desc.store([head, first, start], a.to(a_desc.dtype).reshape(1, P0, M0))


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """Five launches: a block for each tile of scores, then four with one for each query tile."""
    tiling = launch.tiling
    av = inputs.q.new_empty(*inputs.q.shape[:-1], problem.value_dim)
    qk, sn, a = (stored_scores(problem, inputs.q) for _ in range(3))
    row = (problem.batch, problem.heads, problem.queries)
    gm, sd = (inputs.q.new_empty(row, dtype=torch.float32) for _ in range(2))
    others = {
        "qk_desc": tiles_of(qk, tiling.queries, tiling.keys),
        "sn_desc": tiles_of(sn, tiling.queries, tiling.keys),
        "a_desc": tiles_of(a, tiling.queries, tiling.keys),
        "av_desc": tiles_of(av, tiling.queries, problem.value_dim),
        "gm_ptr": gm,
        "sd_ptr": sd,
    }
    tiles = query_blocks(problem, launch)
    key_tiles = -(-problem.keys // tiling.keys)
    blocks = (tiles * key_tiles, tiles, tiles, tiles, tiles)
    functions = (query_keys, row_maximum, numerators, divide, probabilities_values)
    steps = tuple(
        make_step(function, count, inputs, problem, launch, **others)
        for function, count in zip(functions, blocks, strict=True)
    )
    tensors = {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "AV": av}
    return Call(steps, {**tensors, "QK": qk, "GM": gm, "SN": sn, "SD": sd, "A": a})
