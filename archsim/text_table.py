"""A table as data, and as plain text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextTable:
    """Cells under a header; `align` has one of `<` and `>` for every column.

    >>> print(TextTable("sizes", "<>", ("rank", "size"), (("M", "64K"), ("P", "1"))))
    sizes
      rank  size
      M      64K
      P        1
    """

    title: str
    align: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        cells = [
            "  ".join(f"{c:{a}{w}}" for c, a, w in zip(line, self.align, widths, strict=True))
            for line in lines
        ]
        return "\n".join([self.title, *(f"  {line}".rstrip() for line in cells)])
