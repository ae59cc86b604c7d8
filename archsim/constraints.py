"""What hardware demands of a mapping, Einsum by Einsum, beyond what an `Architecture` says.

An array that keeps weights in its PEs, multicasts inputs along its rows and sums along its columns
runs only mappings of that kind; which operand is the weight differs from Einsum to Einsum. These
are the constraints that Timeloop and AccelForge write beside an architecture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from archsim.architecture import Architecture
from archsim.nest import Leaf
from archsim.place import home
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError, choices
from einsum.expression import variables

_NO_TENSORS = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a memory holds while an Einsum runs: all of `must`, and nothing that is not in `may`.

    Of the tensors `backs` it holds those that are in no memory further out, and there they pass
    from the Einsum that makes them to those that read them: nothing further in is shared.
    """

    must: frozenset[str]
    may: frozenset[str]
    backs: frozenset[str] = _NO_TENSORS


@dataclass(frozen=True, slots=True)
class Spreading:
    """What may be spread along a dimension: rank variables that no tensor of `shared` has.

    All instances then use those tensors together. At least the share `least` (0 to 1) of the
    instances is in use, or as many as whole factors of those variables can use.
    """

    shared: frozenset[str] = _NO_TENSORS
    least: float = 0.0


@dataclass(frozen=True)
class Constraints:
    """`keeping` by Einsum and memory, `spreading` by Einsum and dimension, `units` by Einsum.

    What is not listed is free.
    """

    keeping: Mapping[tuple[str, str], Keeping] = field(default_factory=dict)
    spreading: Mapping[tuple[str, str], Spreading] = field(default_factory=dict)
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def runs_on(self, einsum: str, unit: str) -> bool:
        """May `einsum` run on `unit`?"""
        return einsum not in self.units or unit in self.units[einsum]

    def may_hold(self, einsum: str, memory: str, tensor: str) -> bool:
        """May `tensor` be held in `memory` above `einsum`?"""
        keeping = self.keeping.get((einsum, memory))
        return keeping is None or tensor in keeping.may

    def must_hold(self, einsum: str, memory: str, tensor: str) -> bool:
        """Has `tensor` to be held in `memory` above `einsum`, wherever else it is?"""
        keeping = self.keeping.get((einsum, memory))
        return keeping is not None and tensor in keeping.must

    def may_spread(self, einsum: Einsum, dim: str, variable: str) -> bool:
        """May `variable` be spread along `dim` for `einsum`?"""
        spreading = self.spreading.get((einsum.name, dim), Spreading())
        return not any(
            variable in variables(access)
            for access in (einsum.output, *einsum.inputs)
            if access.tensor in spreading.shared
        )


FREE = Constraints()
"""No constraints: the default."""


def check_constraints(
    leaves: tuple[Leaf, ...], cascade: Cascade, architecture: Architecture, constraints: Constraints
) -> None:
    """Raises `SpecError` at the first constraint that a walked mapping breaks."""
    lives_at_root = frozenset(
        tensor.name for tensor in cascade.tensors if home(tensor.name, leaves, cascade) is None
    )
    for leaf in leaves:
        name = leaf.einsum.name
        if not constraints.runs_on(name, leaf.unit):
            raise SpecError(
                f"{name} may not run on {leaf.unit}",
                rule=choices(leaf.unit, constraints.units[name]),
            )
        _check_keeping(leaf, lives_at_root, architecture, constraints)
        _check_passing(leaf, leaves, architecture, constraints)
        _check_spreading(leaf, architecture, constraints)


def _check_keeping(
    leaf: Leaf, at_root: frozenset[str], architecture: Architecture, constraints: Constraints
) -> None:
    name, root = leaf.einsum.name, architecture.root.name
    for tensor in leaf.tensors:
        held = {one.hold.memory for one in leaf.hold_of(tensor)}
        held |= {root} if tensor in at_root else set()
        above: set[str] = set()
        for memory in architecture.path(leaf.unit):
            keeping = constraints.keeping.get((name, memory.name))
            there = memory.name in held
            if keeping is not None and there and tensor not in keeping.may:
                raise SpecError(
                    f"{tensor} may not be held in {memory.name} for {name}",
                    rule=f"it takes {', '.join(sorted(keeping.may)) or 'nothing'}",
                )
            if keeping is not None and not there:
                if tensor in keeping.must:
                    raise SpecError(f"{tensor} has to be held in {memory.name} for {name}")
                if tensor in keeping.backs and not above & held:
                    raise SpecError(
                        f"{tensor} has to be held in {memory.name} for {name}",
                        rule="no memory further out holds it",
                    )
            above.add(memory.name)


def _check_passing(
    leaf: Leaf, leaves: tuple[Leaf, ...], architecture: Architecture, constraints: Constraints
) -> None:
    """What a memory backs passes there: no memory below it is shared with its producer."""
    name = leaf.einsum.name
    backed: set[str] = set()
    for memory in architecture.path(leaf.unit):
        for held in leaf.holds:
            if held.hold.memory != memory.name:
                continue
            for tensor in backed & set(held.hold.tensors):
                for other in leaves:
                    if other.einsum.tensor == tensor != leaf.einsum.tensor and other.is_under(held):
                        raise SpecError(
                            f"{tensor} passes from {other.einsum.name} to {name} in {memory.name}",
                            rule="it has to pass in the memory that backs it: hold it in "
                            f"{memory.name} for each Einsum by itself",
                        )
        keeping = constraints.keeping.get((name, memory.name))
        backed |= keeping.backs & set(leaf.tensors) if keeping else set()


def _check_spreading(leaf: Leaf, architecture: Architecture, constraints: Constraints) -> None:
    for dim in architecture.dims_above(leaf.unit):
        spreading = constraints.spreading.get((leaf.einsum.name, dim), Spreading())
        own = [step for step in leaf.steps if step.dim == dim and float(step.trips) > 1]
        for step in own:
            if not constraints.may_spread(leaf.einsum, dim, step.variable):
                raise SpecError(
                    f"{leaf.einsum.name} may not be spread over {dim} along {step.variable}",
                    rule=f"its instances share {', '.join(sorted(spreading.shared))}",
                )
        used = prod(int(step.trips) for step in own)
        size = architecture.dim_size(dim)
        free = [
            int(leaf.full[variable])
            for variable in leaf.einsum.variables
            if constraints.may_spread(leaf.einsum, dim, variable)
        ]
        if used < spreading.least * size and used < most_used(free, size):
            raise SpecError(
                f"{leaf.einsum.name} uses {used} of {size} along {dim}",
                rule=f"at least {spreading.least:.0%}, or {most_used(free, size)}",
            )


def most_used(extents: Iterable[int], size: int) -> int:
    """The largest product, at most `size`, of one divisor of each of `extents`."""
    reached = {1}
    for extent in extents:
        divisors = [n for n in range(1, min(extent, size) + 1) if extent % n == 0]
        reached = {one * n for one in reached for n in divisors if one * n <= size}
    return max(reached)
