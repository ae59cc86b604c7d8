"""The rules that a whole cascade obeys; those for a single Einsum are in `einsum.rules`."""

from __future__ import annotations

from einsum.cascade import Cascade, Einsum, Role, Tensor, unknown
from einsum.declarations import (
    check_constant,
    check_rank_name,
    check_size,
    check_tensor_name,
    rank_names,
)
from einsum.errors import SpecError, choices
from einsum.expression import Access, Call, Number, Variable
from einsum.formats import FORMATS
from einsum.graph import order
from einsum.operators import OPERATORS
from einsum.printer import print_expression
from einsum.rules import check_condition, check_output, check_reads, check_reductions, check_right
from einsum.tensors import defined_tensors


def check(cascade: Cascade) -> None:
    """Raise `SpecError` if `cascade` breaks a rule of docs/notation.md.

    The error has the span of the node that breaks it, where the cascade was parsed.
    """
    _check_title(cascade.name)
    _check_declarations(cascade)
    if not cascade.einsums:
        raise SpecError(
            f"cascade {cascade.name} has no Einsum",
            rule="a cascade is at least one line such as Z[m] = X[m]",
        )
    for einsum in cascade.einsums:
        check_output(cascade, einsum)
    _check_definitions(cascade)
    _check_tensors(cascade)
    for einsum in cascade.einsums:
        check_right(cascade, einsum)
        check_reductions(cascade, einsum)
        check_condition(cascade, einsum)
        check_reads(cascade, einsum)
    order(cascade)
    if not cascade.outputs:
        raise SpecError(
            "no tensor is an output, as each is read by another Einsum",
            rule=f"declare one: outputs {cascade.einsums[-1].tensor}",
            span=cascade.einsums[-1].span,
        )


def _check_title(title: str) -> None:
    if not title or title != title.strip() or "#" in title or len(title.splitlines()) > 1:
        raise SpecError(
            f"{title!r} cannot name a cascade",
            rule="a name is one line without # and blanks around it; write cascade NAME",
        )


def _check_declarations(cascade: Cascade) -> None:
    names = rank_names(cascade.ranks)
    for i, name in enumerate(names):
        check_rank_name(name, names[:i])
    for i, (name, size) in enumerate(cascade.shape):
        check_size(name, size, cascade.ranks, dict(cascade.shape[:i]))
    for i, (name, _) in enumerate(cascade.constants):
        check_constant(name, cascade.ranks, dict(cascade.constants[:i]))
    for i, tensor in enumerate(cascade.inputs):
        check_tensor_name(tensor.name, [t.name for t in cascade.inputs[:i]])
    for tensor in cascade.tensors:
        if FORMATS.get(tensor.format.name) != tensor.format:
            raise SpecError(
                f"{tensor.name} has the unknown number format {tensor.format.name}",
                rule=choices(tensor.format.name, FORMATS),
                span=tensor.span,
            )
    for tensor in cascade.inputs:
        for rank in tensor.ranks:
            if rank not in names:
                raise unknown("rank", rank, names, tensor.span)


def _check_definitions(cascade: Cascade) -> None:
    """One step per tensor, and one initial value for those that iterate."""
    steps: dict[str, Einsum] = {}
    initials: dict[str, Einsum] = {}
    for einsum in cascade.einsums:
        taken, what = (initials, "initial value") if einsum.is_initial else (steps, "definition")
        if einsum.tensor in taken:
            raise SpecError(
                f"{einsum.tensor} has a second {what}",
                rule="a tensor is written by one Einsum, and by a second one only for the initial "
                "value of an iterative rank; give this value a name of its own",
                span=einsum.span,
            )
        taken[einsum.tensor] = einsum
    for tensor, initial in initials.items():
        _check_initial(initial, steps.get(tensor))
    for tensor, step in steps.items():
        if cascade.iterative_variables(tensor) and tensor not in initials:
            raise SpecError(
                f"{tensor} is iterative along {cascade.iterative_variables(tensor)[0].upper()} "
                "but has no initial value",
                rule=f"add its value at coordinate 0, for example: {_initial_line(step)}",
                span=step.span,
            )


def _check_initial(initial: Einsum, step: Einsum | None) -> None:
    if step is None or _initial_output(step) == step.output:
        raise SpecError(
            f"{initial.tensor} has an initial value but no step that iterates",
            rule="write the step at the coordinate after its variable, T[m + 1] = ...; "
            "without a step, index every rank by its variable",
            span=(step or initial).span,
        )
    expected = _initial_output(step)
    if initial.output != expected:
        raise SpecError(
            f"the initial value of {initial.tensor} does not fit its step "
            f"{print_expression(step.output)}",
            rule=f"write {print_expression(expected)} = ...",
            span=initial.span,
        )


def _initial_output(step: Einsum) -> Access:
    """Where the initial value of `step` is written: coordinate 0 for `m + 1`."""
    indices = tuple(i if isinstance(i, Variable) else Number(0) for i in step.output.indices)
    return Access(step.tensor, indices)


def _initial_line(step: Einsum) -> str:
    """A likely initial value: the identity of the operator that the step ends with."""
    value: float = 0
    if isinstance(step.expression, Call):
        operator = OPERATORS.get(step.expression.operator)
        value = (operator.identity if operator else None) or 0
    return f"{print_expression(_initial_output(step))} = {print_expression(Number(value))}"


def _check_tensors(cascade: Cascade) -> None:
    """`tensors` are the inputs and, in order of definition, what the Einsums write."""
    defined = defined_tensors(cascade.einsums, [tensor.name for tensor in cascade.outputs])
    names = [tensor.name for tensor in (*cascade.inputs, *defined)]
    given = [tensor.name for tensor in cascade.tensors]
    for tensor in cascade.tensors:
        if tensor.name not in names:
            raise SpecError(
                f"tensor {tensor.name} is neither an input nor defined by an Einsum",
                rule=choices(tensor.name, names),
                span=tensor.span,
            )
    if given != names:
        raise SpecError(
            f"the tensors are listed as {', '.join(given)}",
            rule=f"inputs first, then tensors in order of definition: {', '.join(names)}",
        )
    for expected in defined:
        _check_tensor(cascade.tensor(expected.name), expected)


def _check_tensor(tensor: Tensor, expected: Tensor) -> None:
    if tensor.ranks != expected.ranks:
        raise SpecError(
            f"{tensor.name} is declared over [{', '.join(tensor.ranks)}]",
            rule=f"its Einsum writes [{', '.join(expected.ranks)}]",
            span=tensor.span,
        )
    if tensor.role is not expected.role:
        raise SpecError(
            f"{tensor.name} is read by no Einsum but is not an output",
            rule=f"give it {Role.OUTPUT}",
            span=tensor.span,
        )
