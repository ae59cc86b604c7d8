"""Divisions by one value for many, made one reciprocal and as many products.

`AV[f, p] = RNV[f, p] / RD[p]` becomes `RDI[p] = reciprocal(RD[p])` and
`AV[f, p] = RNV[f, p] * RDI[p]`: what a unit without a divider does.
"""

from __future__ import annotations

from dataclasses import replace

from archsim.architecture import Architecture
from archsim.mapping import Branches, Compute, For, Hold, Nest, Node, Phase, Spread
from archsim.mapping import Mapping as LoopMapping
from einsum.cascade import Cascade, Einsum, Role, Tensor
from einsum.expression import Access, Call, Variable, variables
from einsum.shapes import Shapes


def reciprocals(
    cascade: Cascade, mapping: LoopMapping, architecture: Architecture, shapes: Shapes
) -> tuple[Cascade, LoopMapping]:
    """`cascade` and `mapping` with such divisions replaced on units that have no `div`.

    The reciprocal is computed on the same unit right before, once for each tile of what the
    unit is spread over, and held in the unit's own memory. Equal values if there is none.
    """
    for compute in mapping.computes:
        unit = architecture.unit(compute.unit)
        einsum = cascade.producer(compute.einsum)
        has_divider = any(one.name == "div" for one in unit.operations)
        match einsum:
            case Einsum(
                expression=Call("div", (Access(), Access() as divisor)), reductions=(), condition=()
            ) if not has_divider and set(variables(divisor)) < set(einsum.variables):
                names = {one.name for one in cascade.tensors}
                name = next(n for n in _names(divisor.tensor) if n not in names)
                cascade = _split(cascade, einsum, divisor, name)
                mapping = _placed(mapping, compute, name, unit.memory, architecture, shapes)
            case _:
                pass
    return cascade, mapping


def _names(tensor: str) -> tuple[str, ...]:
    return tuple(f"{tensor}I{number or ''}" for number in range(100))


def _split(cascade: Cascade, division: Einsum, divisor: Access, name: str) -> Cascade:
    kept = variables(divisor)
    ranks = tuple(cascade.rank_of_variable[one] for one in kept)
    inverse = Access(name, tuple(Variable(one) for one in kept))
    dividend = division.expression.arguments[0] if isinstance(division.expression, Call) else None
    assert dividend is not None, "only a division is split"
    new = (
        Einsum(inverse, Call("reciprocal", (divisor,))),
        replace(division, expression=Call("mul", (dividend, inverse))),
    )
    einsums = tuple(part for e in cascade.einsums for part in (new if e == division else (e,)))
    own = Tensor(name, ranks, Role.INTERMEDIATE, cascade.tensor(divisor.tensor).format)
    at = next(i for i, tensor in enumerate(cascade.tensors) if tensor.name == division.tensor)
    return Cascade(
        f"{cascade.name} with reciprocals",
        cascade.ranks,
        (*cascade.tensors[:at], own, *cascade.tensors[at:]),
        einsums,
        cascade.shape,
        cascade.constants,
    )


def _placed(
    mapping: LoopMapping,
    division: Compute,
    name: str,
    memory: str,
    architecture: Architecture,
    shapes: Shapes,
) -> LoopMapping:
    def nest(nodes: Nest) -> Nest:
        if nodes and nodes[-1] == division:
            spread = tuple(node for node in nodes if isinstance(node, Spread))
            loops = (
                For(one.variable, min(architecture.dim_size(one.dim), shapes.size(rank)))
                for one in spread
                for rank in (one.variable.upper(),)
            )
            both = Branches(((*spread, Compute(name, division.unit)), (*spread, division)))
            around = tuple(node for node in nodes[:-1] if not isinstance(node, Spread))
            return (*around, *loops, Hold((name,), memory), both)
        return tuple(map(inside, nodes))

    def inside(node: Node) -> Node:
        return Branches(tuple(map(nest, node.nests))) if isinstance(node, Branches) else node

    def phase(own: Phase) -> Phase:
        if division.einsum not in own.einsums:
            return own
        return replace(own, einsums=(*own.einsums, name))

    return replace(
        mapping,
        groups=tuple(
            replace(group, nest=nest(group.nest), phases=tuple(map(phase, group.phases)))
            for group in mapping.groups
        ),
    )
