"""Masks: the cascade with a condition computes what the one that was written with it does."""

from __future__ import annotations

import numpy as np
import pytest

from einsum.errors import SpecError
from einsum.interpret import run
from einsum.parser import parse_cascade
from workloads.library import load_cascade
from workloads.masks import causal

SIZES = {"H": 2, "E": 3, "F": 5, "M": 11, "P": 11}


@pytest.mark.parametrize(
    ("plain", "masked", "tiles"),
    [
        ("attention/stable", "attention/causal", {}),
        ("attention/fusemax", "attention/causal-online", {"M0": 4}),
    ],
)
def test_it_is_the_causal_cascade(plain: str, masked: str, tiles: dict[str, int]) -> None:
    made = causal(load_cascade(plain))
    assert made.einsums == load_cascade(masked).einsums
    ours, theirs = (run(one, {}, {**SIZES, **tiles}) for one in (made, load_cascade(masked)))
    np.testing.assert_array_equal(ours["AV"], theirs["AV"])


@pytest.mark.parametrize(
    "name",
    [
        "stable",
        "stable-row",
        "stable-recompute",
        "two-pass-recompute",
        "partial-spill",
        "online",
        "split-k",
    ],
)
def test_gpu_cascades_under_the_mask(name: str) -> None:
    cascade = causal(load_cascade(f"gpu/{name}"))
    tiles = (
        {"M0": 4, "M1": 2} if name == "split-k" else {"M0": 4} if "M0" in cascade.parents else {}
    )
    with np.errstate(invalid="ignore", over="ignore"):
        done = run(cascade, {}, {**SIZES, "G": 2, **tiles}, dtype=np.dtype(np.float64))
    inputs = {tensor: np.asarray(done[tensor])[0] for tensor in "QKV"}
    scores = np.einsum("hep,em->hmp", inputs["Q"], inputs["K"][0])
    scores[:, ~(np.arange(11)[:, None] <= np.arange(11))] = -np.inf
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    expected = np.einsum("hmp,fm->hfp", weights, inputs["V"][0])
    found = np.asarray(done["AV"])[0, 0]
    seen = ~np.isnan(found)
    assert seen.any()
    np.testing.assert_allclose(found[seen], expected[seen], rtol=1e-10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ranks M, N, K\ninputs A[M, K], B[K, N]\nZ[m, n] = A[m, k] * B[k, n]", "has no scores"),
        (
            "ranks E, M, P\ninputs Q[E, P], K[E, M]\nS[m, p] = Q[e, p] * K[e, m] if m < p",
            "has a condition already",
        ),
    ],
)
def test_what_has_no_causal_form(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        causal(parse_cascade(text))
    assert message in str(caught.value)
