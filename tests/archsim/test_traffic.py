"""Traffic counted by hand, on a matrix product and on small cascades.

`a>b T` are the elements of T that a gives to b, `a<b T` those that come back.
"""

from __future__ import annotations

import pytest

from archsim.mapping import Compute, For, Hold, Mapping, Node, Spread
from tests.archsim.two_by_two import MATMUL, TEXT, chip, deliveries, form, moves, nest, shapes

SQUARE = shapes(MATMUL, M=4, N=4, K=4)


def on_array(*loops: Node, rows: str, columns: str) -> Mapping:
    """The loops, then 2 x 2 PEs, then the unit's own steps."""
    spreads = (Spread(rows, "array.rows", 2), Spread(columns, "array.columns", 2))
    return nest(*loops, *spreads, Compute("Z", "array"))


class TestStationarity:
    """All of a 4 x 4 x 4 product on 2 x 2 PEs, straight from and to the DRAM."""

    def test_outputs_stay(self) -> None:
        mapping = on_array(For("m", 2), For("n", 2), rows="m", columns="n")
        # Each of the 4 output tiles sees 2 rows of A and 2 columns of B pass by.
        assert moves(form(SQUARE, mapping)) == {
            "dram>array A": 4 * 8,
            "dram>array B": 4 * 8,
            "dram<array Z": 16,
        }

    def test_weights_stay(self) -> None:
        loops = (For("k", 2), For("n", 2), Hold(("B",), "registers"))
        found = form(SQUARE, on_array(*loops, rows="k", columns="n"))
        assert moves(found) == {
            "dram>registers B": 16,  # every weight is loaded once
            "registers>array B": 64,  # and read for each product
            "dram>array A": 2 * 16,  # all of A for every 2 of the 4 columns of B
            "dram<array Z": 2 * 16,  # sums of 2 k, twice
            "dram>array Z": 16,  # of which the first come back
        }

    def test_inputs_stay(self) -> None:
        loops = (For("m", 2), For("k", 2), Hold(("A",), "registers"))
        found = form(SQUARE, on_array(*loops, rows="m", columns="k"))
        assert moves(found) == {
            "dram>registers A": 16,
            "registers>array A": 64,
            "dram>array B": 2 * 16,
            "dram<array Z": 2 * 16,
            "dram>array Z": 16,
        }

    def test_of_the_loop_order_alone(self) -> None:
        """The innermost loop that a tensor does not have leaves its tile in place."""
        tile = 1
        for order, twice in (("mnk", "AB"), ("mkn", "BZ"), ("knm", "AZ")):
            nested = nest(
                *(For(v, 2) for v in order), Hold(("A", "B", "Z"), "buffer"), Compute("Z", "scalar")
            )
            found = moves(form(SQUARE, nested))
            for tensor in "AB":
                assert found[f"dram>buffer {tensor}"] == 16 * (1 + (tensor in twice)) * tile
            assert found["dram<buffer Z"] == 16 * (1 + ("Z" in twice))


def test_multicast_and_sums_over_the_array() -> None:
    loops = (For("k", 2), For("n", 2), Hold(("B",), "registers"))
    found = deliveries(form(SQUARE, on_array(*loops, rows="k", columns="n")))
    assert found["dram>array A"] == 2 * 32  # each A goes along a row of 2 PEs
    assert found["dram>registers B"] == 16  # each weight into one PE
    assert found["dram<array Z"] == 2 * 32  # a sum comes out of 2 PEs
    assert found["dram>array Z"] == 16  # and goes back into one of them


def test_products_that_use_a_part_of_the_array() -> None:
    mapping = nest(Spread("m", "array.rows"), Compute("Z", "array"))
    found = form(shapes(MATMUL, M=1, N=1, K=3), mapping)
    assert moves(found) == {"dram>array A": 3, "dram>array B": 3, "dram<array Z": 1}
    assert float(found.works[0].cycles) == 3


class TestHolds:
    def test_a_chain_of_memories(self) -> None:
        mapping = nest(
            *(For("m", 2), Hold(("A",), "buffer"), For("n", 2), Hold(("A",), "bank")),
            *(Spread("n", "array.columns"), Compute("Z", "array")),
        )
        found = moves(form(SQUARE, mapping), "A")
        assert found == {
            "dram>buffer A": 16,
            "buffer>bank A": 16,  # the same rows for the next n: they are still there
            "bank>array A": 2 * 16,
        }

    def test_sums_that_are_not_complete_leave_and_come_back(self) -> None:
        mapping = nest(For("k", 2), For("n", 2), Hold(("Z",), "buffer"), Compute("Z", "scalar"))
        assert moves(form(SQUARE, mapping), "Z") == {
            "dram>buffer Z": 16,
            "dram<buffer Z": 32,
            "buffer<scalar Z": 32,
            "buffer>scalar Z": 16,
        }

    def test_sums_in_register_files_start_from_nothing(self) -> None:
        mapping = nest(Hold(("Z",), "registers"), Spread("k", "array.rows"), Compute("Z", "array"))
        found = moves(form(SQUARE, mapping), "Z")
        assert found["registers<array Z"] == 64  # a write for every product
        assert found["registers>array Z"] == 64 - 2 * 16  # but each of 2 PEs starts every sum
        assert found["dram<registers Z"] == 16

    def test_a_tensor_that_passes_a_memory_by(self) -> None:
        mapping = nest(For("m", 2), Hold(("A", "Z"), "buffer"), For("n", 1), Compute("Z", "scalar"))
        found = moves(form(SQUARE, mapping))
        assert "dram>buffer B" not in found
        assert found["dram>scalar B"] == 4 * 16  # once for each row of A

    def test_a_spilled_share_goes_to_the_root(self) -> None:
        mapping = nest(Hold(("A",), "buffer", spilled=0.25), For("n", 1), Compute("Z", "scalar"))
        assert moves(form(SQUARE, mapping), "A") == {
            "dram>buffer A": 0.75 * 16,
            "buffer>scalar A": 0.75 * 64,
            "dram>scalar A": 0.25 * 64,
        }

    def test_instances_of_a_memory_each_hold_a_part(self) -> None:
        mapping = nest(
            *(Spread("m", "bank.cores"), Hold(("A", "B"), "bank")),
            *(Spread("n", "array.columns"), Compute("Z", "array")),
        )
        found = form(SQUARE, mapping)
        assert moves(found, "A") == {"dram>bank A": 16, "bank>array A": 2 * 16}
        # Both banks take all of B, which is sent to them once, and both read it.
        assert moves(found, "B") == {"dram>bank B": 16, "bank>array B": 2 * 2 * 16}
        assert deliveries(found)["dram>bank B"] == 2 * 16
        assert deliveries(found)["bank>array A"] == 2 * 2 * 16

    def test_above_or_below_the_loops_over_its_instances(self) -> None:
        """Registers hold the same wherever the hold stands among the spatial loops."""
        spreads = (Spread("k", "array.rows"), Spread("n", "array.columns"))
        held = Hold(("A", "B", "Z"), "registers")
        end = Compute("Z", "array")
        above = form(SQUARE, nest(For("m", 2), held, *spreads, end))
        below = form(SQUARE, nest(For("m", 2), *spreads, held, end))
        assert moves(above) == moves(below)
        assert deliveries(above) == deliveries(below)
        assert float(above.occupied_bytes["registers"]) == float(below.occupied_bytes["registers"])


class TestUnevenTiles:
    def test_a_tensor_passes_once_and_no_more(self) -> None:
        bound = shapes(MATMUL, M=5, N=3, K=7)
        mapping = nest(
            *(For("m", 2), For("n", 2), For("k", 4), Hold(("A", "B", "Z"), "buffer")),
            Compute("Z", "scalar"),
        )
        found = moves(form(bound, mapping))
        assert found["dram>buffer A"] == 35 * 2  # for 2 tiles of N
        assert found["dram>buffer B"] == 21 * 3
        assert found["dram<buffer Z"] == 15

    def test_a_partition_that_is_not_full(self) -> None:
        text = """ranks P, M -> (M1, M0)
inputs X[M], Y[P]
Z[m1, m0, p] = X[m1, m0] * Y[p]
"""
        bound = shapes(text, M=10, M0=4, P=2)
        found = form(bound, nest(For("m1"), Hold(("X", "Z"), "buffer"), Compute("Z", "scalar")))
        assert moves(found, "X")["dram>buffer X"] == 10
        assert moves(found, "Z")["dram<buffer Z"] == 10 * 2
        assert float(found.occupied_bytes["buffer"]) == (4 + 4 * 2) * 2


class TestSlidingWindows:
    text = "ranks C, P, R, W\ninputs I[C, W], F[C, R]\nO[p] = I[c, p + r] * F[c, r]\n"

    def test_neighbouring_tiles_read_the_halo_again(self) -> None:
        bound = shapes(self.text, C=2, P=8, R=3)
        mapping = nest(For("p", 4), Hold(("I",), "buffer"), Compute("O", "scalar"))
        found = form(bound, mapping)
        assert moves(found, "I")["dram>buffer I"] == 2 * 2 * (4 + 3 - 1)
        assert float(found.occupied_bytes["buffer"]) == 2 * (4 + 3 - 1) * 2

    def test_all_of_it_is_no_more_than_there_is(self) -> None:
        bound = shapes(self.text, C=2, P=8, R=3)
        found = form(bound, nest(Hold(("I",), "buffer"), For("p", 4), Compute("O", "scalar")))
        assert moves(found, "I")["dram>buffer I"] == 2 * (8 + 3 - 1)

    def test_the_last_tile_is_smaller(self) -> None:
        bound = shapes(self.text, C=1, P=7, R=3)
        mapping = nest(For("p", 4), Hold(("I",), "buffer"), Compute("O", "scalar"))
        assert moves(form(bound, mapping), "I")["dram>buffer I"] == (4 + 2) + (3 + 2)

    def test_strides(self) -> None:
        text = "ranks P, R, W\nconstants S = 2\ninputs I[W], F[R]\nO[p] = I[p * S + r] * F[r]\n"
        bound = shapes(text, P=4, R=3)
        mapping = nest(For("p", 2), Hold(("I",), "buffer"), Compute("O", "scalar"))
        assert moves(form(bound, mapping), "I")["dram>buffer I"] == 2 * (2 * 1 + 3)
        # Windows that do not meet leave out what lies between them.
        apart = shapes(text, P=4, R=1, S=5)
        assert moves(form(apart, mapping), "I")["dram>buffer I"] == 4

    def test_a_partition_written_out(self) -> None:
        text = "ranks M, A, B\ninputs X[M]\nZ[a, b] = X[a * 4 + b]\n"
        bound = shapes(text, M=12, A=3, B=4)
        found = moves(form(bound, nest(For("a"), Hold(("X",), "buffer"), Compute("Z", "scalar"))))
        assert found["dram>buffer X"] == 12


class TestTensorsThatAreReadTwice:
    text = "ranks I, J, K\ninputs X[I, K]\nG[i, j] = X[i, k] * X[j, k]\n"

    def test_each_way_has_its_own_tiles(self) -> None:
        bound = shapes(self.text, I=4, J=4, K=2)
        mapping = nest(For("i", 2), For("j", 2), Hold(("X",), "buffer"), Compute("G", "scalar"))
        found = form(bound, mapping)
        assert moves(found, "X")["dram>buffer X"] == 8 + 2 * 8
        assert float(found.occupied_bytes["buffer"]) == (2 * 2 + 2 * 2) * 2

    def test_but_all_of_it_is_held_once(self) -> None:
        bound = shapes(self.text, I=4, J=4, K=2)
        found = form(bound, nest(Hold(("X",), "buffer"), Compute("G", "scalar")))
        assert moves(found, "X")["dram>buffer X"] == 8
        assert float(found.occupied_bytes["buffer"]) == 8 * 2


class TestConditions:
    text = """ranks M, P
inputs K[M], Q[P]
S[m, p] = K[m] * Q[p] if m <= p
"""

    @pytest.mark.parametrize("tile", [1, 2, 4])
    def test_tiles_without_a_useful_point_are_skipped(self, tile: int) -> None:
        bound = shapes(self.text, M=8, P=8)
        tiles = 8 // tile
        mapping = nest(
            For("p", tile), For("m", tile), Hold(("K", "S"), "buffer"), Compute("S", "scalar")
        )
        found = form(bound, mapping)
        live = tiles * (tiles + 1) // 2
        assert moves(found, "K")["dram>buffer K"] == live * tile
        assert moves(found, "S")["dram<buffer S"] == live * tile * tile

    def test_a_tile_that_is_fetched_for_all_queries_is_fetched(self) -> None:
        bound = shapes(self.text, M=8, P=8)
        mapping = nest(For("m", 2), Hold(("K",), "buffer"), For("p", 2), Compute("S", "scalar"))
        assert moves(form(bound, mapping), "K")["dram>buffer K"] == 8

    def test_points_and_cycles(self) -> None:
        bound = shapes(self.text, M=8, P=8)
        loops = (For("p", 1), For("m", 4), Spread("m", "vector.lanes"))
        work = form(bound, nest(*loops, Compute("S", "vector"))).works[0]
        # 4 lanes take a tile of 4 keys in one step: one tile for p < 4, two for the others.
        assert float(work.useful_points) == 36
        assert float(work.points) == (4 + 2 * 4) * 4
        assert float(work.cycles) == 4 + 2 * 4


def test_the_architecture_may_not_latch() -> None:
    """Then every point reads its operands and writes its sum."""
    unit = "    memory: lane_registers\n"
    forgetful = chip(TEXT.replace(unit, f"{unit}    latches: false\n"))
    mapping = nest(Compute("Z", "vector"))
    assert moves(form(SQUARE, mapping, forgetful))["dram>vector A"] == 64
    assert moves(form(SQUARE, mapping))["dram<vector Z"] == 16
