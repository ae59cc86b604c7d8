"""Dealt loops: independent tasks that the instances along a dimension take in waves."""

from __future__ import annotations

from collections.abc import Mapping

from archsim.amounts import ONE, Array, maximum
from archsim.architecture import Architecture
from archsim.nest import Leaf
from einsum.cascade import Cascade
from einsum.errors import SpecError


def slowed(
    memory_s: Mapping[str, Array], leaves: tuple[Leaf, ...], architecture: Architecture
) -> dict[str, Array]:
    """Times of ports, longer where instances of a memory stand idle in the last wave."""
    found = dict(memory_s)
    dealt = [leaf for leaf in leaves if leaf.dealt]
    if not dealt:
        return found
    for port in memory_s:
        memory = port.partition(".")[0]
        dims = architecture.instance_dims(memory)
        factors = [
            leaf.idle_factor for leaf in dealt if any(step.dealt in dims for step in leaf.dealt)
        ]
        slowest = ONE
        for factor in factors:
            slowest = maximum(slowest, factor)
        found[port] = found[port] * slowest
    return found


def check_dealt(leaf: Leaf, cascade: Cascade, architecture: Architecture) -> None:
    """Tasks are independent, and dealt before anything else.

    Raises `SpecError` for a dealt loop inside another one, over a dimension that the unit is not
    below, over several dimensions, and along a rank that is summed or runs step by step.
    """
    if not leaf.dealt:
        return
    valid = architecture.dims_above(leaf.unit)
    reduced = set(leaf.einsum.reduced_variables)
    running = set(cascade.iterative_variables(leaf.einsum.tensor))
    for position, step in enumerate(leaf.steps):
        if not step.dealt or not step.turns:
            continue
        if step.dealt not in valid:
            raise SpecError(
                f"{leaf.einsum.name} is dealt over {step.dealt}, but {leaf.unit} computes it",
                rule=f"its dimensions are {', '.join(valid)}",
            )
        if any(before.dealt != step.dealt for before in leaf.steps[:position] if before.turns):
            raise SpecError(
                f"the loop over {step.variable} is dealt over {step.dealt} inside another one",
                rule="the loops that are dealt are the outermost, all over one dimension",
            )
        if step.variable in reduced | running:
            raise SpecError(
                f"{leaf.einsum.name} is dealt over {step.variable}, along which its values "
                "depend on each other",
                rule="loop over it inside a task, or split the rank and combine in another group",
            )
