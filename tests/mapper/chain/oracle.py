"""Serial mappings by brute force: more than the grammar has, each of them evaluated.

Private loops in any order over any ranks, tensors held at any depth or not at all; shared loops
over any common ranks; every tensor that can be is kept above them. What Einsums cost adds up, so
each is varied by itself under the same shared loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product
from random import Random

from archsim.closed_form import closed_form
from archsim.energy import Accounting, energy
from archsim.free_tiles import overflow
from archsim.mapping import Branches, Compute, For, Group, Hold, Mapping, Nest, Node, Policy
from einsum.cascade import Einsum
from einsum.errors import SpecError
from mapper.problem import MapProblem

Cost = tuple[float, float]
"""Energy in pJ and latency in s."""


def cost_of(mapping: Mapping, problem: MapProblem) -> Cost | None:
    """What a mapping costs; None if it does not fit."""
    form = closed_form(problem.cascade, problem.shapes, problem.architecture, mapping)
    if any(short > 0 for short in overflow(form, problem.architecture).values()):
        return None
    terms = energy(
        form.transfers,
        form.works,
        problem.cascade,
        problem.architecture,
        problem.library,
        Accounting.COMPLETE,
    )
    return sum(float(term.energy_pj) for term in terms), float(form.latency_s)


def _divisors(size: int) -> tuple[int, ...]:
    return tuple(d for d in range(1, size) if size % d == 0)


def privates(
    einsum: Einsum, extents: dict[str, int], kept: frozenset[str]
) -> Iterator[tuple[Node, ...]]:
    """All private nests of an Einsum in one buffer: loops with proper tiles, and holds."""
    loose = [tensor for tensor in einsum.tensors if tensor not in kept]
    for count in range(len(einsum.variables) + 1):
        for ranks in permutations(einsum.variables, count):
            for tiles in product(*(_divisors(extents[rank]) for rank in ranks)):
                for depths in product((None, *range(count + 1)), repeat=len(loose)):
                    nodes: list[Node] = []
                    for place in range(count + 1):
                        nodes += [
                            Hold((t,), "buffer")
                            for t, depth in zip(loose, depths, strict=True)
                            if depth == place
                        ]
                        if place < count:
                            nodes.append(For(ranks[place], tiles[place]))
                    yield (*nodes, Compute(einsum.name, "pe"))


def random_private(
    einsum: Einsum, extents: dict[str, int], kept: frozenset[str], random: Random
) -> tuple[Node, ...]:
    """One of `privates`."""
    loose = [tensor for tensor in einsum.tensors if tensor not in kept]
    open_ranks = [rank for rank in einsum.variables if _divisors(extents[rank])]
    ranks = random.sample(open_ranks, random.randint(0, len(open_ranks)))
    depths = {t: random.choice((None, *range(len(ranks) + 1))) for t in loose}
    nodes: list[Node] = []
    for place in range(len(ranks) + 1):
        nodes += [Hold((t,), "buffer") for t in loose if depths[t] == place]
        if place < len(ranks):
            nodes.append(For(ranks[place], random.choice(_divisors(extents[ranks[place]]))))
    return (*nodes, Compute(einsum.name, "pe"))


def sizes_of(problem: MapProblem, einsum: Einsum) -> dict[str, int]:
    """The extents of the rank variables of an Einsum."""
    return {v: problem.shapes.extent(v) for v in einsum.variables}


def shared_loops(problem: MapProblem) -> Iterator[tuple[tuple[str, int], ...]]:
    """Loops that all Einsums can share: over ranks of all that no shared tensor is summed over."""
    einsums = problem.einsums
    common = set(einsums[0].variables).intersection(*(e.variables for e in einsums))
    summed = {v for e in einsums[:-1] for v in e.reduced_variables}
    ranks = sorted(common - summed)
    for count in range(len(ranks) + 1):
        for order in permutations(ranks, count):
            tiles = (_divisors(problem.shapes.extent(v)) for v in order)
            yield from (tuple(zip(order, chosen, strict=True)) for chosen in product(*tiles))


def stands(
    problem: MapProblem, depth: int, shared: frozenset[str]
) -> Iterator[tuple[tuple[str, int], ...]]:
    """The tensors that are kept and the depths: `shared` ones anywhere, others above the last."""
    names = list(dict.fromkeys(t for e in problem.einsums for t in e.tensors))
    ways = [range(depth + 1) if t in shared else (None, *range(depth)) for t in names]
    for chosen in product(*ways):
        yield tuple((t, d) for t, d in zip(names, chosen, strict=True) if d is not None)


def assembled(
    loops: tuple[tuple[str, int], ...],
    kept: tuple[tuple[str, int], ...],
    branches: tuple[Nest, ...],
) -> Mapping:
    """A group of Einsums that share all of `loops`."""
    nodes: list[Node] = []
    for place in range(len(loops) + 1):
        nodes += [Hold((t,), "buffer") for t, depth in kept if depth == place]
        if place < len(loops):
            nodes.append(For(*loops[place]))
    below = branches[0] if len(branches) == 1 else (Branches(branches),)
    return Mapping("oracle", (Group((*nodes, *below), Policy.SERIAL),))


def least_energy(problem: MapProblem) -> float:
    """The least energy of one Einsum, or of two that share all of some loops."""
    einsums, best = problem.einsums, float("inf")
    links = [t for t in einsums[0].tensors if all(t in e.tensors for e in einsums)]
    if len(einsums) == 1:
        links = []
    for count in range(len(links) + 1):
        for shared in combinations(links, count):
            for loops in shared_loops(problem) if shared else ((),):
                for kept in stands(problem, len(loops), frozenset(shared)):
                    best = min(best, _least_under(problem, loops, kept))
    return best


def _least_under(
    problem: MapProblem, loops: tuple[tuple[str, int], ...], kept: tuple[tuple[str, int], ...]
) -> float:
    names = frozenset(t for t, _ in kept)
    bare = tuple((Compute(e.name, "pe"),) for e in problem.einsums)
    base = cost_of(assembled(loops, kept, bare), problem)
    if base is None:
        return float("inf")
    total = base[0]
    for number, einsum in enumerate(problem.einsums):
        extents = {**sizes_of(problem, einsum), **dict(loops)}
        gains = [0.0]
        for own in privates(einsum, extents, names):
            branches = (*bare[:number], own, *bare[number + 1 :])
            try:
                found = cost_of(assembled(loops, kept, branches), problem)
            except SpecError:
                continue
            if found is not None:
                gains.append(found[0] - base[0])
        total += min(gains)
    return total
