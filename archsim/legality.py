"""What a mapping may not do: the rules that make its loops compute the cascade.

The closed forms count the steps of any nest; these rules say whether they are steps of the
cascade at all. Checked once, for the mapping that is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from archsim.architecture import Architecture
from archsim.dealing import check_dealt
from archsim.mapping import Compute, For, Group, Hold, Mapping, Policy, nodes
from archsim.nest import Leaf, shared_steps
from archsim.place import home
from archsim.tiles import Reaches
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError, choices
from einsum.expression import Access, Symbol, variables
from einsum.indices import offset


def check_nodes(mapping: Mapping, cascade: Cascade, architecture: Architecture) -> None:
    """Names, sizes and phases. Raises `SpecError` at the first rule that is broken."""
    tensors = [tensor.name for tensor in cascade.tensors]
    for group in mapping.groups:
        for node in nodes(group.nest):
            match node:
                case For(tile=int(tile)) if tile < 1:
                    raise SpecError(
                        f"the tile of {node.variable} is {tile}", rule="a tile is at least 1"
                    )
                case Hold():
                    _check_hold(node, tensors, architecture)
                case _:
                    pass
        check_phases(group)


def check_phases(group: Group) -> None:
    """In a paper schedule every Einsum of the group stands in one phase."""
    if not group.phases and group.policy is not Policy.PAPER:
        return
    own = [node.einsum for node in nodes(group.nest) if isinstance(node, Compute)]
    phased = [name for phase in group.phases for name in phase.einsums]
    for name in (*phased, *(phase.bubble for phase in group.phases if phase.bubble)):
        if name not in own:
            raise SpecError(
                f"a phase names {name}, which its group does not compute",
                rule=choices(name, own),
            )
    if group.policy is Policy.PAPER and sorted(phased) != sorted(own):
        odd = next(name for name in own if phased.count(name) != 1)
        raise SpecError(
            f"{odd} stands in {phased.count(odd)} phases of its group",
            rule="in a paper schedule every Einsum stands in one phase",
        )


def _check_hold(hold: Hold, tensors: list[str], architecture: Architecture) -> None:
    memory = architecture.memory(hold.memory)
    for tensor in hold.tensors:
        if tensor not in tensors:
            raise SpecError(
                f"the mapping holds {tensor}, which the cascade does not have",
                rule=choices(tensor, tensors),
            )
        if not memory.holds(tensor):
            allowed = [name for name in tensors if memory.holds(name)]
            raise SpecError(
                f"{tensor} may not be held in {memory.name}",
                rule=f"{memory.name} of {architecture.name} takes {', '.join(allowed) or 'none'}",
            )
    if not 0 <= hold.spilled <= 1 or hold.copies < 1:
        raise SpecError(
            f"the hold of {', '.join(hold.tensors)} has {hold.copies} copies and spills "
            f"{hold.spilled:g}",
            rule="there is at least one copy, and a share from 0 to 1 is spilled",
        )


def check_loops(leaves: tuple[Leaf, ...], reaches: Reaches, architecture: Architecture) -> None:
    """The loops above every Einsum. Raises `SpecError` at the first rule that is broken."""
    cascade = reaches.shapes.cascade
    for leaf in leaves:
        _check_spreads(leaf, architecture)
        _check_holds(leaf, architecture)
        _check_repeats(leaf, cascade)
        check_dealt(leaf, cascade, architecture)
    order = {leaf.einsum.tensor: number for number, leaf in enumerate(leaves)}
    for number, reader in enumerate(leaves):
        for access in reader.einsum.inputs:
            made = order.get(access.tensor, number)
            if made != number:
                _check_written(leaves[made], reader, access, made > number, cascade)
    for leaf in leaves:
        _check_sums(leaf, leaves, cascade, architecture)


def _check_spreads(leaf: Leaf, architecture: Architecture) -> None:
    valid = architecture.dims_above(leaf.unit)
    for step in leaf.spatial:
        if step.dim not in valid:
            raise SpecError(
                f"{leaf.einsum.name} is spread over {step.dim}, but {leaf.unit} computes it",
                rule=choices(step.dim, valid),
            )


def _check_holds(leaf: Leaf, architecture: Architecture) -> None:
    for held in leaf.holds:
        name = held.hold.memory
        dims = architecture.instance_dims(name)
        for step in leaf.steps[: held.depth]:
            if step.dim and step.dim not in dims and step.turns:
                raise SpecError(
                    f"{', '.join(held.hold.tensors)} is held in {name} under a loop that is "
                    f"spread over {step.dim}, all of which share one {name}",
                    rule=f"hold it above that loop, or below {name}",
                )
    for tensor in leaf.tensors:
        for outer, inner in combinations((held.hold.memory for held in leaf.hold_of(tensor)), 2):
            if inner != outer and inner in _above(outer, architecture):
                raise SpecError(
                    f"{tensor} is held in {inner} inside a hold in {outer}, which is below it",
                    rule="from the outermost hold inwards, memories come nearer to the unit",
                )


def _above(memory: str, architecture: Architecture) -> Iterator[str]:
    parent = architecture.memory(memory).parent
    while parent is not None:
        yield parent
        parent = architecture.memory(parent).parent


def _check_repeats(leaf: Leaf, cascade: Cascade) -> None:
    """An Einsum that is computed again must be computed again as a whole."""
    steps = cascade.iterative_variables(leaf.einsum.tensor)
    ordered = {*leaf.einsum.reduced_variables, *steps}
    outer = ""
    for step in leaf.steps:
        many = step.turns
        if many and step.variable in ordered and not step.dim:
            outer = step.variable
        if many and step.variable not in leaf.einsum.variables and outer:
            raise SpecError(
                f"{leaf.einsum.name} has no {step.variable}, but the mapping repeats it for every "
                f"{step.variable} inside its loop over {outer}",
                rule=f"it would take the same value in again: compute it outside the loop over "
                f"{step.variable}, or put that outside the loop over {outer}",
            )
        if many and step.dim and step.variable in steps:
            raise SpecError(
                f"{leaf.einsum.name} is spread over {step.variable}, along which each of its "
                "values needs the one before",
                rule="loop over it in time",
            )


def _check_written(
    writer: Leaf, reader: Leaf, access: Access, later: bool, cascade: Cascade
) -> None:
    """A tensor is read after it is complete: not before (`later`), and not while it is summed."""
    tensor = access.tensor
    together = shared_steps(writer, reader)
    steps = set(cascade.iterative_variables(tensor))
    indexed = _indexed(access) if steps else set[str]()
    streamed = bool(steps & indexed) and not any(
        step.variable in steps and step.turns
        for leaf in (writer, reader)
        for step in leaf.steps[together:]
    )
    if streamed and not _reads_latest(access, writer.einsum):
        return  # the value of the step before
    if later:
        raise SpecError(
            f"{reader.einsum.name} reads {tensor} before the mapping computes it",
            rule=f"compute {tensor} in an earlier group or branch",
        )
    growing = {*writer.einsum.reduced_variables, *(steps - indexed)}
    for step in writer.steps[:together]:
        if step.variable in growing and step.turns:
            raise SpecError(
                f"{reader.einsum.name} reads {tensor} inside the loop over {step.variable} that "
                f"{tensor} is not complete before the end of",
                rule=f"put them into branches above the loop over {step.variable}",
            )


def _indexed(access: Access) -> set[str]:
    """The variables of an access, where it is not at the end of a rank (`RD[M1, p]`)."""
    return {
        name
        for index in access.indices
        if not isinstance(index, Symbol)
        for name in variables(index)
    }


def _reads_latest(access: Access, writer: Einsum) -> bool:
    """Does it read what the same step writes: `RM[m1 + 1]`?"""
    return any(
        written == read
        for written, read in zip(
            map(offset, writer.output.indices), map(offset, access.indices), strict=False
        )
        if written is not None and written[1] > 0
    )


def _check_sums(
    leaf: Leaf, leaves: tuple[Leaf, ...], cascade: Cascade, architecture: Architecture
) -> None:
    """PEs that add to one result meet in a memory that they share."""
    lives = home(leaf.einsum.tensor, leaves, cascade)
    if lives is None or architecture.memory(lives.hold.memory).per_unit != leaf.unit:
        return
    for step in leaf.spatial:
        if step.variable in leaf.einsum.reduced_variables and step.turns:
            raise SpecError(
                f"{leaf.einsum.name} is summed over {step.dim}, but only held in "
                f"{lives.hold.memory}, which each PE has for itself",
                rule=f"hold {leaf.einsum.tensor} in a memory that they share",
            )
