"""Text to values: the grammar of the notation."""

from __future__ import annotations

import math

import pytest

from einsum.cascade import Cascade, Rank, Reduction, Role
from einsum.errors import SpecError
from einsum.expression import Access, Call, Comparison, Expression, Number, Symbol, Variable
from einsum.formats import BF16, FP32
from einsum.parser import parse_cascade, parse_expression


def only(line: str, header: str = "ranks M, N, P, E -> (E1, E0)\ninputs X[M], Y[M, N]") -> Cascade:
    return parse_cascade(f"{header}\n{line}")


def call(operator: str, *arguments: Expression) -> Call:
    return Call(operator, arguments)


A, B, C = Symbol("A"), Symbol("B"), Symbol("C")


class TestWholeText:
    TEXT = """
# Two lines
#   of description.
cascade attention/3-pass   # a comment

rank P, M -> (M1, M0)
shapes M0 = 4K
shape P = 7
constant W = -3, Z = 0
input Q[P]
inputs K[M]
output B, A
format K fp32
A[p] = Q[p] *
  3
"""

    def test_everything_is_there(self) -> None:
        text = self.TEXT.replace("Q[p] *\n  3", "(Q[p] * # goes on\n  3)")
        cascade = parse_cascade(text + "B[p] = A[p]\n")
        assert cascade.name == "attention/3-pass"
        assert cascade.description == "Two lines\n  of description."
        assert cascade.ranks == (Rank("P"), Rank("M", ("M1", "M0")))
        assert cascade.shape == (("M0", 4096), ("P", 7))
        assert cascade.constants == (("W", -3), ("Z", 0))
        assert [(t.name, t.ranks, t.role, t.format) for t in cascade.tensors] == [
            ("Q", ("P",), Role.INPUT, BF16),
            ("K", ("M",), Role.INPUT, FP32),
            ("A", ("P",), Role.OUTPUT, BF16),
            ("B", ("P",), Role.OUTPUT, BF16),
        ]
        assert cascade.einsums[0].expression == call(
            "mul", Access("Q", (Variable("p"),)), Number(3)
        )

    def test_a_line_ends_outside_of_brackets(self) -> None:
        with pytest.raises(SpecError, match="expected an operand, found the end of the line"):
            parse_cascade(self.TEXT)

    @pytest.mark.parametrize(
        ("file", "name"),
        [("<text>", "<text>"), ("dir/flash2.cascade", "flash2"), ("notes", "notes")],
    )
    def test_name_without_a_line(self, file: str, name: str) -> None:
        assert parse_cascade("Z = 1", name=file).name == name

    def test_outputs_default_to_what_nobody_else_reads(self) -> None:
        cascade = only("S[0] = 0\nS[m + 1] = S[m] + T[m]\nT[m] = X[m]")
        assert [tensor.name for tensor in cascade.outputs] == ["S"]

    def test_ranks_of_an_iterative_tensor_are_those_of_its_step(self) -> None:
        cascade = only("S[n, 0] = 0\nS[n, m + 1] = S[n, m] + Y[m, n]")
        assert cascade.tensor("S").ranks == ("N", "M")
        assert cascade.iterative_variables("S") == ("m",)

    def test_description_is_not_compared(self) -> None:
        assert parse_cascade("# one\nZ = 1") == parse_cascade("Z = 1")
        assert parse_cascade("# one\nZ = 1").digest == parse_cascade("Z = 1").digest

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_ends(self, end: str) -> None:
        assert (
            only("Z[m] = X[m]").einsums
            == parse_cascade(end.join(["ranks M", "inputs X[M]", "Z[m] = X[m]", ""])).einsums
        )


class TestEinsums:
    @pytest.mark.parametrize(
        ("line", "reductions"),
        [
            ("Z[m] = X[m]", []),
            ("Z = X[m]", [("add", "m")]),
            ("Z[m] = Y[m, n] * p", [("add", "n", "p")]),
            ("Z = max(m) X[m]", [("max", "m")]),
            ("Z = max(m) Y[m, n]", [("max", "m"), ("add", "n")]),
            ("Z = max(m) sum(n) Y[m, n]", [("max", "m"), ("add", "n")]),
            ("Z = prod(m, n) Y[m, n]", [("mul", "m", "n")]),
            ("Z = max(m) (-X[m])", [("max", "m")]),
            ("Z = max(m, n) - Y[m, n]", [("add", "m", "n")]),
            ("Z[m, n] = max(m, n)", []),
            ("Z[m] = exp(X[m])", []),
        ],
    )
    def test_reductions(self, line: str, reductions: list[tuple[str, ...]]) -> None:
        expected = tuple(Reduction(operator, tuple(names)) for operator, *names in reductions)
        assert only(line).einsums[0].reductions == expected

    def test_the_whole_rank_follows_from_its_partitions(self) -> None:
        header = "ranks P, M -> (M1, M0)\ninputs X[M], Y[M]"
        einsum = only("Z = X[m1, m0] * Y[m] * m", header).einsums[0]
        assert einsum.variables == ("m1", "m0")

    def test_condition(self) -> None:
        einsum = only("Z[m] = X[m] if m <= 2 * N - 1 and m % 2 == 0").einsums[0]
        limit = call("sub", call("mul", Number(2), Symbol("N")), Number(1))
        assert einsum.condition == (
            Comparison(Variable("m"), "<=", limit),
            Comparison(call("mod", Variable("m"), Number(2)), "==", Number(0)),
        )

    def test_scalars_need_no_brackets(self) -> None:
        bare = only("S = X[m]\nZ[m] = X[m] - S / N")
        assert bare == only("S[] = X[m]\nZ[m] = X[m] - S[] / N")
        assert bare.einsums[1].inputs == (Access("X", (Variable("m"),)), Access("S", ()))

    def test_a_rank_goes_before_a_scalar_of_its_name(self) -> None:
        cascade = only("Z[m] = X[m] * K + K[]", "ranks M, K\ninputs X[M], K[]")
        expected = call("mul", Access("X", (Variable("m"),)), Symbol("K"))
        assert cascade.einsums[0].expression == call("add", expected, Access("K", ()))


class TestExpressions:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("A + B * C", call("add", A, call("mul", B, C))),
            ("A - B - C", call("sub", call("sub", A, B), C)),
            ("A - (B - C)", call("sub", A, call("sub", B, C))),
            ("A / B // C % A", call("mod", call("floordiv", call("div", A, B), C), A)),
            ("-A ** B", call("neg", call("pow", A, B))),
            ("A ** -B ** C", call("pow", A, call("neg", call("pow", B, C)))),
            ("-A * B", call("mul", call("neg", A), B)),
            ("--A", call("neg", call("neg", A))),
            ("-2", Number(-2)),
            ("- 2 ** 2", call("neg", call("pow", Number(2), Number(2)))),
            ("A - 2", call("sub", A, Number(2))),
            ("A - -2", call("sub", A, Number(-2))),
            ("neg(2)", call("neg", Number(2))),
            ("-inf", Number(-math.inf)),
            ("1e-5 + .5 + 2.", call("add", call("add", Number(1e-5), Number(0.5)), Number(2.0))),
            ("max(m, T[p])", call("max", Variable("m"), Access("T", (Variable("p"),)))),
            ("(\n A\n)", A),
        ],
    )  # fmt: skip
    def test_parse(self, text: str, expected: Expression) -> None:
        assert parse_expression(text) == expected

    def test_spans(self) -> None:
        expression = parse_expression("exp(m) + QK[m, p + 1]")
        assert isinstance(expression, Call)
        left, right = expression.arguments
        columns = [(e.span.column, e.span.length) for e in (expression, left, right) if e.span]
        assert columns == [(8, 1), (1, 3), (10, 12)]

    @pytest.mark.parametrize(
        "text",
        ["(" * 5000, "-" * 5000 + "A", "A ** " * 5000 + "A", "A + " * 5000 + "A", "exp(" * 5000,
         "X[" * 5000, "9" * 5000, "1e" + "9" * 5000],
    )  # fmt: skip
    def test_too_large(self, text: str) -> None:
        with pytest.raises(SpecError, match=r"too large|too long"):
            parse_expression(text)

    def test_one_line_only(self) -> None:
        with pytest.raises(SpecError, match="unexpected B"):
            parse_expression("A\nB")
