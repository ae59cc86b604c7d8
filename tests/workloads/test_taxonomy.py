import re

import pytest

from einsum.passes import analyse
from workloads.library import cascade_names, load_cascade
from workloads.taxonomy import SYSTEMS, taxonomy

# Nayak et al., FuseMax, MICRO 2024: the taxonomy of published attention by passes.
PUBLISHED = {
    "PyTorch": 3,
    "TensorFlow": 3,
    "FLAT": 3,
    "E.T.": 3,
    "TileFlow": 2,
    "Choi et al.": 2,
    "FlashAttention": 1,
    "FlashAttention-2": 1,
    "Rabe and Staats": 1,
    "FuseMax": 1,
}

PASSES = {
    "attention/causal": 3,
    "attention/causal-online": 1,
    "attention/decode": 1,
    "attention/flash1": 1,
    "attention/flash2": 1,
    "attention/fusemax": 1,
    "attention/fusemax-fma": 1,
    "attention/gqa": 1,
    "attention/linear": 1,
    "attention/linear-causal": 1,
    "attention/mantissa-exponent": 2,
    "attention/masked-online": 1,
    "attention/online": 1,
    "attention/partial": 2,
    "attention/partial-deferred": 2,
    "attention/sigmoid": 1,
    "attention/split-k": 1,
    "attention/stable": 3,
    "attention/stable-deferred": 2,
    "attention/three-pass": 3,
    "attention/unstable": 2,
    "attention/unstable-deferred": 1,
    "attention/windowed": 3,
    "attention/windowed-online": 1,
    "gpu/online": 1,
    "gpu/partial-spill": 2,
    "gpu/split-k": 1,
    "gpu/stable": 3,
    "gpu/stable-recompute": 3,
    "gpu/stable-row": 3,
    "gpu/two-pass-recompute": 2,
    "layers/convolution": 1,
    "layers/feed-forward": 1,
    "layers/gated-feed-forward": 1,
    "layers/linear-recurrence": 1,
    "layers/matmul": 1,
    "layers/ssm-scan": 1,
    "norm/cosine-similarity": 1,
    "norm/layer-norm": 3,
    "norm/layer-norm-moments": 2,
    "norm/rms-norm": 2,
    "norm/variance": 2,
    "norm/variance-welford": 1,
    "softmax/log-sum-exp": 2,
    "softmax/log-sum-exp-online": 1,
    "softmax/online": 2,
    "softmax/stable": 3,
    "softmax/two-pass": 2,
}


def test_the_computed_taxonomy_is_the_published_one() -> None:
    assert {row.system.name: row.passes for row in taxonomy()} == PUBLISHED


def test_rows_are_sorted_by_passes_and_cited() -> None:
    passes = [row.passes for row in taxonomy()]
    assert passes == sorted(passes, reverse=True)
    assert all(any(c.isdigit() for c in system.citation) for system in SYSTEMS)


@pytest.mark.parametrize("name", cascade_names())
def test_passes_of_every_shipped_cascade(name: str) -> None:
    assert analyse(load_cascade(name)).max_passes == PASSES[name]


@pytest.mark.parametrize(
    # The partial results of split-K are as many as there are splits.
    "name",
    [n for n in PASSES if n.startswith("attention/") and n != "attention/split-k"],
)
def test_only_a_second_pass_holds_what_grows_with_the_keys(name: str) -> None:
    analysis = analyse(load_cascade(name))
    keys = "P" if name == "attention/linear-causal" else "M"
    growing = {keys, keys + "1"}
    held = {t for t, f in analysis.footprint.items() if growing & set(re.findall(r"\w+", str(f)))}
    assert bool(held) == (analysis.max_passes > 1), held
