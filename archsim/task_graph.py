"""Task graphs: what one tile step does, on which resource, for how long and in what order.

A task reserves resources for whole cycles (a reservation table, Davidson 1971; Rau, "Iterative
Modulo Scheduling", 1994). The tile steps of a loop start one initiation interval after the other;
a dependence of distance d is on the step d steps before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Pulses:
    """`count` reservations of `resource`: `width` cycles each, one every `stride` cycles.

    The first begins `offset` cycles after its task. With `count` 1 it is one contiguous block.
    """

    resource: str
    offset: int
    width: int
    count: int = 1
    stride: int = 0

    @property
    def cycles(self) -> int:
        """Cycles that the resource is busy."""
        return self.width * self.count

    @property
    def end(self) -> int:
        """One past the last cycle reserved, from the begin of the task."""
        return self.offset + (self.count - 1) * self.stride + self.width

    def shifted(self, by: int) -> Pulses:
        """The same, `by` cycles later."""
        return Pulses(self.resource, self.offset + by, self.width, self.count, self.stride)

    def intervals(self) -> Iterator[tuple[int, int]]:
        """Every reservation as (first cycle, one past the last)."""
        for number in range(self.count):
            begin = self.offset + number * self.stride
            yield begin, begin + self.width


@dataclass(frozen=True, slots=True)
class Window:
    """When an Einsum is at work within its task.

    It reads from `begin` on and its result is complete at `end`. Where an inner loop produces
    the result element by element, the first one is complete at `element_end`.
    """

    einsum: str
    begin: int
    end: int
    element_end: int


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to execute a task: its reservations, and when each of its Einsums works."""

    pulses: tuple[Pulses, ...]
    windows: tuple[Window, ...]

    def window(self, einsum: str) -> Window:
        """When `einsum` works."""
        return next(one for one in self.windows if one.einsum == einsum)

    @property
    def length(self) -> int:
        """Cycles from the begin of the task to its end."""
        return max(one.end for one in self.windows)


@dataclass(frozen=True, slots=True)
class Task:
    """An Einsum, or several that an inner loop fuses; done once in every tile step."""

    name: str
    modes: tuple[Mode, ...]

    @property
    def einsums(self) -> tuple[str, ...]:
        return tuple(one.einsum for one in self.modes[0].windows)


@dataclass(frozen=True, slots=True)
class Dependence:
    """Einsum `target` reads what `source` wrote `distance` tile steps before.

    `delay` cycles pass on the way. With `elementwise` both walk through the elements of
    `tensor` in one inner loop, so that only the same element has to be complete.
    """

    source: str
    target: str
    tensor: str
    distance: int = 0
    delay: int = 0
    elementwise: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """A tensor that tile steps keep in `memory` from the begin of its writing to its last read.

    `readers` are Einsums with their distances. Each step makes a tile of `tile_bytes`;
    the mapping has room for `covered` of them. As many exist at a time as initiation intervals
    a life takes, rounded up.
    """

    tensor: str
    memory: str
    writer: str
    readers: tuple[tuple[str, int], ...]
    tile_bytes: float
    covered: int
    delay: int = 0
    elementwise: bool = False


@dataclass(frozen=True, slots=True)
class Residence:
    """A tile of `tensor` that comes from outside and serves `period` tile steps in a row.

    `copies` of it fit in `memory`. The Einsums `readers` use it; the next but `copies` tile must
    not be needed before they have finished.
    """

    tensor: str
    memory: str
    readers: tuple[str, ...]
    period: int
    copies: int
    tile_bytes: float


@dataclass(frozen=True)
class TaskGraph:
    """The tasks of one tile step and what binds them.

    `free_bytes` is by memory what the mapping leaves for further copies of tiles; `ports` the
    cycles per step for which a memory's port is busy.
    """

    tasks: tuple[Task, ...]
    dependences: tuple[Dependence, ...] = ()
    lives: tuple[Life, ...] = ()
    residences: tuple[Residence, ...] = ()
    free_bytes: tuple[tuple[str, float], ...] = ()
    ports: tuple[tuple[str, int], ...] = ()

    @cached_property
    def task_of(self) -> dict[str, int]:
        """The position of the task that an Einsum belongs to."""
        return {name: i for i, task in enumerate(self.tasks) for name in task.einsums}

    @cached_property
    def loads(self) -> dict[str, int]:
        """Cycles per tile step that each resource is busy at least."""
        total: dict[str, int] = {}
        for task in self.tasks:
            for resource in dict.fromkeys(p.resource for m in task.modes for p in m.pulses):
                total[resource] = total.get(resource, 0) + min(
                    sum(p.cycles for p in mode.pulses if p.resource == resource)
                    for mode in task.modes
                )
        for port, cycles in self.ports:
            total[port] = total.get(port, 0) + cycles
        return total

    @property
    def res_mii(self) -> int:
        """The initiation interval that the busiest resource forces."""
        return max(1, *self.loads.values())

    def lag(self, edge: Dependence) -> int:
        """The least cycles from the begin of the source's task to that of the target's."""
        source, target = self.task_of[edge.source], self.task_of[edge.target]
        return min(
            lag_between(edge, mode, other)
            for mode in self.tasks[source].modes
            for other in (
                self.tasks[target].modes if source != target or not edge.elementwise else (mode,)
            )
        )


def lag_between(edge: Dependence, source: Mode, target: Mode) -> int:
    """Cycles that `edge` asks for between the begins of its tasks, executed in these modes."""
    written = source.window(edge.source)
    done = written.element_end if edge.elementwise else written.end
    return done + edge.delay - target.window(edge.target).begin
