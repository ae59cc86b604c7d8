"""Numbers and tables for people."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.engineering import binary, engineering, percent, ratio
from archsim.text_table import TextTable

SI = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9} | {
    "T": 1e12,
    "P": 1e15,
}
BINARY = {prefix: 1024**power for power, prefix in enumerate(["", "Ki", "Mi", "Gi", "Ti", "Pi"])}


@given(st.floats(1e-12, 9e17))
def test_engineering_keeps_four_digits(value: float) -> None:
    number, prefix = re.fullmatch(r"(\S+) ([pnumkMGTP]?)s", engineering(value, "s")).groups()  # type: ignore[union-attr]
    assert float(number) * SI[prefix] == pytest.approx(value, rel=5.1e-4)
    assert 1 <= float(number) < 1000


@given(st.floats(1, 9e17))
def test_binary_keeps_four_digits(value: float) -> None:
    number, prefix = re.fullmatch(r"(\S+) (|[KMGTP]i)B", binary(value)).groups()  # type: ignore[union-attr]
    assert float(number) * BINARY[prefix] == pytest.approx(value, rel=5.1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (engineering(0.0, "s"), "0 s"),
        (engineering(999.96, "s"), "1 ks"),
        (engineering(12), "12"),
        (engineering(-2.5e-3, "J"), "-2.5 mJ"),
        (engineering(math.inf, "s"), "inf"),
        (binary(0), "0 B"),
        (binary(65536), "64 KiB"),
        (binary(math.inf), "inf"),
        (percent(0.12345), "12.3 %"),
        (ratio(6.7249), "6.725x"),
    ],
)
def test_writing(text: str, expected: str) -> None:
    assert text == expected


def test_table_aligns_its_columns() -> None:
    table = TextTable("title", "<><", ("a", "long", "c"), (("wide", "1", "x"), ("b", "22", "")))
    assert str(table).splitlines() == [
        "title",
        "  a     long  c",
        "  wide     1  x",
        "  b       22",
    ]


def test_table_without_rows_has_its_header() -> None:
    assert str(TextTable("title", "<", ("name",), ())) == "title\n  name"
