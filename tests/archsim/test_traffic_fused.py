"""Traffic of fused Einsums counted by hand: intermediates, and running tensors."""

from __future__ import annotations

from archsim.mapping import Compute, For, Hold, Mapping, Node
from tests.archsim.two_by_two import fork, form, moves, nest, shapes

FUSED = """ranks M, N, K, L
inputs A[M, K], B[K, N], C[N, L]
T[m, n] = A[m, k] * B[k, n]
Z[m, l] = T[m, n] * C[n, l]
"""


class TestFusion:
    bound = shapes(FUSED, M=4, N=2, K=4, L=2)

    def fused(self, *holds: Node) -> Mapping:
        branches = ((Compute("T", "array"),), (Compute("Z", "array"),))
        return nest(For("m", 2), *holds, fork(*branches))

    def test_an_intermediate_that_is_held_stays(self) -> None:
        found = moves(form(self.bound, self.fused(Hold(("T",), "buffer"))), "T")
        assert found == {"buffer<array T": 8, "buffer>array T": 2 * 8}

    def test_one_that_is_not_goes_through_the_root(self) -> None:
        found = moves(form(self.bound, self.fused()), "T")
        assert found == {"dram<array T": 8, "dram>array T": 2 * 8}

    def test_what_a_branch_holds_is_lost_when_another_one_holds_there(self) -> None:
        inner = ((Hold(("B",), "buffer"), Compute("T", "array")),)
        alone = (*inner, (Compute("Z", "array"),))
        both = (*inner, (Hold(("C",), "buffer"), Compute("Z", "array")))
        held = (For("m", 2), Hold(("T",), "buffer"))
        assert moves(form(self.bound, nest(*held, fork(*alone))))["dram>buffer B"] == 8
        assert moves(form(self.bound, nest(*held, fork(*both))))["dram>buffer B"] == 2 * 8

    def test_a_loop_that_an_einsum_lacks_computes_it_again(self) -> None:
        mapping = nest(
            For("l", 1),
            Hold(("T",), "buffer"),
            fork((Compute("T", "array"),), (Compute("Z", "array"),)),
        )
        found = form(self.bound, mapping)
        assert float(found.works[0].points) == 2 * 4 * 2 * 4
        assert moves(found, "T") == {"buffer<array T": 2 * 8, "buffer>array T": 2 * 8}


RUNNING = """ranks I, P, E
inputs A[I, E, P]
outputs O
S[i, p] = A[i, e, p]
R[0, p] = 0
R[i + 1, p] = R[i, p] + S[i, p]
O[p] = exp(R[I, p])
"""


class TestRunningTensors:
    bound = shapes(RUNNING, I=4, P=2, E=1)

    def test_updated_in_place(self) -> None:
        steps = (For("i"), fork((Compute("S", "array"),), (Compute("R", "vector"),)))
        mapping = nest(Hold(("R", "S"), "buffer"), fork(steps, (Compute("O", "scalar"),)))
        assert moves(form(self.bound, mapping), "R") == {
            "buffer>vector R": 2 * 4,
            "buffer<vector R": 2 * 4,
            "buffer>scalar R": 2,
        }

    def test_its_initial_value_is_not_fetched(self) -> None:
        """Where tiles of P follow each other within a step, the value before comes back."""
        inner = (
            *(For("i"), For("p", 1), Hold(("R",), "bank")),
            fork((Compute("S", "array"),), (Compute("R", "array"),)),
        )
        mapping = nest(Hold(("R",), "buffer"), fork(inner, (Compute("O", "scalar"),)))
        found = moves(form(self.bound, mapping), "R")
        assert found["buffer>bank R"] == 2 * 3
        assert found["buffer<bank R"] == 2 * 4

    def test_all_values_are_stored_for_an_einsum_of_another_group(self) -> None:
        text = RUNNING.replace("outputs O", "outputs O, Y") + "Y[i, p] = R[i + 1, p] * S[i, p]\n"
        bound = shapes(text, I=4, P=2, E=1)
        steps = (For("i"), fork(*(((Compute(name, "array"),)) for name in ("S", "R"))))
        later = fork((Compute("Y", "vector"),), (Compute("O", "scalar"),))
        apart = nest(fork(steps, (later,)))
        assert moves(form(bound, apart), "R")["dram>vector R"] == 4 * 2
        one = (For("i"), fork(*(((Compute(name, "array"),)) for name in ("S", "R", "Y"))))
        together = nest(Hold(("R",), "buffer"), fork(one, (Compute("O", "scalar"),)))
        found = form(bound, together)
        assert float(found.occupied_bytes["buffer"]) == 2 * 2  # one value of each P
