"""P2-recompute: maximum and sum of the row in one pass over the keys, the product in a second.

Computes the cascade gpu/two-pass-recompute. Scores are not kept: the second pass multiplies queries
and keys again, and divides once at the end.
"""

from __future__ import annotations

import triton
import triton.language as tl

from workloads.gpu.kernels.step import Call, Inputs, make_step, query_blocks, tiles_of
from workloads.gpu.kernels.tiles import end_of_keys, end_of_whole_tiles, place, scores
from workloads.gpu.problem import Launch, Problem

CASCADE = "gpu/two-pass-recompute"


@triton.jit
def statistics(
    rd, rm, q, k_desc, kv, begin, end, query, keys, scale,
    M0: tl.constexpr, E: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Pass 1: the running maximum, and the sum in its terms."""
    for start in tl.range(begin, end, M0):
        qk = scores(q, k_desc, kv, start, query, keys, scale, M0, E, MASKED, CAUSAL, PRECISION)
        maximum = tl.maximum(rm, tl.max(qk, 1))
        sln = tl.exp2(qk - maximum[:, None])
        rd = rd * tl.exp2(rm - maximum) + tl.sum(sln, 1)
        rm = maximum
    return rd, rm


@triton.jit
def product(
    snv, rm, q, k_desc, v_desc, kv, begin, end, query, keys, scale,
    M0: tl.constexpr, E: tl.constexpr, F: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Pass 2: scores again, numerators under the final maximum, their product with V."""
    for start in tl.range(begin, end, M0):
        qk = scores(q, k_desc, kv, start, query, keys, scale, M0, E, MASKED, CAUSAL, PRECISION)
        sn = tl.exp2(qk - rm[:, None])
        v = v_desc.load([kv, start, 0]).reshape(M0, F)
        snv = tl.dot(sn.to(v.dtype), v, snv, input_precision=PRECISION)
    return snv


@triton.jit
def two_pass(
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
    rm = tl.full([P0], -float("inf"), tl.float32)
    rd = tl.zeros([P0], tl.float32)
    rd, rm = statistics(
        rd, rm, q, k_desc, kv, 0, whole, query, keys, scale,
        M0, E, False, CAUSAL, PRECISION,
    )  # fmt: skip
    rd, rm = statistics(
        rd, rm, q, k_desc, kv, whole, end, query, keys, scale,
        M0, E, True, CAUSAL, PRECISION,
    )  # fmt: skip
    snv = tl.zeros([P0, F], tl.float32)
    snv = product(
        snv, rm, q, k_desc, v_desc, kv, 0, whole, query, keys, scale,
        M0, E, F, False, CAUSAL, PRECISION,
    )  # fmt: skip
    snv = product(
        snv, rm, q, k_desc, v_desc, kv, whole, end, query, keys, scale,
        M0, E, F, True, CAUSAL, PRECISION,
    )  # fmt: skip
    av = snv * (1.0 / rd)[:, None]
    av_desc.store([head, first, 0], av.to(av_desc.dtype).reshape(1, P0, F))


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """One launch: a block for each query tile of each head."""
    av = inputs.q.new_empty(*inputs.q.shape[:-1], problem.value_dim)
    av_desc = tiles_of(av, launch.tiling.queries, problem.value_dim)
    blocks = query_blocks(problem, launch)
    step = make_step(two_pass, blocks, inputs, problem, launch, av_desc=av_desc)
    return Call((step,), {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "AV": av})
