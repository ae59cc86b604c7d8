"""Text that is refused: what the error says and where it points."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.parser import parse_cascade

HEADER = "ranks M, P\ninputs X[M], Y[M, P]\n"

SYNTAX = [
    ("Z[m] = X[m] ? 2", "?", "character '?' is not part of the notation", "docs/notation.md"),
    ("Z[m] = X[m] × 2", "×", "is not part of the notation", "write *"),
    ("Z[m] = X[m] if m ≤ 2", "≤", "is not part of the notation", "write <="),
    ("Z[m] = 2X[m]", "2X", "neither a number nor a name", "2 * x"),
    ("Z[m] = 1.2.3", "1.2.3", "neither a number nor a name", "starts with a letter"),
    ("Z[m] = 4M", "4M", "is a size", "write 4 * M"),
    ("Z[m = X[m]", "=", "expected ] to close [", "bracket is closed"),
    ("Z[m] = exp(X[m]\nW[m] = 1", "(", "expected ) to close (", "bracket is closed"),
    ("Z[m] = X[m))", ")", "expected ] to close [, found )", "bracket is closed"),
    ("Z[m] X[m]", "X", "expected =, found X", "TENSOR[indices] = expression"),
    ("Z[m]", "", "expected =, found the end of the line", "TENSOR[indices]"),
    ("Z[m] = X[m] Y[m, 0]", "Y", "unexpected Y", "need an operator between"),
    ("Z[m] = X[m] + max(m) X[m]", "X", "unexpected X", "reductions stand first"),
    ("Z[m] = X[m])", ")", "unexpected )", ""),
    ("Z[m] = X[m] if m < 3, m > 1", ",", "unexpected ,", "joined by and"),
    ("Z[m] = X[m] if 0 < m < 3", "<", "unexpected <", "joined by and"),
    ("Z[m] = X[m] if m = 3", "=", "expected a comparison, found =", "<= < >= > =="),
    ("Z[m] =", "", "expected an operand, found the end of the line", "a number"),
    ("Z[m] = if m < 3", "if", "expected an operand, found if", "a number"),
    ("Z[m] = X(m)", "X", "X is followed by (", "X[...]"),
    ("z[m] = X[m]", "z", "z is not the name of a tensor", "upper-case letter: Z"),
    ("Z[m] = x[m]", "x", "x is not the name of a tensor", "upper-case letter: X"),
    ("Z[m] = mP", "mP", "mixes lower and upper case", "variables are lower case"),
    ("Z = max(M) X[m]", "M", "M is not a rank variable", "lower case: m"),
    ("Ranks Q", "Ranks", "unknown keyword Ranks", "lower case: ranks"),
    ("rang Q", "rang", "unknown keyword rang", "did you mean ranks"),
    ("ranks Q,", "", "expected a rank", ""),
    ("ranks Q -> (Q1)", "Q", "split into 1", "at least two"),
    ("ranks Q R", "R", "unexpected R", "commas"),
    ("ranks q", "q", "'q' is not the name of a rank", "upper case"),
    ("ranks IF", "IF", "variable if", "reserved"),
    ("ranks Q -> (Q1, M)", "M", "rank M is declared twice", "at most once"),
    ("ranks M -> (M1, M0)", "M", "rank M is declared twice", "partitioned at most once"),
    ("shape P", "", "expected =", "NAME = SIZE"),
    ("shape P = 1.5", "1.5", "'1.5' is not a size", "positive whole"),
    ("shape P = x", "x", "'x' is not a size", "positive whole"),
    ("shape P = 0", "P", "rank P has size 0", "positive"),
    ("shape P = -3", "P", "rank P has size -3", "positive"),
    ("shape P = 3, P = 3", "P", "given twice", "one size"),
    ("shape Q = 3", "Q", "unknown rank Q", "Valid: M, P"),
    ("constants w = 3", "w", "'w' is not the name of a constant", "upper case"),
    ("constants P = 3", "P", "the name of a rank", "shape"),
    ("constants W = 3, W = 4", "W", "declared twice", "one value"),
    ("inputs W", "", "expected [", ""),
    ("inputs W[Q]", "Q", "unknown rank Q", "Valid: M, P"),
    ("inputs X[M]", "X", "tensor X is declared twice", "once"),
    ("inputs w[M]", "w", "'w' is not the name of a tensor", "upper-case"),
    ("outputs W\nZ[m] = X[m]", "W", "unknown output W", "Valid: Z"),
    ("outputs X\nZ[m] = X[m]", "X", "X is an input", "Valid: Z"),
    ("outputs Z, Z\nZ[m] = X[m]", "Z", "output Z is declared twice", "once"),
    ("formats Z bf61\nZ[m] = X[m]", "bf61", "unknown number format bf61", "did you mean bf16"),
    ("formats W bf16\nZ[m] = X[m]", "W", "unknown tensor W", "Valid: X, Y, Z"),
    ("formats X bf16, X fp32\nZ[m] = X[m]", "X", "given twice", "once"),
    ("formats X\nZ[m] = X[m]", "", "expected a number format", "QK fp32"),
    ("cascade", "cascade", "has no name", "cascade NAME"),
    ("cascade a\ncascade b", "b", "named twice", "one cascade"),
    ("[m] = X[m]", "[", "expected a declaration or an Einsum", "starts with a tensor"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "token", "message", "rule"), SYNTAX, ids=[s[0] for s in SYNTAX])
def test_refused_with_place_and_rule(line: str, token: str, message: str, rule: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_cascade(HEADER + line, name="bad.cascade")
    error = caught.value
    assert message in error.message
    assert rule in error.rule
    assert error.source is not None
    assert error.span is not None
    start = error.span.column - 1
    assert error.source.line(error.span.line)[start : start + error.span.length] == token
    assert str(error).startswith(f"bad.cascade:{error.span.line}:{error.span.column}\nerror: ")


def test_the_caret_stands_below_tabs() -> None:
    with pytest.raises(SpecError) as caught:
        parse_cascade("ranks M\n\tZ[m] = ?")
    lines = str(caught.value).splitlines()
    assert lines[3].index("^") == lines[2].index("?")


VALID = """\
ranks E, P, M -> (M1, M0)
shape M0 = 256
inputs Q[E, P], K[E, M]
formats QK fp32

QK[m1, m0, p] = Q[e, p] * K[e, m1, m0] if m <= p
LM[m1, p] = max(m0) QK[m1, m0, p]
RM[0, p] = -inf
RM[m1 + 1, p] = max(RM[m1, p], LM[m1, p])
Z[p] = exp(-RM[M1, p]) ** 2
"""
PIECES = (
    *("Z", "X", "m", "M", "p", "ranks", "inputs", "if", "and", "max", "exp", "\n", " ", "#"),
    *("[", "]", "(", ")", ",", "=", "+", "-", "**", "->", "<=", "0", "1.5", "inf", "4K"),
)


def parses_or_points(text: str) -> None:
    """It parses and prints, or it is a `SpecError` whose place is inside the text."""
    result = parsed(text)
    if isinstance(result, SpecError):
        assert str(result).startswith("<text>")
        line = result.span.line if result.span else 1
        assert 1 <= line <= max(1, len(text.splitlines()))
    else:
        assert parse_cascade(str(result)) == result


def parsed(text: str) -> Cascade | SpecError:
    try:
        return parse_cascade(text)
    except SpecError as error:
        return error


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_random_tokens(text: str) -> None:
    parses_or_points("ranks M, P\ninputs X[M]\n" + text)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(VALID) - 1), st.integers(0, 5), st.sampled_from(PIECES))
def test_small_changes(place: int, cut: int, piece: str) -> None:
    parses_or_points(VALID[:place] + piece + VALID[place + cut :])


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    parses_or_points(text)
