"""The best mappings of one fused group, and what no mapping of it can be below."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from time import process_time

import numpy as np
from numpy.typing import NDArray

from archsim.amounts import Array
from archsim.bounds import compute_bound
from archsim.free_tiles import FreeTile, free_tiles, with_tiles
from archsim.latency import compute_time
from archsim.mapping import Group, Hold, Policy
from archsim.mapping import Mapping as LoopMapping
from archsim.nest import walk
from archsim.tiles import Reaches
from archsim.work import needed, operation_on, supports, work
from einsum.cascade import Einsum, Role
from mapper.front import Front
from mapper.objective import Cost, Objective, Ranking
from mapper.options import Amounts, Holding
from mapper.problem import MapProblem
from mapper.selection import Choice, Selector, Tally, Way
from mapper.signature import frame_key
from mapper.space import structures
from mapper.structure import Structure

_CHUNK = 1 << 15  # candidates at once: enough to vectorise, and bounded memory


@dataclass(frozen=True, slots=True)
class FusedGroup:
    """A group with all tile sizes and holds, and its cost."""

    group: Group
    cost: Cost


def best_groups(
    segment: tuple[Einsum, ...],
    problem: MapProblem,
    objective: Objective,
    ranking: Ranking,
    tally: Tally,
    deadline: float = float("inf"),
) -> tuple[tuple[FusedGroup, ...], bool]:
    """The best groups that compute `segment`: one if the ranking is total; none if nothing fits.

    False if the deadline (CPU seconds of the process) came before they were proven. Raises
    `SpecError` if no unit can compute one of its Einsums.
    """
    tally.groups += 1
    front = Front[FusedGroup](ranking)
    known: dict[Hashable, dict[Hashable, Amounts]] = {}
    for structure in structures(segment, problem):
        frame = frame_key(structure)
        for number, tiles in enumerate(_candidates(structure, problem)):
            if process_time() > deadline and (front.entries or len(segment) > 1):
                return tuple(found for _, found in front.entries), False
            links = known.setdefault((frame, number), {})
            _extend(front, structure, tiles, links, problem, objective, tally)
    return tuple(found for _, found in front.entries), True


def _candidates(structure: Structure, problem: MapProblem) -> Iterator[dict[str, Array]]:
    """All combinations of tile sizes, in chunks."""
    open_mapping = LoopMapping("open", (Group(structure.nest(), problem.policy),))
    found = free_tiles(open_mapping, problem.cascade, problem.shapes.sizes, problem.imperfect)
    free = tuple(sorted(found, key=lambda tile: tile.name))  # the same for every order
    count = int(np.prod([len(tile.candidates) for tile in free], dtype=np.int64))
    for start in range(0, count, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, count))
        yield _decoded(rows, free)


def _decoded(rows: NDArray[np.int_], free: tuple[FreeTile, ...]) -> dict[str, Array]:
    """The combinations with these numbers, the last tile size fastest."""
    tiles: dict[str, Array] = {}
    for tile in reversed(free):
        rows, digits = np.divmod(rows, len(tile.candidates))
        tiles[tile.name] = np.asarray(tile.candidates, dtype=np.float64)[digits]
    return tiles


def _extend(
    front: Front[FusedGroup],
    structure: Structure,
    tiles: dict[str, Array],
    links: dict[Hashable, Amounts],
    problem: MapProblem,
    objective: Objective,
    tally: Tally,
) -> None:
    """Add to `front` what a structure has that gets in."""
    holding, selector = opened(structure, tiles, problem, objective, links)
    tensors = dict.fromkeys(t for leaf in holding.leaves for t in leaf.tensors)
    options = tuple(holding.options(tensor) for tensor in tensors)
    choices = Front[Choice](front.ranking, [(cost, _TAKEN) for cost, _ in front.entries])
    selector.extend(choices, options, tally)
    for cost, choice in choices.entries:
        if choice is not _TAKEN:
            sizes = {name: int(values[choice.candidate]) for name, values in tiles.items()}
            front.add(cost, FusedGroup(group_of(structure, choice.holds, sizes, problem), cost))


_TAKEN = Choice(-1, ())  # stands for what another structure has


def opened(
    structure: Structure,
    tiles: dict[str, Array],
    problem: MapProblem,
    objective: Objective,
    links: dict[Hashable, Amounts] | None = None,
) -> tuple[Holding, Selector]:
    """A structure with candidate tile sizes, ready to choose holds.

    `links` are amounts that are known of other structures of its frame, for the same tile sizes.
    """
    cascade, architecture, activity = problem.cascade, problem.architecture, problem.activity
    serial = problem.policy is Policy.SERIAL
    group = Group(structure.nest(), problem.policy)
    leaves = walk(group.nest, cascade, architecture, problem.shapes.sizes, tiles)
    works = tuple(
        work(leaf, architecture, activity.executed(leaf), activity.useful(leaf)) for leaf in leaves
    )
    operations = problem.pricing.terms((), works)
    turns = [(one,) for one in works] if serial else [works]
    times = [
        compute_time(group, turn, architecture.clock_hz, overlap=architecture.overlap)
        for turn in turns
    ]
    times[0] = times[0] + architecture.launch_s
    holding = Holding(
        structure,
        leaves,
        tiles,
        problem.shapes,
        architecture,
        problem.pricing,
        activity,
        Reaches.of(leaves, problem.shapes),
        serial,
        problem.constraints,
        {} if links is None else links,
    )
    selector = Selector(
        objective,
        len(next(iter(tiles.values()))) if tiles else 1,
        tuple(times),
        sum((term.energy_pj for term in operations), start=np.asarray(0.0)),
        problem.bandwidths,
        problem.capacities,
        frozenset(problem.buffers),
        architecture.root.name,
        len(leaves),
    )
    return holding, selector


def group_of(structure: Structure, way: Way, sizes: dict[str, int], problem: MapProblem) -> Group:
    """The group of a choice, with the tensors of one memory and depth in one hold."""
    together: dict[tuple[int, str], list[str]] = {}
    for hold, depth in way:
        together.setdefault((depth, hold.memory), []).extend(hold.tensors)
    order = [memory.name for memory in problem.architecture.memories]
    holds = tuple(
        (Hold(tuple(sorted(tensors)), memory), depth)
        for (depth, memory), tensors in sorted(
            together.items(), key=lambda one: (one[0][0], order.index(one[0][1]))
        )
    )
    group = Group(structure.nest(holds), problem.policy)
    return with_tiles(LoopMapping("group", (group,)), sizes).groups[0]


def group_bound(segment: tuple[Einsum, ...], problem: MapProblem) -> Cost:
    """What no group of these Einsums can be below.

    What is used of a tensor from outside is read once, every result that is used outside written
    once, and the units share the work as well as can be; energy is that of the operations and
    the root.
    """
    cascade, architecture = problem.cascade, problem.architecture
    names = {einsum.name for einsum in segment}
    traffic = reads_pj = 0.0
    root = architecture.root
    price = problem.library.memory_cost(
        root.component, root.size_bytes, root.access_bits, architecture.node_nm
    )
    for tensor in cascade.tensors:
        users = [e for e in cascade.steps if any(a.tensor == tensor.name for a in e.inputs)]
        made_here = tensor.name in names
        outside = tensor.role is Role.OUTPUT or any(e.name not in names for e in users)
        makers = [tensor.name] if made_here and outside else []
        readers = [] if made_here else [e.name for e in users if e.name in names]
        moved = max((problem.used_bytes[tensor.name, e] for e in readers or makers), default=0.0)
        traffic += moved
        reads_pj += moved * 8 / root.access_bits * (price.read_pj if readers else price.write_pj)
    points = {e.name: float(problem.activity.useful_points(e)) for e in segment}
    seconds = compute_bound(segment, architecture, points) / architecture.clock_hz
    bandwidth = root.bandwidth_bytes_per_s
    moving = traffic / bandwidth if bandwidth else 0.0
    least_pj = sum(_operations_pj(einsum, problem) * points[einsum.name] for einsum in segment)
    return Cost(max(seconds, moving), traffic, reads_pj + least_pj)


def _operations_pj(einsum: Einsum, problem: MapProblem) -> float:
    """Energy of the operations of a point, on the unit where they need least."""
    node = problem.architecture.node_nm
    return min(
        (
            sum(
                count * steps * problem.library.operation_cost(component, node).energy_pj
                for name, count in needed(einsum, unit).items()
                for component, steps in operation_on(unit, name, einsum).uses
            )
            for unit in problem.architecture.units
            if supports(unit, einsum)
        ),
        default=0.0,
    )
