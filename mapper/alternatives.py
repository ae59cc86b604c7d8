"""The neighbours of a mapping: what it would be with one choice made otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archsim.mapping import Branches, For, Group, Hold, Mapping, Nest, Node
from archsim.mapping import nodes as all_nodes


@dataclass(frozen=True, slots=True)
class Alternative:
    """A mapping, and in words how it differs."""

    change: str
    mapping: Mapping


def alternatives(mapping: Mapping) -> Iterator[Alternative]:
    """Every mapping with one tensor not held, two loops exchanged, or one tile of another size.

    They need not be legal, nor fit: the evaluation says why they are not.
    """
    for number, group in enumerate(mapping.groups):
        for change, nest in _changed(group.nest):
            groups = list(mapping.groups)
            groups[number] = replace(group, nest=nest)
            yield Alternative(change, Mapping(mapping.name, tuple(groups)))


def cut(mapping: Mapping) -> Iterator[Alternative]:
    """Every mapping in which the first Einsums of a fused group are a group of their own.

    Tensors that both parts use are not held on chip then: they go through the root memory.
    """
    for number, group in enumerate(mapping.groups):
        names = [node.einsum for node in all_nodes(group.nest) if hasattr(node, "einsum")]
        for place in range(1, len(names)):
            parts = [
                Group(_only(group.nest, frozenset(some)), group.policy)
                for some in (names[:place], names[place:])
            ]
            groups = (*mapping.groups[:number], *parts, *mapping.groups[number + 1 :])
            change = f"{names[place - 1]} and {names[place]} not fused"
            yield Alternative(change, Mapping(mapping.name, groups))


def _changed(nest: Nest) -> Iterator[tuple[str, Nest]]:
    for place, node in enumerate(nest):
        for change, instead in _otherwise(node):
            yield change, (*nest[:place], *instead, *nest[place + 1 :])
        match nest[place : place + 2]:
            case (For(outer), For(inner)) if outer != inner:
                swapped = (nest[place + 1], node)
                change = f"loop over {inner} outside of {outer}"
                yield change, (*nest[:place], *swapped, *nest[place + 2 :])
            case _:
                pass


def _otherwise(node: Node) -> Iterator[tuple[str, Nest]]:
    match node:
        case Hold(tensors, memory):
            for tensor in tensors:
                rest = tuple(name for name in tensors if name != tensor)
                kept = (replace(node, tensors=rest),) if rest else ()
                yield f"{tensor} not held in {memory}", kept
        case For(variable, int(tile)):
            yield (
                f"tile of {variable} {tile * 2} in place of {tile}",
                (replace(node, tile=tile * 2),),
            )
            if tile > 1:
                half = tile // 2
                yield f"tile of {variable} {half} in place of {tile}", (replace(node, tile=half),)
        case Branches(nests):
            for number, branch in enumerate(nests):
                for change, nest in _changed(branch):
                    yield change, (Branches((*nests[:number], nest, *nests[number + 1 :])),)
        case _:
            pass


def _only(nest: Nest, names: frozenset[str]) -> Nest:
    """The nest of some of the Einsums."""
    kept: list[Node] = []
    for node in nest:
        match node:
            case Branches(nests):
                some = [_only(branch, names) for branch in nests if _computes(branch, names)]
                kept.extend(some[0] if len(some) == 1 else [Branches(tuple(some))])
            case _:
                kept.append(node)
    return tuple(kept)


def _computes(nest: Nest, names: frozenset[str]) -> bool:
    return any(getattr(node, "einsum", None) in names for node in all_nodes(nest))
