"""The dynamic programme: a shortest path through the boundaries between Einsums.

A state stands for all combinations of the tile sizes of its stack at once: an array with an axis
for each loop. What an Einsum adds is bounded from below for all of them first; only those that can
still be on a shortest path are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from time import process_time

import numpy as np
from numpy.typing import NDArray

from archsim.architecture import Memory
from archsim.work import no_unit, supports
from einsum.cascade import Role
from mapper.chain.leaf import Choice, Leaf, Resident, Weights
from mapper.chain.site import Floats, Site, divisors
from mapper.chain.state import Boundaries, Kept, Stack, State, Step
from mapper.problem import MapProblem

_ROUNDING = 1e-9
_FEW = 4  # combinations of tiles that a first look tries at each step


@dataclass(frozen=True, slots=True)
class Taken:
    """An Einsum of a found path: its step, the tiles of its stack, its choice, and its fills."""

    step: Step
    tiles: dict[str, int]
    choice: Choice
    fills: Floats


@dataclass
class _Arrived:
    """The best ways to a state: scores by tiles, the steps taken last, and where they came from."""

    score: Floats
    step: NDArray[np.intp]
    row: NDArray[np.intp]


@dataclass
class Tally:
    """How many combinations there were, and what became of them."""

    rows: int = 0
    computed: int = 0
    over_capacity: int = 0
    over_bound: int = 0
    states: int = 0


@dataclass
class Programme:
    """A problem with weights for its amounts; `timed` if seconds are more than a tie-break."""

    problem: MapProblem
    weights: Weights
    timed: bool
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        problem = self.problem
        self.boundaries = Boundaries(problem)
        self.leaves = [
            [
                Leaf(Site.of(einsum, unit, problem), self.weights)
                for unit in units_of(problem, number)
            ]
            for number, einsum in enumerate(problem.einsums)
        ]
        self.home: list[Memory | None] = [own[0].site.places.home for own in self.leaves]
        sizes = {m.name: m.size_bytes for m in problem.architecture.memories}
        self.capacity = [
            float("inf") if m is None or sizes[m.name] is None else float(sizes[m.name] or 0)
            for m in self.home
        ]
        self.divisors = {
            v: np.asarray(divisors(n)[:-1], dtype=np.float64)
            for v in {v for e in problem.einsums for v in e.variables}
            for n in [problem.shapes.extent(v)]
        }
        self._bounds: dict[object, Floats] = {}
        self._sizes: dict[object, Floats] = {}
        self._axes: dict[Stack, dict[str, Floats]] = {}

    @cached_property
    def floors(self) -> list[float]:
        """What each Einsum costs at least."""
        return [self._floor(number) for number in range(len(self.leaves))]

    @cached_property
    def least(self) -> list[float]:
        """What the Einsums from each one on cost at least."""
        found = [0.0]
        for number in reversed(range(len(self.leaves))):
            found.append(found[-1] + self.floors[number])
        return found[::-1]

    def _floor(self, number: int) -> float:
        tensors = self.problem.einsums[number].tensors
        shared = [t for t, name in enumerate(tensors) if name in self.boundaries.shareable]
        return min(
            leaf.floor(frozenset(some))
            for leaf in self.leaves[number]
            for count in range(len(shared) + 1)
            for some in combinations(shared, count)
        )

    # Running it.

    def scales(self) -> tuple[float, float, float]:
        """Typical amounts: energy, bytes of the root memory, and seconds; none of them is 0."""
        total, seconds = np.zeros(2), 0.0
        for own in self.leaves:
            site = own[0].site
            if not site.spreadings:
                continue
            fixed, compute_s = site.computing(site.spreadings[0])
            least = fixed
            for tensor in range(len(site.tensors)):
                least = least + site.operand(tensor, site.places.root, site.spreadings[0])
            total = total + least[:2]
            seconds += compute_s
        return float(total[0]) or 1.0, float(total[1]) or 1.0, seconds or 1.0

    def first_look(self, states: int, deadline: float) -> tuple[float, tuple[Taken, ...]] | None:
        """A good path, found with the best `states` at every boundary and few tiles at each."""
        return self._run(float("inf"), states, _FEW, deadline)

    def best(
        self, limit: float, deadline: float, tick: Callable[[str], None] = lambda _: None
    ) -> tuple[float, tuple[Taken, ...]] | None:
        """The best path, if it is better than `limit`. Raises `TimeoutError` at the deadline."""
        return self._run(limit, None, None, deadline, tick)

    def _run(
        self,
        limit: float,
        states: int | None,
        few: int | None,
        deadline: float,
        tick: Callable[[str], None] = lambda _: None,
    ) -> tuple[float, tuple[Taken, ...]] | None:
        arrived: dict[State, _Arrived] = {
            State(): _Arrived(np.zeros(()), np.zeros((), np.intp), np.zeros((), np.intp))
        }
        history: list[tuple[dict[State, _Arrived], list[Step]]] = [(arrived, [])]
        for number in range(len(self.leaves)):
            tick(self.problem.einsums[number].name)
            following: dict[State, _Arrived] = {}
            steps: list[Step] = []
            kept = list(arrived)
            if states is not None:
                kept = sorted(kept, key=lambda s: float(arrived[s].score.min()))[:states]
            for before in kept:
                for step in self.boundaries.steps(number, before):
                    if process_time() > deadline:
                        raise TimeoutError
                    score = self._scores(number, step, arrived[before].score, limit, few)
                    if score is not None:
                        _merge(following, step, len(steps), score)
                        steps.append(step)
            self.tally.states += len(following)
            history.append((following, steps))
            arrived = following
        if State() not in arrived:
            return None
        return float(arrived[State()].score), self._trace(history)

    def _scores(
        self, number: int, step: Step, before: Floats, limit: float, few: int | None
    ) -> Floats | None:
        """Scores up to and with the Einsum, by the tiles of its nest; None if all are too high."""
        nest = step.nest
        shape = tuple(len(self.divisors[v]) for v in nest)
        if 0 in shape:
            return None
        score = np.broadcast_to(before[(...,) + (None,) * (len(nest) - before.ndim)], shape)
        if not np.isfinite(score).any():
            return None
        tiles = self._tiles(nest)
        free = self._free(number, step, tiles, shape)
        fits = (free >= 0) & np.isfinite(score)
        self.tally.rows += score.size
        self.tally.over_capacity += int(np.count_nonzero(free < 0))
        if not fits.any():
            return None
        fills = self._fills(number, step, tiles, shape)
        extra = self.weights.score(fills, 0.0)
        if self.timed:
            extra = self.weights.picojoule * fills[..., 0] + self.weights.byte * fills[..., 1]
        resident = self._resident(number, step)
        own = np.maximum(extra + self._bound(number, nest, resident), self.floors[number])
        least = score + own
        promising = fits & (least + self.least[number + 1] <= limit * (1 + _ROUNDING))
        self.tally.over_bound += int(np.count_nonzero(fits & ~promising))
        flat = np.nonzero(promising.reshape(-1))[0]
        if few is not None and len(flat) > few:
            flat = flat[np.argsort(least.reshape(-1)[flat], kind="stable")[:few]]
        if not len(flat):
            return None
        found = np.full(score.size, np.inf)
        grid = [np.broadcast_to(tiles[v], shape).reshape(-1) for v in nest]
        for row in flat:
            here = {v: int(axis[row]) for v, axis in zip(nest, grid, strict=True)}
            one = self._leaf_score(
                number,
                here,
                resident,
                float(free.reshape(-1)[row]),
                fills.reshape(-1, fills.shape[-1])[row],
            )
            found[row] = score.reshape(-1)[row] + one
        self.tally.computed += len(flat)
        found[found + self.least[number + 1] > limit * (1 + _ROUNDING)] = np.inf
        return found.reshape(shape)

    def _leaf_score(
        self, number: int, tiles: dict[str, int], resident: Resident, free: float, fills: Floats
    ) -> float:
        found = self._choice(number, tiles, resident, free, fills)
        return float("inf") if found is None else found[0]

    def _choice(
        self, number: int, tiles: dict[str, int], resident: Resident, free: float, fills: Floats
    ) -> tuple[float, Choice] | None:
        """The best choice of an Einsum and its score, with its fills."""
        best: tuple[float, Choice] | None = None
        apart = 0.0 if self.timed else float(self.weights.score(fills, 0.0))
        for leaf in self.leaves[number]:
            extents = {
                v: tiles.get(v, self.problem.shapes.extent(v)) for v in leaf.site.einsum.variables
            }
            table = leaf.table(
                leaf.site.class_extents(extents),
                resident,
                self.capacity[number],
                fills if self.timed else np.zeros_like(fills),
            )
            place = table.best(free)
            if place is not None and (best is None or table.score[place] + apart < best[0]):
                best = (float(table.score[place]) + apart, table.choices[place])
        return best

    # What is shared.

    def _tiles(self, nest: Stack) -> dict[str, Floats]:
        """The tile sizes of each loop, along its axis."""
        if nest not in self._axes:
            self._axes[nest] = {
                v: self.divisors[v].reshape([-1 if i == axis else 1 for i in range(len(nest))])
                for axis, v in enumerate(nest)
            }
        return self._axes[nest]

    def _free(
        self, number: int, step: Step, tiles: dict[str, Floats], shape: tuple[int, ...]
    ) -> Floats:
        """Bytes of the home memory that are not taken by what is kept."""
        used: Floats | float = 0.0
        for one in step.kept:
            used = used + self._kept_bytes(one, step.nest, tiles)
        return np.broadcast_to(np.asarray(self.capacity[number] - used), shape)

    def _kept_bytes(self, one: Kept, nest: Stack, tiles: dict[str, Floats]) -> Floats:
        """Bytes of a kept tile; the same arrays of tiles are asked for many times."""
        if not tiles or next(iter(tiles.values())).ndim == 0:
            return self.boundaries.tile_bytes(one, nest, tiles)
        key = (one, nest)
        if key not in self._sizes:
            self._sizes[key] = self.boundaries.tile_bytes(one, nest, tiles)
        return self._sizes[key]

    def _resident(self, number: int, step: Step) -> Resident:
        einsum = self.problem.einsums[number]
        kept = {one.tensor for one in step.kept}
        return frozenset(t for t, name in enumerate(einsum.tensors) if name in kept)

    def _fills(
        self, number: int, step: Step, tiles: dict[str, Floats], shape: tuple[int, ...]
    ) -> Floats:
        """Amounts of what the Einsum fetches to and returns from what is kept for it."""
        count = 2 + len(self.problem.bandwidths)
        total = np.zeros((*shape, count))
        for one in step.kept:
            if one.users[0] == number and (passed := self._passed(number, one)):
                down, once = passed
                turns: Floats = np.ones(shape)
                for variable in step.nest[: one.depth]:
                    if variable not in self.boundaries.variables[number, one.tensor]:
                        turns = turns * (self.problem.shapes.extent(variable) / tiles[variable])
                total = total + turns[..., None] * down + once
        return total

    def _passed(self, number: int, one: Kept) -> tuple[Floats, Floats] | None:
        """Amounts for one fetch of all of a tensor, and what is different once."""
        inside = self.problem.cascade.tensor(one.tensor).role is Role.INTERMEDIATE
        if inside and len(one.users) == len(self.boundaries.users[one.tensor]):
            return None
        site = self.leaves[number][0].site
        tensor, home, root = site.tensors.index(one.tensor), site.places.home, site.places.root
        assert home is not None
        way, size = site.spreadings[0], site.elements[tensor]
        if tensor != site.output:
            down = site.price(tensor, root, home.name, way, "down") * size
            return down, np.zeros_like(down)
        up = site.price(tensor, root, home.name, way, "up") * size
        back = site.price(tensor, root, home.name, way, "back") * size
        return up + back, -back

    def _bound(self, number: int, nest: Stack, resident: Resident) -> Floats:
        ranks = tuple(sorted(nest))
        key = (number, ranks, resident)
        if key not in self._bounds:
            shape = tuple(len(self.divisors[v]) for v in ranks)
            tiles = self._tiles(ranks)
            best = np.full(shape, np.inf)
            for leaf in self.leaves[number]:
                columns = []
                for names in leaf.site.classes:
                    size: Floats = np.ones(shape)
                    for v in names:
                        size = size * (tiles[v] if v in tiles else self.problem.shapes.extent(v))
                    columns.append(size.reshape(-1))
                found = leaf.bound(np.stack(columns, axis=1), resident)
                best = np.minimum(best, found.reshape(shape))
            self._bounds[key] = best
        return np.transpose(self._bounds[key], [ranks.index(v) for v in nest])

    # Going back.

    def _trace(self, history: list[tuple[dict[State, _Arrived], list[Step]]]) -> tuple[Taken, ...]:
        path: list[Taken] = []
        state, place = State(), 0
        for number in reversed(range(len(self.leaves))):
            arrived, steps = history[number + 1]
            step = steps[int(arrived[state].step.reshape(-1)[place])]
            row = int(arrived[state].row.reshape(-1)[place])
            shape = tuple(len(self.divisors[v]) for v in step.nest)
            where = np.unravel_index(row, shape) if shape else ()
            tiles = {v: int(self.divisors[v][i]) for v, i in zip(step.nest, where, strict=True)}
            arrays = {v: np.asarray(float(t)) for v, t in tiles.items()}
            fills = self._fills(number, step, arrays, ())
            free = float(self._free(number, step, arrays, ()))
            found = self._choice(number, tiles, self._resident(number, step), free, fills)
            assert found is not None
            path.append(Taken(step, tiles, found[1], fills))
            depth = len(step.before.stack)
            place = int(np.ravel_multi_index(where[:depth], shape[:depth])) if depth else 0
            state = step.before
        return tuple(reversed(path))


def units_of(problem: MapProblem, number: int) -> tuple[str, ...]:
    """The units that can compute an Einsum. Raises `SpecError` if there is none."""
    einsum = problem.einsums[number]
    found = tuple(
        unit.name
        for unit in problem.architecture.units
        if supports(unit, einsum) and problem.constraints.runs_on(einsum.name, unit.name)
    )
    if not found:
        raise no_unit(einsum, problem.architecture)
    return found


def _merge(following: dict[State, _Arrived], step: Step, number: int, score: Floats) -> None:
    """Keep what a step makes better in the state after it."""
    depth = len(step.after.stack)
    shape = score.shape[:depth]
    rows = score.reshape(*shape, -1)
    inner = rows.argmin(axis=-1)
    best = np.take_along_axis(rows, inner[..., None], axis=-1)[..., 0]
    flat = np.arange(best.size).reshape(shape) * rows.shape[-1] + inner
    known = following.get(step.after)
    if known is None:
        following[step.after] = _Arrived(best, np.full(shape, number, np.intp), flat)
        return
    better = best < known.score
    known.score = np.where(better, best, known.score)
    known.step = np.where(better, number, known.step)
    known.row = np.where(better, flat, known.row)
