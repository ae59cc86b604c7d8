"""Cascades of attention under a mask, from those without."""

from __future__ import annotations

from dataclasses import replace

from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError
from einsum.expression import Call, Comparison, Symbol, Variable


def causal(cascade: Cascade) -> Cascade:
    """`cascade` where query p sees the keys m <= p only.

    >>> from workloads.library import load_cascade
    >>> str(causal(load_cascade("attention/stable")).einsums[0].condition[0].relation)
    '<='

    Every Einsum that multiplies queries by keys takes the condition, and passes it on to what is
    computed from its scores. What is reduced over one tile of keys is absent for hidden tiles,
    unless a running value needs it. Raises `SpecError` if there is none, or if it has a condition.
    """
    hidden = Comparison(Variable("m"), "<=", Variable("p"))
    scores = [einsum for einsum in cascade.einsums if _is_scores(einsum, cascade)]
    if not scores:
        raise SpecError(
            f"{cascade.name} has no scores to mask",
            rule="a causal mask is for an Einsum over the ranks M and P that multiplies two inputs",
        )
    for einsum in scores:
        if einsum.condition:
            raise SpecError(
                f"{einsum.name} of {cascade.name} has a condition already",
                rule="take a cascade without one",
            )
    return replace(
        cascade,
        name=f"{cascade.name}, causal",
        einsums=tuple(
            replace(einsum, condition=(hidden,))
            if einsum in scores
            else replace(einsum, condition=(*einsum.condition, *_hidden_tile(einsum, cascade)))
            for einsum in cascade.einsums
        ),
    )


def _hidden_tile(einsum: Einsum, cascade: Cascade) -> tuple[Comparison, ...]:
    """`m1 * M0 <= p` for the reduction of a tile of keys in a cascade without running values."""
    if any(cascade.iterative_variables(tensor.name) for tensor in cascade.tensors):
        return ()
    parts = next((rank.partitions for rank in cascade.ranks if rank.name == "M"), ())
    if len(parts) != 2 or parts[1].lower() not in einsum.reduced_variables:
        return ()
    outer = parts[0].lower()
    if not {outer, "p"} <= set(einsum.output_variables):
        return ()
    first = Call("mul", (Variable(outer), Symbol(parts[1])))
    return (Comparison(first, "<=", Variable("p")),)


def _is_scores(einsum: Einsum, cascade: Cascade) -> bool:
    ranks = {cascade.declared(cascade.rank_of_variable[v]) for v in einsum.output_variables}
    inputs = {tensor.name for tensor in cascade.inputs}
    read = {access.tensor for access in einsum.inputs}
    return {"M", "P"} <= ranks and len(read & inputs) == 2
