"""Mappings: which loops, where tensors are held, which unit computes, how Einsums overlap.

A mapping is a list of fused groups. Each group is a loop nest, written outermost first; a nest
may end in branches, whose Einsums share all loops above (a loop tree, after LoopTree, 2024).
Stationarity is not stored: it follows from the order of the loops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class For:
    """A temporal loop that steps through `variable` in tiles of `tile` coordinates.

    A string names a free tile size, whose value (or array of candidate values) is given when
    the mapping is analysed. The steps of all loops `dealt` over a dimension (`shared.sms`) are
    independent tasks, which its instances take in order: `ceil(tasks / instances)` waves.
    """

    variable: str
    tile: int | str = 1
    dealt: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """A spatial loop: `variable` is divided over `count` instances along dimension `dim`.

    `dim` is written `array_2d.rows`; `count` 0 means as many as the dimension has left.
    """

    variable: str
    dim: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Tensors whose tiles at this point of the nest are kept in `memory`.

    `copies` 2 is double buffering. A fraction `spilled` of the tile does not fit: every access
    to it goes to the root memory. With `overlaid` the tensors take the same place one after the
    other, so that the hold is as large as the largest of them. What conditions leave out is left
    out in `parts` of these sizes, where they are given, instead of whole tiles.
    """

    tensors: tuple[str, ...]
    memory: str
    copies: int = 1
    spilled: float = 0.0
    overlaid: bool = False
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Compute:
    """The Einsum at the end of a branch, and the unit that computes it."""

    einsum: str
    unit: str


@dataclass(frozen=True, slots=True)
class Branches:
    """Nests that run under the same outer loops, in this order."""

    nests: tuple[Nest, ...]


Node: TypeAlias = For | Spread | Hold | Compute | Branches
Nest: TypeAlias = tuple[Node, ...]


class Policy(Enum):
    """How the Einsums of a group share time.

    SERIAL: one after another, each with what it moves; what the next ones do not read is gone.
    OVERLAPPED: the units work at the same time, each through all of its Einsums. PIPELINED: tile
    steps start one initiation interval apart, as `archsim.schedule` finds it. PAPER: in the
    phases that the mapping lists, as published bindings do.
    """

    SERIAL = "serial"
    OVERLAPPED = "overlapped"
    PIPELINED = "pipelined"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Phase:
    """Einsums that overlap with each other and with nothing else in a `PAPER` schedule.

    `bubble` adds idle time: the busy time of the named Einsum, `bubble_factor` times.
    """

    einsums: tuple[str, ...] = ()
    bubble: str = ""
    bubble_factor: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """A fused group: a nest, and how its Einsums share time."""

    nest: Nest
    policy: Policy = Policy.OVERLAPPED
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """Groups that run one after another; between groups tensors go through the root memory."""

    name: str
    groups: tuple[Group, ...]

    @cached_property
    def digest(self) -> str:
        """Content hash, stable between runs and machines."""
        return hashlib.sha256(repr(self.groups).encode()).hexdigest()

    @property
    def computes(self) -> tuple[Compute, ...]:
        """Every Einsum's place, in the order of the nests."""
        return tuple(
            node for group in self.groups for node in nodes(group.nest) if isinstance(node, Compute)
        )

    @property
    def in_order(self) -> frozenset[tuple[int, str]]:
        """Groups and units that drain between tile steps: those on which a phase has a bubble."""
        unit_of = {compute.einsum: compute.unit for compute in self.computes}
        return frozenset(
            (number, unit_of[phase.bubble])
            for number, group in enumerate(self.groups)
            for phase in group.phases
            if phase.bubble in unit_of
        )


def nodes(nest: Nest) -> Iterator[Node]:
    """Every node of a nest, outermost first, branches in order."""
    for node in nest:
        yield node
        if isinstance(node, Branches):
            for branch in node.nests:
                yield from nodes(branch)
