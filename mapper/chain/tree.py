"""A found path as a mapping: loop trees with branches and holds."""

from __future__ import annotations

from collections.abc import Callable

from archsim.mapping import Branches, Compute, For, Group, Hold, Nest, Node, Policy
from archsim.mapping import Mapping as LoopMapping
from mapper.chain.leaf import Choice
from mapper.chain.programme import Taken
from mapper.chain.site import split


def mapping_of(path: tuple[Taken, ...]) -> LoopMapping:
    """The mapping of a path: a group for each run of Einsums that share something."""
    groups = []
    for run in _runs(path, lambda one: bool(one.step.after.stack or one.step.after.kept)):
        groups.append(Group(_below(run, 0), Policy.SERIAL))
    return LoopMapping("best", tuple(groups))


def _runs(path: tuple[Taken, ...], together: Callable[[Taken], bool]) -> list[tuple[Taken, ...]]:
    """The path cut after every Einsum that is not together with the next one."""
    runs: list[list[Taken]] = []
    joined = False
    for one in path:
        if not joined:
            runs.append([])
        runs[-1].append(one)
        joined = together(one)
    return [tuple(run) for run in runs]


def _below(run: tuple[Taken, ...], depth: int) -> Nest:
    """The nodes of some Einsums below the loops that they share."""
    kept = sorted({k for one in run for k in one.step.kept if k.depth == depth}, key=str)
    holds: tuple[Node, ...] = tuple(Hold((k.tensor,), _home(run[0].choice)) for k in kept)
    branches: list[Nest] = []
    for part in _runs(run, lambda one: len(one.step.after.stack) > depth):
        if len(part) == 1 and len(part[0].step.nest) == depth:
            branches.append(_private(part[0]))
        else:
            variable = part[0].step.nest[depth]
            branches.append((For(variable, part[0].tiles[variable]), *_below(part, depth + 1)))
    return (*holds, *(branches[0] if len(branches) == 1 else (Branches(tuple(branches)),)))


def _home(choice: Choice) -> str:
    home = choice.site.places.home
    assert home is not None
    return home.name


def _private(one: Taken) -> Nest:
    """The private loops of an Einsum, its spatial ones, and its holds."""
    choice, site = one.choice, one.choice.site
    places, route, block, row = site.places, choice.route, choice.block, choice.row
    left = {v: one.tiles.get(v, site.problem.shapes.extent(v)) for v in site.einsum.variables}
    nodes: list[Node] = []
    if route.home and places.home is not None:
        nodes.append(Hold(tuple(site.tensors[t] for t in sorted(route.home)), places.home.name))
    nodes += site.spreads(choice.way, True, left)
    order = block.orders[int(block.order[row])]
    everyone = frozenset(range(len(site.tensors)))
    for c, own in enumerate(site.members):
        if own == everyone:
            nodes += _loops(site.classes[c], choice.way.within[c], left)
    for place in range(len(order.classes) + 1):
        held = tuple(site.tensors[t] for t, depth in order.depths if depth == place)
        if held and places.inner is not None:
            nodes.append(Hold(held, places.inner.name))
        if place < len(order.classes):
            c = order.classes[place]
            nodes += _loops(site.classes[c], int(block.tiles[row, c]), left)
    if route.register is not None:
        for c, own in enumerate(site.members):
            if route.register in own:
                nodes += _loops(site.classes[c], choice.way.within[c], left)
    nodes += site.spreads(choice.way, False, left)
    if route.register is not None and places.registers is not None:
        nodes.append(Hold((site.tensors[route.register],), places.registers.name))
    return (*nodes, Compute(site.einsum.name, site.unit))


def _loops(names: tuple[str, ...], tile: int, left: dict[str, int]) -> list[Node]:
    """Loops over the ranks of a class that leave a tile of the given product."""
    found: list[Node] = []
    for name, own in split(names, tile, left):
        if own < left[name]:
            found.append(For(name, own))
        left[name] = own
    return found
