"""Dependences, recurrences and the sequential order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from einsum.cascade import Cascade
from einsum.graph import dependence_graph, order, recurrences
from einsum.parser import parse_cascade
from einsum.printer import print_expression
from tests.einsum.strategies import cascades

ONLINE = """\
ranks P, F, M -> (M1, M0)
inputs QK[M, P], V[F, M]

AV[f, p] = RNV[f, M1, p] / RD[M1, p]
LM[m1, p] = max(m0) QK[m1, m0, p]
RM[m1 + 1, p] = max(RM[m1, p], LM[m1, p])
RM[0, p] = -inf
SLN[m1, m0, p] = exp(QK[m1, m0, p] - RM[m1 + 1, p])
RD[m1 + 1, p] = SLN[m1, m0, p] + SPD[m1, p] * RD[0, p]
RD[0, p] = 0
SPD[m1, p] = RD[m1, p] * exp(RM[m1, p] - RM[m1 + 1, p])
RNV[f, 0, p] = 0
RNV[f, m1 + 1, p] = RNV[f, m1, p] * SPD[m1, p] + SLN[m1, m0, p] * V[f, m1, m0]
"""


def edges(cascade: Cascade) -> list[tuple[Any, ...]]:
    return [
        (a, b, print_expression(e["access"]), e["distance"], e["initial"], e["final"])
        for a, b, e in dependence_graph(cascade).edges(data=True)
    ]


def names(cascade: Cascade) -> list[str]:
    return [einsum.name for einsum in order(cascade)]


class TestEdges:
    CASCADE = parse_cascade(ONLINE)
    EDGES = edges(CASCADE)

    def of(self, access: str, reader: str) -> list[tuple[Any, ...]]:
        return [
            (producer, *rest)
            for producer, consumer, text, *rest in self.EDGES
            if (text, consumer) == (access, reader)
        ]

    def test_nodes_are_einsums(self) -> None:
        graph = dependence_graph(self.CASCADE)
        assert [graph.nodes[e.name]["einsum"] for e in self.CASCADE.einsums] == list(
            self.CASCADE.einsums
        )

    def test_inputs_are_no_dependences(self) -> None:
        assert {tensor for _, _, tensor, *_ in self.EDGES if tensor[0] in "QV"} == set()

    def test_the_value_before_the_step(self) -> None:
        assert self.of("RM[m1, p]", "SPD") == [
            ("RM", {"m1": 1}, False, False),
            ("RM.init", {}, False, False),
        ]

    def test_the_value_after_the_step(self) -> None:
        assert self.of("RM[m1 + 1, p]", "SLN") == [("RM", {}, False, False)]

    def test_the_final_value(self) -> None:
        assert self.of("RD[M1, p]", "AV") == [("RD", {}, False, True)]

    def test_the_initial_value(self) -> None:
        assert self.of("RD[0, p]", "RD") == [("RD.init", {}, True, False)]

    def test_a_tensor_without_iterative_rank(self) -> None:
        assert self.of("LM[m1, p]", "RM") == [("LM", {}, False, False)]

    def test_one_edge_per_access(self) -> None:
        twice = parse_cascade("ranks M\nA[m] = m\nB[m] = A[m] * A[m]")
        assert [edge[:3] for edge in edges(twice)] == [("A", "B", "A[m]")] * 2


class TestOrder:
    def test_online_softmax(self) -> None:
        assert names(parse_cascade(ONLINE)) == [
            *("LM", "RM.init", "RM", "SLN", "RD.init", "SPD", "RD", "RNV.init", "RNV", "AV")
        ]  # fmt: skip

    def test_textual_order_where_free(self) -> None:
        text = "ranks M\ninputs X[M]\nC[m] = X[m]\nA[m] = X[m]\nD[m] = B[m]\nB[m] = X[m]"
        assert names(parse_cascade(text)) == ["C", "A", "B", "D"]

    def test_a_reader_outside_follows_the_whole_recurrence(self) -> None:
        text = "ranks M\ninputs X[M]\nY[m] = S[m]\nS[m + 1] = S[m] + X[m]\nS[0] = 0"
        assert names(parse_cascade(text)) == ["S.init", "S", "Y"]

    def test_nested_loops(self) -> None:
        text = """\
ranks M1, M0
inputs T[M1, M0]
Y = R[M1]
R[m1 + 1] = S[m1, M0]
S[m1, m0 + 1] = S[m1, m0] + A[m1, m0]
A[m1, m0] = S[m1, m0] * T[m1, m0]
S[m1, 0] = R[m1]
R[0] = 0
"""
        cascade = parse_cascade(text)
        assert names(cascade) == ["R.init", "S.init", "A", "S", "R", "Y"]
        assert recurrences(cascade) == (("S.init", "A", "S", "R"),)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cascades())
    def test_each_follows_what_it_reads(self, cascade: Cascade) -> None:
        place = {name: i for i, name in enumerate(names(cascade))}
        assert sorted(place) == sorted(einsum.name for einsum in cascade.einsums)
        for producer, consumer, _, distance, *_ in edges(cascade):
            assert place[producer] < place[consumer] or (distance and producer == consumer)

    @pytest.mark.parametrize("seed", range(4))
    def test_order_of_lines_does_not_matter_to_the_recurrences(self, seed: int) -> None:
        header, body = ONLINE.split("\n\n")
        lines = body.splitlines()
        turned = lines[seed * 3 :] + lines[: seed * 3]
        cascade = parse_cascade("\n".join([header, *turned]))
        assert set(recurrences(cascade)) == {("RM",), ("SPD", "RD"), ("RNV",)}
        place = {name: i for i, name in enumerate(names(cascade))}
        for producer, consumer, _, distance, *_ in edges(cascade):
            assert place[producer] < place[consumer] or distance


class TestRecurrences:
    def test_in_order(self) -> None:
        assert recurrences(parse_cascade(ONLINE)) == (("RM",), ("SPD", "RD"), ("RNV",))

    def test_none(self) -> None:
        assert recurrences(parse_cascade("ranks M\nA[m] = m\nB = A[m]")) == ()

    def test_reading_the_initial_value_is_no_recurrence(self) -> None:
        text = "ranks M\ninputs X[M]\nS[0] = 1\nS[m + 1] = S[0] * X[m]"
        assert recurrences(parse_cascade(text)) == ()
