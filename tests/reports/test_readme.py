"""The README shows what the commands print today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from einsum.errors import SpecError
from einsum.parser import parse_cascade
from einsum.passes import analyse
from tests.reports.command import Command

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```\n\$ einfall (.*)\n((?:.*\n)*?)```", README)
CASCADE = re.search(r"```\n(# Root mean square.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_shown_output_is_the_beginning_of_what_is_printed(
    command: str, output: str, einfall: Command
) -> None:
    printed, shown = _lines(einfall(*command.split()).out), _lines(output)
    assert printed[: len(shown)] == shown


def _lines(text: str) -> list[str]:
    """Without trailing blanks; rounding errors (1e-15) differ between machines."""
    text = re.sub(r"\d\.\d+e-1\d \(", "tiny (", text).rstrip()
    return [line.rstrip() for line in text.splitlines()]


def test_there_are_shown_commands() -> None:
    assert len(SHOWN) >= 3


def test_the_cascade_has_the_passes_it_claims() -> None:
    assert CASCADE is not None
    assert analyse(parse_cascade(CASCADE[1])).max_passes == 2


def test_the_error_is_the_one_that_is_raised() -> None:
    assert CASCADE is not None
    broken = CASCADE[1].replace("X[r, n] * X[r, n]", "X[r, n] * X[m, n]")
    with pytest.raises(SpecError) as caught:
        parse_cascade(broken, "rms.cascade")
    assert str(caught.value) in README
