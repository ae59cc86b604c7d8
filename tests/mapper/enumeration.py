"""The map space by brute force: the grammar of `mapper/space.py` walked word by word.

Nothing is pruned, added up or shared between mappings: every loop order with every combination of
holds is evaluated as a whole by `archsim.closed_form`, and refused by the rules of `archsim`. Of
the mapper only the places of the Einsums are taken; `test_exact.py` checks those by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, groupby, permutations, product
from math import prod
from random import Random

import numpy as np
from numpy.typing import NDArray

from archsim.amounts import Array
from archsim.architecture import Memory
from archsim.closed_form import ClosedForm, closed_form
from archsim.constraints import FREE, check_constraints
from archsim.energy import Accounting, energy
from archsim.free_tiles import FreeTile, free_tiles, overflow, with_tiles
from archsim.legality import check_loops
from archsim.mapping import Branches, Compute, For, Group, Hold, Mapping, Nest
from archsim.tiles import Reaches
from einsum.cascade import Einsum
from einsum.errors import SpecError
from einsum.expression import variables
from mapper.problem import MapProblem
from mapper.space import frames, sharing
from mapper.structure import Place

Costs = NDArray[np.float64]
"""Rows of seconds, bytes of the root, pJ and bytes of the shared memories."""

NOTHING: Costs = np.empty((0, 4))


@dataclass(frozen=True)
class Loops:
    """The Einsums of a group under their loops: all of them, with tile sizes for the `outer`."""

    problem: MapProblem
    einsums: tuple[Einsum, ...]
    places: dict[str, Place]
    batch: tuple[str, ...]
    outer: tuple[str, ...]
    rest: tuple[str, ...]
    steps: dict[str, int]

    @property
    def loops(self) -> tuple[For, ...]:
        """Outermost first, below the batch."""
        tiled = tuple(For(rank, f"tile of {rank}") for rank in self.outer)
        return (*tiled, *(For(rank, self.steps[rank]) for rank in (*self.outer, *self.rest)))

    def parts(self, members: tuple[Einsum, ...], loop: For) -> list[tuple[Einsum, ...]]:
        """Neighbours of `members` that stay together at `loop`."""
        numbers = sharing(self.problem.cascade)[loop.variable]

        def turn(einsum: Einsum) -> int | None:
            return numbers[einsum.name] if loop.variable in einsum.variables else None

        return [tuple(run) for _, run in groupby(members, key=turn)]

    def depths(self, tensor: str) -> range:
        """How many loops can be above a hold: as long as all that use the tensor are together."""
        users = {einsum.name for einsum in self.einsums if tensor in einsum.tensors}
        members = self.einsums
        for depth, loop in enumerate(self.loops):
            together = [
                part
                for part in self.parts(members, loop)
                if users <= {einsum.name for einsum in part}
            ]
            if not together:
                return range(depth + 1)
            (members,) = together
        return range(len(self.loops) + 1)

    def ways(self, tensor: str) -> list[tuple[tuple[Hold, int], ...]]:
        """All ways to hold a tensor."""
        chip = self.problem.architecture
        users = [einsum for einsum in self.einsums if tensor in einsum.tensors]
        units = {self.places[einsum.name].unit for einsum in users}
        allowed = [m for m in chip.memories if m.parent is not None and m.holds(tensor)]
        shared = [
            m for m in allowed if m.per_unit is None and all(m in chip.path(unit) for unit in units)
        ]
        depths = self.depths(tensor)
        found = []
        for choice in product((None, *depths), repeat=len(shared)):
            taken = [depth for depth in choice if depth is not None]
            if taken != sorted(taken):
                continue
            buffers = tuple(
                (Hold((tensor,), m.name), depth)
                for m, depth in zip(shared, choice, strict=True)
                if depth is not None
            )
            found.append(buffers)
            if len(depths) > len(self.outer):
                for m in allowed:
                    if m.per_unit in units and not self._needs_buffer(tensor, m, bool(buffers)):
                        found.append((*buffers, (Hold((tensor,), m.name), depths[-1])))
        return found

    def _needs_buffer(self, tensor: str, memory: Memory, buffered: bool) -> bool:
        """Sums over several PEs do not meet in what each PE has for itself."""
        return not buffered and any(
            einsum.tensor == tensor
            and self.places[einsum.name].unit == memory.per_unit
            and any(
                s.variable in einsum.reduced_variables for s in self.places[einsum.name].spreads
            )
            for einsum in self.einsums
        )

    @property
    def tensors(self) -> list[str]:
        return sorted({tensor for einsum in self.einsums for tensor in einsum.tensors})

    def group(self, holds: tuple[tuple[Hold, int], ...]) -> Group:
        """The loops with holds in them, tile sizes free."""
        order = [memory.name for memory in self.problem.architecture.memories]
        ordered = tuple(sorted(holds, key=lambda one: order.index(one[0].memory)))
        batch = tuple(For(rank) for rank in self.batch)
        return Group((*batch, *self._nest(self.einsums, 0, ordered)), self.problem.policy)

    def _nest(
        self, members: tuple[Einsum, ...], depth: int, holds: tuple[tuple[Hold, int], ...]
    ) -> Nest:
        used = {tensor for einsum in members for tensor in einsum.tensors}
        here = tuple(hold for hold, at in holds if at == depth and set(hold.tensors) <= used)
        if depth == len(self.loops):
            leaves: list[Nest] = [
                (*self.places[e.name].spreads, Compute(e.name, self.places[e.name].unit))
                for e in members
            ]
            return (*here, *_joined(leaves))
        loop = self.loops[depth]
        branches: list[Nest] = []
        for part in self.parts(members, loop):
            inner = self._nest(part, depth + 1, holds)
            branches.append((loop, *inner) if loop.variable in part[0].variables else inner)
        return (*here, *_joined(branches))


def _joined(nests: list[Nest]) -> Nest:
    return nests[0] if len(nests) == 1 else (Branches(tuple(nests)),)


def loops(segment: tuple[Einsum, ...], problem: MapProblem) -> Iterator[Loops]:
    """Every choice and order of loops above the Einsums of a group, for all their places."""
    cascade, shapes = problem.cascade, problem.shapes
    running = {v for einsum in segment for v in cascade.iterative_variables(einsum.tensor)}
    for places in {repr(f.places): dict(f.places) for f in frames(segment, problem)}.values():
        steps: dict[str, int] = {}
        for place in places.values():
            for spread in place.spreads:
                steps[spread.variable] = max(steps.get(spread.variable, 1), spread.count)
        ranks = dict.fromkeys(v for einsum in segment for v in einsum.variables)
        batch = tuple(
            v
            for v in ranks
            if v not in running
            and v not in steps
            and all(v in variables(a) for e in segment for a in (e.output, *e.inputs))
        )
        free = tuple(
            v
            for v in ranks
            if v not in batch
            and (len(segment) == 1 or sum(v in einsum.variables for einsum in segment) > 1)
            and shapes.extent(v) > steps.get(v, 1)
        )
        whole = {v: steps.get(v, 1) for v in free}
        for some in chain.from_iterable(combinations(free, n) for n in range(len(free) + 1)):
            for outer in permutations(some):
                rest = tuple(v for v in free if v not in outer)
                yield Loops(problem, segment, places, batch, outer, rest, whole)


def evaluations(problem: MapProblem) -> int:
    """How many mappings a brute force looks at, tile sizes and cuts aside."""
    return sum(
        prod(len(found.ways(tensor)) for tensor in found.tensors)
        for segment in segments(problem)
        for found in loops(segment, problem)
    )


def segments(problem: MapProblem) -> Iterator[tuple[Einsum, ...]]:
    """Every run of Einsums that can be a group: recurrences are not cut."""
    count = len(problem.einsums)
    cuts = [place for place in range(count + 1) if _may_cut(problem, place)]
    for first, last in combinations(cuts, 2):
        if last - first <= (problem.width or count):
            yield problem.einsums[first:last]


def _may_cut(problem: MapProblem, place: int) -> bool:
    later = {einsum.tensor for einsum in problem.einsums[place:]}
    return not any(
        access.tensor in later for einsum in problem.einsums[:place] for access in einsum.inputs
    )


def group_costs(segment: tuple[Einsum, ...], problem: MapProblem) -> Iterator[tuple[int, Costs]]:
    """For each loop order and combination of holds: how many tile sizes, and costs of the legal."""
    for found in loops(segment, problem):
        for ways in product(*(found.ways(tensor) for tensor in found.tensors)):
            group = found.group(tuple(hold for way in ways for hold in way))
            free = free_in(group, problem)
            names = [tile.name for tile in free]
            rows = list(product(*(tile.candidates for tile in free)))
            columns = np.asarray(rows, dtype=np.float64).reshape(len(rows), len(free)).T
            tiles = dict(zip(names, columns, strict=True))
            yield len(rows), _costs(group, tiles, rows, names, problem)


def free_in(group: Group, problem: MapProblem) -> tuple[FreeTile, ...]:
    """The free tile sizes of a group."""
    open_mapping = Mapping("open", (group,))
    return free_tiles(open_mapping, problem.cascade, problem.shapes.sizes, problem.imperfect)


def _costs(
    group: Group,
    tiles: dict[str, Array],
    rows: list[tuple[int, ...]],
    names: list[str],
    problem: MapProblem,
) -> Costs:
    mapping = Mapping("open", (group,))
    form = closed_form(problem.cascade, problem.shapes, problem.architecture, mapping, tiles)
    legal = np.ones(len(rows), dtype=bool)
    if not _is_legal(form, problem):
        # The rules take an array of tile sizes as one that breaks them if any does.
        for number, row in enumerate(rows):
            sized = with_tiles(mapping, dict(zip(names, row, strict=True)))
            one = closed_form(problem.cascade, problem.shapes, problem.architecture, sized)
            legal[number] = _is_legal(one, problem)
    return amounts(form, problem, len(rows))[legal & fitting(form, problem, len(rows))]


def _is_legal(form: ClosedForm, problem: MapProblem) -> bool:
    try:
        check_loops(form.leaves, Reaches.of(form.leaves, problem.shapes), problem.architecture)
        if problem.constraints is not FREE:
            check_constraints(
                form.leaves, problem.cascade, problem.architecture, problem.constraints
            )
    except (SpecError, TypeError):  # a constraint takes no arrays of tile sizes
        return False
    return True


def fitting(form: ClosedForm, problem: MapProblem, count: int = 1) -> NDArray[np.bool_]:
    """Which tile sizes stay within every memory."""
    fits = np.ones(count, dtype=bool)
    for short in overflow(form, problem.architecture).values():
        fits &= np.broadcast_to(short, (count,)) <= 0
    return fits


def amounts(form: ClosedForm, problem: MapProblem, count: int = 1) -> Costs:
    """What the tile sizes cost."""
    chip = problem.architecture
    nothing = np.asarray(0.0)
    terms = energy(
        form.transfers, form.works, problem.cascade, chip, problem.library, Accounting.COMPLETE
    )
    spent = sum((term.energy_pj for term in terms), start=nothing)
    held = sum((form.occupied_bytes.get(name, nothing) for name in problem.buffers), start=nothing)
    columns = (form.latency_s, form.moved_bytes.get(chip.root.name, nothing), spent, held)
    return np.stack([np.broadcast_to(column, (count,)) for column in columns], axis=1)


@dataclass(frozen=True)
class Enumeration:
    """All mappings of a problem: how many, and the costs that no other is better than.

    `groups` has the costs of each run of Einsums that can be a group.
    """

    mappings: int
    costs: Costs
    groups: dict[tuple[Einsum, ...], Costs]


def enumerate_all(problem: MapProblem) -> Enumeration:
    """Every way to cut with every group for each run; dominated groups cannot help any cut."""
    count = len(problem.einsums)
    groups: dict[tuple[Einsum, ...], Costs] = {}
    total, best = [1] + [0] * count, [np.zeros((1, 4))] + [NOTHING] * count
    for segment in sorted(segments(problem), key=lambda one: problem.einsums.index(one[-1])):
        first, last = (problem.einsums.index(one) for one in (segment[0], segment[-1]))
        found = list(group_costs(segment, problem))
        total[last + 1] += total[first] * sum(number for number, _ in found)
        own = undominated(np.concatenate([NOTHING, *(costs for _, costs in found)]))
        groups[segment] = own
        both = [_after(before, own) for before in best[first]]
        best[last + 1] = undominated(np.concatenate([best[last + 1], *both]))
    return Enumeration(total[count], best[count], groups)


def _after(before: Costs, groups: Costs) -> Costs:
    """Groups one after another: amounts add up, but for the memory, which they take in turn."""
    total = groups + before
    total[:, 3] = np.maximum(groups[:, 3], before[3])
    return total


def undominated(costs: Costs) -> Costs:
    """The rows that no other row is as good as in every column."""
    rows = np.unique(costs, axis=0)
    kept = [
        row
        for number, row in enumerate(rows)
        if not np.any(np.all(np.delete(rows, number, axis=0) <= row, axis=1))
    ]
    return np.asarray(kept).reshape(len(kept), 4)


def draw(problem: MapProblem, random: Random) -> Mapping:
    """A mapping of the space, every choice of its grammar drawn by itself; it may be illegal."""
    runs: list[list[Einsum]] = [[problem.einsums[0]]]
    for einsum in problem.einsums[1:]:
        may = _may_cut(problem, sum(map(len, runs)))
        if may and (len(runs[-1]) == problem.width or random.random() < 0.4):
            runs.append([])
        runs[-1].append(einsum)
    groups = []
    for run in runs:
        found = random.choice(list(loops(tuple(run), problem)))
        ways = [random.choice(found.ways(tensor)) for tensor in found.tensors]
        group = found.group(tuple(hold for way in ways for hold in way))
        sizes = {t.name: random.choice(t.candidates) for t in free_in(group, problem)}
        groups.append(with_tiles(Mapping("open", (group,)), sizes).groups[0])
    return Mapping("drawn", tuple(groups))


def cost_of(mapping: Mapping, problem: MapProblem) -> Costs | None:
    """What a mapping costs, its groups one after another; None if it is illegal or too large."""
    total = np.zeros((1, 4))
    for group in mapping.groups:
        one = Mapping("group", (group,))
        form = closed_form(problem.cascade, problem.shapes, problem.architecture, one)
        if not _is_legal(form, problem) or not fitting(form, problem).all():
            return None
        total = _after(total[0], amounts(form, problem))
    return total
