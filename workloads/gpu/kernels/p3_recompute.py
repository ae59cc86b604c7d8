"""P3-recompute: attention in three passes over the keys, with the scores computed in each.

Computes the cascade gpu/stable-recompute: the maximum of a row, then the sum of its numerators,
then the division and the product with V.
"""

from __future__ import annotations

import triton
import triton.language as tl

from workloads.gpu.kernels.step import Call, Inputs, make_step, query_blocks, tiles_of
from workloads.gpu.kernels.tiles import end_of_keys, end_of_whole_tiles, place, scores
from workloads.gpu.problem import Launch, Problem

CASCADE = "gpu/stable-recompute"


@triton.jit
def row_maximum(
    gm, q, k_desc, kv, begin, end, query, keys, scale,
    M0: tl.constexpr, E: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Pass 1."""
    for start in tl.range(begin, end, M0):
        qk = scores(q, k_desc, kv, start, query, keys, scale, M0, E, MASKED, CAUSAL, PRECISION)
        gm = tl.maximum(gm, tl.max(qk, 1))
    return gm


@triton.jit
def row_sum(
    sd, gm, q, k_desc, kv, begin, end, query, keys, scale,
    M0: tl.constexpr, E: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Pass 2."""
    for start in tl.range(begin, end, M0):
        qk = scores(q, k_desc, kv, start, query, keys, scale, M0, E, MASKED, CAUSAL, PRECISION)
        sd += tl.sum(tl.exp2(qk - gm[:, None]), 1)
    return sd


@triton.jit
def product(
    av, si, gm, q, k_desc, v_desc, kv, begin, end, query, keys, scale,
    M0: tl.constexpr, E: tl.constexpr, F: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Pass 3: probabilities, divided by their sum, times V."""
    for start in tl.range(begin, end, M0):
        qk = scores(q, k_desc, kv, start, query, keys, scale, M0, E, MASKED, CAUSAL, PRECISION)
        a = tl.exp2(qk - gm[:, None]) * si[:, None]
        v = v_desc.load([kv, start, 0]).reshape(M0, F)
        av = tl.dot(a.to(v.dtype), v, av, input_precision=PRECISION)
    return av


@triton.jit
def three_pass(
    q_desc, k_desc, v_desc, av_desc, scale, queries, keys, heads, group,
    P0: tl.constexpr, M0: tl.constexpr, E: tl.constexpr, F: tl.constexpr,
    CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """A tile of queries of one head."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    kv = head // group
    whole = end_of_whole_tiles(first, keys, M0, CAUSAL)
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    query = first + tl.arange(0, P0)
    q = q_desc.load([head, first, 0]).reshape(P0, E)
    gm = tl.full([P0], -float("inf"), tl.float32)
    gm = row_maximum(
        gm, q, k_desc, kv, 0, whole, query, keys, scale, M0, E, False, CAUSAL, PRECISION
    )
    gm = row_maximum(
        gm, q, k_desc, kv, whole, end, query, keys, scale, M0, E, True, CAUSAL, PRECISION
    )
    sd = tl.zeros([P0], tl.float32)
    sd = row_sum(
        sd, gm, q, k_desc, kv, 0, whole, query, keys, scale, M0, E, False, CAUSAL, PRECISION
    )
    sd = row_sum(
        sd, gm, q, k_desc, kv, whole, end, query, keys, scale, M0, E, True, CAUSAL, PRECISION
    )
    si = 1.0 / sd
    av = tl.zeros([P0, F], tl.float32)
    av = product(
        av, si, gm, q, k_desc, v_desc, kv, 0, whole, query, keys, scale,
        M0, E, F, False, CAUSAL, PRECISION,
    )  # fmt: skip
    av = product(
        av, si, gm, q, k_desc, v_desc, kv, whole, end, query, keys, scale,
        M0, E, F, True, CAUSAL, PRECISION,
    )  # fmt: skip
    av_desc.store([head, first, 0], av.to(av_desc.dtype).reshape(1, P0, F))


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """One launch: a block for each query tile of each head."""
    av = inputs.q.new_empty(*inputs.q.shape[:-1], problem.value_dim)
    av_desc = tiles_of(av, launch.tiling.queries, problem.value_dim)
    blocks = query_blocks(problem, launch)
    step = make_step(three_pass, blocks, inputs, problem, launch, av_desc=av_desc)
    return Call((step,), {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "AV": av})
