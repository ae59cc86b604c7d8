"""Every shipped cascade, interpreted, computes what its reference does."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from einsum.interpret import Run, run
from workloads.library import cascade_names, load_cascade
from workloads.references import max_rel_error, reference_for, reference_named

ATTENTION = [name for name in cascade_names() if name.startswith("attention/")]
OVERFLOWS = ["attention/unstable", "attention/unstable-deferred"]
STABLE = [
    name
    for name in reference_named("attention").cascades + reference_named("softmax").cascades
    if name not in OVERFLOWS
]
LAYERS = {
    "layers/convolution": {"B": 2, "C": 3, "K": 4, "P": 5, "Q": 6, "R": 3, "S": 2},
    "layers/feed-forward": {"T": 3, "D": 4, "S": 6, "N": 4},
    "layers/gated-feed-forward": {"T": 3, "D": 4, "S": 6, "N": 4},
    "layers/linear-recurrence": {"T": 13, "D": 3},
    "layers/matmul": {"T": 3, "K": 4, "N": 5},
    "layers/ssm-scan": {"T": 13, "D": 3, "N": 4},
}


def interpret(
    name: str,
    sizes: Mapping[str, int],
    inputs: Mapping[str, np.ndarray] | None = None,
    dtype: type = np.float64,
    seed: int = 0,
) -> Run:
    """The run of a shipped cascade with those of `sizes` that it has."""
    cascade = load_cascade(name)
    known = {rank.name for rank in cascade.ranks} | {*cascade.parents, *dict(cascade.constants)}
    shape = {rank: size for rank, size in sizes.items() if rank in known}
    return run(cascade, inputs, shape, seed=seed, dtype=dtype)


def error(computed: Run) -> float:
    return max_rel_error(computed, reference_for(computed.shapes.cascade.name))


def sizes_of(name: str, keys: int = 24, tile: int = 4) -> dict[str, int]:
    """Small sizes that differ; causal attention has as many queries as keys."""
    if name in LAYERS:
        return LAYERS[name]
    is_causal = "causal" in name or "windowed" in name
    queries = keys if is_causal else 5
    tiles = {"M0": tile, "M1": 2} if "split" in name else {"M0": tile}
    heads = {"B": 2, "H": 6, "G": 3, "E": 7, "F": 3, "W": 6}
    return {**heads, **tiles, "M": keys, "P": queries, "R": 3, "N": keys}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", cascade_names())
def test_cascade_against_its_reference(name: str, dtype: type) -> None:
    computed = interpret(name, sizes_of(name), dtype=dtype)
    assert error(computed) < 50 * np.finfo(dtype).eps


@pytest.mark.parametrize(("keys", "tile"), [(23, 4), (3, 8), (9, 1), (1, 1), (16, 16)])
@pytest.mark.parametrize("name", [n for n in cascade_names() if n not in LAYERS])
def test_uneven_tiles_and_short_rows(name: str, keys: int, tile: int) -> None:
    assert error(interpret(name, sizes_of(name, keys, tile))) < 1e-12


@pytest.mark.parametrize("name", ATTENTION)
@settings(max_examples=15, deadline=None)
@given(
    keys=st.integers(1, 40),
    tile=st.integers(1, 12),
    width=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_attention_of_any_shape(name: str, keys: int, tile: int, width: int, seed: int) -> None:
    sizes = {**sizes_of(name, keys, tile), "W": width}
    assert error(interpret(name, sizes, seed=seed)) < 1e-11


@pytest.mark.parametrize("name", STABLE)
def test_large_scores_do_not_overflow(name: str) -> None:
    sizes = sizes_of(name, keys=23)
    tensor = "X" if name.startswith("softmax/") else "Q"
    drawn = interpret(name, sizes)[tensor]
    large = interpret(name, sizes, {tensor: 1e4 * drawn})
    assert error(large) < 1e-10


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", OVERFLOWS)
def test_without_the_maximum_large_scores_overflow(name: str) -> None:
    sizes = sizes_of(name)
    large = interpret(name, sizes, {"Q": 1e4 * interpret(name, sizes)["Q"]})
    assert error(large) == float("inf")


def test_a_mask_may_hide_whole_tiles() -> None:
    sizes = sizes_of("attention/masked-online", keys=23)
    mask = np.zeros((23, 5))
    mask[:9] = -np.inf  # two tiles of four and a quarter of the third
    mask[20:] = -np.inf  # the last, uneven tile
    mask[::2, 3] = -np.inf
    computed = interpret("attention/masked-online", sizes, {"MASK": mask})
    assert error(computed) < 1e-12
    hidden = np.array(computed["V"])
    hidden[..., :9] = 1e6
    unchanged = interpret("attention/masked-online", sizes, {"MASK": mask, "V": hidden})
    np.testing.assert_array_equal(unchanged["AV"], computed["AV"])


@pytest.mark.parametrize("name", ["softmax/stable", "softmax/online", "softmax/log-sum-exp"])
def test_a_row_may_hold_minus_infinity(name: str) -> None:
    row = np.array([[1.0, -np.inf, 3.0, -np.inf]])
    assert error(run(load_cascade(name), {"X": row})) < 1e-15


@pytest.mark.parametrize("name", ["attention/causal", "attention/causal-online"])
def test_a_causal_query_does_not_see_later_keys(name: str) -> None:
    sizes = sizes_of(name)
    computed = interpret(name, sizes)
    later = np.array(computed["K"])
    later[..., 10:] += 5
    changed = interpret(name, sizes, {"K": later})
    np.testing.assert_array_equal(changed["AV"][..., :10], computed["AV"][..., :10])
    assert not np.allclose(changed["AV"][..., 10:], computed["AV"][..., 10:])


def test_a_window_as_wide_as_the_sequence_is_causal_attention() -> None:
    sizes = {**sizes_of("attention/windowed"), "W": 24}
    windowed = interpret("attention/windowed", sizes)
    causal = interpret("attention/causal", sizes)
    np.testing.assert_array_equal(windowed["AV"], causal["AV"])


def test_layer_norm_from_moments_cancels_where_the_mean_is_large() -> None:
    sizes = {"R": 3, "N": 24}
    x = 1e6 + interpret("norm/layer-norm", sizes)["X"]
    assert error(interpret("norm/layer-norm", sizes, {"X": x})) < 1e-8
    assert error(interpret("norm/layer-norm-moments", sizes, {"X": x})) > 1e-6


def test_welford_does_not_cancel() -> None:
    sizes = {"R": 3, "N": 24}
    x = 1e6 + interpret("norm/variance", sizes)["X"]
    assert error(interpret("norm/variance-welford", sizes, {"X": x})) < 1e-8
