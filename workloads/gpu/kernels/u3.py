"""U3: unfused attention in three launches, as a framework computes it.

Computes the cascade gpu/stable: scores to memory, their softmax with a whole row on chip, and
probabilities times V. With a causal mask only the tiles that hold a visible key are computed,
written and read.
"""

from __future__ import annotations

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
from workloads.gpu.kernels.unfused import probabilities_values, query_keys
from workloads.gpu.problem import Launch, Problem, row_block

CASCADE = "gpu/stable"


@triton.jit
def softmax(
    qk_ptr, a_ptr, queries, keys, pitch,
    P0: tl.constexpr, M0: tl.constexpr, ROW: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    """The softmax of one row, over the keys of the tiles that its query tile executes."""
    row = tl.program_id(0)
    end = keys
    if CAUSAL:
        last = tl.minimum(queries, (row % queries // P0 + 1) * P0)
        end = tl.minimum(keys, tl.cdiv(tl.minimum(keys, last), M0) * M0)
    key = tl.arange(0, ROW)
    base = row.to(tl.int64) * pitch
    qk = tl.load(qk_ptr + base + key, mask=key < end, other=-float("inf")).to(tl.float32)
    sn = tl.exp2(qk - tl.max(qk, 0))
    a = sn * (1.0 / tl.sum(sn, 0))
    tl.store(a_ptr + base + key, a.to(a_ptr.dtype.element_ty), mask=key < end)


def build(inputs: Inputs, problem: Problem, launch: Launch) -> Call:
    """Three launches: a block for each tile of scores, each row, each query tile."""
    tiling = launch.tiling
    av = inputs.q.new_empty(*inputs.q.shape[:-1], problem.value_dim)
    qk, a = stored_scores(problem, inputs.q), stored_scores(problem, inputs.q)
    others = {
        "qk_desc": tiles_of(qk, tiling.queries, tiling.keys),
        "a_desc": tiles_of(a, tiling.queries, tiling.keys),
        "av_desc": tiles_of(av, tiling.queries, problem.value_dim),
        "qk_ptr": qk,
        "a_ptr": a,
        "pitch": qk.stride(-2),
        "ROW": row_block(problem),
    }
    tiles = query_blocks(problem, launch)
    key_tiles = -(-problem.keys // tiling.keys)
    rows = problem.batch * problem.heads * problem.queries
    steps = (
        make_step(query_keys, tiles * key_tiles, inputs, problem, launch, **others),
        make_step(softmax, rows, inputs, problem, launch, **others),
        make_step(probabilities_values, tiles, inputs, problem, launch, **others),
    )
    tensors = {"Q": inputs.q, "K": inputs.k, "V": inputs.v, "QK": qk, "A": a, "AV": av}
    return Call(steps, tensors)
