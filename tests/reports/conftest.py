"""Running the command line inside the test process."""

from __future__ import annotations

import sys

import pytest

from reports.cli import main
from tests.reports.command import Command, Outcome


@pytest.fixture
def einfall(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`einfall("list", "models")` runs the command as a shell would."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["einfall", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), out, err)

    return call
