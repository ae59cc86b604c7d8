"""Products that are only added to something, made one multiply-add with that sum.

`SPD = PRM * RD; RD' = SPD + SLD` becomes `RD' = PRM * RD + SLD`: the product is not stored, and a
unit with a multiplier-accumulator takes one operation where it took two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archsim.mapping import Branches, Compute, Group, Hold, Nest, Node, Phase
from archsim.mapping import Mapping as LoopMapping
from einsum.cascade import Cascade, Einsum, Role
from einsum.expression import Access, Call, Expression


def multiply_adds(
    cascade: Cascade, mapping: LoopMapping, unit: str
) -> tuple[Cascade, LoopMapping] | None:
    """`cascade` and `mapping` with all such products on `unit` fused; None if there are none.

    A product is fused if both Einsums run on `unit`, nothing else reads it, neither reduces
    nor has a condition, and it is read where it was written.
    """
    placed = {compute.einsum for compute in mapping.computes if compute.unit == unit}
    found = {
        product.tensor: total.tensor
        for product, total in _pairs(cascade)
        if {product.name, total.name} <= placed
    }
    if not found:
        return None
    products = {name: cascade.producer(name) for name in found}
    einsums = tuple(
        replace(e, expression=_substituted(e.expression, products))
        if e.tensor in found.values()
        else e
        for e in cascade.einsums
        if e.tensor not in found
    )
    fused = Cascade(
        f"{cascade.name} with multiply-adds on {unit}",
        cascade.ranks,
        tuple(tensor for tensor in cascade.tensors if tensor.name not in found),
        einsums,
        cascade.shape,
        cascade.constants,
    )
    groups = tuple(_without(group, frozenset(found)) for group in mapping.groups)
    return fused, replace(mapping, groups=groups)


def _pairs(cascade: Cascade) -> Iterator[tuple[Einsum, Einsum]]:
    for total in cascade.steps:
        match total:
            case Einsum(expression=Call("add", parts), reductions=(), condition=()):
                for part in parts:
                    product = cascade.producer(part.tensor) if isinstance(part, Access) else None
                    if product is not None and _fusible(product, part, cascade):
                        yield product, total
                        break  # one multiply-add multiplies once


def _fusible(product: Einsum, read: Expression, cascade: Cascade) -> bool:
    readers = sum(a.tensor == product.tensor for e in cascade.einsums for a in e.inputs)
    return (
        isinstance(product.expression, Call)
        and product.expression.operator == "mul"
        and not product.reductions
        and not product.condition
        and readers == 1
        and product.output == read
        and cascade.tensor(product.tensor).role is Role.INTERMEDIATE
    )


def _substituted(expression: Expression, products: dict[str, Einsum | None]) -> Expression:
    match expression:
        case Access(tensor=name) if (product := products.get(name)) is not None:
            return product.expression
        case Call(operator, parts):
            return Call(operator, tuple(_substituted(part, products) for part in parts))
        case _:
            return expression


def _without(group: Group, gone: frozenset[str]) -> Group:
    phases = tuple(
        Phase(
            tuple(name for name in phase.einsums if name not in gone),
            "" if phase.bubble in gone else phase.bubble,
            phase.bubble_factor,
        )
        for phase in group.phases
    )
    return replace(group, nest=tuple(_pruned(group.nest, gone)), phases=phases)


def _pruned(nest: Nest, gone: frozenset[str]) -> Iterator[Node]:
    for node in nest:
        match node:
            case Hold(tensors=tensors):
                kept = tuple(name for name in tensors if name not in gone)
                if kept:
                    yield replace(node, tensors=kept)
            case Branches(nests):
                branches = tuple(tuple(_pruned(branch, gone)) for branch in nests)
                yield Branches(tuple(b for b in branches if _computes(b)))
            case Compute(einsum=name) if name in gone:
                return
            case _:
                yield node


def _computes(nest: Nest) -> bool:
    return any(
        isinstance(node, Compute)
        or (isinstance(node, Branches) and any(map(_computes, node.nests)))
        for node in nest
    )
