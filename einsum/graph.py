"""The dependence graph of a cascade, its recurrences and a sequential order of its Einsums."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeAlias

import networkx as nx

from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError
from einsum.expression import Access, Expression, Number, Symbol, Variable
from einsum.indices import dimensions, offset

Graph: TypeAlias = "nx.MultiDiGraph[str]"

# Their number grows exponentially; one is enough for the message.
_MAX_CYCLES = 1000


def dependence_graph(cascade: Cascade) -> Graph:
    """One node per Einsum (by `Einsum.name`), one edge per read, from producer to consumer.

    A node has the attribute `einsum`. An edge has:

    - `tensor` and `access`: what is read and how;
    - `distance`: by variable, how many iterations lie between writing and reading. Reading
      `RM[m1]` gives `{"m1": 1}`, as `RM[m1 + 1]` is what is written; zero distances are left out;
    - `initial`, `final`: is only coordinate 0, or only the last one (`RM[M1]`), read?

    `RM[m1]` reads the initial value too (where m1 is 0), so there is an edge from `RM.init`.
    """
    graph: Graph = nx.MultiDiGraph()
    writers: dict[str, list[Einsum]] = {}
    for einsum in cascade.einsums:
        graph.add_node(einsum.name, einsum=einsum)
        writers.setdefault(einsum.tensor, []).append(einsum)
    for consumer in cascade.einsums:
        for access in consumer.inputs:
            for producer in writers.get(access.tensor, ()):
                for read in _reads(cascade, producer, access):
                    graph.add_edge(
                        producer.name, consumer.name, tensor=access.tensor, access=access, **read
                    )
    return graph


def order(cascade: Cascade) -> tuple[Einsum, ...]:
    """The Einsums so that each comes after those it reads, in textual order where that is free.

    The members of a recurrence are adjacent; within one iteration each comes after those whose
    value of that iteration it reads. Raises `SpecError` naming a cycle that no iterative rank
    carries.
    """
    graph = dependence_graph(cascade)
    return tuple(graph.nodes[name]["einsum"] for name in _sorted(cascade, graph))


def recurrences(cascade: Cascade) -> tuple[tuple[str, ...], ...]:
    """The Einsums that depend on themselves, one tuple of names per recurrence, in `order`."""
    graph = dependence_graph(cascade)
    position = {einsum.name: i for i, einsum in enumerate(order(cascade))}
    cyclic = (
        tuple(sorted(component, key=position.__getitem__))
        for component in components(cascade, graph)
        if is_cyclic(component)
    )
    return tuple(sorted(cyclic, key=lambda members: position[members[0]]))


def iterative_index(cascade: Cascade, access: Access) -> Expression | None:
    """The index of `access` along its tensor's iterative rank; None where there is no such rank.

    Where partitions are joined or split at that rank it is the first index there.
    """
    step = cascade.producer(access.tensor)
    if step is None:
        return None
    place = next((i for i, part in enumerate(step.output.indices) if _is_written_ahead(part)), -1)
    return _index_at(cascade, access, place)[0] if place >= 0 else None


def _is_written_ahead(index: Expression) -> bool:
    return (written := offset(index)) is not None and written[1] > 0


def _index_at(cascade: Cascade, access: Access, place: int) -> tuple[Expression, bool]:
    """The index that covers rank number `place`, and whether it covers just that one."""
    tensor_ranks = cascade.tensor(access.tensor).ranks
    covered = 0
    for dimension in dimensions(access, tensor_ranks, cascade.ranks) or ():
        covered += len(dimension.ranks)
        if covered > place:
            return dimension.indices[0], len(dimension.ranks) == len(dimension.indices) == 1
    raise AssertionError(f"{access} does not fit its tensor, which check() makes sure of")


def _reads(cascade: Cascade, producer: Einsum, access: Access) -> Iterator[dict[str, Any]]:
    """The attributes of the edge by which `access` depends on `producer`, if it does."""
    index = iterative_index(cascade, access)
    match index:
        case None:
            yield {"distance": {}, "initial": False, "final": False}
        case Number():
            if producer.is_initial:
                yield {"distance": {}, "initial": True, "final": False}
        case Symbol():
            if not producer.is_initial:
                yield {"distance": {}, "initial": False, "final": True}
        case _:
            name, read = offset(index) or ("", 0)
            if producer.is_initial and read > 0:
                return
            distance = {} if producer.is_initial or read > 0 else {name: 1}
            yield {"distance": distance, "initial": False, "final": False}


def components(cascade: Cascade, graph: Graph) -> Iterator[Graph]:
    """The strongly connected parts of `graph`, each after those that it depends on."""
    text = {einsum.name: i for i, einsum in enumerate(cascade.einsums)}
    condensed = nx.condensation(graph)
    members: dict[int, set[str]] = {node: condensed.nodes[node]["members"] for node in condensed}
    for component in nx.lexicographical_topological_sort(
        condensed, key=lambda node: min(text[name] for name in members[node])
    ):
        yield graph.subgraph(members[component])


def is_cyclic(component: Graph) -> bool:
    """Does an Einsum of a strongly connected part depend on itself?"""
    return len(component) > 1 or any(component.has_edge(name, name) for name in component)


def one_iteration(cascade: Cascade, component: Graph) -> tuple[str, Graph]:
    """The variable of the loop that `component` needs, and the dependences inside one iteration.

    Raises `SpecError` naming a cycle if no loop carries `component`.
    """
    carried = _carried(cascade, component)
    if not carried:
        raise _cyclic(cascade, component)
    (variable,) = component.edges[carried[0]]["distance"]
    rest = component.copy()
    for edge in carried:
        rest.remove_edge(*edge)
    return variable, rest


def _sorted(cascade: Cascade, graph: Graph) -> Iterator[str]:
    """The nodes in order; inside a component, in the order of one iteration of its loop."""
    for component in components(cascade, graph):
        if is_cyclic(component):
            yield from _sorted(cascade, one_iteration(cascade, component)[1])
        else:
            yield from component


def _carried(cascade: Cascade, component: Graph) -> list[tuple[str, str, int]]:
    """The edges that the loop over some variable carries; none if no loop does.

    As in the algorithm of Allen and Kennedy (ACM TOPLAS 9(4), 1987, procedure codegen): a loop that
    contains every Einsum of a cycle, and within which no value is needed before its iteration,
    carries the dependences of positive distance. What is left belongs to one iteration.
    """
    first = next(einsum for einsum in cascade.einsums if einsum.name in component)
    for variable in first.output_variables:
        # Each member is the producer of an edge, so this also asks whether the loop contains it.
        if all(
            _is_aligned(cascade, component.nodes[source]["einsum"], variable, data["access"])
            for source, _, data in component.edges(data=True)
        ):
            carried = [
                (source, target, key)
                for source, target, key, data in component.edges(keys=True, data=True)
                if data["distance"].get(variable, 0) > 0
            ]
            if carried:
                return carried
    return []


def _is_aligned(cascade: Cascade, producer: Einsum, variable: str, access: Access) -> bool:
    """Does `access` read what `producer` wrote in this iteration of `variable` or before?

    False also for a producer outside the loop over `variable`.
    """
    for place, written in enumerate(producer.output.indices):
        if (target := offset(written)) and target[0] == variable:
            read, alone = _index_at(cascade, access, place)
            if alone:
                source = offset(read)
                return source is not None and source[0] == variable and source[1] <= target[1]
            # Joined partitions read by `m`, which follows from the loop over m1.
            parent = cascade.declared(cascade.rank_of_variable[variable]).lower()
            return read == Variable(parent)
    return False


def _cyclic(cascade: Cascade, component: Graph) -> SpecError:
    """The error for a component that no loop carries; it names a shortest cycle at fault."""
    text = [einsum.name for einsum in cascade.einsums]
    cycles = list(islice(nx.simple_cycles(component), _MAX_CYCLES))
    at_fault = [c for c in cycles if not _carried(cascade, component.subgraph(c))] or cycles
    turned = (_from_first(cycle, text) for cycle in at_fault)
    cycle = min(turned, key=lambda names: (len(names), [text.index(name) for name in names]))
    (closing, *_) = component.get_edge_data(cycle[-1], cycle[0]).values()
    return SpecError(
        f"the cascade is cyclic: {' -> '.join([*cycle, cycle[0]])}",
        rule="a tensor may depend on itself only through the previous iteration, "
        "T[m + 1] = ... T[m] ..., with all that lies between inside the same loop over m",
        span=closing["access"].span,
    )


def _from_first(cycle: list[str], text: list[str]) -> list[str]:
    """The cycle, turned so that it starts at the Einsum that stands first in the text."""
    first = min(range(len(cycle)), key=lambda i: text.index(cycle[i]))
    return cycle[first:] + cycle[:first]
