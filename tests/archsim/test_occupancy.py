"""What a mapping takes of every memory, counted by hand."""

from __future__ import annotations

import pytest

from archsim.mapping import Compute, For, Hold, Mapping, Node, Policy, Spread
from archsim.mapping import Group as FusedGroup
from tests.archsim.two_by_two import MATMUL, fork, form, nest, shapes

SQUARE = shapes(MATMUL, M=8, N=4, K=2)


def occupied(mapping: Mapping) -> dict[str, float]:
    found = form(SQUARE, mapping)
    return {memory: float(size) for memory, size in found.occupied_bytes.items()}


def test_tiles_of_all_tensors_that_are_held() -> None:
    mapping = nest(
        For("m", 2), Hold(("A", "B", "Z"), "buffer"), For("n", 1), Compute("Z", "scalar")
    )
    assert occupied(mapping) == {"buffer": 2 * 2 + 2 * 4 + 2 * 4}


def test_copies_and_what_spills() -> None:
    double = nest(For("m", 2), Hold(("A",), "buffer", copies=2), Compute("Z", "scalar"))
    assert occupied(double) == {"buffer": 2 * 4}
    spilled = nest(For("m", 2), Hold(("A",), "buffer", spilled=0.25), Compute("Z", "scalar"))
    assert occupied(spilled) == {"buffer": 0.75 * 4}


def test_holds_above_one_another_exist_together() -> None:
    mapping = nest(
        *(Hold(("A",), "buffer"), For("n", 1), Hold(("B", "A"), "buffer")),
        Compute("Z", "scalar"),
    )
    assert occupied(mapping) == {"buffer": 16 + 2}  # A is there already


@pytest.mark.parametrize("width", ["int4", "int8", "fp32", "mxfp4"])
def test_in_the_tensors_own_format(width: str) -> None:
    bound = shapes(MATMUL.replace("A int8", f"A {width}"), M=8, N=4, K=2)
    found = form(bound, nest(Hold(("A",), "buffer"), Compute("Z", "scalar")))
    bits = {"int4": 4, "int8": 8, "fp32": 32, "mxfp4": 4.25}[width]
    assert float(found.occupied_bytes["buffer"]) == 16 * bits / 8


CHAIN = """ranks M, N, K, L
inputs A[M, K], B[K, N], C[N, L]
formats A int8, B int8, C int8, T int8, Z int8
T[m, n] = A[m, k] * B[k, n]
Z[m, l] = T[m, n] * C[n, l]
"""


class TestBranches:
    bound = shapes(CHAIN, M=4, N=2, K=8, L=3)
    ends: tuple[tuple[Node, ...], ...] = (
        (Hold(("B",), "buffer"), Compute("T", "scalar")),
        (Hold(("C",), "buffer"), Compute("Z", "scalar")),
    )

    def test_they_take_the_same_place(self) -> None:
        found = form(self.bound, nest(Hold(("T",), "buffer"), fork(*self.ends)))
        assert float(found.occupied_bytes["buffer"]) == 8 + max(16, 6)

    def test_overlaid_tensors_do_too(self) -> None:
        both = fork((Compute("T", "scalar"),), (Compute("Z", "scalar"),))
        for overlaid, size in ((False, 8 + 12), (True, 12)):
            held = Hold(("T", "Z"), "buffer", overlaid=overlaid)
            found = form(self.bound, nest(held, both))
            assert float(found.occupied_bytes["buffer"]) == size

    def test_groups_follow_each_other(self) -> None:
        groups = tuple(FusedGroup(end, Policy.SERIAL) for end in self.ends)
        found = form(self.bound, Mapping("two", groups))
        assert float(found.occupied_bytes["buffer"]) == 16


class TestInstances:
    """Sizes are those of the fullest instance."""

    def test_of_a_memory_with_fanout(self) -> None:
        mapping = nest(Spread("m", "bank.cores"), Hold(("A", "B"), "bank"), Compute("Z", "array"))
        assert occupied(mapping) == {"bank": 4 * 2 + 2 * 4}
        alone = nest(Hold(("A", "B"), "bank"), Compute("Z", "array"))
        assert occupied(alone) == {"bank": 8 * 2 + 2 * 4}

    def test_of_register_files(self) -> None:
        spreads = (Spread("m", "array.rows"), Spread("n", "array.columns"))
        mapping = nest(Hold(("A", "B", "Z"), "registers"), *spreads, Compute("Z", "array"))
        assert occupied(mapping) == {"registers": 4 * 2 + 2 * 2 + 4 * 2}

    def test_of_uneven_parts(self) -> None:
        bound = shapes(MATMUL, M=5, N=1, K=1)
        mapping = nest(Hold(("A",), "registers"), Spread("m", "array.rows"), Compute("Z", "array"))
        assert float(form(bound, mapping).occupied_bytes["registers"]) == 3

    def test_of_the_registers_of_another_array(self) -> None:
        """Z is computed on the array, and its lanes share it out evenly."""
        spread = Spread("m", "array.rows")
        mapping = nest(Hold(("Z",), "lane_registers"), spread, Compute("Z", "array"))
        assert occupied(mapping) == {"lane_registers": 8 * 4 / 4}
