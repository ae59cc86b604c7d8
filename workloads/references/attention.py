"""Reference formulas of attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from workloads.references.registry import Array, Arrays, Sizes, register

Coordinates: TypeAlias = NDArray[np.int_]

_INPUTS = {"Q": "E P", "K": "E M", "V": "F M"}
_OUTPUTS = {"AV": "F P"}


def scores(inputs: Arrays, scale: float = 1.0) -> Array:
    """scale x Q K with K's heads repeated for the query heads that share them: [..., M, P]."""
    product: Array = np.einsum("...ep,...em->...mp", inputs["Q"], _per_query_head("K", inputs))
    return scale * product


def weighted_values(inputs: Arrays, weights: Array) -> dict[str, Array]:
    """`{"AV": [..., F, P]}` from weights of shape [..., M, P]."""
    return {"AV": np.einsum("...mp,...fm->...fp", weights, _per_query_head("V", inputs))}


def _per_query_head(name: str, inputs: Arrays) -> Array:
    query, shared = inputs["Q"], inputs[name]
    if shared.ndim == query.ndim - 1:  # the queries have a group rank of their own
        return np.expand_dims(shared, -3)
    if shared.ndim > 2 and shared.shape[-3] != query.shape[-3]:
        return np.repeat(shared, query.shape[-3] // shared.shape[-3], axis=-3)
    return shared


@register(
    "attention",
    *(
        f"gpu/{name}"
        for name in [
            "stable",
            "stable-row",
            "stable-recompute",
            "two-pass-recompute",
            "partial-spill",
            "online",
            "split-k",
        ]
    ),
    *(
        f"attention/{name}"
        for name in [
            "unstable",
            "unstable-deferred",
            "stable",
            "stable-deferred",
            "partial",
            "partial-deferred",
            "online",
            "flash1",
            "flash2",
            "fusemax",
            "fusemax-fma",
            "three-pass",
            "masked-online",
            "mantissa-exponent",
            "decode",
            "gqa",
            "split-k",
        ]
    ),
    inputs={**_INPUTS, "MASK": "M P"},
    outputs=_OUTPUTS,
    optional=("MASK",),
)
def attention(inputs: Arrays, sizes: Sizes, scale: float = 1.0) -> dict[str, Array]:
    """AV = softmax_M(scale Q K + MASK) V, Vaswani et al., 2017 (arXiv 1706.03762), equation 1.

    The shipped cascades fold the usual scale 1 / sqrt(E) into Q, so `scale` is 1 for them.
    """
    return weighted_values(inputs, softmax(scores(inputs, scale) + inputs.get("MASK", 0), axis=-2))


@register(
    "causal-attention",
    "attention/causal",
    "attention/causal-online",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
)
def causal_attention(inputs: Arrays, sizes: Sizes, scale: float = 1.0) -> dict[str, Array]:
    """Attention of query p on the keys m <= p."""
    return _masked_attention(inputs, lambda m, p: m <= p, scale)


@register(
    "windowed-attention",
    "attention/windowed",
    "attention/windowed-online",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
)
def windowed_attention(inputs: Arrays, sizes: Sizes, scale: float = 1.0) -> dict[str, Array]:
    """Attention of query p on the W keys p - W < m <= p."""
    width = sizes["W"]
    return _masked_attention(inputs, lambda m, p: (m <= p) & (p - m < width), scale)


def _masked_attention(
    inputs: Arrays, visible: Callable[[Coordinates, Coordinates], NDArray[np.bool_]], scale: float
) -> dict[str, Array]:
    product = scores(inputs, scale)
    m, p = np.ogrid[: product.shape[-2], : product.shape[-1]]
    return weighted_values(inputs, softmax(np.where(visible(m, p), product, -np.inf), axis=-2))


@register("sigmoid-attention", "attention/sigmoid", inputs=_INPUTS, outputs=_OUTPUTS)
def sigmoid_attention(inputs: Arrays, sizes: Sizes, scale: float = 1.0) -> dict[str, Array]:
    """AV = sigmoid(scale Q K - log M) V (arXiv 2409.04431)."""
    product = scores(inputs, scale)
    return weighted_values(inputs, expit(product - np.log(product.shape[-2])))


@register("linear-attention", "attention/linear", inputs=_INPUTS, outputs=_OUTPUTS)
def linear_attention(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """Weights phi(Q) phi(K) / their sum over M, phi = elu + 1 (arXiv 2006.16236, equation 4)."""
    return _kernel_attention(inputs, lambda weights: weights)


@register(
    "causal-linear-attention",
    "attention/linear-causal",
    inputs={"Q": "E P", "K": "E P", "V": "F P"},
    outputs=_OUTPUTS,
)
def causal_linear_attention(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """Linear attention of position p on the positions up to p (arXiv 2006.16236, equation 8)."""
    return _kernel_attention(inputs, np.triu)


def _kernel_attention(inputs: Arrays, mask: Callable[[Array], Array]) -> dict[str, Array]:
    mapped = {name: np.where(x > 0, x + 1, np.exp(x)) for name, x in inputs.items() if name != "V"}
    weights = mask(scores({**mapped, "V": inputs["V"]}))
    return weighted_values(inputs, weights / weights.sum(axis=-2, keepdims=True))
