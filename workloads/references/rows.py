"""Reference formulas of reductions and normalizations along the rows of a matrix."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, logsumexp

from workloads.references.registry import Array, Arrays, Sizes, register


@register(
    "softmax",
    "softmax/stable",
    "softmax/online",
    "softmax/two-pass",
    inputs={"X": "N"},
    outputs={"Y": "N"},
)
def row_softmax(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """Y = exp(X) / sum over N of exp(X)."""
    return {"Y": np.exp(log_softmax(inputs["X"], axis=-1))}


@register(
    "log-sum-exp",
    "softmax/log-sum-exp",
    "softmax/log-sum-exp-online",
    inputs={"X": "N"},
    outputs={"L": ""},
)
def log_sum_exp(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """L = log(sum over N of exp(X))."""
    return {"L": logsumexp(inputs["X"], axis=-1)}


@register(
    "layer-norm",
    "norm/layer-norm",
    "norm/layer-norm-moments",
    inputs={"X": "N", "GAIN": "N", "BIAS": "N"},
    outputs={"Y": "N"},
    optional=("GAIN", "BIAS"),
)
def layer_norm(inputs: Arrays, sizes: Sizes, epsilon: float = 1e-5) -> dict[str, Array]:
    """Y = (X - mean) / sqrt(variance + epsilon) GAIN + BIAS over N (arXiv 1607.06450)."""
    x = inputs["X"]
    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    y = (x - x.mean(axis=-1, keepdims=True)) / deviation
    return {"Y": y * inputs.get("GAIN", 1) + inputs.get("BIAS", 0)}


@register(
    "rms-norm",
    "norm/rms-norm",
    inputs={"X": "N", "GAIN": "N"},
    outputs={"Y": "N"},
    optional=("GAIN",),
)
def rms_norm(inputs: Arrays, sizes: Sizes, epsilon: float = 1e-5) -> dict[str, Array]:
    """Y = X / sqrt(mean of X^2 + epsilon) GAIN over N (arXiv 1910.07467)."""
    x = inputs["X"]
    scale = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + epsilon)
    return {"Y": x / scale * inputs.get("GAIN", 1)}


@register(
    "variance", "norm/variance", "norm/variance-welford", inputs={"X": "N"}, outputs={"VAR": ""}
)
def variance(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """VAR = mean over N of (X - mean)^2."""
    return {"VAR": inputs["X"].var(axis=-1)}


@register(
    "cosine-similarity", "norm/cosine-similarity", inputs={"X": "N", "Y": "N"}, outputs={"C": ""}
)
def cosine_similarity(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """C = X Y / (|X| |Y|) over N."""
    x, y = inputs["X"], inputs["Y"]
    norms = np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1)
    return {"C": np.einsum("...n,...n->...", x, y) / norms}
