"""A transformer layer as workloads: its attention and its linear layers, with their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from einsum.cascade import Cascade
from einsum.errors import SpecError
from workloads.library import load_cascade
from workloads.models import Model


@dataclass(frozen=True)
class Workload:
    """A cascade with the sizes of its ranks; a size that is not given is the cascade's default."""

    name: str
    cascade: Cascade
    shape: Mapping[str, int] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", MappingProxyType(dict(self.shape)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy does not pickle, and sweeps send workloads to other processes.
        return Workload, (self.name, self.cascade, dict(self.shape))


def attention(
    model: Model,
    seq_len: int,
    *,
    cascade: str = "attention/fusemax",
    batch: int | None = None,
    query_len: int | None = None,
) -> Workload:
    """The attention of one layer, all its heads: M = `seq_len` keys, P = `query_len` queries.

    `query_len` is `seq_len` when it is not given (self-attention), 1 for a step of decoding.
    `cascade` is a shipped name or a path. A cascade with the partition H -> (KV, G) shares K and
    V within a group of G heads; one without reads a K and a V per query head. Sizes of tiles
    (M0) stay the cascade's own. Raises `SpecError` for a size below 1 or an unknown cascade.
    """
    sizes = {
        "B": _positive("batch", model.batch if batch is None else batch),
        "H": model.heads,
        "G": model.heads // model.kv_heads,
        "E": model.head_dim,
        "F": model.value_dim,
        "M": _positive("seq_len", seq_len),
        "P": _positive("query_len", seq_len if query_len is None else query_len),
    }
    loaded = load_cascade(cascade)
    ranks = {rank.name for rank in loaded.ranks} | set(loaded.parents)
    return Workload(
        name="attention",
        cascade=loaded,
        shape={rank: size for rank, size in sizes.items() if rank in ranks},
    )


def linear_layers(model: Model, seq_len: int, batch: int | None = None) -> tuple[Workload, ...]:
    """The linear layers of one layer, in order: Q, K, V, Z, FFN1, (FFN1-gate,) FFN2.

    Each is a matrix product Z[t, n] = X[t, k] * W[k, n] of T = batch x `seq_len` tokens. Z is
    the output projection. Raises `SpecError` for a size below 1.
    """
    tokens = _positive("batch", model.batch if batch is None else batch)
    tokens *= _positive("seq_len", seq_len)
    dims = {
        "Q": (model.model_dim, model.heads * model.head_dim),
        "K": (model.model_dim, model.kv_heads * model.head_dim),
        "V": (model.model_dim, model.kv_heads * model.value_dim),
        "Z": (model.heads * model.value_dim, model.model_dim),
        "FFN1": (model.model_dim, model.ffn_dim),
        **({"FFN1-gate": (model.model_dim, model.ffn_dim)} if model.gated_ffn else {}),
        "FFN2": (model.ffn_dim, model.model_dim),
    }
    matmul = load_cascade("layers/matmul")
    return tuple(
        Workload(name=name, cascade=matmul, shape={"T": tokens, "K": k, "N": n})
        for name, (k, n) in dims.items()
    )


def _positive(what: str, value: int) -> int:
    if value < 1:
        raise SpecError(f"{what} is {value}", rule=f"{what} is a whole number, at least 1")
    return value
