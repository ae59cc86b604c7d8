"""Modulo scheduling: the least initiation interval of a task graph, with proof.

Every interval from MII = max(ResMII, RecMII) upwards is decided exactly by OR-tools' CP-SAT: starts
of tasks, the modes they run in, collisions modulo the interval, dependences, and copies of
tiles against the room in every memory. The first feasible one is optimal, since all smaller
ones are refuted. Rau, "Iterative Modulo Scheduling", MICRO 1994; Eichenberger and Davidson, 1997.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from archsim.interval_model import Outcome, Solution, decide, least_shortage
from archsim.recurrence import rec_mii
from archsim.task_graph import Life, Pulses, TaskGraph
from einsum.errors import SpecError

_CLIMB = 64  # intervals tried one by one before the search takes larger and larger steps


@dataclass(frozen=True, slots=True)
class Placement:
    """A task, `start` cycles after its tile step begins, and its reservations from there."""

    task: str
    einsums: tuple[str, ...]
    start: int
    end: int
    pulses: tuple[Pulses, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """How many tiles of `tensor` exist in `memory` at a time, and what one of them takes.

    The mapping has room for `covered`; what is beyond comes on top of its occupancy.
    """

    tensor: str
    memory: str
    tiles: int
    covered: int
    tile_bytes: float


@dataclass(frozen=True)
class ModuloSchedule:
    """Where every task of a tile step stands; steps start one every `ii_cycles`.

    `limit` names what keeps the interval from being smaller: a resource, a recurrence
    (`RM -> SLN -> RM`) or, above MII, `schedule`. `loads` are the busy cycles by resource.
    """

    ii_cycles: int
    res_mii: int
    rec_mii: int
    limit: str
    proven_optimal: bool
    placements: tuple[Placement, ...]
    windows: tuple[tuple[str, int, int, int], ...]
    copies: tuple[Copies, ...]
    loads: tuple[tuple[str, int], ...]

    @property
    def length(self) -> int:
        """Cycles from the begin of a tile step to its end."""
        return max(one.end for one in self.placements)

    @property
    def stages(self) -> int:
        """How many tile steps are under way at a time."""
        return -(-self.length // self.ii_cycles)

    @cached_property
    def utilization(self) -> dict[str, float]:
        """The busy share of every resource in the steady state."""
        return {name: cycles / self.ii_cycles for name, cycles in self.loads}

    @cached_property
    def window_of(self) -> dict[str, tuple[int, int]]:
        """By Einsum, when it begins and ends, from the begin of the tile step."""
        return {name: (begin, end) for name, begin, end, _ in self.windows}


@lru_cache(maxsize=512)
def modulo_schedule(graph: TaskGraph) -> ModuloSchedule:
    """The schedule of `graph` with the least initiation interval, then fewest stages.

    Raises `SpecError` if a tile step waits for itself, or if the tiles that must exist at a
    time fit at no interval: it names the memory and the bytes missing.
    """
    recurrence, cycle = rec_mii(graph)
    least = max(graph.res_mii, recurrence)
    proven = True
    for ii in _intervals(graph, least):
        outcome, solution = decide(graph, ii)
        if solution is not None:
            limit = _limit(graph, ii, recurrence, cycle)
            exact = proven and ii - least < _CLIMB
            return _result(graph, ii, recurrence, limit, exact, solution)
        proven = proven and outcome is Outcome.REFUTED
    raise _no_room(graph, _serial(graph, least))


def _serial(graph: TaskGraph, least: int) -> int:
    """An interval in which the tasks fit one after another."""
    lengths = sum(max(mode.length for mode in task.modes) for task in graph.tasks)
    return max(least, lengths + sum(edge.delay for edge in graph.dependences))


def _intervals(graph: TaskGraph, least: int) -> Iterator[int]:
    last = _serial(graph, least)
    yield from range(least, min(least + _CLIMB, last + 1))
    ii, step = least + _CLIMB, 1
    while ii < last:
        yield ii
        ii, step = ii + step, step * 2
    if last >= least + _CLIMB:
        yield last


def _limit(graph: TaskGraph, ii: int, recurrence: int, cycle: tuple[str, ...]) -> str:
    if ii > max(graph.res_mii, recurrence):
        return "schedule"
    if graph.res_mii >= recurrence:
        return max(graph.loads, key=lambda name: graph.loads[name])
    return " -> ".join((*cycle, cycle[0]))


def _result(
    graph: TaskGraph, ii: int, recurrence: int, limit: str, proven: bool, solution: Solution
) -> ModuloSchedule:
    placements, windows = [], []
    for task, start, number in zip(graph.tasks, solution.starts, solution.modes, strict=True):
        mode = task.modes[number]
        pulses = tuple(one.shifted(start) for one in mode.pulses)
        placements.append(Placement(task.name, task.einsums, start, start + mode.length, pulses))
        for one in mode.windows:
            windows.append(
                (one.einsum, start + one.begin, start + one.end, start + one.element_end)
            )
    copies = tuple(
        Copies(life.tensor, life.memory, tiles, life.covered, life.tile_bytes)
        for life, tiles in zip(graph.lives, solution.tiles, strict=True)
    )
    return ModuloSchedule(
        ii,
        graph.res_mii,
        recurrence,
        limit,
        proven,
        tuple(placements),
        tuple(windows),
        copies,
        tuple(sorted(graph.loads.items())),
    )


def _no_room(graph: TaskGraph, ii: int) -> SpecError:
    """Which memory lacks how much, at the interval at which least is alive at a time."""
    shortage = least_shortage(graph, ii)
    if shortage is None:
        held = min(graph.residences, key=lambda one: one.copies, default=None)
        if held is None:
            return SpecError("no schedule was found in the time allowed")
        return SpecError(
            f"{held.memory} is {held.tile_bytes:,.0f} bytes short: tile 1 of {held.tensor} is "
            f"needed while the {held.copies} before it are still in use",
            rule=f"hold {held.tensor} with copies: {held.copies + 1}",
        )
    memory, short, lives = shortage
    free = dict(graph.free_bytes)[memory]
    return SpecError(
        f"{memory} is {short:,.0f} bytes short: {_named(lives)} stay beside the tiles of the "
        f"mapping, and {max(0.0, free):,.0f} bytes are left",
        rule=f"the nearest size that suffices is {short:,.0f} bytes larger; or use smaller tiles",
    )


def _named(lives: tuple[tuple[Life, int], ...]) -> str:
    return ", ".join(
        f"{extra} more {'tile' if extra == 1 else 'tiles'} of {life.tensor} "
        f"({extra * life.tile_bytes:,.0f} bytes)"
        for life, extra in lives
    )
