"""What unfused kernels have in common: scores to memory, and probabilities times V."""

from __future__ import annotations

import triton
import triton.language as tl

from workloads.gpu.kernels.tiles import end_of_keys, place, scores


@triton.jit
def query_keys(
    q_desc, k_desc, qk_desc, scale, queries, keys, heads, group,
    P0: tl.constexpr, M0: tl.constexpr, E: tl.constexpr,
    CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """QK: a block for each pair of a query tile and a key tile; those that are hidden return."""
    key_tiles = tl.cdiv(keys, M0)
    pair = tl.program_id(0)
    start = (pair % key_tiles) * M0
    query_tiles = tl.cdiv(queries, P0)
    rest = pair // key_tiles
    if HEAD_FASTEST:
        head = rest % heads
        first = rest // heads * P0
    else:
        head = rest // query_tiles
        first = rest % query_tiles * P0
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    if start < end:
        q = q_desc.load([head, first, 0]).reshape(P0, E)
        qk = scores(
            q, k_desc, head // group, start, first + tl.arange(0, P0), keys, scale,
            M0, E, True, CAUSAL, PRECISION,
        )  # fmt: skip
        qk_desc.store([head, first, start], qk.to(qk_desc.dtype).reshape(1, P0, M0))


@triton.jit
def probabilities_values(
    a_desc, v_desc, av_desc, queries, keys, heads, group,
    P0: tl.constexpr, M0: tl.constexpr, F: tl.constexpr,
    CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """AV: a block for each query tile, over the key tiles that its queries see."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    av = tl.zeros([P0, F], tl.float32)
    for start in tl.range(0, end, M0):
        a = a_desc.load([head, first, start]).reshape(P0, M0)
        v = v_desc.load([head // group, start, 0]).reshape(M0, F)
        av = tl.dot(a, v, av, input_precision=PRECISION)
    av_desc.store([head, first, 0], av.to(av_desc.dtype).reshape(1, P0, F))
