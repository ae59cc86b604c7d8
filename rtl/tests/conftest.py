"""Benches need Verilator, cocotb and a C++ compiler: without them, they are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from einsum.errors import SpecError
from rtl.toolchain import toolchain

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    try:
        toolchain()
    except SpecError as error:
        reason = str(error).replace("\n", "; ")
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))
