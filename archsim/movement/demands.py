"""Which tensors a cascade needs again after a value that depends on all of them.

Every pass after the first reads something again (`einsum.passes`). Where that is the tensor
itself, all elements of its fiber exist before the value that the pass waits for is known, and all
are used after it. At that moment each of them is on chip, or it has to come (back) from the
backing store: the live footprint fits, or it is spilled, or, of an input, fetched again.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archsim.movement.stays import Stays
from einsum.cascade import Cascade, Role
from einsum.passes import FiberPasses, Pass, analyse


@dataclass(frozen=True, slots=True)
class Demand:
    """A tensor that is used again in a later pass.

    `whole` are the variables of the fiber, which has `fiber_bytes`. `stored_bytes` are written
    and `loaded_bytes` read for each of the `again` later passes if it is not held.
    """

    tensor: str
    whole: frozenset[str]
    fibers: float
    fiber_bytes: float
    stored_bytes: float
    loaded_bytes: float
    again: int
    reasons: tuple[str, ...]


def demands(stays: Stays) -> tuple[Demand, ...]:
    """Every tensor that passes force to be held or moved, in the order of the cascade.

    Running tensors are left out: of them only the latest value has to be there.
    """
    cascade = stays.cascade
    found: dict[str, list[Demand]] = {}
    for fiber in analyse(cascade).fibers:
        passes = tuple(one for one in fiber.passes if fiber.tensor in one.again)
        if passes and not stays.is_running(fiber.tensor):
            found.setdefault(fiber.tensor, []).append(_demand(stays, fiber, passes))
    return tuple(map(_joined, found.values()))


def _demand(stays: Stays, fiber: FiberPasses, passes: tuple[Pass, ...]) -> Demand:
    cascade, tensor = stays.cascade, fiber.tensor
    ranks = _ranks(cascade, fiber)
    sizes = stays.shapes.sizes
    length = min(prod(sizes[rank] for rank in ranks), sizes[cascade.declared(fiber.rank)])
    readers = {one.einsums[0] for one in passes}
    loaded = min(
        stays.reached_bytes(tensor, einsum) for einsum in cascade.steps if einsum.name in readers
    )
    elements = prod(sizes[rank] for rank in cascade.tensor(tensor).ranks)
    return Demand(
        tensor,
        frozenset(rank.lower() for rank in (*ranks, *_entire(cascade, ranks))),
        elements / length,
        length * stays.element_bytes(tensor),
        loaded if cascade.tensor(tensor).role is not Role.INPUT else 0.0,
        loaded,
        len(passes),
        tuple(one.reason for one in passes),
    )


def _ranks(cascade: Cascade, fiber: FiberPasses) -> tuple[str, ...]:
    """The innermost ranks along which a fiber runs: its partition and those inside it."""
    declared = cascade.rank(cascade.declared(fiber.rank))
    parts = declared.partitions or (declared.name,)
    first = parts.index(fiber.rank) if fiber.rank in parts else 0
    own = cascade.tensor(fiber.tensor).ranks
    return tuple(part for part in parts[first:] if part in own or declared.name in own)


def _entire(cascade: Cascade, ranks: tuple[str, ...]) -> tuple[str, ...]:
    """The declared rank of which `ranks` are all partitions: its own variable may be used too."""
    return tuple(rank.name for rank in cascade.ranks if rank.partitions == ranks)


def _joined(many: list[Demand]) -> Demand:
    """One tensor with passes over several ranks: all of them whole, or moved as little as any."""
    longest = max(many, key=lambda one: one.fiber_bytes)
    return Demand(
        longest.tensor,
        frozenset[str]().union(*(one.whole for one in many)),
        longest.fibers,
        longest.fiber_bytes,
        min(one.stored_bytes for one in many),
        min(one.loaded_bytes for one in many),
        min(one.again for one in many),
        tuple(reason for one in many for reason in one.reasons),
    )
