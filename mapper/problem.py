"""What a search is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from archsim.activity import Activity
from archsim.architecture import Architecture
from archsim.components import Library
from archsim.compulsory import reached_elements
from archsim.constraints import FREE, Constraints
from archsim.energy import Accounting, Pricing
from archsim.mapping import Policy
from archsim.ports import port_rates
from archsim.tiles import Reaches
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError
from einsum.graph import order
from einsum.shapes import Shapes


@dataclass(frozen=True)
class MapProblem:
    """A cascade with sizes, what it is to be mapped on, and the space of its mappings.

    `policy` is that of every group, `width` the most Einsums that one has. With `imperfect` a
    tile need not divide what it is a part of: there is one tile size for every possible number
    of tiles. `constraints` are what the hardware or the user demands beyond the architecture.
    What the memories `counted` hold is the buffer; by default those on chip that PEs share.
    """

    cascade: Cascade
    shapes: Shapes
    architecture: Architecture
    library: Library
    policy: Policy = Policy.OVERLAPPED
    imperfect: bool = False
    width: int | None = None
    constraints: Constraints = FREE
    counted: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        chip = self.architecture
        caches = [memory.name for memory in chip.memories if memory.cache]
        if caches or chip.launch_s or chip.overlap != 1:
            # Its bounds would not be bounds: what one group costs depends on the others.
            what = f"the cache {caches[0]}" if caches else "launches or partial overlap"
            raise SpecError(
                f"the search does not know {what} of {chip.name}",
                rule="give a --mapping to einfall evaluate, or an architecture without them",
            )
        longest = max(self.runs, key=len)
        if self.width is not None and len(longest) > self.width:
            names = ", ".join(einsum.name for einsum in longest)
            raise SpecError(
                f"the recurrence of {names} cannot be cut into groups of {self.width}",
                rule=f"a width of at least {len(longest)}",
            )

    @cached_property
    def einsums(self) -> tuple[Einsum, ...]:
        """The Einsums that have to be placed, in the order of dependence."""
        return tuple(einsum for einsum in order(self.cascade) if not einsum.is_initial)

    @cached_property
    def runs(self) -> tuple[tuple[Einsum, ...], ...]:
        """The Einsums, those together that a recurrence makes one group.

        Where an Einsum reads what a later one wrote in the step before, both are in one loop.
        """
        place = {einsum.tensor: number for number, einsum in enumerate(self.einsums)}
        runs: list[tuple[Einsum, ...]] = []
        end = 0
        for number, einsum in enumerate(self.einsums):
            if number == end:
                runs.append(())
            runs[-1] += (einsum,)
            written = (place.get(access.tensor, 0) for access in einsum.inputs)
            end = max(end, number + 1, *(later + 1 for later in written))
        return tuple(runs)

    @cached_property
    def activity(self) -> Activity:
        """How much of the iteration spaces is executed."""
        return Activity.of(self.cascade, self.shapes)

    @cached_property
    def used_bytes(self) -> dict[tuple[str, str], float]:
        """By tensor and Einsum: what the Einsum uses of the tensor, each element once.

        Nothing of a running tensor: it may be updated in place.
        """
        names = [tensor.name for tensor in self.cascade.tensors]
        reaches = Reaches(self.shapes, dict.fromkeys(names, frozenset[str]()))
        found = dict.fromkeys(((t, e.name) for e in self.einsums for t in e.tensors), 0.0)
        for tensor, name in found:
            if self.cascade.iterative_variables(tensor):
                continue
            einsum = next(one for one in self.einsums if one.name == name)
            width = self.cascade.tensor(tensor).format.bits_per_value / 8
            found[tensor, name] = width * max(
                reached_elements(reached, einsum, self.activity)
                for reached in reaches.used(tensor, einsum)
            )
        return found

    @cached_property
    def pricing(self) -> Pricing:
        """What actions cost."""
        return Pricing(self.cascade, self.architecture, self.library, Accounting.COMPLETE)

    @cached_property
    def bandwidths(self) -> dict[str, float]:
        """Bytes per second of every port that limits."""
        return port_rates(self.architecture)

    @cached_property
    def capacities(self) -> dict[str, float]:
        """Bytes of an instance of every memory that is limited."""
        return {
            memory.name: memory.size_bytes
            for memory in self.architecture.memories
            if memory.size_bytes is not None
        }

    @cached_property
    def buffers(self) -> tuple[str, ...]:
        """The memories whose bytes count as buffer."""
        if self.counted is not None:
            return self.counted
        return tuple(
            memory.name
            for memory in self.architecture.memories
            if memory.parent is not None and memory.per_unit is None and not memory.cache
        )
