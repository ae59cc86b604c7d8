"""A mapping as the choices that make it, to draw and to change at random.

A gene is a fused group: its structure, and how each tensor is held. Its tile sizes are not drawn:
the closed forms look at all of them at once (at a sample, where there are very many).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from random import Random

import numpy as np

from archsim.amounts import Array
from archsim.free_tiles import free_tiles
from archsim.mapping import Group
from archsim.mapping import Mapping as LoopMapping
from einsum.cascade import Einsum
from mapper.front import leaders
from mapper.fused_group import FusedGroup, group_of, opened
from mapper.objective import Amount, Cost, Objective
from mapper.options import Holding
from mapper.problem import MapProblem
from mapper.space import random_structure
from mapper.structure import Structure
from mapper.ways import Depths

_SAMPLE = 2048  # tile sizes that are looked at, where a gene has more

Ways = Mapping[str, Depths]


@dataclass(frozen=True, slots=True)
class Gene:
    """A run of Einsums as a fused group, tile sizes and cost aside."""

    structure: Structure
    ways: Ways

    @property
    def segment(self) -> tuple[Einsum, ...]:
        """Its Einsums."""
        return self.structure.einsums


Genome = tuple[Gene, ...]


@dataclass(frozen=True)
class Draw:
    """Draws genes and genomes of a problem, and prices them."""

    problem: MapProblem
    objective: Objective

    def genome(self, random: Random) -> Genome:
        """A cascade that is cut at random, each group drawn by itself."""
        first, *others = self.problem.runs
        runs: list[list[Einsum]] = [[*first]]
        for whole in others:
            wide = len(runs[-1]) + len(whole)
            full = self.problem.width is not None and wide > self.problem.width
            if full or random.random() < 1 / 3:
                runs.append([])
            runs[-1].extend(whole)
        return tuple(self.gene(tuple(run), random) for run in runs)

    def gene(self, segment: tuple[Einsum, ...], random: Random) -> Gene:
        """A group of these Einsums."""
        structure = random_structure(segment, self.problem, random)
        holding = self._holding(structure)
        return Gene(structure, {t: self._way(holding, t, random) for t in _tensors(segment)})

    def changed(self, genome: Genome, random: Random) -> Genome:
        """The genome with one choice made anew: a cut, a structure, or how a tensor is held."""
        place = random.randrange(len(genome))
        gene = genome[place]
        match random.randrange(4):
            case 0 if len(genome) > 1:
                left = min(place, len(genome) - 2)
                both = genome[left].segment + genome[left + 1].segment
                if self.problem.width is None or len(both) <= self.problem.width:
                    joined = self.gene(both, random)
                    return (*genome[:left], joined, *genome[left + 2 :])
            case 1 if places := self._places(gene):
                at = random.choice(places)
                parts = (gene.segment[:at], gene.segment[at:])
                two = tuple(self.gene(part, random) for part in parts)
                return (*genome[:place], *two, *genome[place + 1 :])
            case 2:
                new = self.gene(gene.segment, random)
                return (*genome[:place], new, *genome[place + 1 :])
        tensor = random.choice(_tensors(gene.segment))
        way = self._way(self._holding(gene.structure), tensor, random)
        new = replace(gene, ways={**gene.ways, tensor: way})
        return (*genome[:place], new, *genome[place + 1 :])

    def _places(self, gene: Gene) -> tuple[int, ...]:
        """Where a gene can be cut."""
        first = {run[0].name for run in self.problem.runs}
        names = [einsum.name for einsum in gene.segment]
        return tuple(at for at in range(1, len(names)) if names[at] in first)

    def priced(self, genome: Genome) -> tuple[FusedGroup, ...] | None:
        """The groups of a genome with their best tile sizes; None if one does not fit."""
        found = [self._best(gene) for gene in genome]
        return None if None in found else tuple(group for group in found if group)

    def _way(self, holding: Holding, tensor: str, random: Random) -> Depths:
        return random.choice(tuple(holding.ways.of(tensor)))

    def _holding(self, structure: Structure) -> Holding:
        tiles = self._tiles(structure, 1)
        return opened(structure, tiles, self.problem, self.objective)[0]

    def _tiles(self, structure: Structure, count: int) -> dict[str, Array]:
        """All tile sizes, or `count` that are spread over the space."""
        group = Group(structure.nest(), self.problem.policy)
        free = free_tiles(
            LoopMapping("open", (group,)),
            self.problem.cascade,
            self.problem.shapes.sizes,
            self.problem.imperfect,
        )
        sizes = [len(tile.candidates) for tile in free]
        total = reduce(lambda a, b: a * b, sizes, 1)
        rows = np.unique(np.linspace(0, total - 1, min(total, count)).astype(np.int64))
        digits = np.unravel_index(rows, sizes) if sizes else ()
        return {
            tile.name: np.asarray(tile.candidates, dtype=np.float64)[digit]
            for tile, digit in zip(free, digits, strict=True)
        }

    def _best(self, gene: Gene) -> FusedGroup | None:
        tiles = self._tiles(gene.structure, _SAMPLE)
        holding, selector = opened(gene.structure, tiles, self.problem, self.objective)
        options = [holding.option(tensor, way) for tensor, way in gene.ways.items()]
        amounts, fits = selector.together(options)
        rows = np.flatnonzero(fits)
        if not len(rows):
            return None
        order = [self._first(amounts), *(amounts[which] for which in Amount)]
        index = int(rows[leaders([column[rows] for column in order], total=True)[0]])
        cost = Cost(*(float(amounts[which][index]) for which in _COST))
        sizes = {name: int(values[index]) for name, values in tiles.items()}
        way = tuple(hold for option in options for hold in option.way)
        return FusedGroup(group_of(gene.structure, way, sizes, self.problem), cost)

    def _first(self, amounts: Mapping[Amount, Array]) -> Array:
        if self.objective is Objective.EDP:
            return amounts[Amount.LATENCY] * amounts[Amount.ENERGY]
        return amounts[Amount(self.objective.value)]


_COST = (Amount.LATENCY, Amount.TRAFFIC, Amount.ENERGY, Amount.BUFFER)


def _tensors(segment: tuple[Einsum, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_named(segment)))


def _named(segment: tuple[Einsum, ...]) -> Iterator[str]:
    for einsum in segment:
        yield from einsum.tensors


def total_cost(groups: tuple[FusedGroup, ...]) -> Cost:
    """The cost of groups one after another."""
    return reduce(lambda sum_, group: sum_ + group.cost, groups, Cost(0.0, 0.0, 0.0))
