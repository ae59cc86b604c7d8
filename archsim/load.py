"""Architectures by name or from a file."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from archsim.architecture import Architecture
from archsim.architecture_yaml import parse_architecture
from einsum.errors import Source, SpecError, choices

_PRESETS = files("archsim") / "presets"


def architecture_names() -> tuple[str, ...]:
    """The names of the shipped architectures."""
    names = (entry.name for entry in _PRESETS.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_architecture(name_or_path: str | Path) -> Architecture:
    """The shipped architecture of that name, or the one in that YAML file.

    Raises `SpecError` if there is neither, and for a file that breaks a rule.
    """
    return parse_architecture(architecture_source(name_or_path))


def architecture_source(name_or_path: str | Path) -> Source:
    """The text of an architecture, comments included, to read and to copy."""
    name = str(name_or_path)
    if name in architecture_names():
        return _preset(name)
    return read_file(Path(name), "architecture", architecture_names())


@lru_cache
def _preset(name: str) -> Source:
    return Source(f"{name}.yaml", (_PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))


def read_file(path: Path, kind: str, names: tuple[str, ...]) -> Source:
    """The text of a user's file. Raises `SpecError`, with the shipped `names`, if it has none."""
    try:
        return Source(str(path), path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise SpecError(f"{path} is not a text file in UTF-8") from None
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise SpecError(
            f"no {kind} {path}: {reason}",
            rule=f"give a file or a shipped name. {choices(str(path), names)}",
        ) from None
