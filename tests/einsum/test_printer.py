"""Values to text and back."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from einsum.cascade import Cascade, Rank
from einsum.expression import Call, Expression, Number
from einsum.parser import parse_cascade, parse_expression
from einsum.printer import print_cascade, print_expression
from tests.einsum.strategies import World, cascades, expressions

SMALL = World((Rank("M", ("M1", "M0")), Rank("P")), (("W", 1),), {"X": ("M",), "S": ()})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cascades())
def test_round_trip_of_cascades(cascade: Cascade) -> None:
    text = str(cascade)
    again = parse_cascade(text)
    assert again == cascade
    assert again.digest == cascade.digest
    assert str(again) == text


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions(SMALL, ["m1", "m0", "p"], depth=5))
def test_round_trip_of_expressions(expression: Expression) -> None:
    assert parse_expression(print_expression(expression)) == expression


@pytest.mark.parametrize(
    "text",
    [
        "a + b - c",
        "a - (b - c)",
        "a - (b + c)",
        "a * (b + c) / d",
        "a / (b * c)",
        "a // b % c",
        "(a + b) ** -c ** d",
        "(a ** b) ** c",
        "-(a + b) * c",
        "-a ** b",
        "(-a) ** b",
        "(-2) ** b",
        "-(a * b)",
        "a - -2",
        "neg(2)",
        "--a",
        "max(a, -inf)",
        "exp(T[a + 1, N // 2, 0] - 0.5)",
        "1e-05 + S[]",
    ],
)
def test_fewest_parentheses(text: str) -> None:
    assert print_expression(parse_expression(text)) == text


@pytest.mark.parametrize(
    "given", ["((a)) + (b * c)", "(a + b) + c", "(a * b) / c", "a ** (b ** c)"]
)
def test_superfluous_parentheses_go(given: str) -> None:
    printed = print_expression(parse_expression(given))
    assert len(printed) < len(given)
    assert parse_expression(printed) == parse_expression(given)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), (-1, "-1"), (-0.0, "0"), (0.1, "0.1"), (1e300, "1e+300"),
     (math.inf, "inf"), (-math.inf, "-inf"), (2**62, str(2**62)), (1e-7, "1e-07")],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert print_expression(Number(value)) == text
    assert parse_expression(text) == Number(value)


def test_negated_literals_are_not_negative_numbers() -> None:
    for expression, text in ((Call("neg", (Number(2),)), "neg(2)"), (Number(-2), "-2")):
        assert print_expression(expression) == text
        assert parse_expression(text) == expression


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("Z = sum(m, p) Y[m, p]", "Z[] = Y[m, p]"),
        ("Z = sum(p, m) Y[m, p]", "Z[] = sum(p, m) Y[m, p]"),
        ("Z = sum(m) Y[m, p]", "Z[] = sum(m) Y[m, p]"),
        ("Z = sum(m) max(p) Y[m, p]", "Z[] = sum(m) max(p) Y[m, p]"),
        ("Z = max(m) sum(p) Y[m, p]", "Z[] = max(m) Y[m, p]"),
        ("Z = prod(m) mul(p) Y[m, p]", "Z[] = prod(m) prod(p) Y[m, p]"),
        ("Z[p] = max(m) (-Y[m, p])", "Z[p] = max(m) (-Y[m, p])"),
        ("Z[p] = max(m) (-1 + Y[m, p])", "Z[p] = max(m) (-1 + Y[m, p])"),
        ("Z[p] = sum(m) (-Y[m, p])", "Z[p] = -Y[m, p]"),
        ("Z[m] = m if m<=3 and 0<m%2", "Z[m] = m if m <= 3 and 0 < m % 2"),
    ],
)
def test_einsums(line: str, printed: str) -> None:
    cascade = parse_cascade(f"ranks M, P\ninputs Y[M, P]\n{line}")
    assert str(cascade).splitlines()[-1] == printed
    assert parse_cascade(str(cascade)) == cascade


def test_the_whole_text() -> None:
    text = """\
cascade tiny
ranks P, M -> (M1, M0)
shape P = 64K, M0 = 100
constants W = 128, V = -1
inputs X[M, P], S[]
outputs Y, Z
formats X fp32, Y int8

Y[m, p] = X[m, p] * S[]
Z[p] = max(m) Y[m, p] if m <= p
"""
    assert print_cascade(parse_cascade("# Comments are not part of the value.\n" + text)) == text


def test_equal_cascades_print_the_same() -> None:
    one, other = parse_cascade("# a\nZ = 2"), parse_cascade("Z  =  2.0 # b")
    assert one == other
    assert str(one) == str(other)
    assert one.digest == other.digest != replace(one, name="other").digest
