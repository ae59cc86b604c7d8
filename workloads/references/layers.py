"""Reference formulas of linear layers, feed-forward blocks, convolutions and recurrences."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, ndtr

from workloads.references.registry import Array, Arrays, Sizes, register


@register("matmul", "layers/matmul", inputs={"X": "T K", "W": "K N"}, outputs={"Z": "T N"})
def matmul(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """Z = X W."""
    return {"Z": inputs["X"] @ inputs["W"]}


@register(
    "feed-forward",
    "layers/feed-forward",
    inputs={"X": "T D", "W1": "D S", "W2": "S N"},
    outputs={"Z": "T N"},
)
def feed_forward(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """Z = GELU(X W1) W2, GELU(x) = x Phi(x) (arXiv 1606.08415)."""
    hidden = inputs["X"] @ inputs["W1"]
    return {"Z": hidden * ndtr(hidden) @ inputs["W2"]}


@register(
    "gated-feed-forward",
    "layers/gated-feed-forward",
    inputs={"X": "T D", "WG": "D S", "W1": "D S", "W2": "S N"},
    outputs={"Z": "T N"},
)
def gated_feed_forward(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """Z = (SiLU(X WG) * X W1) W2, SiLU(x) = x sigmoid(x) (arXiv 2002.05202)."""
    gate = inputs["X"] @ inputs["WG"]
    return {"Z": (gate * expit(gate) * (inputs["X"] @ inputs["W1"])) @ inputs["W2"]}


@register(
    "convolution",
    "layers/convolution",
    inputs={"I": "B C X Y", "W": "K C R S"},
    outputs={"O": "B K P Q"},
)
def convolution(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """O[b, k, p, q] = sum over c, r, s of I[b, c, p + r, q + s] W[k, c, r, s]."""
    image, weights = inputs["I"], inputs["W"]
    windows = np.lib.stride_tricks.sliding_window_view(image, weights.shape[-2:], axis=(-2, -1))
    windows = windows[..., : sizes["P"], : sizes["Q"], :, :]
    return {"O": np.einsum("bcpqrs,kcrs->bkpq", windows, weights)}


@register(
    "linear-recurrence",
    "layers/linear-recurrence",
    inputs={"A": "T D", "X": "T D"},
    outputs={"Y": "T D"},
)
def linear_recurrence(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """Y[t] = sum over u <= t of A[t] A[t - 1] ... A[u + 1] X[u]."""
    a, x = inputs["A"], inputs["X"]
    y = np.zeros_like(x)
    for u in range(x.shape[-2]):
        factors = np.cumprod(a[..., u + 1 :, :], axis=-2) * x[..., u, None, :]
        y[..., u, :] += x[..., u, :]
        y[..., u + 1 :, :] += factors
    return {"Y": y}


@register(
    "ssm-scan",
    "layers/ssm-scan",
    inputs={"X": "T D", "DTX": "T D", "ALOG": "D N", "BT": "T N", "CT": "T N", "SKIP": "D"},
    outputs={"Y": "T D"},
)
def ssm_scan(inputs: Arrays, sizes: Sizes) -> dict[str, Array]:
    """The selective scan as the matrix it multiplies X by (Mamba-2, arXiv 2405.21060).

    Y[t, d] = sum over u <= t, n of CT[t, n] exp(-exp(ALOG[d, n]) (DT[u + 1] + ... + DT[t]))
    DT[u, d] BT[u, n] X[u, d], plus SKIP[d] X[t, d].
    """
    x, step = inputs["X"], np.logaddexp(inputs["DTX"], 0)
    elapsed = np.cumsum(step, axis=-2)
    gap = elapsed[:, None] - elapsed[None]  # [t, u, d]
    causal = np.tri(len(x), dtype=bool)[:, :, None, None]
    decay = np.exp(-np.where(causal, gap[..., None], 0) * np.exp(inputs["ALOG"])) * causal
    y = np.einsum("tn,tudn,ud,un,ud->td", inputs["CT"], decay, step, inputs["BT"], x)
    return {"Y": y + inputs["SKIP"] * x}
