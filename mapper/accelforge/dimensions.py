"""Its spatial dimensions: fanouts of nodes, with what their instances share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archsim.architecture import Dim
from archsim.constraints import Constraints, Spreading
from archsim.section import Section
from einsum.cascade import Einsum
from einsum.expression import variables
from mapper.accelforge.sets import Tensors, number, tensors
from mapper.accelforge.workload import Workload


@dataclass(frozen=True, slots=True)
class Fanout:
    """A spatial dimension of `node`, where it is called `name`, with its constraints by Einsum."""

    node: str
    name: str
    dim: Dim
    spreading: Mapping[str, Spreading]


def read_fanouts(node: Section, name: str, workload: Workload) -> tuple[Fanout, ...]:
    """The dimensions of a node.

    Raises `SpecError` for a dimension that multicasts some of what its instances share and
    not the rest.
    """
    if "spatial" not in node:
        return ()
    found = []
    for part in node.listed("spatial"):
        own = part.text("name")
        size = part.scalar("fanout", lambda text: number(text, {}, {}))
        if size < 1 or size != size // 1:
            part.fail("fanout", f"a fanout of {size:g}", rule="it is a whole number of at least 1")
        least = 0.0
        if "min_usage" in part:
            least = part.scalar("min_usage", lambda text: number(text, {}, {}))
        spreading = {
            einsum: Spreading(_set(part, "reuse", sets) or frozenset(), least)
            for einsum, sets in workload.names.items()
        }
        dim = Dim(own, int(size), _multicasts(part, own, spreading, workload))
        part.done()
        found.append(Fanout(name, own, dim, spreading))
    return tuple(found)


def _multicasts(
    part: Section, name: str, spreading: Mapping[str, Spreading], workload: Workload
) -> bool:
    """Is everything that instances share sent to all of them at once? Or nothing?"""
    allowed = Constraints(spreading={(einsum, name): one for einsum, one in spreading.items()})
    at_once: set[bool] = set()
    for step in workload.cascade.steps:
        sets = workload.names[step.name]
        may = _set(part, "may_reuse", sets)
        if may is None:
            may = spreading[step.name].shared if "reuse" in part else sets["All"]
        for variable in step.variables:
            if allowed.may_spread(step, name, variable):
                at_once |= {tensor in may for tensor in _without(variable, step)}
    if at_once == {True, False}:
        part.fail("name", f"{name} may reuse only some of the tensors, which cannot be imported")
    return at_once != {False}


def _without(variable: str, einsum: Einsum) -> frozenset[str]:
    """The tensors of an Einsum that a variable does not reach."""
    reached = {
        access.tensor for access in (einsum.output, *einsum.inputs) if variable in variables(access)
    }
    return frozenset(einsum.tensors) - reached


def _set(part: Section, key: str, sets: Mapping[str, Tensors]) -> Tensors | None:
    if key not in part:
        return None
    return part.scalar(key, lambda text: tensors(text, sets))
