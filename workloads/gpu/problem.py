"""What a GPU kernel is asked to compute, and how its loops are cut: plain values, no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from einsum.errors import SpecError, choices


class Mask(Enum):
    """Which keys a query sees: all of them, or those at its own position and before."""

    FULL = "full"
    CAUSAL = "causal"


class Dtype(Enum):
    """The format of Q, K, V, the output, and of scores that are stored."""

    FP16 = "fp16"
    BF16 = "bf16"
    FP32 = "fp32"

    @property
    def bytes(self) -> int:
        return 4 if self is Dtype.FP32 else 2


class GridOrder(Enum):
    """Which of consecutive thread blocks differ: their query tile, or their head.

    Blocks that run at the same time share the keys of one head in L2 with `TILE_FASTEST`, and
    ask for the keys of as many heads as there are multiprocessors with `HEAD_FASTEST`.
    """

    TILE_FASTEST = "tile-fastest"
    HEAD_FASTEST = "head-fastest"


def member(kind: type[Enum], text: str, what: str) -> Enum:
    """The member of `kind` with value `text`; `SpecError` lists the valid ones."""
    for one in kind:
        if one.value == text:
            return one
    raise SpecError(f"unknown {what} {text!r}", rule=choices(text, [m.value for m in kind]))


@dataclass(frozen=True, slots=True)
class Problem:
    """Attention over Q [B, H, P, E], K [B, KV, M, E], V [B, KV, M, F]; the result is [B, H, P, F].

    Query head h uses key head h // (H / KV) (grouped-query attention). With `Mask.CAUSAL` query p
    sees the keys m <= p, as in attention/causal.
    """

    batch: int
    heads: int
    kv_heads: int
    queries: int
    keys: int
    head_dim: int
    value_dim: int
    mask: Mask = Mask.FULL
    dtype: Dtype = Dtype.FP16

    def __post_init__(self) -> None:
        sizes = ("batch", "heads", "kv_heads", "queries", "keys", "head_dim", "value_dim")
        for name in sizes:
            if getattr(self, name) < 1:
                raise SpecError(f"{name} is {getattr(self, name)}", rule="sizes are positive")
        if self.heads % self.kv_heads:
            raise SpecError(
                f"{self.heads} query heads do not share {self.kv_heads} key heads evenly",
                rule="heads is a multiple of kv_heads",
            )
        for name in ("head_dim", "value_dim"):
            size = getattr(self, name)
            if size & (size - 1) or not 16 <= size <= 256:
                raise SpecError(f"{name} is {size}", rule="a power of two from 16 to 256")

    @property
    def group(self) -> int:
        """Query heads per key head."""
        return self.heads // self.kv_heads

    @property
    def useful_flop(self) -> float:
        """2 P M (E + F) a head; half of it where the mask is causal, as papers count it."""
        full = 2 * self.queries * self.keys * (self.head_dim + self.value_dim)
        share = 0.5 if self.mask is Mask.CAUSAL else 1.0
        return self.batch * self.heads * full * share

    def __str__(self) -> str:
        heads = f"h{self.heads}" + ("" if self.group == 1 else f"-kv{self.kv_heads}")
        dims = f"d{self.head_dim}"
        dims += "" if self.head_dim == self.value_dim else f"-f{self.value_dim}"
        length = f"p{self.queries}-m{self.keys}"
        return f"b{self.batch}-{heads}-{length}-{dims}-{self.mask.value}-{self.dtype.value}"


@dataclass(frozen=True, slots=True)
class Tiling:
    """P0 queries and M0 keys a tile; how many splits of the keys run side by side (split-K)."""

    queries: int = 128
    keys: int = 64
    splits: int = 1

    def __post_init__(self) -> None:
        for name in ("queries", "keys"):
            size = getattr(self, name)
            if size & (size - 1) or not 16 <= size <= 256:
                raise SpecError(f"tile of {size} {name}", rule="a power of two from 16 to 256")
        if self.splits < 1:
            raise SpecError(f"{self.splits} splits", rule="at least one")

    def __str__(self) -> str:
        return f"{self.queries}x{self.keys}" + (f"x{self.splits}" if self.splits > 1 else "")


@dataclass(frozen=True, slots=True)
class Launch:
    """How a kernel is put on the machine: its tiles, warps a block, stages of prefetch, order."""

    tiling: Tiling = Tiling()
    warps: int = 4
    stages: int = 2
    order: GridOrder = GridOrder.TILE_FASTEST

    def __post_init__(self) -> None:
        if self.warps not in (1, 2, 4, 8, 16):
            raise SpecError(f"{self.warps} warps", rule="1, 2, 4, 8 or 16")
        if self.stages < 1:
            raise SpecError(f"{self.stages} stages", rule="at least one")

    def __str__(self) -> str:
        return f"{self.tiling}-w{self.warps}-s{self.stages}-{self.order.value}"


@dataclass(frozen=True, slots=True)
class QueryTile:
    """One tile of queries: its rows, and the keys that its tiles of keys reach."""

    rows: int
    keys: int
    key_tiles: int


def query_tiles(problem: Problem, tiling: Tiling) -> Iterator[QueryTile]:
    """The query tiles of one head, from the first.

    Whole key tiles are executed: with `Mask.CAUSAL` up to the one that holds the last key that
    the tile's last query sees. The last tile of the keys may be short.
    """
    for first in range(0, problem.queries, tiling.queries):
        last = min(problem.queries, first + tiling.queries)
        seen = min(problem.keys, last) if problem.mask is Mask.CAUSAL else problem.keys
        key_tiles = -(-seen // tiling.keys)
        yield QueryTile(last - first, min(problem.keys, key_tiles * tiling.keys), key_tiles)


def row_block(problem: Problem) -> int:
    """Lanes of the softmax of U3, which holds a row whole: the next power of two."""
    return max(16, 1 << (problem.keys - 1).bit_length())


@dataclass(frozen=True, slots=True)
class Split:
    """Split-K: `splits` ranges of `keys` keys (whole tiles), the last one shorter or not."""

    splits: int
    keys: int

    @property
    def lanes(self) -> int:
        """Lanes of the combine, which holds a row's maxima side by side: a power of two."""
        return 1 << (self.splits - 1).bit_length()


def split(problem: Problem, tiling: Tiling) -> Split:
    """At most `tiling.splits` ranges of equally many key tiles; none of them is empty."""
    tiles = -(-problem.keys // tiling.keys)
    keys = -(-tiles // tiling.splits) * tiling.keys
    return Split(-(-problem.keys // keys), keys)


COMBINE_ROWS = 16  # queries a block of the combine
