"""A whole model as workloads: every one of them once, with how often it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from workloads.library import load_cascade
from workloads.models import Model
from workloads.transformer import Workload, attention, linear_layers


@dataclass(frozen=True)
class Part:
    """A workload that runs `times` times in the model."""

    workload: Workload
    times: int


def whole_model(
    model: Model, seq_len: int, *, cascade: str = "attention/fusemax", batch: int | None = None
) -> tuple[Part, ...]:
    """The matrix products and the attention of all layers, and the projection to the vocabulary.

    Norms, activations, embeddings and residual sums are left out. Every expert gets its share of
    the tokens on the average, rounded up. Raises `SpecError` for a size below 1.
    """
    tokens = (model.batch if batch is None else batch) * seq_len
    parts = [Part(attention(model, seq_len, cascade=cascade, batch=batch), model.layers)]
    dense = model.dense_layers if model.experts else model.layers
    for layer in linear_layers(model, seq_len, batch):
        feeds_forward = layer.name.startswith("FFN")
        if model.kv_rank and layer.name in ("Q", "K", "V"):
            continue
        if times := dense if feeds_forward else model.layers:
            parts.append(Part(layer, times))
    parts += [Part(_product(*one, tokens), model.layers) for one in _latent(model)]
    parts += _experts(model, tokens)
    if model.vocab:
        parts.append(Part(_product("vocabulary", model.model_dim, model.vocab, tokens), 1))
    return tuple(parts)


def _latent(model: Model) -> Iterator[tuple[str, int, int]]:
    """The projections of latent attention (DeepSeek-V2, arXiv 2405.04434, equations 9 to 19)."""
    if not model.kv_rank:
        return
    queries = model.heads * model.head_dim
    if model.query_rank:
        yield "Q-down", model.model_dim, model.query_rank
        yield "Q-up", model.query_rank, queries
    else:
        yield "Q", model.model_dim, queries
    yield "KV-down", model.model_dim, model.kv_rank + model.rope_dim
    yield "K-up", model.kv_rank, model.heads * (model.head_dim - model.rope_dim)
    yield "V-up", model.kv_rank, model.heads * model.value_dim


def _experts(model: Model, tokens: int) -> Iterator[Part]:
    if not model.experts:
        return
    layers = model.layers - model.dense_layers
    routed = ceil(tokens * model.active_experts / model.experts)
    first = 2 if model.gated_ffn else 1  # the gate's product has the same shape
    yield Part(_product("router", model.model_dim, model.experts, tokens), layers)
    for name, rows, count in (
        ("expert", routed, model.experts),
        ("shared-expert", tokens, model.shared_experts),
    ):
        if count:
            up = _product(f"{name}-1", model.model_dim, model.expert_dim, rows)
            down = _product(f"{name}-2", model.expert_dim, model.model_dim, rows)
            yield Part(up, layers * count * first)
            yield Part(down, layers * count)


def _product(name: str, inner: int, outer: int, tokens: int) -> Workload:
    return Workload(name, load_cascade("layers/matmul"), {"T": tokens, "K": inner, "N": outer})
