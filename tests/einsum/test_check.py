"""Every rule of the notation refuses what breaks it, says so, and points at it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from einsum.cascade import Cascade, Einsum, Rank, Reduction, Role, Tensor
from einsum.errors import SpecError
from einsum.expression import Access, Call, Comparison, Number, Symbol, Variable
from einsum.formats import Format
from einsum.parser import parse_cascade

HEADER = """\
ranks M -> (M1, M0), P, E
constants W = 4
inputs X[M], K[E, M], I[P], T[M1, M0]
"""

REFUSED = [
    # Names.
    ("Y[m] = X[q]", "q", "unknown variable q", "Valid: e, m, m0, m1, p"),
    ("Y[q] = X[m]", "q", "unknown variable q", "Valid: e, m, m0, m1, p"),
    ("Y[m] = X[m] * q", "q", "unknown variable q", "Valid: e"),
    ("Y = max(q) X[m]", "max", "unknown variable q", "Valid: e"),
    ("Y[m] = X[m] if q < 3", "q", "unknown variable q", "Valid: e"),
    ("Y[m] = KK[m]", "KK[m]", "KK is neither an input nor defined", "did you mean K?"),
    ("Y[m] = X[m] * V", "V", "unknown shape or constant V", "Valid: E, M, M0, M1, P, W"),
    ("Y[m] = X[m + V]", "V", "unknown shape or constant V", "Valid: E"),
    ("Y[m] = exq(X[m])", "exq", "unknown operator exq", "did you mean exp?"),
    ("Y = mex(m) X[m]", "mex", "unknown operator mex", "did you mean max?"),
    # Left-hand sides.
    ("X[m] = 3", "X[m]", "X is an input and cannot be written", "name of its own"),
    ("Y[m, m] = X[m]", "m", "variable m is repeated", "of its own"),
    ("Y[M] = X[m]", "M", "cannot be written at M", "variable of rank M is m"),
    ("Y[m - 1] = X[m]", "-", "cannot be written at m - 1", "m + 1"),
    ("Y[m + 2] = X[m]", "+", "cannot be written at m + 2", "m + 1"),
    ("Y[2 * m] = X[m]", "*", "cannot be written at 2 * m", "m + 1"),
    ("Y[1] = 3", "1", "cannot be written at 1", "or 0"),
    ("Y[m + 1, p + 1] = X[m]", "+", "iterates along two ranks", "one rank"),
    ("Y[0, p + 1] = X[0]", "+", "iterates along two ranks", "one rank"),
    # Expressions.
    ("Y[m] = exp(X[m], 1)", "exp", "exp takes 1 argument, 2 given", "exp(x)"),
    ("Y[m] = pow(X[m])", "pow", "pow takes 2 arguments, 1 given", "pow(x, y)"),
    ("Y[m] = exp()", "exp", "exp takes 1 argument, 0 given", "exp(x)"),
    ("Y = max(m) - X[m]", "max", "max takes 2 arguments", "max(m) X[m]"),
    ("Y = sum(m) - X[m]", "sum", "sum is a reduction", "sum(m) (-X[m])"),
    ("Y[m] = K[m]", "K[m]", "K has 2 ranks, but 1 index given", "K[e, m] or K[e, m1, m0]"),
    ("Y[m] = X[m, 0]", "X[m, 0]", "X has 1 rank, but 2 indices", "write X[m] or X[m1, m0]"),
    ("Y[p] = I", "I", "I has 1 rank, but 0 indices", "write I[p]"),
    ("Y[m1] = X[m1 + 1, m0]", "X[m1 + 1, m0]", "X has 1 rank, but 2", "X[m1, m0]"),
    ("Y[m1, m0] = K[e, m0, m1]", "K[e, m0, m1]", "K has 2 ranks, but 3", "K[e, m1, m0]"),
    ("Y[m] = T[m1, m0, m]", "T[m1, m0, m]", "T has 2 ranks, but 3", "T[m1, m0]"),
    ("Y[m] = 9223372036854775808", "9223372036854775808", "too large", "64 bits"),
    # Indices.
    ("Y[m] = X[1.5]", "1.5", "1.5 cannot stand in an index", "whole numbers"),
    ("Y[m] = X[exp(m)]", "exp", "exp(m) cannot stand in an index", "+ - * // %"),
    ("Y[m] = X[m / 2]", "/", "m / 2 cannot stand in an index", "+ - * // %"),
    ("Y[m] = X[m * m]", "*", "m * m cannot stand in an index", "without variables"),
    ("Y[m] = X[4 // m]", "//", "4 // m cannot stand in an index", "without variables"),
    ("Y[m] = X[m % 0]", "%", "m % 0 cannot stand in an index", "positive divisor"),
    ("Y[p] = X[I[p]]", "I[p]", "I[p] cannot stand in an index", "rank variables"),
    # Reductions.
    ("Y = exp(m) X[m]", "exp", "exp cannot reduce", "Valid: add, max, min, mul, prod, sum"),
    ("Y[m] = max(m) X[m]", "max", "m is reduced, but is an index of Y", "on the right only"),
    ("Y[m] = max(p) X[m]", "max", "p is reduced, but does not occur", "on the right only"),
    ("Y = max(m) sum(m) X[m]", "sum", "m is reduced twice", "each once"),
    ("Y = max(m) (X[m1, m0] * m)", "m1", "Y iterates m and m1", "write m for m1, m0"),
    # Conditions.
    ("Y[p] = I[p] if m < 3", "m", "Y does not iterate m", "Valid: p"),
    ("Y[m1] = X[m1 * 2] if m < 3", "m", "Y does not iterate m", "did you mean m1? Valid: m1"),
    ("Y[p] = I[p] if I[p] < 3", "I[p]", "I[p] cannot stand in an index or a condition", ""),
    ("Y[p] = I[p] if p * p < 3", "*", "p * p cannot stand", "without variables"),
    # Partitions.
    ("Y[m1] = X[m]", "m1", "Y iterates m and m1", "write m for m1, m0 or m1, m0 for m"),
    ("Y[m] = X[m1, m0]", "m1", "Y iterates m and m1", "M or all of its partitions"),
    ("Y[m] = T[m1, 0]", "m1", "Y iterates m and m1", "M or all of its partitions"),
    ("Y[m, m0] = X[m]", "m0", "Y iterates m and m0", "M or all of its partitions"),
    # Definitions.
    ("Y[m] = X[m]\nY[p] = I[p]", "Y[p]", "Y has a second definition", "one Einsum"),
    ("S[0] = 0\nS[0] = 1\nS[p + 1] = S[p]", "S[0]", "second initial value", "one Einsum"),
    ("S[p + 1] = max(S[p], 1)", "S[p + 1]", "S is iterative along P", "S[0] = -inf"),
    ("S[e, p + 1] = S[e, p] * 2", "S[e, p + 1]", "no initial value", "S[e, 0] = 1"),
    ("S[p + 1] = exp(S[p])", "S[p + 1]", "no initial value", "S[0] = 0"),
    ("S[0] = 3", "S[0]", "no step that iterates", "T[m + 1]"),
    ("S[p] = 3\nS[0] = 3", "S[p]", "no step that iterates", "T[m + 1]"),
    ("S[0, m] = 0\nS[p + 1, e] = K[e, 0]", "S[0, m]", "does not fit its step", "S[0, e] = ..."),
    ("S[0] = 0\nS[p + 1, e] = K[e, 0]", "S[0]", "does not fit its step", "S[0, e] = ..."),
    ("S[e, 0] = 0\nS[p + 1, e] = 1", "S[e, 0]", "does not fit its step", "S[0, e] = ..."),
    # Iterative reads.
    ("S[0] = 0\nS[p + 1] = S[p + 2]", "+", "cannot be read at p + 2", "p, p + 1, 0, P"),
    ("S[0] = 0\nS[p + 1] = S[p - 1]", "-", "cannot be read at p - 1", "p, p + 1, 0, P"),
    ("S[0] = 0\nS[p + 1] = S[p]\nY = S[3]", "3", "cannot be read at 3", "p, p + 1, 0, P"),
    ("S[0] = 0\nS[p + 1] = S[p]\nY = S[E]", "E", "cannot be read at E", "p, p + 1, 0, P"),
    ("S[0] = 0\nS[p + 1] = S[p]\nY[e] = S[e]", "e", "cannot be read at e", "p, p + 1, 0, P"),
    ("S[0] = 0\nS[m + 1] = S[m]\nY = S[m1, m0]", "m1", "cannot be read at m1", "m, m + 1, 0, M"),
    ("S[0, m0] = 0\nS[m1 + 1, m0] = 1\nY[m] = S[m]", "m", "cannot be read at m", "m1, m1 + 1"),
    # Cycles.
    ("A[m] = B[m]\nB[m] = A[m]", "B[m]", "cyclic: A -> B -> A", "previous iteration"),
    ("A[m] = A[m]", "A[m]", "cyclic: A -> A", "previous iteration"),
    ("A[m] = A[m - 1] + X[m]", "A[m - 1]", "cyclic: A -> A", "T[m + 1] = ... T[m]"),
    ("S[0] = S[P]\nS[p + 1] = S[p]", "S[P]", "cyclic: S.init -> S -> S.init", ""),
    ("S[0] = 0\nS[p + 1] = S[p + 1]", "S[p + 1]", "cyclic: S -> S", "previous iteration"),
    ("S[0] = 0\nS[p + 1] = S[p] + A\nA = S[p]", "A", "cyclic: S -> A -> S", "same loop over m"),
    ("S[0] = 0\nS[p + 1] = S[p] + A\nA = S[P]", "A", "cyclic: S -> A -> S", "same loop over m"),
    (
        "S[0] = 0\nS[p + 1] = S[p] + A[p]\nA[p] = B[p + 1]\nB[p] = S[p]",
        "A[p]",
        "cyclic: S -> B -> A -> S",
        "previous iteration",
    ),
    (
        "S[0] = 0\nS[p + 1] = S[p] + R[p]\nR[0] = 0\nR[p + 1] = S[p]",
        "R[p + 1]",
        "no tensor is an output",
        "outputs R",
    ),
]


@pytest.mark.parametrize(
    ("lines", "token", "message", "rule"), REFUSED, ids=[case[0] for case in REFUSED]
)
def test_refused_with_place_and_rule(lines: str, token: str, message: str, rule: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_cascade(HEADER + lines)
    error = caught.value
    assert message in error.message
    assert rule in error.rule
    assert error.source is not None
    assert error.span is not None
    start = error.span.column - 1
    assert error.source.line(error.span.line)[start : start + error.span.length] == token


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", "ranks M\ninputs X[M]"])
def test_an_empty_cascade_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="has no Einsum"):
        parse_cascade(text)


ALLOWED = [
    "Y[p] = 3",
    "Y[m, p] = X[m]",
    "Y[e] = X[e]",
    "Y[m] = X[p]",
    "Y[m1, m0] = X[m]",
    "Y[m1, m0] = X[m1, m0] * m if m <= m0",
    "Y[m] = T[m]",
    "Y[p] = T[m1, m0] + T[m] if m <= p",
    "Y[m1] = max(m0) X[m1 * M0 + m0]",
    "Y[p, e] = X[2 * p + e - W] if 0 <= 2 * p + e - W",
    "Y[p] = I[P - 1 - p]",
    "Y[p] = I[p % W] + I[p // (2 * W)]",
    "Y[p] = W * P / (p + 1) + inf",
    "Y = max(p) min(e) K[e, p]",
    "S[0, e] = 1\nS[p + 1, e] = S[p, e] * K[e, p]\nY[e] = S[P, e] + S[0, e]",
    "S[0] = 0\nS[p + 1] = S[p] + A[p]\nA[p] = S[p] * I[p]\nY[p] = A[p]",
    "S[0] = 0\nS[1 + p] = S[p] + 1\nY = S[p] * S[p + 1]",
    "S[0] = 0\nS[m1 + 1] = S[m1] + A[m] * T[m1, m0]\nA[m1, m0] = S[m1]\nY = S[M1]",
    "R[0] = 0\nS[m1, 0] = R[m1]\nS[m1, m0 + 1] = S[m1, m0] + T[m1, m0]\n"
    "R[m1 + 1] = S[m1, M0]\nY = R[M1]",
]  # fmt: skip


@pytest.mark.parametrize("lines", ALLOWED)
def test_allowed(lines: str) -> None:
    cascade = parse_cascade(HEADER + lines)
    assert parse_cascade(str(cascade)) == cascade


class TestBuiltInPython:
    """What no text can say is refused too, when a cascade is built from values."""

    M = Variable("m")
    X = Tensor("X", ("M",), Role.INPUT)
    Y = Tensor("Y", ("M",), Role.OUTPUT)
    COPY = Einsum(Access("Y", (M,)), Access("X", (M,)))
    GOOD = Cascade("copy", (Rank("M", ("M1", "M0")),), (X, Y), (COPY,))

    def refuse(self, message: str, **changes: object) -> None:
        with pytest.raises(SpecError, match=message):
            replace(self.GOOD, **changes)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["", " x", "x ", "a#b", "a\nb"])
    def test_title(self, name: str) -> None:
        self.refuse("cannot name a cascade", name=name)

    def test_ranks(self) -> None:
        self.refuse("not the name of a rank", ranks=(Rank("m"),))
        self.refuse("M is declared twice", ranks=(Rank("M"), Rank("M")))
        self.refuse("M0 is declared twice", ranks=(*self.GOOD.ranks, Rank("N", ("N1", "M0"))))

    def test_shape_and_constants(self) -> None:
        self.refuse("unknown rank Q", shape=(("Q", 3),))
        self.refuse("size 0", shape=(("M", 0),))
        self.refuse("given twice", shape=(("M", 3), ("M", 3)))
        self.refuse("name of a rank", constants=(("M0", 3),))

    def test_tensors(self) -> None:
        self.refuse("unknown rank Q", tensors=(replace(self.X, ranks=("Q",)), self.Y))
        self.refuse("not the name of a tensor", tensors=(replace(self.X, name="x"), self.Y))
        self.refuse("X is declared twice", tensors=(self.X, self.X, self.Y))
        self.refuse("listed as", tensors=(self.Y, self.X))
        self.refuse("listed as", tensors=(self.X, self.Y, self.Y))
        self.refuse("listed as", tensors=(self.X,))
        self.refuse("Z is neither", tensors=(self.X, self.Y, replace(self.Y, name="Z")))
        self.refuse("declared over", tensors=(self.X, replace(self.Y, ranks=("M1",))))
        unread = replace(self.Y, role=Role.INTERMEDIATE)
        self.refuse("read by no Einsum but is not an output", tensors=(self.X, unread))

    def test_formats(self) -> None:
        for odd in (Format("fp17", 17, 8, 8), Format("fp32", 16, 5, 10)):
            self.refuse("unknown number format", tensors=(self.X, replace(self.Y, format=odd)))

    def test_einsums(self) -> None:
        sum_of_x = Einsum(Access("Y", ()), Access("X", (self.M,)))
        scalar = (self.X, replace(self.Y, ranks=()))
        self.refuse("how m is reduced", tensors=scalar, einsums=(sum_of_x,))
        empty = replace(sum_of_x, reductions=(Reduction("max", ()), Reduction("add", ("m",))))
        self.refuse("reduces no variable", tensors=scalar, einsums=(empty,))
        odd = Comparison(self.M, "!=", Number(3))
        self.refuse("unknown relation !=", einsums=(replace(self.COPY, condition=(odd,)),))
        self.refuse("nan", einsums=(replace(self.COPY, expression=Number(math.nan)),))
        self.refuse("unknown shape", einsums=(replace(self.COPY, expression=Symbol("Q")),))
        three = Call("add", (Number(1), Number(2), Number(3)))
        self.refuse("add takes 2", einsums=(replace(self.COPY, expression=three),))

    def test_errors_have_no_place(self) -> None:
        with pytest.raises(SpecError) as caught:
            replace(self.GOOD, einsums=())
        assert caught.value.span is None
        assert str(caught.value).startswith("error: cascade copy has no Einsum\nrule: ")
