"""P3-retain: attention in three passes over a row of scores that never leaves the registers.

Computes the cascade gpu/stable-row (FLAT's row granularity, Kao et al., ASPLOS 2023). A row is a
tuple of tiles, each with registers of its own, so that the loops over it are unrolled when the
kernel is compiled. It ends where P0 rows of fp32 scores do not fit in the register file.
"""

from __future__ import annotations

import triton
import triton.language as tl

from workloads.gpu.kernels.step import Call, Inputs, make_step, query_blocks, tiles_of
from workloads.gpu.kernels.tiles import end_of_keys, place, scores
from workloads.gpu.problem import Launch, Problem

CASCADE = "gpu/stable-row"


@triton.jit
def row_on_chip(
    q_desc, k_desc, v_desc, av_desc, scale, queries, keys, heads, group,
    P0: tl.constexpr, M0: tl.constexpr, E: tl.constexpr, F: tl.constexpr, M1: tl.constexpr,
    CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """A tile of queries of one head, with M1 tiles of scores a row."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    kv = head // group
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    query = first + tl.arange(0, P0)
    q = q_desc.load([head, first, 0]).reshape(P0, E)
    gm = tl.full([P0], -float("inf"), tl.float32)
    row = ()
    for m1 in tl.static_range(M1):
        qk = tl.full([P0, M0], -float("inf"), tl.float32)
        if m1 * M0 < end:
            qk = scores(q, k_desc, kv, m1 * M0, query, keys, scale, M0, E, True, CAUSAL, PRECISION)
        gm = tl.maximum(gm, tl.max(qk, 1))
        row = row + (qk,)
    sd = tl.zeros([P0], tl.float32)
    numerators = ()
    for m1 in tl.static_range(M1):
        sn = tl.exp2(row[m1] - gm[:, None])
        sd += tl.sum(sn, 1)
        numerators = numerators + (sn,)
    si = 1.0 / sd
    av = tl.zeros([P0, F], tl.float32)
    for m1 in tl.static_range(M1):
        if m1 * M0 < end:
            v = v_desc.load([kv, m1 * M0, 0]).reshape(M0, F)
            a = numerators[m1] * si[:, None]
            av = tl.dot(a.to(v.dtype), v, av, input_precision=PRECISION)
    av_desc.store([head, first, 0], av.to(av_desc.dtype).reshape(1, P0, F))


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """One launch: a block for each query tile of each head."""
    av = inputs.q.new_empty(*inputs.q.shape[:-1], problem.value_dim)
    av_desc = tiles_of(av, launch.tiling.queries, problem.value_dim)
    key_tiles = -(-problem.keys // launch.tiling.keys)
    blocks = query_blocks(problem, launch)
    step = make_step(row_on_chip, blocks, inputs, problem, launch, av_desc=av_desc, M1=key_tiles)
    return Call((step,), {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "AV": av})
