"""The shipped cascades by name, and cascade files of the user's own by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from einsum.cascade import Cascade
from einsum.errors import SpecError, choices
from einsum.parser import parse_cascade

_SHIPPED = Path(__file__).parent / "cascades"
_SUFFIX = ".cascade"


@cache
def cascade_names() -> tuple[str, ...]:
    """The shipped cascades, in alphabetical order: `attention/fusemax`, ..."""
    files = _SHIPPED.rglob(f"*{_SUFFIX}")
    return tuple(sorted(f.relative_to(_SHIPPED).with_suffix("").as_posix() for f in files))


def load_cascade(name_or_path: str | Path) -> Cascade:
    """The cascade that is shipped as `name_or_path`, or the one in that file.

    >>> load_cascade("attention/stable").outputs[0].name
    'AV'

    A shipped name stands before a file of the same name; write `./NAME` for the file. Raises
    `SpecError` with the shipped names if there is neither, and where a file is not a cascade.
    """
    name = str(name_or_path)
    if name in cascade_names():
        return _shipped(name)
    return _read(Path(name_or_path))


@cache
def _shipped(name: str) -> Cascade:
    text = (_SHIPPED / (name + _SUFFIX)).read_text(encoding="utf-8")
    return parse_cascade(text, name + _SUFFIX)


def _read(path: Path) -> Cascade:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path.suffix == _SUFFIX:
            raise SpecError(f"no file {path}", rule="give a file or a shipped name") from None
        raise SpecError(
            f"unknown cascade {path}",
            rule=choices(str(path), cascade_names()) + f"; or a path to a {_SUFFIX} file",
        ) from None
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path} is not a text in UTF-8") from None
    return parse_cascade(text, str(path))
