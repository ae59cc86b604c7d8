"""The mapping of a cascade that has none."""

from __future__ import annotations

from itertools import product

import pytest

from archsim.architecture import Architecture
from archsim.closed_form import check_complete
from archsim.cost import cost
from archsim.default_mapping import default_mapping, fastest_unit
from archsim.load import load_architecture
from archsim.mapping import Compute, For, Hold, Spread, nodes
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.shapes import bind
from tests.archsim.two_by_two import MATMUL, cascade, chip, shapes
from workloads.library import cascade_names, load_cascade


def sized(name: str, size: int = 40) -> tuple[Cascade, dict[str, int]]:
    """A shipped cascade with `size` for every rank that has no size of its own."""
    found = load_cascade(name)
    known = dict(found.shape)
    small = {"R": 3, "S": 3, "X": size + 2, "Y": size + 2} if name == "layers/convolution" else {}
    given = {
        rank.name: small.get(rank.name, size)
        for rank in found.ranks
        if rank.name not in known and not all(part in known for part in rank.partitions or "?")
    }
    return found, given


def evaluable(name: str, architecture: Architecture) -> bool:
    try:
        for einsum in load_cascade(name).steps:
            fastest_unit(einsum, architecture)
    except SpecError:
        return False
    return True


CHIPS = ("eyeriss", "fusemax-cloud", "tpu-v4i")
CASES = [
    (name, chip_name)
    for name, chip_name in product(cascade_names(), CHIPS)
    if evaluable(name, load_architecture(chip_name))
]


@pytest.mark.parametrize("chip_name", CHIPS)
def test_every_cascade_that_a_chip_can_compute(chip_name: str) -> None:
    architecture = load_architecture(chip_name)
    for name in (name for name, where in CASES if where == chip_name):
        found, given = sized(name)
        report = cost(found, given, architecture)
        check_complete(found, report.mapping)
        assert report.latency_gap >= 1 - 1e-9, name
        assert report.traffic_gap >= 1 - 1e-9, name
        assert report.energy_pj_complete > 0, name


def test_what_a_chip_can_compute() -> None:
    assert {name for name, where in CASES if where == "tpu-v4i"} == set(cascade_names())
    assert {name for name, where in CASES if where == "eyeriss"} == set(cascade_names())
    attention = {name for name in cascade_names() if name.startswith("attention/")}
    assert attention <= {name for name, where in CASES if where == "fusemax-cloud"} | {
        "attention/mantissa-exponent"
    }


def test_the_fastest_unit() -> None:
    matmul = cascade(MATMUL).steps[0]
    assert fastest_unit(matmul, chip()).name == "array"
    divide = cascade("ranks M\ninputs A[M]\nZ[m] = A[m] / 2\n").steps[0]
    assert fastest_unit(divide, chip()).name == "vector"
    with pytest.raises(SpecError, match="no unit of two-by-two can compute Z"):
        fastest_unit(cascade("ranks M\ninputs A[M]\nZ[m] = erf(A[m])\n").steps[0], chip())


def test_the_array_is_filled_with_ranks_of_their_own() -> None:
    bound = shapes(MATMUL, M=8, N=8, K=8)
    (group,) = default_mapping(bound.cascade, bound, chip()).groups
    spreads = [node for node in nodes(group.nest) if isinstance(node, Spread)]
    assert [one.dim for one in spreads] == ["bank.cores", "array.rows", "array.columns"]
    assert len({one.variable for one in spreads}) == 3


def test_one_rank_may_take_several_dimensions() -> None:
    bound = shapes("ranks M\ninputs A[M]\nZ[m] = A[m] * 2\n", M=100)
    (group,) = default_mapping(bound.cascade, bound, chip()).groups
    assert [node.variable for node in nodes(group.nest) if isinstance(node, Spread)] == ["m"] * 3


def test_as_many_tensors_are_held_as_fit() -> None:
    def held(size: str) -> set[str]:
        bound = shapes(MATMUL, M=64, N=64, K=64)
        small = chip().with_parameter("buffer.size", size).with_parameter("bank.size", "1 B")
        (group,) = default_mapping(bound.cascade, bound, small).groups
        return {t for node in nodes(group.nest) if isinstance(node, Hold) for t in node.tensors}

    assert held("1 KiB") == {"A", "B", "Z"}
    assert len(held("6 B")) in (1, 2)
    assert held("1 B") == set()


def test_tensors_that_the_buffer_does_not_take() -> None:
    from tests.archsim.two_by_two import TEXT

    bound = shapes(MATMUL, M=8, N=8, K=8)
    closed = chip(TEXT.replace("size: 1 KiB,", "size: 1 KiB, bypass: [B],"))
    (group,) = default_mapping(bound.cascade, bound, closed).groups
    assert "B" not in {t for n in nodes(group.nest) if isinstance(n, Hold) for t in n.tensors}


def test_a_running_tensor_is_computed_step_by_step() -> None:
    text = (
        "ranks I, P\ninputs A[I, P]\nR[0, p] = 0\nR[i + 1, p] = R[i, p] + A[i, p]\nO[p] = R[I, p]\n"
    )
    bound = shapes(text, I=100, P=2)
    nests = default_mapping(bound.cascade, bound, chip()).groups
    spread = {n.variable for g in nests for n in nodes(g.nest) if isinstance(n, Spread)}
    assert spread == {"p"}


def test_recurrences_share_their_loop_and_all_else_is_alone() -> None:
    found = load_cascade("attention/fusemax")
    bound = bind(found, {"M": 512, "P": 256})
    mapping = default_mapping(found, bound, load_architecture("fusemax-cloud"))
    groups = [{n.einsum for n in nodes(g.nest) if isinstance(n, Compute)} for g in mapping.groups]
    assert {"SPD", "RD"} in groups
    assert {"SPNV", "RNV"} in groups
    assert all(len(group) == 1 for group in groups if not group & {"RD", "RNV"})
    shared = next(g.nest for g in mapping.groups if {"SPD", "RD"} == {
        n.einsum for n in nodes(g.nest) if isinstance(n, Compute)
    })  # fmt: skip
    assert For("m1", 1) in shared


def test_lines_of_the_cascade_in_any_order() -> None:
    text = "ranks M\ninputs A[M]\nZ[m] = exp(T[m])\nT[m] = A[m] * 2\n"
    report = cost(cascade(text), {"M": 64}, load_architecture("tpu-v4i"))
    assert [one.einsum for one in report.einsums] == ["T", "Z"]
