"""P2-spill: local numerators of each tile to memory in a first pass, corrected in a second.

Computes the cascade gpu/partial-spill. The first launch writes the numerators SLN under the
maximum LM of their own tile, with LM and the tile's sum SLD, and the maximum GM of the row; the
second reads them back, corrects them to GM, and multiplies with V. Two launches, because what a
block wrote through one path of the memory system it may not see through another.
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
from workloads.gpu.kernels.tiles import end_of_keys, end_of_whole_tiles, place, scores
from workloads.gpu.problem import Launch, Problem

CASCADE = "gpu/partial-spill"


@triton.jit
def spill(
    gm, q, k_desc, sln_desc, lm_row, sld_row, stored, head, kv, begin, end, first,
    query, keys, queries, scale, P0: tl.constexpr, M0: tl.constexpr, E: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The tiles from `begin` to `end`: their numerators, maxima and sums leave; `gm` goes on."""
    for start in tl.range(begin, end, M0):
        qk = scores(q, k_desc, kv, start, query, keys, scale, M0, E, MASKED, CAUSAL, PRECISION)
        lm = tl.max(qk, 1)
        finite = lm
        if CAUSAL:
            # A query may see no key of the last tiles.
            finite = tl.where(lm == -float("inf"), 0.0, lm)
        sln = tl.exp2(qk - finite[:, None])
        sld = tl.sum(sln, 1)
        gm = tl.maximum(gm, lm)
        sln_desc.store([head, first, start], sln.to(sln_desc.dtype).reshape(1, P0, M0))
        offset = (start // M0) * queries
        tl.store(lm_row + offset, lm, mask=stored)
        tl.store(sld_row + offset, sld, mask=stored)
    return gm


@triton.jit
def local_numerators(
    q_desc, k_desc, sln_desc, lm_ptr, sld_ptr, gm_ptr, scale, queries, keys, heads, group,
    P0: tl.constexpr, M0: tl.constexpr, E: tl.constexpr,
    CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The first launch: pass 1 over the keys."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    kv = head // group
    whole = end_of_whole_tiles(first, keys, M0, CAUSAL)
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    query = first + tl.arange(0, P0)
    q = q_desc.load([head, first, 0]).reshape(P0, E)
    stored = query < queries
    base = head.to(tl.int64) * tl.cdiv(keys, M0) * queries + query
    gm = tl.full([P0], -float("inf"), tl.float32)
    gm = spill(
        gm, q, k_desc, sln_desc, lm_ptr + base, sld_ptr + base, stored, head, kv, 0, whole,
        first, query, keys, queries, scale, P0, M0, E, False, CAUSAL, PRECISION,
    )  # fmt: skip
    gm = spill(
        gm, q, k_desc, sln_desc, lm_ptr + base, sld_ptr + base, stored, head, kv, whole, end,
        first, query, keys, queries, scale, P0, M0, E, True, CAUSAL, PRECISION,
    )  # fmt: skip
    tl.store(gm_ptr + head * queries + query, gm, mask=stored)


@triton.jit
def correct(
    v_desc, sln_desc, lm_ptr, sld_ptr, gm_ptr, av_desc, queries, keys, heads, group,
    P0: tl.constexpr, M0: tl.constexpr, F: tl.constexpr,
    CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The second launch: pass 2, over what was stored of the first."""
    head, first = place(queries, heads, P0, CAUSAL, HEAD_FASTEST)
    kv = head // group
    end = end_of_keys(first, queries, keys, P0, CAUSAL)
    row = first + tl.arange(0, P0)
    stored = row < queries
    base = head.to(tl.int64) * tl.cdiv(keys, M0) * queries + row
    gm = tl.load(gm_ptr + head * queries + row, mask=stored, other=0.0)
    sd = tl.zeros([P0], tl.float32)
    snv = tl.zeros([P0, F], tl.float32)
    for start in tl.range(0, end, M0):
        offset = base + (start // M0) * queries
        lm = tl.load(lm_ptr + offset, mask=stored, other=0.0)
        sld = tl.load(sld_ptr + offset, mask=stored, other=1.0)
        plm = tl.exp2(lm - gm)
        sd += sld * plm
        sln = sln_desc.load([head, first, start]).reshape(P0, M0)
        sn = sln.to(tl.float32) * plm[:, None]
        v = v_desc.load([kv, start, 0]).reshape(M0, F)
        snv = tl.dot(sn.to(v.dtype), v, snv, input_precision=PRECISION)
    av = snv * (1.0 / sd)[:, None]
    av_desc.store([head, first, 0], av.to(av_desc.dtype).reshape(1, P0, F))


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """Two launches, each with a block for each query tile of each head."""
    tiling = launch.tiling
    av = inputs.q.new_empty(*inputs.q.shape[:-1], problem.value_dim)
    sln = stored_scores(problem, inputs.q)
    tiles = -(-problem.keys // tiling.keys)
    row = (problem.batch, problem.heads, tiles, problem.queries)
    lm, sld = (inputs.q.new_empty(row, dtype=torch.float32) for _ in range(2))
    gm = inputs.q.new_empty((problem.batch, problem.heads, problem.queries), dtype=torch.float32)
    others = {
        "sln_desc": tiles_of(sln, tiling.queries, tiling.keys),
        "av_desc": tiles_of(av, tiling.queries, problem.value_dim),
        "lm_ptr": lm,
        "sld_ptr": sld,
        "gm_ptr": gm,
    }
    blocks = query_blocks(problem, launch)
    steps = (
        make_step(local_numerators, blocks, inputs, problem, launch, **others),
        make_step(correct, blocks, inputs, problem, launch, **others),
    )
    tensors = {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "AV": av}
    return Call(steps, {**tensors, "SLN": sln, "LM": lm, "SLD": sld, "GM": gm})
