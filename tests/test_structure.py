"""The house keeps its order: import direction, small files, typed packages."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "einsum": set[str](),
    "archsim": {"einsum"},
    "workloads": {"einsum"},
    "mapper": {"einsum", "archsim", "workloads"},
    "rtl": {"einsum", "archsim", "workloads"},
    "reports": {"einsum", "archsim", "workloads", "mapper", "rtl"},
}
FOLDERS = (*MAY_IMPORT, "tests", "benchmarks")
SOURCES = [
    ROOT / "einfall.py",
    *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")),
]


def imported_modules(text: str, package: str) -> Iterator[str]:
    """Every module that `text` imports anywhere; relative ones belong to `package`."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=level):
                yield f"{package}.{module}" if level else str(module)


def test_imports_are_found_wherever_they_stand() -> None:
    text = "import a.b\nif x:\n    from c.d import e\ndef f():\n    from .g import h\n    import i"
    assert sorted(imported_modules(text, "own")) == ["a.b", "c.d", "i", "own.g"]


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_import_direction(folder: str) -> None:
    forbidden = {*MAY_IMPORT, "einfall", "tests", "benchmarks"} - MAY_IMPORT[folder] - {folder}
    found = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] == folder
        for module in imported_modules(path.read_text(encoding="utf-8"), folder)
        if module.partition(".")[0] in forbidden
    ]
    assert not found, f"{folder} may import {sorted(MAY_IMPORT[folder])} only"


def test_our_packages_are_imported_by_module() -> None:
    bare = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in SOURCES
        for module in imported_modules(path.read_text(encoding="utf-8"), "")
        if module in MAY_IMPORT
    ]
    assert not bare, "write `from einsum.cascade import Cascade`, not `import einsum`"


def test_files_can_be_read_in_one_sitting() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCES
    }
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_public_api_fits_on_one_screen() -> None:
    assert len((ROOT / "einfall.py").read_text(encoding="utf-8").splitlines()) < 30


def test_every_package_is_typed_and_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(wheel["packages"]) == sorted(MAY_IMPORT)
    assert "einfall.py" in wheel["force-include"]
    assert [folder for folder in MAY_IMPORT if not (ROOT / folder / "py.typed").exists()] == []
