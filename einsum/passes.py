"""Passes: how often a cascade traverses the fibers of its tensors, and why.

A *pass* over a tensor along a rank is one traversal of all elements of a fiber. A further one is
forced when an element, or something computed from it at the same coordinate, is used again after a
value that depends on every element of the fiber (Nayak et al., FuseMax, MICRO 2024, section 3).
The rules are in `einsum.traversal`, worked examples in docs/passes.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from einsum.cascade import Cascade
from einsum.fibers import Fiber, fibers
from einsum.footprint import Footprint
from einsum.loop_order import LoopOrder
from einsum.traversal import Traversals
from einsum.walks import Step, Walks


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over `rank`: the Einsums that it is made of and what forces it.

    The first of `einsums` reads `again` once it has `after`, which needs all of the rank. `chain`
    leads from the tensor that is traversed through these values to that Einsum. All three are
    empty for pass 1.
    """

    number: int
    rank: str
    einsums: tuple[str, ...]
    again: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why it is needed, in one sentence; empty for pass 1."""
        if not self.after:
            return ""
        needs = "needs" if len(self.after) == 1 else "need"
        return (
            f"pass {self.number} over {self.rank}: {self.einsums[0]} reads {_listed(self.again)} "
            f"again after {_listed(self.after)}, which {needs} all of {self.rank}: "
            f"{' -> '.join(self.chain)}"
        )


@dataclass(frozen=True, slots=True)
class FiberPasses:
    """The passes over one tensor along `rank`.

    `is_partial`: `rank` is a partition, and these are traversals of one tile, or of a tensor with
    one element per tile. They are no passes over the declared rank.
    """

    tensor: str
    rank: str
    is_partial: bool
    passes: tuple[Pass, ...]


@dataclass(frozen=True)
class PassAnalysis:
    """What a cascade demands whatever it runs on: passes and live footprints.

    `ranks` are the declared ranks and their partitions. A footprint is what one iteration of the
    loops over the `parallel` ranks holds, with the loops over `loops` inside, outermost first.
    """

    cascade: str
    ranks: tuple[str, ...]
    fibers: tuple[FiberPasses, ...]
    footprints: tuple[tuple[str, Footprint], ...]
    parallel: tuple[str, ...]
    loops: tuple[str, ...]

    @cached_property
    def passes(self) -> Mapping[str, Mapping[str, int]]:
        """By tensor and declared rank, the number of passes; none for a tensor without ranks."""
        counts = _counts(fiber for fiber in self.fibers if not fiber.is_partial)
        return {tensor: counts.get(tensor, {}) for tensor, _ in self.footprints}

    @cached_property
    def tile_passes(self) -> Mapping[str, Mapping[str, int]]:
        """By tensor and partition, the number of traversals of one tile, or of all tiles' values.

        A partition that is outermost in a tensor with the whole rank is not listed: traversing it
        is a pass over the rank.
        """
        return _counts(fiber for fiber in self.fibers if fiber.is_partial)

    @property
    def max_passes(self) -> int:
        """The most passes over any tensor along a declared rank."""
        return max((n for counts in self.passes.values() for n in counts.values()), default=1)

    @cached_property
    def reasons(self) -> Mapping[str, Mapping[str, tuple[Pass, ...]]]:
        """By tensor and rank or partition, the passes after the first, where there are any."""
        found: dict[str, dict[str, tuple[Pass, ...]]] = {}
        for fiber in self.fibers:
            if len(fiber.passes) > 1:
                found.setdefault(fiber.tensor, {})[fiber.rank] = fiber.passes[1:]
        return found

    @cached_property
    def footprint(self) -> Mapping[str, Footprint]:
        """By tensor, the live footprint."""
        return dict(self.footprints)

    def to_json(self) -> dict[str, Any]:
        """Plain data: counts, footprints as expressions, reasons as sentences."""
        return {
            "passes": {tensor: dict(counts) for tensor, counts in self.passes.items()},
            "max_passes": self.max_passes,
            "footprint": {tensor: str(held) for tensor, held in self.footprints},
            "tile_passes": {tensor: dict(counts) for tensor, counts in self.tile_passes.items()},
            "reasons": {
                tensor: {rank: [p.reason for p in passes] for rank, passes in ranks.items()}
                for tensor, ranks in self.reasons.items()
            },
        }

    def __str__(self) -> str:
        from einsum.pass_table import pass_table

        return pass_table(self)


def analyse(cascade: Cascade) -> PassAnalysis:
    """The passes and live footprints of `cascade`, for all shapes."""
    walks = Walks(cascade)
    traversals = tuple(
        Traversals(walks, fiber)
        for tensor in cascade.tensors
        for fiber in fibers(walks, tensor.name)
    )
    order = LoopOrder(walks, traversals)
    return PassAnalysis(
        cascade.name,
        tuple(name for rank in cascade.ranks for name in (rank.name, *rank.partitions)),
        tuple(_fiber_passes(cascade, traversals)),
        tuple(order.footprints.items()),
        tuple(cascade.rank_of_variable[name] for name in order.parallel),
        tuple(cascade.rank_of_variable[name] for group in order.order for name in group),
    )


def _fiber_passes(cascade: Cascade, traversals: Iterable[Traversals]) -> Iterator[FiberPasses]:
    """Per tensor and rank the passes, of the fibers that fall together those with the most."""
    for (tensor, rank, is_partial), group in _grouped(cascade, traversals).items():
        if group:
            longest = max(group, key=lambda found: found.count)
            passes = tuple(_pass(longest, rank, n + 1) for n in range(longest.count))
            yield FiberPasses(tensor, rank, is_partial, passes)
        else:
            yield FiberPasses(tensor, rank, is_partial, (Pass(1, rank, ()),))


def _grouped(
    cascade: Cascade, traversals: Iterable[Traversals]
) -> dict[tuple[str, str, bool], list[Traversals]]:
    groups: dict[tuple[str, str, bool], list[Traversals]] = {}
    for found in traversals:
        fiber: Fiber = found.fiber
        declared = cascade.declared(fiber.rank)
        is_outermost = not fiber.fixed
        if is_outermost:
            whole = groups.setdefault((fiber.tensor, declared, False), [])
            if fiber.is_entire:
                whole.append(found)
        if not (is_outermost and fiber.is_entire):
            groups.setdefault((fiber.tensor, fiber.rank, True), []).append(found)
    return groups


def _pass(traversals: Traversals, rank: str, number: int) -> Pass:
    steps = traversals.traversal(number)
    names = tuple(step.name for step in steps)
    for step in steps:
        after = _awaited(traversals, step, number)
        if number > 1 and after:
            names = (step.name, *(name for name in names if name != step.name))
            chain = _chain(traversals, step, after)
            return Pass(number, rank, names, _reread(traversals, step), after, chain)
    return Pass(number, rank, names)


def _awaited(traversals: Traversals, step: Step, number: int) -> tuple[str, ...]:
    """What `step` reads that is known only after the traversal before."""
    known = 2 * (number - 1)
    reads = (r for r in step.reads if traversals.value(step, r).moment == known)
    return tuple(dict.fromkeys(read.tensor for read in reads))


def _reread(traversals: Traversals, step: Step) -> tuple[str, ...]:
    """What `step` reads that holds something for every coordinate of the fiber."""
    reads = (r for r in step.reads if any(t.whole for t in traversals.value(step, r).traces))
    return tuple(dict.fromkeys(read.tensor for read in reads))


def _chain(traversals: Traversals, last: Step, after: tuple[str, ...]) -> tuple[str, ...]:
    """The shortest way from the source through `after` to `last`, along what each waits for."""
    source = traversals.fiber.tensor
    paths: list[tuple[str, ...]] = [(tensor, last.tensor) for tensor in after]
    seen = set(after)
    for path in paths:
        if path[0] == source:
            return path
        for step in traversals.walks.writers(path[0]):
            before = [name for name in _forcing(traversals, step) if name not in seen]
            seen.update(before)
            paths += [(name, *path) for name in dict.fromkeys(before)]
    return (source, *after, last.tensor)


def _forcing(traversals: Traversals, step: Step) -> Iterator[str]:
    """What `step` reads that keeps it from running any earlier."""
    run = traversals.runs[step.name]
    for read in step.reads:
        moment = traversals.value(step, read).moment
        if 0 < moment >= run.moment - run.traverses:
            yield read.tensor


def _counts(found: Iterable[FiberPasses]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for fiber in found:
        counts.setdefault(fiber.tensor, {})[fiber.rank] = len(fiber.passes)
    return counts


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
