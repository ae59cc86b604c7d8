"""The task graph of one tile step, from a cascade, its loop tree and the architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, prod

from archsim.architecture import Architecture
from archsim.fused_task import fused_task, interleaved
from archsim.loop_tree import Body, End, Level, body_of
from archsim.modulo import ModuloSchedule, modulo_schedule
from archsim.nest import Held, Leaf
from archsim.occupancy import tile_bytes
from archsim.task_graph import (
    Dependence,
    Life,
    Mode,
    Pulses,
    Residence,
    Task,
    TaskGraph,
    Window,
)
from archsim.tiles import Reaches
from archsim.work import needed, operation_on
from einsum.cascade import Cascade
from einsum.graph import dependence_graph


@dataclass(frozen=True)
class Machine:
    """What task graphs depend on besides the loops.

    With `skew` a result crosses the rows of a 2D array before another unit has it.
    `free_bytes` is what the mapping leaves in each memory. `in_order` are the groups' units that
    finish one tile step before they begin the next: a binding that does not interleave tiles.
    """

    reaches: Reaches
    architecture: Architecture
    skew: bool
    free_bytes: Mapping[str, float]
    in_order: frozenset[tuple[int, str]] = frozenset()

    @property
    def cascade(self) -> Cascade:
        return self.reaches.shapes.cascade

    def task_graph(self, body: Body, ports: Mapping[str, int] | None = None) -> TaskGraph:
        """The tasks of one step of `body`, with what they wait for and what they keep."""
        free = dict(self.free_bytes)
        for part in body.parts:
            if isinstance(part, Level):
                for copy in self._inner(part).copies:
                    if copy.memory in free:
                        more = max(0, copy.tiles - copy.covered)
                        free[copy.memory] -= more * copy.tile_bytes
        tasks = tuple(self._task(part, body) for part in body.parts)
        leaves = {leaf.einsum.name: leaf for leaf in body.leaves}
        edges = tuple(self._dependences(tasks, body, leaves))
        return TaskGraph(
            tuple(interleaved(tasks)),
            (*edges, *self._turns(body)),
            tuple(self._lives(edges, body, leaves)),
            tuple(self._residences(body, leaves)),
            tuple(sorted(free.items())),
            tuple(sorted((ports or {}).items())),
        )

    def cycles(self, leaf: Leaf, body: Body) -> int:
        """Cycles that the unit of `leaf` needs for its points in one step of `body`."""
        unit = self.architecture.unit(leaf.unit)
        per_point = sum(
            operation_on(unit, name, leaf.einsum).cycles * count
            for name, count in needed(leaf.einsum, unit).items()
        )
        inner = prod(float(step.trips) for step in body.inner(leaf) if not step.dim)
        return max(1, ceil(inner * per_point - 1e-9))

    def _task(self, part: End | Level, body: Body) -> Task:
        match part:
            case End(leaf):
                cycles, name = self.cycles(leaf, body), leaf.einsum.name
                pulses = Pulses(leaf.unit, 0, cycles)
                return Task(name, (Mode((pulses,), (Window(name, 0, cycles, cycles),)),))
            case Level():
                return fused_task(self._inner(part), body_of(part).steps)

    def _inner(self, level: Level) -> ModuloSchedule:
        return modulo_schedule(self.task_graph(body_of(level)))

    def _dependences(
        self, tasks: tuple[Task, ...], body: Body, leaves: Mapping[str, Leaf]
    ) -> Iterator[Dependence]:
        inner_loops = {
            leaf.einsum.name: {step.variable for step in body_of(part).loop_steps}
            for part in body.parts
            if isinstance(part, Level)
            for leaf in part.leaves
        }
        task_of = {name: task.name for task in tasks for name in task.einsums}
        for source, target, data in dependence_graph(self.cascade).edges(data=True):
            if source not in leaves or target not in leaves:
                continue
            together = task_of[source] == task_of[target]
            written = self._written(leaves[source])
            elementwise = together and inner_loops.get(source, set()) <= written
            for distance in self._distances(data["distance"], body, leaves[source]):
                if together and distance == 0:
                    continue  # its own inner schedule sees to it
                delay = self._delay(leaves[source], leaves[target])
                yield Dependence(source, target, data["tensor"], distance, delay, elementwise)

    def crosses(self, body: Body) -> bool:
        """Does a result cross the rows of a 2D array within a step, before another part uses it?"""
        leaves = {leaf.einsum.tensor: leaf for leaf in body.leaves}
        return any(
            access.tensor in leaves and self._delay(leaves[access.tensor], leaf) > 0
            for leaf in body.leaves
            for access in leaf.einsum.inputs
        )

    def _turns(self, body: Body) -> Iterator[Dependence]:
        """On a unit that works in order, everything waits for all of the tile step before."""
        own = [leaf for leaf in body.leaves if (leaf.group, leaf.unit) in self.in_order]
        for source in own:
            for target in own:
                if source.unit == target.unit and body.steps > 1:
                    yield Dependence(source.einsum.name, target.einsum.name, "", distance=1)

    def _distances(self, carried: Mapping[str, int], body: Body, leaf: Leaf) -> Iterator[int]:
        """Tile steps between writing and reading; nothing if another run does the one."""
        total = 0
        for variable, iterations in carried.items():
            steps = [step.variable for step in body.loop_steps]
            if variable not in steps:
                return
            inside = len(steps) - steps[::-1].index(variable)
            total += iterations * prod(int(s.trips) for s in body.loop_steps[inside:])
            if any(s.variable == variable and s.trips > 1 for s in body.inner(leaf)):
                yield 0  # most of the iterations lie within one tile
        yield total

    def _delay(self, source: Leaf, target: Leaf) -> int:
        unit = self.architecture.unit(source.unit)
        if not self.skew or len(unit.dims) < 2 or source.unit == target.unit:
            return 0
        rows = f"{unit.name}.{unit.dims[0].name}"
        return prod(int(step.trips) for step in source.steps if step.dim == rows) - 1

    def _lives(
        self, edges: tuple[Dependence, ...], body: Body, leaves: Mapping[str, Leaf]
    ) -> Iterator[Life]:
        for name, leaf in leaves.items():
            reads = [edge for edge in edges if edge.source == name]
            holds = leaf.hold_of(leaf.einsum.tensor)
            if not reads or not holds:
                continue
            tile_bytes, tiles = self._tile(leaf.einsum.tensor, leaf, holds[-1], body)
            yield Life(
                leaf.einsum.tensor,
                holds[-1].hold.memory,
                name,
                tuple(dict.fromkeys((edge.target, edge.distance) for edge in reads)),
                tile_bytes,
                tiles * holds[-1].hold.copies,
                min(edge.delay for edge in reads),
                all(edge.elementwise for edge in reads),
            )

    def _written(self, leaf: Leaf) -> frozenset[str]:
        return self.reaches.output(leaf.einsum).variables

    def _tile(self, tensor: str, leaf: Leaf, held: Held, body: Body) -> tuple[float, int]:
        """Bytes of `tensor` that one step needs, and how many such tiles `held` is made of."""
        own = {name for one in self.reaches.used(tensor, leaf.einsum) for name in one.variables}
        inside = (i for i in body.loops if i >= held.depth and not leaf.steps[i].dim)
        steps = (leaf.steps[i] for i in inside if leaf.steps[i].variable in own)
        tiles = prod(int(step.trips) for step in steps)
        whole = float(tile_bytes(tensor, held, leaf, self.reaches, self.architecture))
        return whole / held.hold.copies / tiles, tiles

    def _residences(self, body: Body, leaves: Mapping[str, Leaf]) -> Iterator[Residence]:
        """Tiles that come from outside while the steps go on: K and V, not Q."""
        users: dict[str, list[Leaf]] = {}
        for leaf in leaves.values():
            for access in leaf.einsum.inputs:
                if access.tensor not in {one.einsum.tensor for one in leaves.values()}:
                    users.setdefault(access.tensor, []).append(leaf)
        for tensor, readers in users.items():
            holds = [reader.hold_of(tensor) for reader in readers]
            if not all(holds) or len({chain[-1].position for chain in holds}) > 1:
                continue
            held, leaf = holds[0][-1], readers[0]
            above = [i for i in body.loops if i < held.depth and not leaf.steps[i].dim]
            own = {n for one in self.reaches.read(tensor, leaf.einsum) for n in one.variables}
            changing = [
                i for i in above if leaf.steps[i].variable in own and leaf.steps[i].trips > 1
            ]
            if not changing:
                continue
            inside = (i for i in body.loops if i > changing[-1] and not leaf.steps[i].dim)
            names = tuple(dict.fromkeys(reader.einsum.name for reader in readers))
            size, tiles = self._tile(tensor, leaf, held, body)
            period = prod(int(leaf.steps[i].trips) for i in inside)
            yield Residence(tensor, held.hold.memory, names, period, held.hold.copies, size * tiles)
