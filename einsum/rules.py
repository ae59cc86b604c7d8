"""The rules that a single Einsum obeys within its cascade."""

from __future__ import annotations

from einsum.cascade import Cascade, Einsum, Reduction, unknown
from einsum.declarations import check_tensor_name
from einsum.errors import Span, SpecError, choices
from einsum.expression import (
    Call,
    Expression,
    Number,
    Symbol,
    Variable,
    variables,
    walk,
)
from einsum.grammar import ALIASES, RELATIONS
from einsum.graph import iterative_index
from einsum.indices import derived_variables, offset, unlisted_variables
from einsum.operators import OPERATORS
from einsum.printer import print_expression
from einsum.references import check_index, check_value, check_variable


def check_output(cascade: Cascade, einsum: Einsum) -> None:
    """The left-hand side: every index a variable, one of them `m + 1` (or 0) if it iterates."""
    output = einsum.output
    try:
        check_tensor_name(output.tensor, ())
    except SpecError as error:
        error.span = output.span
        raise
    if output.tensor in {tensor.name for tensor in cascade.inputs}:
        raise SpecError(
            f"{output.tensor} is an input and cannot be written",
            rule="give the result a name of its own",
            span=output.span,
        )
    seen: set[str] = set()
    iterative = []
    for index in output.indices:
        _check_output_index(cascade, index)
        if not isinstance(index, Variable):
            iterative.append(index)
        for name in variables(index):
            if name in seen:
                raise SpecError(
                    f"variable {name} is repeated in {print_expression(output)}",
                    rule="each index of a tensor that is written has a variable of its own",
                    span=index.span,
                )
            seen.add(name)
    if len(iterative) > 1:
        raise SpecError(
            f"{print_expression(output)} iterates along two ranks",
            rule="a tensor is iterative along one rank",
            span=iterative[1].span,
        )


def _check_output_index(cascade: Cascade, index: Expression) -> None:
    for node in walk(index):
        if isinstance(node, Variable):
            check_variable(cascade, node)
    match index:
        case Variable() | Number(value=0):
            return
        case _ if (written := offset(index)) is not None and written[1] == 1:
            return
        case _:
            meant = (
                f"; the variable of rank {index.name} is {index.name.lower()}"
                if isinstance(index, Symbol)
                else ""
            )
            raise SpecError(
                f"a tensor cannot be written at {print_expression(index)}",
                rule="an index on the left is a rank variable m, m + 1 for the step of an "
                f"iterative rank, or 0 for its initial value{meant}",
                span=index.span,
            )


def check_right(cascade: Cascade, einsum: Einsum) -> None:
    """The expression: every name is defined and every access fits its tensor."""
    check_value(cascade, einsum.expression)
    iterated = set(einsum.variables)
    for rank in cascade.ranks:
        every = ", ".join(rank.partitions).lower()
        parts = [name.lower() for name in rank.partitions if name.lower() in iterated]
        if rank.variable in iterated and parts:
            raise SpecError(
                f"{einsum.name} iterates {rank.variable} and {parts[0]}",
                rule=f"an Einsum iterates {rank.name} or all of its partitions: write "
                f"{rank.variable} for {every} or {every} for {rank.variable}",
                span=_place_of(einsum, parts[0]) or einsum.span,
            )


def _place_of(einsum: Einsum, variable: str) -> Span | None:
    nodes = (*walk(einsum.expression), *walk(einsum.output))
    return next((n.span for n in nodes if isinstance(n, Variable) and n.name == variable), None)


def check_reductions(cascade: Cascade, einsum: Einsum) -> None:
    """The reductions name every variable that is on the right only, once each."""
    seen: set[str] = set()
    for reduction in einsum.reductions:
        _check_reducer(reduction)
        for name in reduction.variables:
            check_variable(cascade, Variable(name, reduction.span))
            if name in einsum.output_variables:
                message = f"{name} is reduced, but is an index of {einsum.tensor}"
            elif name not in variables(einsum.expression):
                message = f"{name} is reduced, but does not occur in what is reduced"
            elif name in seen:
                message = f"{name} is reduced twice"
            else:
                seen.add(name)
                continue
            raise SpecError(
                message,
                rule="reduce the variables that stand on the right only, each once",
                span=reduction.span or einsum.span,
            )
    unlisted = unlisted_variables(
        cascade.ranks, einsum.output, einsum.expression, einsum.reductions
    )
    if unlisted:
        raise SpecError(
            f"{einsum.name} does not say how {', '.join(unlisted)} is reduced",
            rule="reductions name every variable that is on the right only",
            span=einsum.span,
        )


def _check_reducer(reduction: Reduction) -> None:
    reducers = [name for name, operator in OPERATORS.items() if operator.reduce]
    if reduction.operator not in OPERATORS:
        raise unknown("operator", reduction.operator, [*reducers, *ALIASES], reduction.span)
    if reduction.operator not in reducers:
        raise SpecError(
            f"operator {reduction.operator} cannot reduce a rank",
            rule=choices(reduction.operator, [*reducers, *ALIASES]),
            span=reduction.span,
        )
    if not reduction.variables:
        raise SpecError(
            f"{reduction.operator} reduces no variable",
            rule="name what is reduced: max(m) X[m]",
            span=reduction.span,
        )


def check_condition(cascade: Cascade, einsum: Einsum) -> None:
    """Comparisons of index expressions over the iteration space."""
    derived = derived_variables(cascade.ranks, einsum.output, einsum.expression)
    valid = [*einsum.variables, *derived]
    for comparison in einsum.condition:
        if comparison.relation not in RELATIONS:
            raise SpecError(
                f"unknown relation {comparison.relation}",
                rule=choices(comparison.relation, RELATIONS),
                span=comparison.span,
            )
        for side in (comparison.left, comparison.right):
            check_index(cascade, side)
            for node in walk(side):
                if isinstance(node, Variable) and node.name not in valid:
                    raise SpecError(
                        f"{einsum.name} does not iterate {node.name}",
                        rule=f"a condition is over the variables of its Einsum. "
                        f"{choices(node.name, valid)}",
                        span=node.span,
                    )


def check_reads(cascade: Cascade, einsum: Einsum) -> None:
    """An iterative tensor is read where it was written at that time."""
    for access in einsum.inputs:
        index = iterative_index(cascade, access)
        if index is None:
            continue
        (name,) = cascade.iterative_variables(access.tensor)
        now, final = Variable(name), Symbol(cascade.rank_of_variable[name])
        valid: list[Expression] = [now, Call("add", (now, Number(1))), Number(0), final]
        if index not in valid:
            raise SpecError(
                f"{access.tensor} is iterative along {name.upper()} and cannot be read at "
                f"{print_expression(index)}",
                rule=f"valid there: {', '.join(print_expression(way) for way in valid)} "
                "(before and after the step, initial and final value)",
                span=index.span or access.span,
            )
