"""The tensors that Einsums define: their order, their ranks and which of them are outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from einsum.cascade import Einsum, Role, Tensor
from einsum.expression import Access, variables


def defined_tensors(einsums: Iterable[Einsum], outputs: Collection[str]) -> tuple[Tensor, ...]:
    """The tensors that `einsums` write, in order of first definition, in the default format.

    Those that `outputs` names and those that no other Einsum reads are outputs.
    """
    writers: dict[str, Einsum] = {}
    for einsum in einsums:
        if einsum.tensor not in writers or writers[einsum.tensor].is_initial:
            writers[einsum.tensor] = einsum
    read = {
        access.tensor
        for einsum in einsums
        for access in einsum.inputs
        if access.tensor != einsum.tensor
    }
    return tuple(
        Tensor(
            name,
            ranks=written_ranks(writer.output),
            role=Role.OUTPUT if name in outputs or name not in read else Role.INTERMEDIATE,
            span=writer.output.span,
        )
        for name, writer in writers.items()
    )


def written_ranks(output: Access) -> tuple[str, ...]:
    """The ranks of the tensor that `output` writes: each index's variable in upper case.

    An index without a variable has rank `""`: only the step of its tensor tells which it is.
    """
    return tuple("".join(variables(index)[:1]).upper() for index in output.indices)
