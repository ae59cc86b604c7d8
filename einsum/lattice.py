"""Integer points of a convex polygon, counted in closed form.

Time is logarithmic in the size of the polygon and polynomial in the number of its edges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations


@dataclass(frozen=True, slots=True)
class HalfPlane:
    """The points with `a * x + b * y <= c`; all are integers."""

    a: int
    b: int
    c: int


@dataclass(frozen=True, slots=True)
class _Line:
    """`x = (slope * y + start) / divisor`, divisor > 0."""

    slope: int
    start: int
    divisor: int

    def at(self, y: int) -> Fraction:
        return Fraction(self.slope * y + self.start, self.divisor)

    def crossing(self, other: _Line) -> Fraction | None:
        slope = self.slope * other.divisor - other.slope * self.divisor
        start = other.start * self.divisor - self.start * other.divisor
        return Fraction(start, slope) if slope else None


def lattice_points(half_planes: Iterable[HalfPlane]) -> int:
    """The number of integer points (x, y) in all of `half_planes`.

    Their intersection must be bounded in x by some of them and in y by others that do not
    mention x. Between two crossings of the edges one edge bounds x from above and one from
    below, and both floors sum in closed form (`floor_sum`).
    """
    upper: set[_Line] = set()
    lower: set[_Line] = set()
    least: list[int] = []
    most: list[int] = []
    for edge in half_planes:
        if edge.a > 0:
            upper.add(_Line(-edge.b, edge.c, edge.a))
        elif edge.a < 0:
            lower.add(_Line(edge.b, -edge.c, -edge.a))
        elif edge.b > 0:
            most.append(edge.c // edge.b)
        elif edge.b < 0:
            least.append(-(edge.c // -edge.b))
        elif edge.c < 0:
            return 0
    first, last = max(least), min(most)
    if first > last:
        return 0
    starts = {first}
    for one, other in combinations((*upper, *lower), 2):
        if (cross := one.crossing(other)) is not None:
            floor = cross.numerator // cross.denominator
            # A crossing at an integer is a piece of its own: there both edges may touch.
            starts |= {floor + 1} if cross.denominator > 1 else {floor, floor + 1}
    pieces = sorted(y for y in starts if first <= y <= last)
    total = 0
    for start, end in zip(pieces, [y - 1 for y in pieces[1:]] + [last], strict=True):

        def height(line: _Line, start: int = start, end: int = end) -> Fraction:
            return line.at(start) + line.at(end)

        top, bottom = min(upper, key=height), max(lower, key=height)
        if height(top) >= height(bottom):
            total += _floors(top, start, end) + (end - start + 1)
            total += _floors(_Line(-bottom.slope, -bottom.start, bottom.divisor), start, end)
    return total


def _floors(line: _Line, first: int, last: int) -> int:
    """The sum of floor(x) over the integers y from `first` to `last`."""
    return floor_sum(last - first + 1, line.divisor, line.slope, line.slope * first + line.start)


def floor_sum(count: int, divisor: int, slope: int, start: int) -> int:
    """`sum(floor((slope * i + start) / divisor) for i in range(count))`, divisor > 0.

    Euclid's algorithm on the lattice points below a line (Graham, Knuth and Patashnik, Concrete
    Mathematics, section 3.5, gives the reciprocity that each step uses).
    """
    total = 0
    while count > 0:
        total += count * (count - 1) // 2 * (slope // divisor) + count * (start // divisor)
        slope, start = slope % divisor, start % divisor
        top = slope * count + start
        if top < divisor:
            break
        # Count the same points by columns instead of rows.
        count, start = divmod(top, divisor)
        divisor, slope = slope, divisor
    return total
