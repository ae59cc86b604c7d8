"""The closed forms against the issue's table, and against what the model says of the mappings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.closed_form import closed_form
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from einsum.errors import SpecError
from einsum.shapes import bind
from mapper.configurations import configuration_named
from workloads.gpu.counts import Kernel, counts
from workloads.gpu.problem import Dtype, Launch, Mask, Problem, Tiling, split
from workloads.library import load_cascade
from workloads.masks import causal

VALUE = 2


@pytest.mark.parametrize(
    ("kernel", "keys", "flop", "exps"),
    [
        # passes over K and V in E + F; products; exponentials of P M and of P M / M0
        (Kernel.P3_RETAIN, (1, 1), (1, 1), (1, 0)),
        (Kernel.P3_RECOMPUTE, (3, 1), (3, 1), (2, 0)),
        (Kernel.P2_RECOMPUTE, (2, 1), (2, 1), (2, 1)),
        (Kernel.P1, (1, 1), (1, 1), (1, 1)),
    ],
)
def test_one_launch_kernels(
    kernel: Kernel, keys: tuple[int, int], flop: tuple[int, int], exps: tuple[int, int]
) -> None:
    p, m, e, f, p0, m0 = 512, 1024, 64, 128, 128, 64
    found = counts(kernel, Problem(2, 3, 1, p, m, e, f), Tiling(p0, m0))
    heads, tiles = 6, p // p0
    outside = p * (e + f) * VALUE
    inside = tiles * m * (keys[0] * e + keys[1] * f) * VALUE
    assert found.load_bytes + found.store_bytes == heads * (outside + inside)
    assert found.tensor_flop == heads * 2 * p * m * (flop[0] * e + flop[1] * f)
    assert found.exps == heads * (exps[0] * p * m + exps[1] * p * m // m0)


@pytest.mark.parametrize(("kernel", "scores"), [(Kernel.U3, 4), (Kernel.U5, 7)])
def test_unfused_kernels_move_the_scores(kernel: Kernel, scores: int) -> None:
    problem = Problem(1, 1, 1, 1024, 1024, 64, 64)
    found = counts(kernel, problem, Tiling(128, 128))
    moved = sum(found.loads.get(name, 0) + found.stores.get(name, 0) for name in ("QK", "SN", "A"))
    assert moved == scores * 1024 * 1024 * VALUE


def test_splits_cover_the_keys_once() -> None:
    problem = Problem(1, 8, 2, 1, 1000, 64, 64)
    for splits in range(1, 20):
        parts = split(problem, Tiling(16, 64, splits))
        assert parts.splits <= splits
        assert parts.keys % 64 == 0
        assert (parts.splits - 1) * parts.keys < 1000 <= parts.splits * parts.keys
        found = counts(Kernel.P1_SPLIT_K, problem, Tiling(16, 64, splits))
        assert found.loads["K"] == 2 * 1000 * 64 * VALUE  # once a group, whatever the splits


def test_a_causal_mask_leaves_out_tiles() -> None:
    sizes = (1, 1, 1, 4096, 4096, 64, 64)
    full = counts(Kernel.P1, Problem(*sizes), Tiling(128, 64))
    half = counts(Kernel.P1, Problem(*sizes, Mask.CAUSAL), Tiling(128, 64))
    assert half.tensor_flop / full.tensor_flop == pytest.approx(0.5 + 128 / 4096 / 2)


def modelled_bytes(kernel: Kernel, problem: Problem, tiling: Tiling) -> float:
    """Bytes between L2 and the multiprocessors that archsim gives the kernel's mapping."""
    configuration = configuration_named(kernel.value)
    cascade = load_cascade(configuration.cascade)
    if problem.mask is Mask.CAUSAL:
        cascade = causal(cascade)
    sizes = {"B": problem.batch, "H": problem.heads, "G": problem.group, "P": problem.queries}
    sizes |= {"M": problem.keys, "E": problem.head_dim, "F": problem.value_dim}
    parameters = {"P0": tiling.queries}
    if "M0" in cascade.parents:
        sizes["M0"] = tiling.keys
    else:
        parameters["M0"] = tiling.keys
    if "M2" in cascade.parents:
        sizes["M1"] = split(problem, tiling).keys // tiling.keys
    gpu = load_architecture("h100-sxm")
    shapes = bind(cascade, sizes)
    mapping = load_mapping(configuration.mapping).bind(cascade, shapes, gpu, parameters)
    return float(closed_form(cascade, shapes, gpu, mapping).moved_bytes["l2"])


FUSED = (Kernel.P3_RETAIN, Kernel.P3_RECOMPUTE, Kernel.P2_RECOMPUTE, Kernel.P2_SPILL, Kernel.P1)


@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("kernel", FUSED)
@given(
    queries=st.integers(1, 300),
    keys=st.integers(1, 500),
    heads=st.sampled_from([(1, 1, 1), (2, 3, 1), (1, 8, 2)]),
    p0=st.sampled_from([16, 64, 128]),
    m0=st.sampled_from([16, 64, 128]),
    mask=st.sampled_from(Mask),
)
def test_the_model_moves_the_same_bytes(
    kernel: Kernel, queries: int, keys: int, heads: tuple[int, int, int], p0: int, m0: int,
    mask: Mask,
) -> None:  # fmt: skip
    if mask is Mask.CAUSAL:
        keys = queries
    problem = Problem(*heads, queries, keys, 64, 64, mask)
    tiling = Tiling(p0, m0)
    found = counts(kernel, problem, tiling)
    moved = found.load_bytes + found.store_bytes
    assert modelled_bytes(kernel, problem, tiling) == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize("kernel", [Kernel.U3, Kernel.U5])
@pytest.mark.parametrize("heads", [(1, 1, 1), (2, 8, 2)])
@pytest.mark.parametrize(("queries", "keys"), [(256, 256), (300, 500), (1, 77)])
def test_the_model_of_unfused_kernels_moves_the_same_bytes(
    kernel: Kernel, heads: tuple[int, int, int], queries: int, keys: int
) -> None:
    problem, tiling = Problem(*heads, queries, keys, 64, 64), Tiling(128, 64)
    found = counts(kernel, problem, tiling)
    moved = found.load_bytes + found.store_bytes
    assert modelled_bytes(kernel, problem, tiling) == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize("heads", [(1, 1, 1), (2, 8, 2), (1, 64, 8)])
@pytest.mark.parametrize(("keys", "splits"), [(4096, 8), (1000, 5), (64, 4)])
def test_the_model_of_split_k_moves_the_same_bytes(
    heads: tuple[int, int, int], keys: int, splits: int
) -> None:
    problem, tiling = Problem(*heads, 1, keys, 128, 128), Tiling(16, 64, splits)
    found = counts(Kernel.P1_SPLIT_K, problem, tiling)
    moved = found.load_bytes + found.store_bytes
    assert modelled_bytes(Kernel.P1_SPLIT_K, problem, tiling) == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Problem(1, 3, 2, 8, 8, 64, 64), "do not share"),
        (lambda: Problem(1, 1, 1, 0, 8, 64, 64), "queries is 0"),
        (lambda: Problem(1, 1, 1, 8, 8, 48, 64), "head_dim is 48"),
        (lambda: Tiling(24, 64), "tile of 24 queries"),
        (lambda: Tiling(64, 64, 0), "0 splits"),
        (lambda: Launch(warps=3), "3 warps"),
        (lambda: Launch(stages=0), "0 stages"),
    ],
)
def test_impossible_sizes_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(SpecError, match=message):
        make()


def test_the_convention_halves_causal_work() -> None:
    full = Problem(2, 4, 4, 128, 128, 64, 64, dtype=Dtype.BF16)
    assert full.useful_flop == 2 * 4 * 2 * 128 * 128 * 128
    causal_one = Problem(2, 4, 4, 128, 128, 64, 64, Mask.CAUSAL)
    assert causal_one.useful_flop == full.useful_flop / 2
