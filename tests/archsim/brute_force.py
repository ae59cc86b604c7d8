"""A loop nest walked point by point, with a cache of one tile at every hold and in every PE.

It shares the mapping's types and the affine indices with the closed form, and no counting: loops
are run, tiles are sets of coordinates, and every fill and drain is counted when it happens. All
instances go in lock step: what several want from one memory at the same time is read once, and
what they give up at the same time is added on its way. Holds of memories that have several
instances must stand below the loops that are spread over them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from archsim.architecture import Architecture
from archsim.mapping import Branches, Compute, For, Hold, Mapping, Nest, Spread, nodes
from einsum.cascade import Cascade, Einsum, Role
from einsum.coordinates import coordinates
from einsum.expression import Access, variables
from einsum.shapes import Shapes

Place = tuple[int, ...]
Element = tuple[int, ...]
Ranges = dict[str, tuple[int, int]]
Instance = tuple[tuple[str, int], ...]  # a place along each dimension that it is spread over
Key = tuple[str, str, str, str]  # upper, lower, tensor, "down" or "up"


@dataclass(frozen=True)
class Lane:
    """What one instance of all that is below works on, and the holds above it."""

    ranges: Ranges
    at: Instance = ()
    holds: tuple[tuple[Place, Hold, Ranges], ...] = ()

    def cut(self, variable: str, start: int, tile: int) -> Lane | None:
        low, high = self.ranges[variable]
        low, high = low + start, min(high, low + start + tile)
        return replace(self, ranges={**self.ranges, variable: (low, high)}) if low < high else None


@dataclass(frozen=True)
class Visit:
    """A tile that is wanted in one instance of a station from `time` on; None: nothing is."""

    time: int
    instance: Instance
    above: tuple[str, Instance]
    tile: frozenset[Element] | None
    version: object = None
    sum_of: object = None  # a sum goes on while this stays the same
    step: object = None  # of a running tensor: the tile stays, but its new values go up


@dataclass
class Station:
    """A hold, or an operand of a unit, as one tensor sees it."""

    memory: str
    tensor: str
    is_home: bool
    writes: bool
    visits: list[Visit] = field(default_factory=list)
    returned: dict[tuple[Instance, int], set[Element]] = field(default_factory=dict)

    def account(self, elements: Counter[Key], deliveries: Counter[Key]) -> None:
        """Counts what moves between the station and what is above it, in order of time."""
        if self.is_home:
            return
        kept: dict[Instance, Visit] = {}
        left: set[object] = set()  # sums that have gone up
        moments: dict[int, list[Visit]] = defaultdict(list)
        for visit in self.visits:
            moments[visit.time].append(visit)
        for time in sorted(moments):
            ups: dict[tuple[str, Instance], set[Element]] = defaultdict(set)
            downs: dict[tuple[str, Instance], set[Element]] = defaultdict(set)
            changed = []
            for visit in moments[time]:
                old = kept.get(visit.instance)
                kept[visit.instance] = visit
                if not self._stays(old, visit):
                    changed.append(visit)
                elif old is None or old.step == visit.step:
                    continue
                if old is not None and old.tile is not None and self.writes:
                    ups[old.above] |= old.tile
                    deliveries[self._key(old, "up")] += len(old.tile)
                    left |= {(old.above, old.sum_of, element) for element in old.tile}
            for visit in changed:
                missing = set(visit.tile or ())
                if self.writes:  # sums that are not complete come back, to one of the instances
                    missing = {e for e in missing if (visit.above, visit.sum_of, e) in left}
                    missing -= downs[visit.above]
                    self.returned[visit.instance, time] = missing
                downs[visit.above] |= missing
                deliveries[self._key(visit, "down")] += len(missing)
            for moved, direction in ((ups, "up"), (downs, "down")):
                for (upper, _), found in moved.items():
                    elements[upper, self.memory, self.tensor, direction] += len(found)

    def _stays(self, old: Visit | None, new: Visit) -> bool:
        if old is None:
            return new.tile is None
        return (old.tile, old.version) == (new.tile, new.version)

    def _key(self, visit: Visit, direction: str) -> Key:
        return (visit.above[0], self.memory, self.tensor, direction)


class BruteForce:
    """`elements` at the upper end and `deliveries` at the lower end of all movements, and the
    `points` of every Einsum. `running` tensors are updated in place along the variables named."""

    def __init__(
        self,
        shapes: Shapes,
        architecture: Architecture,
        mapping: Mapping,
        running: dict[str, frozenset[str]],
    ) -> None:
        self.shapes, self.architecture, self.running = shapes, architecture, running
        self.cascade: Cascade = shapes.cascade
        self.mapping = mapping
        self.elements: Counter[Key] = Counter()
        self.deliveries: Counter[Key] = Counter()
        self.points: Counter[str] = Counter()
        self.stations: dict[object, Station] = {}
        self.private_sums: list[tuple[Station, int, Instance, Element, object]] = []
        self.time = 0
        self.homes = {t.name: self._home(t.name) for t in self.cascade.tensors}
        ranges = {v: (0, shapes.extent(v)) for v in self.cascade.rank_of_variable}
        extents = {v: high for v, (_, high) in ranges.items()}
        for number, group in enumerate(mapping.groups):
            self._run(group.nest, (number,), 0, [Lane(ranges)], extents)
            self._forget((number,), {m.name for m in architecture.memories}, set())
        for station in self.stations.values():
            station.account(self.elements, self.deliveries)
        self._count_private_sums()
        self.elements = +self.elements
        self.deliveries = +self.deliveries

    # The nest.

    def _run(
        self, nest: Nest, place: Place, index: int, lanes: list[Lane], extents: dict[str, int]
    ) -> None:
        if index == len(nest) or not lanes:
            return
        match nest[index]:
            case For(variable, int(tile)):
                tile = min(tile, extents[variable])
                for start in range(0, extents[variable], tile):
                    inner = [x for lane in lanes if (x := lane.cut(variable, start, tile))]
                    self._run(nest, place, index + 1, inner, {**extents, variable: tile})
            case Spread(variable, dim, count):
                tile = -(-extents[variable] // min(count, extents[variable]))
                inner = [
                    replace(cut, at=(*lane.at, (dim, start // tile)))
                    for start in range(0, extents[variable], tile)
                    for lane in lanes
                    if (cut := lane.cut(variable, start, tile))
                ]
                self._run(nest, place, index + 1, inner, {**extents, variable: tile})
            case Hold() as hold:
                here = (*place, index)
                self.time += 1
                lanes = [replace(x, holds=(*x.holds, (here, hold, x.ranges))) for x in lanes]
                for tensor in hold.tensors:
                    users = self._users(tensor, here)
                    for lane in lanes if users else ():
                        self._visit_hold(tensor, users, here, hold, lane)
                self._run(nest, place, index + 1, lanes, extents)
            case Compute(name, unit):
                einsum = self.cascade.producer(name)
                assert einsum is not None
                self._compute(einsum, unit, lanes, list(einsum.variables), extents)
            case Branches(nests):
                for number, branch in enumerate(nests):
                    self._run(branch, (*place, index, number), 0, lanes, extents)
                    self.time += 1
                    rest = [node for i, x in enumerate(nests) if i != number for node in nodes(x)]
                    self._forget(
                        (*place, index, number),
                        {node.memory for node in rest if isinstance(node, Hold)},
                        {node.unit for node in rest if isinstance(node, Compute)},
                    )

    def _compute(
        self, einsum: Einsum, unit: str, lanes: list[Lane], left: list[str], extents: dict[str, int]
    ) -> None:
        if not lanes:
            return
        if left:
            for start in range(extents[left[0]]):
                inner = [x for lane in lanes if (x := lane.cut(left[0], start, 1))]
                self._compute(einsum, unit, inner, left[1:], extents)
            return
        self.time += 1
        self.points[einsum.name] += len(lanes)
        for number, access in enumerate((*einsum.inputs, einsum.output)):
            writes = number == len(einsum.inputs)
            key = (einsum.name, number, unit)
            station = self.stations.setdefault(key, Station(unit, access.tensor, False, writes))
            for lane in lanes:
                values = {name: low for name, (low, _) in lane.ranges.items()}
                element = self._element(access, einsum, values)
                above = self._above(access.tensor, lane, len(lane.holds))
                step = self._step(access.tensor, lane, [einsum])
                # Only sums come back; the value before, of a running tensor, is an operand.
                sum_of = (self._sum(einsum, lane), None if einsum.reductions else self.time)
                if self.architecture.memory(above[0]).per_unit == unit:
                    way = (above[0], unit, access.tensor, "up" if writes else "down")
                    self.elements[way] += 1
                    self.deliveries[way] += 1
                    if writes and einsum.reductions:
                        hold = self._holds(access.tensor, lane)[-1]
                        register = self.stations[hold, access.tensor]
                        self.private_sums.append((register, self.time, lane.at, element, sum_of))
                    continue
                version = self._made(access.tensor, lane)
                if not writes and access.tensor != einsum.tensor:
                    version = (version, self._running(access.tensor, lane))
                tile = frozenset((element,))
                visit = Visit(self.time, lane.at, above, tile, version, sum_of, step)
                station.visits.append(visit)

    def _forget(self, branch: Place, memories: set[str], units: set[str]) -> None:
        """The end of a branch, whose places others use from now on."""
        names = {e.name for e in self.cascade.steps if e.name in self._computed(branch)}
        for key, station in self.stations.items():
            held = isinstance(key[0], tuple) and key[0][: len(branch)] == branch  # type: ignore[index]
            latched = key[0] in names  # type: ignore[index]
            lost = station.memory in memories if held else station.memory in units
            if (held or latched) and (lost or len(branch) == 1):
                for visit in {v.instance: v for v in station.visits}.values():
                    station.visits.append(replace(visit, time=self.time + 1, tile=None))
        self.time += 1

    # Tiles.

    def _visit_hold(
        self, tensor: str, users: list[Einsum], here: Place, hold: Hold, lane: Lane
    ) -> None:
        writer = next((e for e in users if e.tensor == tensor), None)
        is_home = self.homes[tensor] == here
        station = self.stations.setdefault(
            (here, tensor), Station(hold.memory, tensor, is_home, writer is not None)
        )
        found: set[Element] = set()
        for einsum in users if writer is None else (writer,):
            for point in product(*(range(*lane.ranges[name]) for name in einsum.variables)):
                values = dict(zip(einsum.variables, point, strict=True))
                for access in einsum.inputs if writer is None else (einsum.output,):
                    if access.tensor == tensor:
                        found.add(self._element(access, einsum, values))
        version = self._made(tensor, lane)
        station.visits.append(
            Visit(
                self.time,
                self._instance(hold.memory, lane),
                self._above(tensor, lane, len(lane.holds) - 1),
                frozenset(found),
                version if writer else (version, self._running(tensor, lane)),
                self._sum(writer, lane) if writer else None,
                self._step(tensor, lane, users) if writer else None,
            )
        )

    def _element(self, access: Access, einsum: Einsum, values: dict[str, int]) -> Element:
        return tuple(
            self.shapes.affine(part.index, einsum.variables).at(values)
            for part in coordinates(self.cascade, access)
            if self.running[access.tensor].isdisjoint(variables(part.index))
        )

    def _instance(self, memory: str, lane: Lane) -> Instance:
        dims = self.architecture.instance_dims(memory)
        return tuple(one for one in lane.at if one[0] in dims)

    def _above(self, tensor: str, lane: Lane, below: int) -> tuple[str, Instance]:
        outer = [hold.memory for _, hold, _ in lane.holds[:below] if tensor in hold.tensors]
        memory = outer[-1] if outer else self.architecture.root.name
        return memory, self._instance(memory, lane)

    def _holds(self, tensor: str, lane: Lane) -> list[Place]:
        return [place for place, hold, _ in lane.holds if tensor in hold.tensors]

    def _running(self, tensor: str, lane: Lane) -> object:
        """The step that a running tensor has come to."""
        return tuple(lane.ranges[v] for v in sorted(self.running[tensor]))

    def _step(self, tensor: str, lane: Lane, below: list[Einsum]) -> object:
        """That step, if an Einsum that is not `below` follows it."""
        outside = [e for e in self._all_users(tensor) if e not in below]
        followed = any(
            access.tensor == tensor and not self.running[tensor].isdisjoint(variables(access))
            for einsum in outside
            for access in einsum.inputs
        )
        return self._running(tensor, lane) if followed else None

    def _made(self, tensor: str, lane: Lane) -> object:
        """When the tensor came to be where it lives."""
        home = self.homes[tensor]
        return next((tuple(r.items()) for place, _, r in lane.holds if place == home), None)

    def _sum(self, writer: Einsum, lane: Lane) -> object:
        """Loops that the Einsum does not have start its sums anew."""
        outside = (r for n, r in sorted(lane.ranges.items()) if n not in writer.variables)
        return tuple(outside), self._made(writer.tensor, lane)

    def _count_private_sums(self) -> None:
        """Sums in register files are read to be added to, but for those that start from zero."""
        started: dict[object, set[object]] = defaultdict(set)
        for station, time, at, element, sum_of in self.private_sums:
            runs = [t for (instance, t) in station.returned if instance == at and t <= time]
            run = max(runs, default=0)
            sums = started[id(station), at, run]
            back = station.returned.get((at, run), set())
            if (element, sum_of) in sums or (element in back and (element, None) not in sums):
                way = (station.memory, self._unit(station), station.tensor, "down")
                self.elements[way] += 1
                self.deliveries[way] += 1
            sums |= {(element, sum_of), (element, None)}

    def _unit(self, station: Station) -> str:
        return self.architecture.memory(station.memory).per_unit or ""

    # Where tensors live.

    def _computed(self, place: Place) -> set[str]:
        nest = self.mapping.groups[place[0]].nest
        for outer, number in zip(place[1::2], place[2::2], strict=False):
            node = nest[outer]
            assert isinstance(node, Branches)
            nest = node.nests[number]
        return {node.einsum for node in nodes(nest) if isinstance(node, Compute)}

    def _users(self, tensor: str, place: Place) -> list[Einsum]:
        """The Einsums under the hold at `place` that use a tensor."""
        below = self._computed(place[:-1])
        return [e for e in self._all_users(tensor) if e.name in below]

    def _all_users(self, tensor: str) -> list[Einsum]:
        return [
            e for e in self.cascade.steps if tensor in (e.tensor, *(a.tensor for a in e.inputs))
        ]

    def _home(self, tensor: str) -> Place | None:
        """The outermost hold that all users of an intermediate share."""
        if self.cascade.tensor(tensor).role is not Role.INTERMEDIATE:
            return None
        for number, group in enumerate(self.mapping.groups):
            for place, hold in _holds_of(group.nest, (number,)):
                if tensor in hold.tensors:
                    shared = self._users(tensor, place) == self._all_users(tensor)
                    return place if shared else None
        return None


def _holds_of(nest: Nest, place: Place) -> Iterator[tuple[Place, Hold]]:
    """All holds of a nest, outermost first."""
    for index, node in enumerate(nest):
        if isinstance(node, Hold):
            yield (*place, index), node
        if isinstance(node, Branches):
            for number, branch in enumerate(node.nests):
                yield from _holds_of(branch, (*place, index, number))
