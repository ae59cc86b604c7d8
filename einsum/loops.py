"""A cascade as vector statements and the loops that its recurrences force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from einsum.cascade import Cascade, Einsum
from einsum.graph import Graph, components, dependence_graph, is_cyclic, one_iteration


@dataclass(frozen=True, slots=True)
class Loop:
    """`body` once for every value of `variable`, in ascending order."""

    variable: str
    body: tuple[Statement, ...]


Statement: TypeAlias = "Einsum | Loop"


def loops(cascade: Cascade) -> tuple[Statement, ...]:
    """The Einsums in an order of dependence, those of a recurrence inside of a loop.

    Loop distribution after Allen and Kennedy (ACM TOPLAS 9(4), 1987, procedure codegen): every
    strongly connected component of the dependence graph becomes a loop over the variable that
    carries it, and without the dependences that the loop carries its body is distributed again.
    An Einsum outside of all loops is one array operation.
    """
    return _statements(cascade, dependence_graph(cascade))


def _statements(cascade: Cascade, graph: Graph) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for component in components(cascade, graph):
        if is_cyclic(component):
            variable, rest = one_iteration(cascade, component)
            found.append(Loop(variable, _statements(cascade, rest)))
        else:
            found += (data["einsum"] for _, data in component.nodes(data=True))
    return tuple(found)
