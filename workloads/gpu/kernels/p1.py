"""P1: attention in one pass over the keys, by running maximum, sum and output.

Computes the cascade gpu/online (FlashAttention-2's loops, Dao, ICLR 2024, algorithm 1). A block
holds a tile of queries and streams the tiles of keys: first those that all of its queries see,
without a mask, then the rest.
"""

from __future__ import annotations

import triton
import triton.language as tl

from workloads.gpu.kernels.step import Call, Inputs, make_step, query_blocks, tiles_of
from workloads.gpu.kernels.tiles import end_of_keys, end_of_whole_tiles, hide, place
from workloads.gpu.problem import Launch, Problem

CASCADE = "gpu/online"


@triton.jit
def stream(
    rnv, rd, rm, q, k_desc, v_desc, kv, begin, end, query, keys, scale,
    M0: tl.constexpr, E: tl.constexpr, F: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, EMPTY: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The steps m1 of the cascade for the keys from `begin` to `end`.

    The scale multiplies inside the exponent, one fused multiply-add a score. EMPTY: a query may
    have seen no key so far, and its maximum be -inf.
    """
    for start in tl.range(begin, end, M0):
        k = k_desc.load([kv, start, 0]).reshape(M0, E)
        qk = tl.dot(q, k.T, input_precision=PRECISION)
        if MASKED:
            qk = hide(qk, start, query, keys, M0, CAUSAL)
        maximum = tl.maximum(rm, tl.max(qk, 1) * scale)
        finite = maximum
        if EMPTY:
            finite = tl.where(maximum == -float("inf"), 0.0, maximum)
        sln = tl.exp2(qk * scale - finite[:, None])
        prm = tl.exp2(rm - finite)
        rd = rd * prm + tl.sum(sln, 1)
        rnv = rnv * prm[:, None]
        v = v_desc.load([kv, start, 0]).reshape(M0, F)
        rnv = tl.dot(sln.to(v.dtype), v, rnv, input_precision=PRECISION)
        rm = maximum
    return rnv, rd, rm


@triton.jit
def online(
    q_desc, k_desc, v_desc, av_desc, scale, queries, keys, heads, group,
    P0: tl.constexpr, M0: tl.constexpr, E: tl.constexpr, F: tl.constexpr,
    CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """A tile of queries of one head, and all keys that they see."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    kv = head // group
    whole = end_of_whole_tiles(first, keys, M0, CAUSAL)
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    query = first + tl.arange(0, P0)
    q = q_desc.load([head, first, 0]).reshape(P0, E)
    rm = tl.full([P0], -float("inf"), tl.float32)
    rd = tl.zeros([P0], tl.float32)
    rnv = tl.zeros([P0, F], tl.float32)
    # Every query sees key 0, so the maximum is finite after the first tile.
    rnv, rd, rm = stream(
        rnv, rd, rm, q, k_desc, v_desc, kv, 0, whole, query, keys, scale,
        M0, E, F, False, CAUSAL, False, PRECISION,
    )  # fmt: skip
    rnv, rd, rm = stream(
        rnv, rd, rm, q, k_desc, v_desc, kv, whole, end, query, keys, scale,
        M0, E, F, True, CAUSAL, False, PRECISION,
    )  # fmt: skip
    av = rnv * (1.0 / rd)[:, None]
    av_desc.store([head, first, 0], av.to(av_desc.dtype).reshape(1, P0, F))


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """One launch: a block for each query tile of each head."""
    av = inputs.q.new_empty(*inputs.q.shape[:-1], problem.value_dim)
    av_desc = tiles_of(av, launch.tiling.queries, problem.value_dim)
    blocks = query_blocks(problem, launch)
    step = make_step(online, blocks, inputs, problem, launch, av_desc=av_desc)
    return Call((step,), {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "AV": av})
