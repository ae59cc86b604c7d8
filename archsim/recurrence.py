"""RecMII: the initiation interval that values carried from tile step to tile step force."""

from __future__ import annotations

from archsim.task_graph import Dependence, TaskGraph
from einsum.errors import SpecError


def rec_mii(graph: TaskGraph) -> tuple[int, tuple[str, ...]]:
    """The least interval at which no recurrence is late, and the Einsums of the one that limits.

    Of every cycle of dependences the lags may sum up to at most its distances times the
    interval (Rau, 1994). 0 and no names if there is no recurrence. Raises `SpecError` for a cycle
    without distance: a tile step that waits for itself.
    """
    edges = tuple(edge for edge in graph.dependences if not _inside(graph, edge))
    upper = 1 + sum(max(0, graph.lag(edge)) for edge in edges)
    endless = _late_cycle(graph, edges, upper)
    if endless:
        raise SpecError(
            f"a tile step waits for itself: {' -> '.join((*endless, endless[0]))}",
            rule="map the iterative rank so that one loop around all of these steps through it "
            "one by one",
        )
    low, limiting = 0, _late_cycle(graph, edges, 0)
    if not limiting:
        return 0, ()
    while upper - low > 1:
        middle = (low + upper) // 2
        cycle = _late_cycle(graph, edges, middle)
        low, upper = (middle, upper) if cycle else (low, middle)
        limiting = cycle or limiting
    return upper, limiting


def _inside(graph: TaskGraph, edge: Dependence) -> bool:
    """Does the task itself take care of this dependence?"""
    return graph.task_of[edge.source] == graph.task_of[edge.target] and edge.distance == 0


def _late_cycle(graph: TaskGraph, edges: tuple[Dependence, ...], ii: int) -> tuple[str, ...]:
    """The Einsums of a cycle whose lags exceed `ii` times its distances; none if there is none.

    Bellman-Ford for longest paths: what still grows after as many rounds as there are tasks
    hangs on such a cycle.
    """
    longest = [0] * len(graph.tasks)
    through: list[Dependence | None] = [None] * len(graph.tasks)
    grown = -1
    for _ in range(len(graph.tasks) + 1):
        grown = -1
        for edge in edges:
            source, target = graph.task_of[edge.source], graph.task_of[edge.target]
            reached = longest[source] + graph.lag(edge) - ii * edge.distance
            if reached > longest[target]:
                longest[target], through[target], grown = reached, edge, target
        if grown < 0:
            return ()
    for _ in graph.tasks:  # walk back far enough to stand on the cycle
        grown = _source(graph, through[grown])
    names, at = [], grown
    while True:
        names.append(_reached(through[at]).target)
        at = _source(graph, through[at])
        if at == grown:
            return tuple(reversed(names))


def _source(graph: TaskGraph, edge: Dependence | None) -> int:
    return graph.task_of[_reached(edge).source]


def _reached(edge: Dependence | None) -> Dependence:
    assert edge is not None, "what grew in the last round was reached from another task"
    return edge
