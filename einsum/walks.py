"""How the Einsums of a cascade walk the tensors that they read and write.

Everything here is in innermost rank variables: with `M -> (M1, M0)`, `X[m]` and `X[m1, m0]` are
the same walk, over m1 and m0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

import networkx as nx

from einsum.cascade import Cascade, Einsum
from einsum.expression import Access, Call, Expression, Variable, variables
from einsum.graph import Graph, dependence_graph, order
from einsum.indices import Dimension, dimensions, offset


@dataclass(frozen=True, slots=True)
class Index:
    """How one dimension of a tensor is indexed.

    `position` holds the variables that name the coordinate, `window` those that only move about
    it (`r` in `I[p + r]`), `shift` a constant distance from it. An index without variables is
    `constant`.
    """

    position: tuple[str, ...] = ()
    window: tuple[str, ...] = ()
    shift: int = 0
    constant: Expression | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """An access on the right-hand side, with one index for every dimension of `tensor`."""

    tensor: str
    indices: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """An Einsum as a walk: what it iterates, writes and reads. Initial values are steps too."""

    name: str
    tensor: str
    is_initial: bool
    write: tuple[Index, ...]
    reads: tuple[Read, ...]
    variables: frozenset[str]

    @property
    def kept(self) -> frozenset[str]:
        """The variables that the output is indexed by."""
        return frozenset(name for index in self.write for name in index.position)

    def reads_of(self, tensor: str) -> tuple[Read, ...]:
        return tuple(read for read in self.reads if read.tensor == tensor)


class Age(Enum):
    """Which value of a running tensor an access reads."""

    INITIAL = auto()
    OLD = auto()  # written by an earlier iteration of the recurrence
    NEW = auto()  # written by this iteration; all values of a tensor that is not running
    FINAL = auto()  # the last one, read when the recurrence is over


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A dimension along which a tensor is a running value: `lag` is 1 for `RM[m1 + 1]`."""

    dimension: int
    variables: tuple[str, ...]
    lag: int
    initial: Expression

    def age(self, read: Read) -> Age:
        """Which value of its tensor `read` takes."""
        index = read.indices[self.dimension]
        if index.constant is not None:
            return Age.INITIAL if index.constant == self.initial else Age.FINAL
        is_old = index.position == self.variables and index.shift < self.lag
        return Age.OLD if is_old else Age.NEW


@dataclass(frozen=True)
class Walks:
    """The steps of a cascade, who produces and reads what, and the recurrences."""

    cascade: Cascade

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Producers before consumers; those of a recurrence in the order of one iteration."""
        return tuple(self._step(einsum) for einsum in order(self.cascade))

    @cached_property
    def producers(self) -> dict[str, Step]:
        """By computed tensor, the step that computes it (after its initial value)."""
        return {step.tensor: step for step in self.steps if not step.is_initial}

    @cached_property
    def initials(self) -> dict[str, Step]:
        """By iterative tensor, the step that gives its initial value."""
        return {step.tensor: step for step in self.steps if step.is_initial}

    def writers(self, tensor: str) -> tuple[Step, ...]:
        """The steps that write `tensor`: none for an input, two for an iterative tensor."""
        found = (self.producers.get(tensor), self.initials.get(tensor))
        return tuple(step for step in found if step is not None)

    @cached_property
    def consumers(self) -> dict[str, tuple[Step, ...]]:
        """By tensor, the steps that read it."""
        return {
            tensor.name: tuple(step for step in self.steps if step.reads_of(tensor.name))
            for tensor in self.cascade.tensors
        }

    @cached_property
    def recurrences(self) -> dict[str, Recurrence]:
        """By iterative tensor, the dimension along which it is one."""
        found: dict[str, Recurrence] = {}
        for einsum in filter(lambda einsum: einsum.is_initial, self.cascade.einsums):
            step = self.cascade.producer(einsum.tensor)
            assert step is not None, "the checks ask for a step beside every initial value"
            starts, indices = self._indices(einsum.output), self._indices(step.output)
            for dimension, (start, index) in enumerate(zip(starts, indices, strict=True)):
                if start.constant is not None:
                    found[einsum.tensor] = Recurrence(
                        dimension, index.position, index.shift, start.constant
                    )
        return found

    def age(self, read: Read) -> Age:
        """Which value `read` takes; NEW if the tensor is not iterative."""
        recurrence = self.recurrences.get(read.tensor)
        return Age.NEW if recurrence is None else recurrence.age(read)

    def is_carried(self, step: Step, read: Read) -> bool:
        """Does `read` close a recurrence: an old value that goes into a new one?"""
        members = self._recurrence
        return self.age(read) is Age.OLD and members[read.tensor] == members[step.name]

    def is_in_recurrence_with(self, step: Step, tensor: str) -> bool:
        """Does each of `step` and the step that writes `tensor` depend on the other?"""
        number = self._recurrence[step.name]
        return self._recurrence.get(tensor) == number and bool(self.recurrence_variables(step))

    def recurrence_variables(self, step: Step) -> frozenset[str]:
        """The variables along which `step` depends on its own result; none if it does not."""
        return self._carried[self._recurrence[step.name]]

    def follows(self, step: Step, tensor: str) -> bool:
        """Does `step` need, in one iteration, the value of `tensor` that this iteration writes?"""
        return step.name in nx.descendants(self._one_iteration, tensor)

    def leaves(self, variable: str) -> tuple[str, ...]:
        """The innermost variables that `variable` stands for: `m1, m0` for `m`."""
        rank = self.cascade.rank(self.cascade.rank_of_variable[variable])
        return tuple(part.lower() for part in rank.partitions) or (variable,)

    def leaf_ranks(self, rank: str) -> tuple[str, ...]:
        """The partitions of `rank`, or `rank` itself."""
        return self.cascade.rank(rank).partitions or (rank,)

    @cached_property
    def _graph(self) -> Graph:
        return dependence_graph(self.cascade)

    @cached_property
    def _recurrence(self) -> dict[str, int]:
        """By step, a number that it shares with those that it is in a recurrence with."""
        components = nx.strongly_connected_components(self._graph)
        return {name: number for number, names in enumerate(components) for name in names}

    @cached_property
    def _carried(self) -> dict[int, frozenset[str]]:
        """By number of a recurrence, the variables along which it carries values."""
        found = dict.fromkeys(self._recurrence.values(), frozenset[str]())
        for step in self.steps:
            for read in step.reads:
                if self.is_carried(step, read):
                    found[self._recurrence[step.name]] |= {*self.recurrences[read.tensor].variables}
        return found

    @cached_property
    def _one_iteration(self) -> nx.DiGraph[str]:
        """Which step reads which, within one iteration of every recurrence."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self._graph)
        for source, target, edge in self._graph.edges(data=True):
            if not edge["distance"] and not edge["final"]:
                graph.add_edge(source, target)
        return graph

    # From expressions to walks.

    def _step(self, einsum: Einsum) -> Step:
        return Step(
            einsum.name,
            einsum.tensor,
            einsum.is_initial,
            self._indices(einsum.output),
            tuple(Read(access.tensor, self._indices(access)) for access in einsum.inputs),
            frozenset(leaf for name in einsum.variables for leaf in self.leaves(name)),
        )

    def _indices(self, access: Access) -> tuple[Index, ...]:
        ranks = self.cascade.tensor(access.tensor).ranks
        found = dimensions(access, ranks, self.cascade.ranks)
        assert found is not None, "the checks refuse an access that does not fit its tensor"
        return tuple(index for dimension in found for index in self._per_rank(dimension))

    def _per_rank(self, dimension: Dimension) -> tuple[Index, ...]:
        if len(dimension.ranks) > 1:  # M1, M0 indexed by m: each has its own part of it
            return tuple(Index((rank.lower(),)) for rank in dimension.ranks)
        if len(dimension.indices) > 1:  # M indexed by m1, m0
            return (Index(tuple(n for index in dimension.indices for n in variables(index))),)
        return (self._index(dimension.indices[0]),)

    def _index(self, index: Expression) -> Index:
        names = variables(index)
        if not names:
            return Index(constant=index)
        leaves = {name: self.leaves(name) for name in names}
        if plain := offset(index):
            return Index(leaves[plain[0]], (), plain[1])
        if Variable(names[0]) in _terms(index):
            # A unit step along the first variable, and the others about it: a sliding window.
            window = tuple(leaf for name in names[1:] for leaf in leaves[name])
            return Index(leaves[names[0]], window)
        return Index(tuple(dict.fromkeys(leaf for name in names for leaf in leaves[name])))


def _terms(expression: Expression) -> tuple[Expression, ...]:
    """What is added up in `expression`: `p, r, 1` in `p + r - 1`."""
    match expression:
        case Call("add" | "sub", (left, right)):
            return (*_terms(left), right)
        case _:
            return (expression,)
