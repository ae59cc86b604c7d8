"""Bytes between L2 and the SMs: the model's loop nests against the kernels' exact counts.

`workloads/gpu/counts.py` is what the interpreter counts in the kernels; the model derives the same
from cascade, mapping and shapes.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.closed_form import ClosedForm, closed_form
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from einsum.shapes import bind
from mapper.configurations import configuration_named
from workloads.gpu.counts import Kernel, counts
from workloads.gpu.problem import Mask, Problem, Tiling, split
from workloads.library import load_cascade
from workloads.masks import causal

GPU = load_architecture("h100-sxm")
DIM = 64


def model(
    kernel: Kernel, problem: Problem, tiling: Tiling, head_fastest: bool = False
) -> ClosedForm:
    configuration = configuration_named(kernel.value)
    cascade = load_cascade(configuration.cascade)
    if problem.mask is Mask.CAUSAL:
        cascade = causal(cascade)
    sizes = {
        "B": problem.batch,
        "H": problem.heads,
        "G": problem.group,
        "E": problem.head_dim,
        "F": problem.value_dim,
        "M": problem.keys,
        "P": problem.queries,
    }
    file = load_mapping(configuration.mapping)
    parameters = {"P0": tiling.queries}
    if "head_fastest" in dict(file.parameters):
        parameters["head_fastest"] = int(head_fastest)
    if "M0" in cascade.parents:
        sizes["M0"] = tiling.keys
    else:
        parameters["M0"] = tiling.keys
    if kernel is Kernel.P1_SPLIT_K:
        sizes["M1"] = split(problem, tiling).keys // tiling.keys
    shapes = bind(cascade, sizes)
    return closed_form(cascade, shapes, GPU, file.bind(cascade, shapes, GPU, parameters))


@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("kernel", Kernel)
@given(
    keys=st.integers(1, 600),
    queries=st.integers(1, 300),
    heads=st.tuples(st.integers(1, 2), st.integers(1, 3), st.sampled_from([1, 2, 8])),
    tiles=st.tuples(st.sampled_from([16, 64, 128]), st.sampled_from([16, 64, 128])),
    splits=st.integers(1, 9),
    is_causal=st.booleans(),
    head_fastest=st.booleans(),
)
def test_loads_and_stores_are_exact(
    kernel: Kernel,
    keys: int,
    queries: int,
    heads: tuple[int, int, int],
    tiles: tuple[int, int],
    splits: int,
    is_causal: bool,
    head_fastest: bool,
) -> None:
    decodes = kernel is Kernel.P1_SPLIT_K
    is_causal = is_causal and not decodes
    batch, shared, group = heads
    problem = Problem(
        batch,
        shared * group,
        shared,
        1 if decodes else keys if is_causal else queries,
        keys,
        DIM,
        DIM,
        Mask.CAUSAL if is_causal else Mask.FULL,
    )
    tiling = Tiling(*tiles, splits if decodes else 1)
    form = model(kernel, problem, tiling, head_fastest)
    known = counts(kernel, problem, tiling)
    moved = float(form.moved_bytes["l2"])
    assert moved == pytest.approx(known.load_bytes + known.store_bytes, rel=1e-9)


@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize("mask", Mask)
def test_even_tiles_execute_the_same_products(kernel: Kernel, mask: Mask) -> None:
    decodes = kernel is Kernel.P1_SPLIT_K
    if decodes and mask is Mask.CAUSAL:
        pytest.skip("decoding sees all keys")
    # 16 rows of 16 heads of a group are one tile of split-K
    problem = Problem(1, 16, 1 if decodes else 16, 1 if decodes else 512, 512, DIM, DIM, mask)
    tiling = Tiling(16 if decodes else 128, 128, 2 if decodes else 1)
    form = model(kernel, problem, tiling)
    tensor = sum(2 * float(one.points) for one in form.works if one.unit == "tensor")
    assert tensor == counts(kernel, problem, tiling).tensor_flop
