"""From an Einsum's accesses to streams and offsets: which word or register a slot uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod

from einsum.cascade import Cascade, Role
from einsum.errors import SpecError
from einsum.expression import Access, Call, Number, variables
from einsum.graph import dependence_graph
from rtl.control.operations import Op2d
from rtl.control.places import Space, Work, uses
from rtl.control.rings import elements_needed, tiles_needed
from rtl.control.streams import Region, Stream, loops, resting, turning, walking

_IN_PE = (Op2d.MAC, Op2d.SUB, Op2d.SCALE)


@dataclass(frozen=True, slots=True)
class Read:
    """Einsum `work` of phase `phase` reads the tensor at `access`, `behind` tile steps later.

    `behind` is None where another phase reads the final value. In a `register` operand a value
    that is kept in a bank needs a copy.
    """

    phase: int
    work: Work
    access: Access
    behind: int | None
    register: bool


@dataclass
class Locator:
    """Regions and streams of all tensors; both are handed out as they are asked for."""

    cascade: Cascade
    works: tuple[tuple[Work, ...], ...]
    n: int
    regions: dict[tuple[Space, str], Region] = field(default_factory=dict)
    streams: list[Stream] = field(default_factory=lambda: [Stream(0, 0, 0, 0, 1)])

    def __post_init__(self) -> None:
        self.writer = {
            work.tensor: (phase, work) for phase, own in enumerate(self.works) for work in own
        }
        self.reads: dict[str, list[Read]] = {}
        for phase, own in enumerate(self.works):
            for work in own:
                for access in work.operands:
                    self.reads.setdefault(access.tensor, []).append(self._read(phase, work, access))

    def _read(self, phase: int, work: Work, access: Access) -> Read:
        behind = None
        if access.tensor in self.writer and self.writer[access.tensor][0] == phase:
            behind = self._behind(work, access)
        own = work.operation
        # Of two factors that in a bank comes first; of other operands only a can be there.
        register = access in (own.c, own.top)
        return Read(phase, work, access, behind, register)

    def _behind(self, work: Work, access: Access) -> int:
        """Tile steps between the writing and the reading of `access`, in one phase."""
        producer = self.writer[access.tensor][1].name
        edges = dependence_graph(self.cascade).get_edge_data(producer, work.name) or {}
        carried = next(e["distance"] for e in edges.values() if e["access"] == access)
        steps = work.pipeline.body.loop_steps
        names = [step.variable for step in steps]
        total = 0
        for variable, iterations in carried.items():
            if variable not in names:
                raise SpecError(f"{work.name} reads {access.tensor} of another run of its phase")
            inside = len(names) - names[::-1].index(variable)
            total += iterations * prod(int(step.trips) for step in steps[inside:])
        return total

    def first_steps(self, phase: int) -> int:
        """Tile steps of a run that take initial values."""
        found = {
            read.behind
            for reads in self.reads.values()
            for read in reads
            if read.phase == phase and read.behind
        }
        if len(found) > 1:
            raise SpecError("running values of one phase step through different loops")
        return next(iter(found), 0)

    def initial(self, tensor: str) -> float:
        """The initial value of a running one."""
        for einsum in self.cascade.einsums:
            if einsum.tensor == tensor and einsum.is_initial:
                match einsum.expression:
                    case Number(value):
                        return float(value)
                    case Call("neg", (Number(value),)):
                        return -float(value)
        raise SpecError(f"the array knows 0 and -inf as initial values, not that of {tensor}")

    def space(self, tensor: str) -> Space:
        """Where the tiles of a computed tensor are kept."""
        _, work = self.writer[tensor]
        if work.operation.op in _IN_PE:
            return Space.PE
        held = work.leaf.hold_of(tensor)
        if not held:
            if self.cascade.tensor(tensor).role is not Role.OUTPUT:
                raise SpecError(f"the mapping holds {tensor} nowhere")
            return Space.OUTPUT
        return Space.LANE if held[-1].hold.memory == "rf_1d" else Space.STATE

    def copied(self, tensor: str) -> bool:
        """Is it kept in a bank, and also needed in a register?"""
        bank = self.space(tensor) is Space.STATE
        return bank and any(read.register for read in self.reads.get(tensor, ()))

    # Streams.

    def place(self, phase: int, stream: Stream) -> int:
        """The number of `stream`."""
        if stream.stride == 0:
            stream = replace(stream, phase=0, period=1, rewind=False)
        if stream not in self.streams:
            self.streams.append(stream)
        return self.streams.index(stream)

    def input(self, phase: int, work: Work, access: Access, space: Space) -> int:
        """The stream of a key, value or query word's tile."""
        own, named = loops(work.pipeline, work.leaf), frozenset(variables(access))
        tiles = prod(loop.trips for loop in own if loop.variable in named)
        region = self._region(space, access.tensor, tiles, self._elements(work, access))
        return self.place(phase, walking(phase, region, own, named))

    def output(self, phase: int, work: Work) -> int:
        """The stream of a result's tile in the output bank."""
        access = work.leaf.einsum.output
        own, named = loops(work.pipeline, work.leaf), frozenset(variables(access))
        tiles = prod(loop.trips for loop in own if loop.variable in named)
        region = self._region(Space.OUTPUT, work.tensor, tiles, self._elements(work, access))
        return self.place(phase, walking(phase, region, own, named))

    def ring(self, phase: int, tensor: str, space: Space, behind: int = 0) -> tuple[int, int]:
        """The stream of a computed tensor's tile, and after how many elements places repeat."""
        region = self.home(tensor, space)
        return self.place(phase, turning(phase, region, behind)), region.elements

    def final(self, phase: int, work: Work, access: Access, space: Space) -> tuple[int, int]:
        """The same of what another phase has left."""
        _, writer = self.writer[access.tensor]
        region = self.home(access.tensor, space)
        steps = writer.pipeline.body.loop_steps
        iterated = self.cascade.iterative_variables(access.tensor)
        inside = [step for step in steps if step.variable not in iterated]
        tile = prod(int(step.trips) for step in steps) - prod(int(step.trips) for step in inside)
        own = loops(work.pipeline, work.leaf)
        stepped = frozenset(step.variable for step in inside if step.trips > 1)
        if not stepped & frozenset(variables(access)):
            return self.place(phase, resting(phase, region, tile)), region.elements
        stream = walking(phase, region, own, stepped)
        start = region.base + tile % region.tiles * region.elements
        return self.place(phase, replace(stream, start=start)), region.elements

    # Regions.

    def home(self, tensor: str, space: Space) -> Region:
        """Where the tiles of a computed tensor take turns in `space`."""
        if (space, tensor) in self.regions:
            return self.regions[space, tensor]
        _, writer = self.writer[tensor]
        interval = writer.pipeline.schedule.ii_cycles
        wanted = tuple(
            (read.work, read.access, read.behind * interval)
            for read in self.reads.get(tensor, ())
            if read.behind is not None and (space is self.space(tensor) or read.register)
        )
        lives = uses(writer, wanted, self.n)
        elements = len(lives)
        if elements > 1 and space in (Space.PE, Space.LANE):
            places = elements_needed(lives, interval)
            if places is not None:
                return self._region(space, tensor, 1, places)
        return self._region(space, tensor, tiles_needed(lives, interval), elements)

    def _region(self, space: Space, tensor: str, tiles: int, elements: int) -> Region:
        if (space, tensor) not in self.regions:
            base = max((r.limit for (s, _), r in self.regions.items() if s is space), default=0)
            self.regions[space, tensor] = Region(tensor, base, tiles, elements)
        found = self.regions[space, tensor]
        assert (found.tiles, found.elements) == (tiles, elements), f"{tensor} has two layouts"
        return found

    def _elements(self, work: Work, access: Access) -> int:
        inner: Iterator[int] = (
            int(step.trips)
            for step in work.pipeline.body.inner(work.leaf)
            if not step.dim and step.variable in variables(access)
        )
        return prod(inner)
