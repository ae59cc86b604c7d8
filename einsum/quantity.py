"""Whole numbers as people write sizes: `64K`, `1M`, `256`."""

from __future__ import annotations

import re

from einsum.errors import SpecError

_SUFFIX = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_COUNT = re.compile(r"(\d+)\s*([KMG]?)")


def parse_count(text: str) -> int:
    """The integer that `text` names; K, M and G are powers of 1024.

    >>> parse_count("64K")
    65536

    Raises `SpecError` for anything but a positive whole number with an optional suffix.
    """
    match = _COUNT.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise SpecError(
            f"{text!r} is not a size",
            rule="a size is a positive whole number, with K, M or G for powers of 1024: 64K",
        )
    return int(match[1]) * _SUFFIX[match[2]]


def format_count(value: int) -> str:
    """The shortest exact way to write `value`: `format_count(65536) == "64K"`."""
    for suffix in "GMK":
        if value >= _SUFFIX[suffix] and value % _SUFFIX[suffix] == 0:
            return f"{value // _SUFFIX[suffix]}{suffix}"
    return str(value)


def parse_shape(text: str) -> dict[str, int]:
    """Sizes by rank from `M=64K,P=1K`.

    Raises `SpecError` naming the entry that is wrong, a repeated rank included.
    """
    shape: dict[str, int] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, equals, size = (part.strip() for part in entry.partition("="))
        if not equals or not name:
            raise SpecError(f"{entry!r} is not RANK=SIZE", rule="write a shape as M=64K,P=1K")
        if name in shape:
            raise SpecError(f"rank {name} is given twice", rule="give each rank one size")
        try:
            shape[name] = parse_count(size)
        except SpecError as error:
            raise SpecError(f"rank {name}: {error.message}", rule=error.rule) from None
    return shape
