"""How many points of an iteration space a condition leaves: useful ones, and executed ones.

Conditions that couple at most two variables by linear inequalities (causal `m <= p`, a window
`p - m < W`, the end of an uneven partition) are counted in closed form, in microseconds for any
size. Others are scanned (`einsum/scan.py`) without ever holding a square of sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from einsum.affine import variable
from einsum.constraints import Constraint, System, constraints
from einsum.errors import SpecError
from einsum.expression import Comparison
from einsum.lattice import HalfPlane, lattice_points
from einsum.of_sizes import of_sizes
from einsum.printer import print_comparison
from einsum.scan import scan

if TYPE_CHECKING:
    from einsum.shapes import Shapes

_MOST_SCANNED = 1 << 32
"""What a scan of some minutes visits."""

_QUICKLY_SCANNED = 1 << 24
"""What a scan of a second visits."""


def useful(domain: Iterable[Comparison], extents: Mapping[str, int], shapes: Shapes) -> int:
    """The number of points, 0 to each variable's extent, at which all of `domain` holds.

    `extents` lists the iterated variables; conditions may use `m` where they are `m1` and `m0`.
    """
    return executed(domain, extents, shapes, {})


def executed(
    domain: Iterable[Comparison],
    extents: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
) -> int:
    """The number of points in all tiles that hold at least one useful point.

    Tiles start at 0 and span `tile[v]` values of each variable v (1 if not named); the last
    tile of a variable is cut at its extent. So `useful <= executed <=` the product of extents,
    and with tiles of one point executed is useful. `SpecError` if counting would take hours.
    """
    return of_sizes(_counted, tuple(domain), extents, shapes, tile)


def _counted(
    domain: tuple[Comparison, ...],
    extents: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
) -> int:
    total = _executed(domain, extents, shapes, tile, _MOST_SCANNED)
    if total is None:
        condition = " and ".join(map(print_comparison, domain))
        raise SpecError(
            f"the condition {condition} leaves too many points to count",
            rule="couple at most two large rank variables, by sums and differences",
        )
    return total


def is_never(
    comparison: Comparison,
    domain: Iterable[Comparison],
    extents: Mapping[str, int],
    shapes: Shapes,
) -> bool:
    """Does `domain` exclude `comparison`? False also if a second is too short to tell."""
    return of_sizes(_excluded, (comparison, *domain), extents, shapes, {})


def _excluded(
    conditions: tuple[Comparison, ...],
    extents: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
) -> bool:
    comparison, *domain = conditions
    return (
        any(_executed((part, comparison), extents, shapes, tile, 0) == 0 for part in domain)
        or _executed((*domain, comparison), extents, shapes, tile, _QUICKLY_SCANNED) == 0
    )


def _executed(
    domain: tuple[Comparison, ...],
    extents: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
    limit: int,
) -> int | None:
    """`executed`; None if more than `limit` points would have to be scanned."""
    if System(extents, constraints(domain, extents, shapes)).is_empty:
        return 0
    tile = {name: min(tile.get(name, 1), extent) for name, extent in extents.items()}
    return _product(
        _part(comparisons, space, extents, shapes, tile, limit)
        for comparisons, space in _coupled(domain, extents, shapes)
    )


def _product(factors: Iterable[int | None]) -> int | None:
    """0 if a factor is; otherwise None if one is."""
    found = tuple(factors)
    if 0 in found:
        return 0
    known = [factor for factor in found if factor is not None]
    return math.prod(known) if len(known) == len(found) else None


def _coupled(
    domain: tuple[Comparison, ...], extents: Mapping[str, int], shapes: Shapes
) -> Iterator[tuple[tuple[Comparison, ...], dict[str, int]]]:
    """The comparisons that can fail, with their variables, by the variables that they couple."""
    alone = {c: System(extents, constraints((c,), extents, shapes)).reduced() for c in domain}
    whole = System(extents, tuple(c for system in alone.values() for c in system.constraints))
    for part in whole.components():
        yield (
            tuple(c for c in domain if set(alone[c].constraints) & set(part.constraints)),
            dict(part.extents),
        )


def _part(
    comparisons: tuple[Comparison, ...],
    coupled: Mapping[str, int],
    extents: Mapping[str, int],
    shapes: Shapes,
    tile: Mapping[str, int],
    limit: int,
) -> int | None:
    """The executed points of the `coupled` variables, those that `comparisons` mention."""
    if not comparisons:
        return math.prod(coupled.values())
    spaces = [(coupled, tile)]
    if (fused := _fused(coupled, tile, shapes)) is not None:
        spaces.insert(0, fused)
    systems = []
    for space, tiles in spaces:
        iterated = {*space, *(extents.keys() - coupled.keys())}
        system = System(space, constraints(comparisons, iterated, shapes)).reduced()
        if system.is_empty:
            return 0
        systems.append((system, tiles))
    for system, tiles in systems:
        total = _product(_closed_form(part, tiles) for part in system.components())
        if total is not None:
            return total
    system, tiles = systems[0]
    return _product(
        scan(part, {name: tiles[name] for name in part.extents}, limit)
        if points is None
        else points
        for part in system.components()
        for points in (_closed_form(part, tiles),)
    )


def _fused(
    extents: Mapping[str, int], tile: Mapping[str, int], shapes: Shapes
) -> tuple[dict[str, int], dict[str, int]] | None:
    """The space with `m` in place of `m1, m0`, and its tiles; None if there is none.

    The tiles must be runs of `m`: whole values of m1, or equal parts of one.
    """
    space, tiles = dict(extents), dict(tile)
    for rank in shapes.cascade.ranks:
        parts = [part.lower() for part in rank.partitions]
        inner = parts[1:]
        if not inner or any(name not in extents for name in parts):
            continue
        run = _run([extents[name] for name in parts], [tile[name] for name in parts])
        if run is None or any(extents[name] != shapes.extent(name) for name in inner):
            continue
        space[rank.variable] = math.prod(space.pop(name) for name in parts)
        tiles[rank.variable] = run
    return (space, tiles) if len(space) < len(extents) else None


def _run(extents: Sequence[int], tile: Sequence[int]) -> int | None:
    """The length of tiles of nested dimensions as runs of the flat one; None if they are not."""
    inner = 1
    for position in reversed(range(len(tile))):
        if tile[position] < extents[position]:
            is_even = position == 0 or extents[position] % tile[position] == 0
            is_single = all(size == 1 for size in tile[:position])
            return inner * tile[position] if is_even and is_single else None
        inner *= extents[position]
    return inner


def _closed_form(system: System, tile: Mapping[str, int]) -> int | None:
    """The executed points of coupled variables; None if there is no closed form for them."""
    match tuple(system.extents):
        case _ if not system.is_linear:
            return None
        case _ if not system.constraints:
            return math.prod(system.extents.values())
        case (x,):
            return _interval(system, x, tile[x])
        case (x, y) if tile[x] == tile[y] == 1:
            return lattice_points(
                HalfPlane(form.coefficient(x), form.coefficient(y), -form.constant)
                for form in (c.form for c in (*system.constraints, *_sides(system)))
            )
        case (x, y):
            return _tiles(system, x, y, tile)
        case _:
            return None


def _sides(system: System) -> Iterator[Constraint]:
    """The box of `system` as constraints."""
    for name, extent in system.extents.items():
        yield Constraint(variable(name) * -1)
        yield Constraint(variable(name).plus(1 - extent))


def _range(system: System, name: str) -> tuple[int, int]:
    """The least and greatest value of a variable by the constraints on it alone."""
    low, high = 0, system.extents[name] - 1
    for form in (c.form for c in system.constraints if c.form.variables == {name}):
        factor = form.coefficient(name)
        if factor > 0:
            high = min(high, -form.constant // factor)
        else:
            low = max(low, -(form.constant // factor))
    return low, high


def _interval(system: System, name: str, tile: int) -> int:
    low, high = _range(system, name)
    if low > high:
        return 0
    return min((high // tile + 1) * tile, system.extents[name]) - low // tile * tile


def _tiles(system: System, x: str, y: str, tile: Mapping[str, int]) -> int | None:
    """Points in live tiles when all that couples x and y is `low <= x + sign * y <= high`.

    Over a tile `x + sign * y` takes every value between its least and its greatest, so a tile
    is live if both reach the range: linear inequalities in the numbers i, j of the tile.
    """
    coupled = [c.form for c in system.constraints if len(c.form.variables) == 2]
    signs = {form.coefficient(x) * form.coefficient(y) for form in coupled}
    if len(signs) != 1 or abs(min(signs)) != 1:
        return None
    (sign,) = signs
    (x_low, x_high), (y_low, y_high) = _range(system, x), _range(system, y)
    low = max((f.constant for f in coupled if f.coefficient(x) < 0), default=-math.inf)
    high = min((-f.constant for f in coupled if f.coefficient(x) > 0), default=math.inf)
    if x_low > x_high or y_low > y_high or low > high:
        return 0
    # The ends of a tile as (multiple of its number, constant), before and after the range cuts.
    x_first, x_last = ((tile[x], 0), (0, x_low)), ((tile[x], tile[x] - 1), (0, x_high))
    y_first, y_last = ((tile[y], 0), (0, y_low)), ((tile[y], tile[y] - 1), (0, y_high))
    y_least, y_most = (y_first, y_last) if sign > 0 else (y_last, y_first)
    live = [HalfPlane(a - c, 0, d - b) for a, b in x_first for c, d in x_last]
    live += [HalfPlane(0, a - c, d - b) for a, b in y_first for c, d in y_last]
    if high < math.inf:
        live += [
            HalfPlane(a, sign * c, int(high) - b - sign * d) for a, b in x_first for c, d in y_least
        ]
    if low > -math.inf:
        live += [
            HalfPlane(-a, -sign * c, b + sign * d - int(low)) for a, b in x_last for c, d in y_most
        ]
    ends = {}
    for name, axis in ((x, (1, 0)), (y, (0, 1))):
        last = (system.extents[name] - 1) // tile[name]
        live += [
            HalfPlane(axis[0], axis[1], last),
            HalfPlane(-axis[0], -axis[1], 0),
        ]
        # What the last tile lacks, and how to ask for it alone.
        lack = (last + 1) * tile[name] - system.extents[name]
        ends[name] = (lack, HalfPlane(-axis[0], -axis[1], -last))
    (x_lack, x_end), (y_lack, y_end) = ends[x], ends[y]
    total = tile[x] * tile[y] * lattice_points(live)
    if x_lack:
        total -= x_lack * tile[y] * lattice_points([*live, x_end])
    if y_lack:
        total -= tile[x] * y_lack * lattice_points([*live, y_end])
    if x_lack and y_lack:
        total += x_lack * y_lack * lattice_points([*live, x_end, y_end])
    return total
