"""The map space: which structures a fused group can have.

    mapping    ::= group+            the cascade's Einsums, in dependence order, cut into groups
    group      ::= batch* loop* step* branches
    batch      ::= a rank of all tensors of the group, one coordinate at a time
    loop       ::= some, in any order, of the other ranks that two Einsums share (of all, if there
                   is one Einsum), each with a tile size whose quotient divides the rank
    step       ::= the ranks of the loops in the same order, then the rest of them, in tiles of
                   what the arrays take at a time
    branches   ::= Einsums share every loop that dependences let them share
    array      ::= an Einsum's unit and the ranks over its dimensions: those with the least time
    hold       ::= for each tensor, in each memory on the way, a depth or nothing (mapper/options)

`docs/mapper.md` gives examples and sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product
from math import ceil, prod
from random import Random

from archsim.architecture import Architecture, ComputeUnit
from archsim.mapping import Spread
from archsim.work import needed, no_unit, operation_on, supports
from einsum.cascade import Cascade, Einsum
from einsum.expression import variables
from einsum.nests import Nests
from einsum.shapes import Shapes
from einsum.walks import Walks
from mapper.problem import MapProblem
from mapper.structure import Place, Structure

_BINDINGS = 4096  # more combinations of units than this are bound one Einsum at a time


def structures(segment: tuple[Einsum, ...], problem: MapProblem) -> Iterator[Structure]:
    """Every structure of the group that computes `segment`.

    Raises `SpecError` if no unit can compute one of its Einsums.
    """
    for frame in frames(segment, problem):
        for count in range(len(frame.optional) + 1):
            for some in combinations(frame.optional, count):
                for outer in permutations(frame.chosen(some)):
                    yield frame.ordered(outer)


def random_structure(segment: tuple[Einsum, ...], problem: MapProblem, random: Random) -> Structure:
    """One of `structures`, each choice of the grammar drawn by itself."""
    frame = random.choice(tuple(frames(segment, problem)))
    outer = frame.chosen(tuple(v for v in frame.optional if random.random() < 0.5))
    return frame.ordered(tuple(random.sample(outer, len(outer))))


@dataclass(frozen=True, slots=True)
class Frame:
    """A structure without its loops: where its Einsums run, and the ranks that can have loops.

    Those of `optional` are not shared by all Einsums: without a loop, more may be shared inside.
    """

    segment: tuple[Einsum, ...]
    places: Mapping[str, Place]
    batch: tuple[str, ...]
    free: tuple[str, ...]
    optional: tuple[str, ...]
    sizes: Mapping[str, int]
    numbers: Mapping[str, Mapping[str, int]]

    def chosen(self, some: tuple[str, ...]) -> tuple[str, ...]:
        """The ranks that have loops if `some` of the optional ones do.

        A loop that all share may have all of its rank as its tile: it need not be left out.
        """
        return tuple(v for v in self.free if v in some or v not in self.optional)

    def ordered(self, outer: tuple[str, ...]) -> Structure:
        """The structure with these loops, outermost first."""
        inner = (*outer, *(v for v in self.free if v not in outer))
        return Structure(
            self.segment, self.places, self.batch, outer, inner, self.sizes, self.numbers
        )


def frames(segment: tuple[Einsum, ...], problem: MapProblem) -> Iterator[Frame]:
    """What is common to the structures of a group, for every choice of spatial ranks."""
    cascade, shapes = problem.cascade, problem.shapes
    running = {v for e in segment for v in cascade.iterative_variables(e.tensor)}
    shared = [v for v in _ranks(segment) if _in_all(v, segment) and v not in running]
    linked = [v for v in _ranks(segment) if _is_linked(v, segment)]
    numbers = sharing(cascade)
    choices = (_places(segment, across, problem) for across in _across(segment, running, problem))
    for places in {tuple(one.items()): one for one in choices}.values():
        step = _steps(places)
        batch = tuple(v for v in shared if v not in step)
        free = tuple(v for v in linked if v not in batch and shapes.extent(v) > step.get(v, 1))
        optional = tuple(v for v in free if not _is_shared(v, segment, numbers))
        sizes = {v: step.get(v, 1) for v in free}
        yield Frame(segment, places, batch, free, optional, sizes, numbers)


@lru_cache(maxsize=64)
def sharing(cascade: Cascade) -> Mapping[str, Mapping[str, int]]:
    """By rank variable and Einsum, the loop over the variable that the Einsum can be under.

    Einsums with different numbers cannot share a loop: one needs what the other has only when
    its loop is over (`einsum.nests`).
    """
    walks = Walks(cascade)
    partitions = {
        part.lower(): tuple(p.lower() for p in rank.partitions[:place])
        for rank in cascade.ranks
        for place, part in enumerate(rank.partitions)
    }
    return {
        variable: Nests(walks, variable, frozenset(partitions.get(variable, ()))).number
        for variable in {v for e in cascade.steps for v in e.variables}
    }


def _ranks(segment: tuple[Einsum, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for einsum in segment for v in einsum.variables))


def _in_all(variable: str, segment: tuple[Einsum, ...]) -> bool:
    return all(variable in variables(access) for e in segment for access in (*e.inputs, e.output))


def _is_shared(
    variable: str, segment: tuple[Einsum, ...], numbers: Mapping[str, Mapping[str, int]]
) -> bool:
    """Can all Einsums be under one loop over `variable`?"""
    return all(variable in einsum.variables for einsum in segment) and (
        len({numbers[variable][einsum.name] for einsum in segment}) == 1
    )


def _is_linked(variable: str, segment: tuple[Einsum, ...]) -> bool:
    return len(segment) == 1 or sum(variable in einsum.variables for einsum in segment) > 1


def _across(
    segment: tuple[Einsum, ...],
    running: set[str],
    problem: MapProblem,
) -> Iterator[tuple[str, ...]]:
    """The ranks across the dimensions of the largest array that need the least time."""
    shapes, architecture = problem.shapes, problem.architecture
    widest = max(architecture.units, key=lambda unit: architecture.pes(unit.name))
    count = max(1, len(architecture.dims_above(widest.name)))
    ranks = [v for v in _ranks(segment) if v not in running and shapes.extent(v) > 1]
    candidates = list(permutations(ranks, min(count, len(ranks))))
    times = [
        _makespan(segment, _places(segment, across, problem), shapes, architecture)
        for across in candidates
    ]
    best = min(times)
    return (across for across, time in zip(candidates, times, strict=True) if time == best)


def _places(
    segment: tuple[Einsum, ...],
    across: tuple[str, ...],
    problem: MapProblem,
) -> dict[str, Place]:
    """Units and spatial loops: those that leave the busiest unit the least to do."""
    shapes, architecture = problem.shapes, problem.architecture
    able = [
        [u for u in architecture.units if supports(u, e) and _may_run(e, u, problem)]
        for e in segment
    ]
    for einsum, units in zip(segment, able, strict=True):
        if not units:
            raise no_unit(einsum, architecture)
    spread = {
        (e.name, u.name): _spread(e, u, across, problem)
        for e, units in zip(segment, able, strict=True)
        for u in units
    }
    busy = {
        (e.name, u.name): _cycles(e, u, spread[e.name, u.name], shapes)
        for e, units in zip(segment, able, strict=True)
        for u in units
    }
    chosen = _binding(segment, able, busy)
    return {name: Place(unit, spread[name, unit]) for name, unit in chosen.items()}


def _binding(
    segment: tuple[Einsum, ...],
    able: list[list[ComputeUnit]],
    busy: Mapping[tuple[str, str], float],
) -> dict[str, str]:
    names = [einsum.name for einsum in segment]
    fastest = [
        [min(units, key=lambda u: busy[name, u.name])]
        for name, units in zip(names, able, strict=True)
    ]
    if prod(map(len, able)) > _BINDINGS:
        able = fastest

    def load(units: tuple[ComputeUnit, ...]) -> tuple[float, float]:
        total: dict[str, float] = {}
        for name, unit in zip(names, units, strict=True):
            total[unit.name] = total.get(unit.name, 0.0) + busy[name, unit.name]
        return max(total.values()), sum(total.values())

    best = min(product(*able), key=load)
    return {name: unit.name for name, unit in zip(names, best, strict=True)}


def _spread(
    einsum: Einsum,
    unit: ComputeUnit,
    across: tuple[str, ...],
    problem: MapProblem,
) -> tuple[Spread, ...]:
    """The rank of each dimension, innermost dimensions first: `across` lists outermost first."""
    found = []
    shapes, architecture = problem.shapes, problem.architecture
    dims = architecture.dims_above(unit.name)
    for dim, variable in zip(reversed(dims), reversed(across), strict=False):
        may = problem.constraints.may_spread(einsum, dim, variable)
        if variable in einsum.variables and may:
            count = min(architecture.dim_size(dim), shapes.extent(variable))
            found.append(Spread(variable, dim, count))
    return tuple(reversed(found))


def _cycles(
    einsum: Einsum, unit: ComputeUnit, spreads: tuple[Spread, ...], shapes: Shapes
) -> float:
    wide = {spread.variable: spread.count for spread in spreads}
    points = prod(ceil(shapes.extent(v) / wide.get(v, 1)) for v in einsum.variables)
    return points * sum(
        operation_on(unit, name, einsum).cycles * times
        for name, times in needed(einsum, unit).items()
    )


def _makespan(
    segment: tuple[Einsum, ...],
    places: Mapping[str, Place],
    shapes: Shapes,
    architecture: Architecture,
) -> tuple[float, float]:
    total: dict[str, float] = {}
    for einsum in segment:
        place = places[einsum.name]
        unit = architecture.unit(place.unit)
        cycles = _cycles(einsum, unit, place.spreads, shapes)
        total[place.unit] = total.get(place.unit, 0.0) + cycles
    return max(total.values()), sum(total.values())


def _may_run(einsum: Einsum, unit: ComputeUnit, problem: MapProblem) -> bool:
    return problem.constraints.runs_on(einsum.name, unit.name)


def _steps(places: Mapping[str, Place]) -> dict[str, int]:
    """What the arrays take at a time of each spread rank: the widest of the group."""
    widest: dict[str, int] = {}
    for place in places.values():
        for spread in place.spreads:
            widest[spread.variable] = max(widest.get(spread.variable, 1), spread.count)
    return widest
