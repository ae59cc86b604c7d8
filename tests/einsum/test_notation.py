"""docs/notation.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from einsum.errors import SpecError
from einsum.operators import OPERATORS
from einsum.parser import parse_cascade

NOTATION = (Path(__file__).parents[2] / "docs" / "notation.md").read_text()
BLOCKS = re.findall(r"^```cascade\n(.*?)^```", NOTATION, re.MULTILINE | re.DOTALL)
INVALID = re.findall(
    r"^```cascade invalid\n(.*?)^```\n+```text\n(.*?)\n```", NOTATION, re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("text", BLOCKS)
def test_its_cascades_parse(text: str) -> None:
    cascade = parse_cascade(text)
    assert parse_cascade(str(cascade)) == cascade


@pytest.mark.parametrize(("text", "error"), INVALID)
def test_its_errors_are_raised(text: str, error: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_cascade(text, name="example.cascade")
    assert str(caught.value) == error


def test_it_has_examples() -> None:
    assert len(BLOCKS) > 8
    assert INVALID


def test_it_lists_every_operator() -> None:
    table = NOTATION[NOTATION.index("| arguments |") :].split("\n\n")[0]
    assert set(re.findall(r"`([a-z0-9]+)`", table)) == set(OPERATORS)
