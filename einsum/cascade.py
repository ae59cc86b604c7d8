"""Cascades: ranks, tensors, extended Einsums and the list of them, as immutable values.

A `Cascade` is always whole and checked: `Cascade(...)` raises `SpecError` when a rule of
`docs/notation.md` is broken. `str(cascade)` is its text, which parses back to an equal value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from einsum.errors import Span, SpecError
from einsum.expression import (
    Access,
    Comparison,
    Expression,
    Variable,
    accesses,
    variables,
)
from einsum.formats import BF16, Format


@dataclass(frozen=True, slots=True)
class Rank:
    """A named dimension; `partitions` lists the ranks it is split into, outermost first."""

    name: str
    partitions: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        return self.name.lower()


class Role(Enum):
    """Where a tensor stands in its cascade."""

    INPUT = "input"
    INTERMEDIATE = "intermediate"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor with its ranks, its number format and its role."""

    name: str
    ranks: tuple[str, ...]
    role: Role
    format: Format = BF16
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reduction:
    """`operator` folds the points of `variables` into one: `max(m)`."""

    operator: str
    variables: tuple[str, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Einsum:
    """`output = reductions expression if condition`.

    `reductions` are applied from the last to the first; together they name every variable
    that stands on the right only. `condition` is a conjunction.
    """

    output: Access
    expression: Expression
    reductions: tuple[Reduction, ...] = ()
    condition: tuple[Comparison, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def tensor(self) -> str:
        """The name of the tensor that is written."""
        return self.output.tensor

    @cached_property
    def is_initial(self) -> bool:
        """Does it define an iterative tensor at a fixed coordinate (`RM[0, p] = -inf`)?"""
        return any(not variables(index) for index in self.output.indices)

    @cached_property
    def name(self) -> str:
        """Its tensor's name, with `.init` for an initial value: unique within a cascade."""
        return f"{self.tensor}.init" if self.is_initial else self.tensor

    @cached_property
    def inputs(self) -> tuple[Access, ...]:
        return accesses(self.expression)

    @cached_property
    def read(self) -> frozenset[str]:
        """The tensors that it reads."""
        return frozenset(access.tensor for access in self.inputs)

    @cached_property
    def output_variables(self) -> tuple[str, ...]:
        return variables(self.output)

    @cached_property
    def reduced_variables(self) -> tuple[str, ...]:
        return tuple(name for part in self.reductions for name in part.variables)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Its iteration space: output variables first, then the reduced ones."""
        return self.output_variables + self.reduced_variables

    @cached_property
    def tensors(self) -> tuple[str, ...]:
        """The tensors that it reads, and the one that it writes."""
        return tuple(dict.fromkeys([*(access.tensor for access in self.inputs), self.tensor]))


@dataclass(frozen=True)
class Cascade:
    """A list of Einsums over declared ranks and tensors.

    `shape` holds default sizes of ranks, `constants` the values of named constants; both can
    be overridden wherever shapes are given. Raises `SpecError` when a rule is broken.
    """

    name: str
    ranks: tuple[Rank, ...]
    tensors: tuple[Tensor, ...]
    einsums: tuple[Einsum, ...]
    shape: tuple[tuple[str, int], ...] = ()
    constants: tuple[tuple[str, int], ...] = ()
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        from einsum.check import check  # the rules read the finished value

        check(self)

    def __str__(self) -> str:
        from einsum.printer import print_cascade

        return print_cascade(self)

    @cached_property
    def digest(self) -> str:
        """Content hash: equal for equal cascades, stable between runs and machines."""
        return hashlib.sha256(str(self).encode()).hexdigest()

    @cached_property
    def _ranks(self) -> dict[str, Rank]:
        return {rank.name: rank for rank in self.ranks}

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in self.tensors}

    @cached_property
    def parents(self) -> dict[str, str]:
        """The declared rank of every partition: `{"M1": "M", "M0": "M"}`."""
        return {part: rank.name for rank in self.ranks for part in rank.partitions}

    @cached_property
    def rank_of_variable(self) -> dict[str, str]:
        """Rank by variable, for declared ranks and their partitions."""
        names = [rank.name for rank in self.ranks] + list(self.parents)
        return {name.lower(): name for name in names}

    def rank(self, name: str) -> Rank:
        """The declared rank or partition called `name`; `KeyError` if there is none."""
        if name in self.parents:
            return Rank(name)
        return self._ranks[name]

    def tensor(self, name: str) -> Tensor:
        """The tensor called `name`; `KeyError` if there is none."""
        return self._tensors[name]

    def declared(self, rank: str) -> str:
        """The declared rank that `rank` is, or is a partition of."""
        return self.parents.get(rank, rank)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors if t.role is Role.INPUT)

    @cached_property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors if t.role is Role.OUTPUT)

    @cached_property
    def steps(self) -> tuple[Einsum, ...]:
        """The Einsums that compute, without the initial values."""
        return tuple(e for e in self.einsums if not e.is_initial)

    @cached_property
    def _steps(self) -> dict[str, Einsum]:
        return {einsum.tensor: einsum for einsum in self.steps}

    def producer(self, tensor: str) -> Einsum | None:
        """The Einsum that computes `tensor`; None for an input."""
        return self._steps.get(tensor)

    @cached_property
    def readers(self) -> Mapping[str, tuple[Einsum, ...]]:
        """The Einsums that read each tensor."""
        return {
            one.name: tuple(einsum for einsum in self.steps if one.name in einsum.read)
            for one in self.tensors
        }

    @cached_property
    def users(self) -> Mapping[str, tuple[Einsum, ...]]:
        """The Einsums that read or write each tensor."""
        return {
            one.name: tuple(einsum for einsum in self.steps if one.name in einsum.tensors)
            for one in self.tensors
        }

    @cached_property
    def value_bits(self) -> Mapping[str, float]:
        """Storage of one value of each tensor."""
        return {one.name: one.format.bits_per_value for one in self.tensors}

    def iterative_variables(self, tensor: str) -> tuple[str, ...]:
        """The variables along which `tensor` is a running value (`m1` in `RM[m1 + 1, p]`)."""
        return self._iterative.get(tensor, ())

    @cached_property
    def _iterative(self) -> dict[str, tuple[str, ...]]:
        return {
            einsum.tensor: tuple(
                variables(index)[0]
                for index in einsum.output.indices
                if not isinstance(index, Variable) and variables(index)
            )
            for einsum in self.steps
        }


def unknown(kind: str, name: str, valid: list[str], span: Span | None) -> SpecError:
    """The error for a name that is not defined."""
    from einsum.errors import choices

    return SpecError(f"unknown {kind} {name}", rule=choices(name, valid), span=span)
