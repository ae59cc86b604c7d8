"""What all tests share: golden texts, and the flag that updates them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the texts under tests/golden instead of comparing with them",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("passes/flash.txt", text)`: is `text` what tests/golden/passes/flash.txt holds?"""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} is missing: run pytest --update-golden and read the result"
        assert text == path.read_text(encoding="utf-8")

    return compare


# The same examples in every run: a change lands or not by what it changes. HYPOTHESIS_SEARCH=1
# looks for new ones.
settings.register_profile("same examples", derandomize=not os.environ.get("HYPOTHESIS_SEARCH"))
settings.load_profile("same examples")
