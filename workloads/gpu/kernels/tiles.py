"""What the kernels share on the device: where a block works, and which keys its queries see.

Tensors are read and written tile by tile through descriptors of three dimensions (head, row,
column); elements outside a tensor read as 0 and are not written, and neither costs a byte.
"""

import triton
import triton.language as tl


@triton.jit
def place(queries, heads, P0: tl.constexpr, CAUSAL: tl.constexpr, HEAD_FASTEST: tl.constexpr):
    """The head and the first query of this block."""
    tiles = tl.cdiv(queries, P0)
    block = tl.program_id(0)
    if HEAD_FASTEST:
        head = block % heads
        tile = block // heads
    else:
        head = block // tiles
        tile = block % tiles
    if CAUSAL:
        # The longest rows first, so that the last blocks to run are short.
        tile = tiles - 1 - tile
    return head, tile * P0


@triton.jit
def end_of_keys(first, queries, keys, P0: tl.constexpr, CAUSAL: tl.constexpr):
    """The end of the keys that a query of the tile sees."""
    if CAUSAL:
        return tl.minimum(keys, tl.minimum(queries, first + P0))
    return keys


@triton.jit
def end_of_whole_tiles(first, keys, M0: tl.constexpr, CAUSAL: tl.constexpr):
    """The end of the tiles of keys that every query of the tile sees, and that are full."""
    if CAUSAL:
        return tl.minimum(keys, first + 1) // M0 * M0
    return keys // M0 * M0


@triton.jit
def hide(qk, start, query, keys, M0: tl.constexpr, CAUSAL: tl.constexpr):
    """Scores with -inf for keys that do not exist or that `query` [P0] does not see."""
    key = start + tl.arange(0, M0)
    seen = (key < keys)[None, :]
    if CAUSAL:
        seen = seen & (key[None, :] <= query[:, None])
    return tl.where(seen, qk, -float("inf"))


@triton.jit
def scores(
    q, k_desc, kv, start, query, keys, scale,
    M0: tl.constexpr, E: tl.constexpr,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """QK of the tile of keys at `start`, scaled, in fp32."""
    k = k_desc.load([kv, start, 0]).reshape(M0, E)
    qk = tl.dot(q, k.T, input_precision=PRECISION) * scale
    if MASKED:
        qk = hide(qk, start, query, keys, M0, CAUSAL)
    return qk
