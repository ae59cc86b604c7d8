"""The notebooks run from top to bottom, and print what they were saved with."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def printed(notebook: Any) -> list[str]:
    """What each code cell printed; figures and frames look different with each library version."""
    return [
        "".join(output.get("text", "") for output in cell["outputs"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path, request: pytest.FixtureRequest) -> None:
    saved = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    executed = copy.deepcopy(saved)
    NotebookClient(
        executed, timeout=120, resources={"metadata": {"path": ROOT}}, record_timing=False
    ).execute()
    if request.config.getoption("--update-golden"):
        executed["metadata"] = saved["metadata"]
        nbformat.write(executed, path)  # type: ignore[no-untyped-call]
        return
    assert printed(executed) == printed(saved), "run pytest --update-golden and read the difference"


def test_there_is_a_tour() -> None:
    assert "tour" in [path.stem for path in NOTEBOOKS]
