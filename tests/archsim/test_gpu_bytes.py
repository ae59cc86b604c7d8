"""Bytes between L2 and the SMs of every GPU kernel: the closed form against its own loops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.closed_form import closed_form
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from einsum.shapes import bind
from mapper.configurations import configuration_named
from workloads.library import load_cascade
from workloads.masks import causal

DIM = 64
GPU = load_architecture("h100-sxm")


def key_rows(queries: int, keys: int, p0: int, m0: int, is_causal: bool) -> Iterator[int]:
    """For each query tile, the keys of all tiles that it visits."""
    for first in range(0, queries, p0):
        last = min(first + p0, queries) - 1
        yield sum(
            min(m0, keys - start) for start in range(0, keys, m0) if not is_causal or start <= last
        )


def expected(kernel: str, queries: int, keys: int, p0: int, m0: int, is_causal: bool) -> float:
    """Values of one head that are loaded and stored, in 16 bits; None of them twice in a tile."""
    rows = list(key_rows(queries, keys, p0, m0, is_causal))
    outside = 2 * queries * DIM  # Q and the result
    times = {
        "p1": 2,
        "p3-retain": 2,
        "p3-recompute": 4,  # K three times, V once
        "p2-recompute": 3,
        "p2-spill": 2,
    }[kernel]
    total = float(outside + times * DIM * sum(rows))
    if kernel == "p2-spill":  # numerators, and two 32-bit numbers a row and tile, out and back
        widths = [min(p0, queries - first) for first in range(0, queries, p0)]
        total += 2 * sum(width * row for width, row in zip(widths, rows, strict=True))
        total += 2 * 2 * 2 * queries * -(-keys // m0)
    return total


def predicted(
    kernel: str,
    sizes: dict[str, int],
    p0: int,
    m0: int,
    is_causal: bool,
    head_fastest: bool = False,
) -> float:
    """Values that cross L2's side of the SMs, in 16 bits, in the model."""
    configuration = configuration_named(kernel)
    cascade = load_cascade(configuration.cascade)
    if is_causal:
        cascade = causal(cascade)
    parameters = {"P0": p0, "head_fastest": int(head_fastest)}
    if "M0" in cascade.parents:
        sizes = {**sizes, "M0": m0}
    else:
        parameters["M0"] = m0
    shapes = bind(cascade, sizes)
    mapping = load_mapping(configuration.mapping).bind(cascade, shapes, GPU, parameters)
    return float(closed_form(cascade, shapes, GPU, mapping).moved_bytes["l2"]) / 2


@settings(max_examples=12, deadline=None)
@pytest.mark.parametrize("kernel", ["p1", "p3-retain", "p3-recompute", "p2-recompute", "p2-spill"])
@given(
    keys=st.integers(1, 700),
    queries=st.integers(1, 400),
    heads=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    p0=st.sampled_from([16, 64, 128]),
    m0=st.sampled_from([16, 64, 128]),
    is_causal=st.booleans(),
    head_fastest=st.booleans(),
)
def test_loads_and_stores_are_exact(
    kernel: str,
    keys: int,
    queries: int,
    heads: tuple[int, int, int],
    p0: int,
    m0: int,
    is_causal: bool,
    head_fastest: bool,
) -> None:
    batch, shared, group = heads
    if is_causal:
        queries = keys
    sizes = {"B": batch, "H": shared * group, "G": group, "E": DIM, "F": DIM}
    sizes |= {"M": keys, "P": queries}
    found = predicted(kernel, sizes, p0, m0, is_causal, head_fastest)
    own = expected(kernel, queries, keys, p0, m0, is_causal)
    assert found == pytest.approx(batch * shared * group * own, rel=1e-9)


@pytest.mark.parametrize(("kernel", "scores"), [("u3", 4), ("u5", 7)])
def test_unfused_kernels_move_the_scores(kernel: str, scores: int) -> None:
    keys, p0, m0 = 1024, 128, 128
    configuration = configuration_named(kernel)
    cascade = load_cascade(configuration.cascade)
    shapes = bind(cascade, {"M": keys, "P": keys, "E": DIM, "F": DIM})
    mapping = load_mapping(configuration.mapping).bind(cascade, shapes, GPU)
    moved = float(closed_form(cascade, shapes, GPU, mapping).moved_bytes["l2"])
    tiles = keys // p0
    products = keys * DIM * ((keys // m0) + tiles) + keys * DIM * (1 + tiles)
    row_values = {"u3": 0, "u5": 2 * 2 * keys * 2}[kernel]  # maximum and sum, 32 bits, out and in
    assert moved == 2 * (scores * keys * keys + products + row_values)


def test_split_k_stores_partial_results() -> None:
    cascade = load_cascade("gpu/split-k")
    shapes = bind(cascade, {"M": 4096, "M1": 4, "M0": 64, "H": 8, "G": 4, "E": DIM, "F": DIM})
    mapping = load_mapping("gpu-p1-splitk").bind(cascade, shapes, GPU)
    moved = float(closed_form(cascade, shapes, GPU, mapping).moved_bytes["l2"])
    splits = 4096 // 256
    loads = 2 * (splits * DIM + 2 * 4096 * DIM + DIM)  # Q by every split, K and V, the result
    partials = 4 * 2 * splits * (DIM + 2)
    assert moved == 8 * (loads + partials)
