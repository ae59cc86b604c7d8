"""P1-splitK: one pass over ranges of keys side by side, then a combine; for decoding.

Computes the cascade gpu/split-k (Flash-Decoding, Dao et al., 2023). The queries of the G query
heads that share a key head are the rows of one tile (row g P + p), so that each key is fetched
once for all of them; the M2 splits leave maximum, sum and numerator to a second launch, which
combines them.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from workloads.gpu.kernels.p1 import stream
from workloads.gpu.kernels.step import Call, Inputs, make_step, tiles_of
from workloads.gpu.problem import COMBINE_ROWS, Launch, Problem, split

CASCADE = "gpu/split-k"


@triton.jit
def partial_results(
    q_desc, k_desc, v_desc, rnv_desc, rm_ptr, rd_ptr, scale, queries, keys, rows, kv_heads,
    P0: tl.constexpr, M0: tl.constexpr, E: tl.constexpr, F: tl.constexpr, SPLIT: tl.constexpr,
    SPLITS: tl.constexpr, CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """One split of the keys for one tile of rows: SPLIT keys from the split's first."""
    tiles = tl.cdiv(rows, P0)
    block = tl.program_id(0)
    if HEAD_FASTEST:
        kv = block % kv_heads
        part = block // kv_heads % SPLITS
        first = block // kv_heads // SPLITS * P0
    else:
        part = block % SPLITS
        first = block // SPLITS % tiles * P0
        kv = block // SPLITS // tiles
    begin = part * SPLIT
    stop = tl.minimum(keys, begin + SPLIT)
    row = first + tl.arange(0, P0)
    query = row % queries
    whole = keys // M0 * M0
    end = keys
    if CAUSAL:
        # The rows of a tile are queries that follow each other, unless it goes on to the next
        # query head and so holds both a first and a last query.
        last = tl.minimum(rows, first + P0) - 1
        earliest = first % queries
        latest = last % queries
        if first // queries != last // queries:
            earliest = 0
            latest = queries - 1
        whole = tl.minimum(keys, earliest + 1) // M0 * M0
        end = tl.minimum(keys, latest + 1)
    whole = tl.maximum(begin, tl.minimum(whole, stop))
    end = tl.maximum(begin, tl.minimum(end, stop))

    q = q_desc.load([kv, first, 0]).reshape(P0, E)
    rm = tl.full([P0], -float("inf"), tl.float32)
    rd = tl.zeros([P0], tl.float32)
    rnv = tl.zeros([P0, F], tl.float32)
    rnv, rd, rm = stream(
        rnv, rd, rm, q, k_desc, v_desc, kv, begin, whole, query, keys, scale,
        M0, E, F, False, CAUSAL, CAUSAL, PRECISION,
    )  # fmt: skip
    rnv, rd, rm = stream(
        rnv, rd, rm, q, k_desc, v_desc, kv, whole, end, query, keys, scale,
        M0, E, F, True, CAUSAL, CAUSAL, PRECISION,
    )  # fmt: skip
    place = kv * SPLITS + part
    rnv_desc.store([place, first, 0], rnv.reshape(1, P0, F))
    offset = place.to(tl.int64) * rows + row
    tl.store(rm_ptr + offset, rm, mask=row < rows)
    tl.store(rd_ptr + offset, rd, mask=row < rows)


@triton.jit
def combine(
    rnv_desc, rm_ptr, rd_ptr, av_desc, rows,
    R0: tl.constexpr, F: tl.constexpr, SPLITS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """R0 rows: their maxima and sums side by side, then the numerators of one split at a time."""
    tiles = tl.cdiv(rows, R0)
    kv = tl.program_id(0) // tiles
    first = tl.program_id(0) % tiles * R0
    row = first + tl.arange(0, R0)
    part = tl.arange(0, LANES)
    offset = (kv.to(tl.int64) * SPLITS + part)[None, :] * rows + row[:, None]
    exists = (row < rows)[:, None] & (part < SPLITS)[None, :]
    rm = tl.load(rm_ptr + offset, mask=exists, other=-float("inf"))
    rd = tl.load(rd_ptr + offset, mask=exists, other=0.0)
    gm = tl.max(rm, 1)
    # Rows that do not exist have no maximum; they are not stored either.
    cf = tl.exp2(rm - tl.where(row < rows, gm, 0.0)[:, None])
    sd = tl.sum(cf * rd, 1)
    snv = tl.zeros([R0, F], tl.float32)
    for m2 in tl.range(0, SPLITS):
        factor = tl.sum(tl.where(part[None, :] == m2, cf, 0.0), 1)
        snv += factor[:, None] * rnv_desc.load([kv * SPLITS + m2, first, 0]).reshape(R0, F)
    av = snv * (1.0 / sd)[:, None]
    av_desc.store([kv, first, 0], av.to(av_desc.dtype).reshape(1, R0, F))


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """Two launches: a block for each split of each row tile; one for each 16 rows."""
    tiling = launch.tiling
    parts = split(problem, tiling)
    kv_heads = problem.batch * problem.kv_heads
    rows = problem.group * problem.queries
    f = problem.value_dim
    av = inputs.q.new_empty(*inputs.q.shape[:-1], f)
    partial = (kv_heads, parts.splits, rows)
    rnv = inputs.q.new_empty((*partial, f), dtype=torch.float32)
    rm, rd = (inputs.q.new_empty(partial, dtype=torch.float32) for _ in range(2))
    packed = inputs.q.view(kv_heads, rows, problem.head_dim)
    others = {
        "q_desc": tiles_of(packed, tiling.queries, problem.head_dim),
        "av_desc": tiles_of(av.view(kv_heads, rows, f), COMBINE_ROWS, f),
        "rm_ptr": rm,
        "rd_ptr": rd,
        "rows": rows,
        "kv_heads": kv_heads,
        "SPLIT": parts.keys,
        "SPLITS": parts.splits,
        "LANES": parts.lanes,
        "R0": COMBINE_ROWS,
    }
    written = {**others, "rnv_desc": tiles_of(rnv, tiling.queries, f)}
    read = {**others, "rnv_desc": tiles_of(rnv, COMBINE_ROWS, f)}
    blocks = kv_heads * -(-rows // tiling.queries) * parts.splits
    combining = kv_heads * -(-rows // COMBINE_ROWS)
    steps = (
        make_step(partial_results, blocks, inputs, problem, launch, **written),
        make_step(combine, combining, inputs, problem, launch, **read),
    )
    tensors = {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "AV": av}
    return Call(steps, {**tensors, "RNV": rnv, "RM": rm, "RD": rd})
