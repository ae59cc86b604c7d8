"""Shapes of attention that kernels are predicted and measured for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from einsum.errors import SpecError
from einsum.quantity import format_count

# FlashAttention-3 (arXiv 2407.08608), section 4.1: 16384 tokens, a model width of 2048.
_TOKENS = 16384
_WIDTH = 2048
_LENGTHS = (512, 1024, 2048, 4096, 8192, 16384)
_HEAD_DIMS = (64, 128)
# Decoding: sequences, then cached keys, of a model with 64 heads that share 8 heads of K and V.
_DECODE = ((1, 2048), (8, 2048), (32, 2048), (1, 131072), (32, 32768))
_DECODE_HEADS = (64, 8)


@dataclass(frozen=True, slots=True, order=True)
class AttentionShape:
    """One forward pass: `keys` cached positions, `queries` of each sequence (1: decoding).

    Raises `SpecError` for a size below 1, heads that do not share evenly, and a causal mask
    with fewer keys than queries.
    """

    batch: int
    heads: int
    kv_heads: int
    head_dim: int
    keys: int
    queries: int
    causal: bool = False

    def __post_init__(self) -> None:
        for name in ("batch", "heads", "kv_heads", "head_dim", "keys", "queries"):
            if getattr(self, name) < 1:
                raise SpecError(
                    f"{name} is {getattr(self, name)}", rule="a size is a whole number, at least 1"
                )
        if self.heads % self.kv_heads:
            raise SpecError(
                f"{self.heads} heads do not share {self.kv_heads} heads of K and V",
                rule="the one is a multiple of the other",
            )

    @property
    def decodes(self) -> bool:
        return self.queries == 1 and self.keys > 1

    @property
    def flops(self) -> float:
        """4 B H P M D, half of it under a causal mask: the convention of FlashAttention."""
        points = self.batch * self.heads * self.queries * self.keys
        return 4.0 * points * self.head_dim / (2 if self.causal else 1)

    @property
    def sizes(self) -> dict[str, int]:
        """The ranks of the cascades of `workloads/cascades/gpu`."""
        return {
            "B": self.batch,
            "H": self.heads,
            "G": self.heads // self.kv_heads,
            "E": self.head_dim,
            "F": self.head_dim,
            "M": self.keys,
            "P": self.queries,
        }

    def __str__(self) -> str:
        groups = "" if self.heads == self.kv_heads else f"/{self.kv_heads}"
        mask = " causal" if self.causal else ""
        what = " decode" if self.decodes else ""
        length = format_count(self.keys)
        return f"B{self.batch} H{self.heads}{groups} D{self.head_dim} {length}{what}{mask}"


def prefill_shapes() -> Iterator[AttentionShape]:
    """Those of FlashAttention-3's figure 5."""
    for dim in _HEAD_DIMS:
        heads = _WIDTH // dim
        for is_causal in (False, True):
            for n in _LENGTHS:
                yield AttentionShape(_TOKENS // n, heads, heads, dim, n, n, is_causal)


def decode_shapes() -> Iterator[AttentionShape]:
    """Single queries against caches of a few sizes."""
    heads, kv_heads = _DECODE_HEADS
    for batch, keys in _DECODE:
        yield AttentionShape(batch, heads, kv_heads, 128, keys, 1)
