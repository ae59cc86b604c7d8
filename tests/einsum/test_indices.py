"""Which indices stand for which ranks."""

from __future__ import annotations

import pytest

from einsum.cascade import Rank, Reduction
from einsum.expression import Access
from einsum.indices import derived_variables, dimensions, offset, unlisted_variables
from einsum.parser import parse_expression
from einsum.printer import print_expression

RANKS = (Rank("E"), Rank("M", ("M1", "M0")), Rank("N", ("N2", "N1", "N0")))


def access(text: str) -> Access:
    expression = parse_expression(text)
    assert isinstance(expression, Access)
    return expression


@pytest.mark.parametrize(
    ("text", "ranks", "expected"),
    [
        ("X[e, m]", "E M", "E:e M:m"),
        ("X[m, e]", "E M", "E:m M:e"),
        ("X[e, m1, m0]", "E M", "E:e M:m1,m0"),
        ("X[m1, m0, n2, n1, n0]", "M N", "M:m1,m0 N:n2,n1,n0"),
        ("X[m, e]", "M1 M0 E", "M1,M0:m E:e"),
        ("X[n, m]", "N2 N1 N0 M1 M0", "N2,N1,N0:n M1,M0:m"),
        ("X[m1, m0]", "M1 M0", "M1:m1 M0:m0"),
        ("X[m1 + 1, 0]", "M1 M0", "M1:m1 + 1 M0:0"),
        ("X[e + m, e]", "M E", "M:e + m E:e"),
        ("X[]", "", ""),
    ],
)
def test_dimensions(text: str, ranks: str, expected: str) -> None:
    found = dimensions(access(text), tuple(ranks.split()), RANKS)
    assert found is not None
    parts = (f"{','.join(d.ranks)}:{','.join(map(print_expression, d.indices))}" for d in found)
    assert " ".join(parts) == expected


@pytest.mark.parametrize(
    ("text", "ranks"),
    [("X[]", "E"), ("X[e]", ""), ("X[e]", "E M"), ("X[m0, m1]", "M"), ("X[m + 0]", "M1 M0"),
     ("X[n1, n0]", "N"), ("X[m1, m0 + 0]", "M"), ("X[m]", "M0 M1")],
)  # fmt: skip
def test_indices_that_do_not_fit(text: str, ranks: str) -> None:
    assert dimensions(access(text), tuple(ranks.split()), RANKS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("m", ("m", 0)), ("m + 2", ("m", 2)), ("2 + m", ("m", 2)), ("m - 2", ("m", -2)),
     ("2 - m", None), ("m + p", None), ("2 * m", None), ("3", None), ("M", None), ("m + M", None)],
)  # fmt: skip
def test_offset(text: str, expected: tuple[str, int] | None) -> None:
    assert offset(parse_expression(text)) == expected


@pytest.mark.parametrize(
    ("output", "right", "derived"),
    [
        ("Y[m1]", "X[m1, m0] * m", ("m",)),
        ("Y[m1, m0]", "m", ("m",)),
        ("Y[e]", "X[m1, m0] + n2 + n1 + n0", ("m", "n")),
        ("Y[m1]", "m", ()),
        ("Y[m]", "X[m1, m0]", ()),
    ],
)
def test_derived_variables(output: str, right: str, derived: tuple[str, ...]) -> None:
    assert derived_variables(RANKS, access(output), parse_expression(right)) == derived


def test_unlisted_variables() -> None:
    right = parse_expression("X[m1, m0] * m * e * n")
    listed = [Reduction("max", ("e",))]
    assert unlisted_variables(RANKS, access("Y[m1]"), right, listed) == ("m0", "n")
