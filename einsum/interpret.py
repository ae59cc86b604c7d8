"""Running a cascade on NumPy: the golden model of everything that computes one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from einsum.arithmetic import Arithmetic
from einsum.cascade import Cascade, Einsum, Role, unknown
from einsum.domain import domain, domains
from einsum.errors import SpecError
from einsum.evaluate import ScopeOf, check_memory, evaluate
from einsum.formatted import FormattedScope, formats
from einsum.loops import Loop, Statement, loops
from einsum.plan import Plan, plan
from einsum.points import Array, Points
from einsum.rounding import round_to
from einsum.shapes import Shapes, bind


@dataclass(frozen=True, eq=False)
class Run:
    """The value of every tensor of a cascade, inputs included; arrays are read-only.

    A tensor is 0 at points where it is absent; `present` tells them apart. An iterative tensor
    has all its values: index 0 along its rank is the initial one.
    """

    values: Mapping[str, Array]
    shapes: Shapes

    def __getitem__(self, tensor: str) -> Array:
        """The value of `tensor`; `SpecError` lists the tensors if there is none."""
        if tensor not in self.values:
            raise unknown("tensor", tensor, list(self.values), None)
        return self.values[tensor]

    @property
    def outputs(self) -> dict[str, Array]:
        """The outputs of the cascade by name."""
        return {tensor.name: self[tensor.name] for tensor in self.shapes.cascade.outputs}

    def present(self, tensor: str) -> npt.NDArray[np.bool_] | None:
        """Where `tensor` has a value, in its shape; None if that is everywhere."""
        present = np.ones(self[tensor].shape, dtype=np.bool_)
        for einsum in self.shapes.cascade.einsums:
            if einsum.tensor == tensor:
                made = plan(self.shapes, einsum, domain(self.shapes.cascade, einsum.name))
                points = Points({v: made.extents[v] for v in einsum.output_variables}, {})
                mask = points.mask(made.kept)
                view = points.view(present, made.locations[einsum.output])
                if mask is not None and view is not None:
                    view[...] = mask
        return None if present.all() else present


def run(
    cascade: Cascade,
    inputs: Mapping[str, npt.ArrayLike] | None = None,
    shape: Mapping[str, int] | None = None,
    *,
    seed: int = 0,
    dtype: npt.DTypeLike = np.float64,
    arithmetic: Arithmetic | None = None,
) -> Run:
    """Compute all tensors of `cascade` in `dtype`, a real floating-point type.

    With `arithmetic` they are computed instead as processing elements do, in the order that
    `einsum.formatted` states, and each tensor is rounded to its declared format; the arrays are
    float64, which holds all of that.

    `inputs` gives arrays by tensor, in the shape of the tensor's ranks; sizes follow from them.
    All other inputs are standard normal, each fixed by `seed` and its place in the cascade.
    `shape` gives sizes and constants as `einsum.shapes.bind` takes them.

    Every Einsum is array operations over its whole iteration space; only recurrences loop, over
    their iterative variable. Raises `SpecError` for an unknown or misshapen input, for sizes
    that are missing or contradict each other, and for an array beyond 2 GiB.
    """
    kind = np.dtype(np.float64 if arithmetic else dtype)
    if not np.issubdtype(kind, np.floating):
        raise SpecError(f"cannot compute in {kind}", rule="use float64, float32 or float16")
    given = {name: _input(cascade, name, array, kind) for name, array in (inputs or {}).items()}
    shapes = bind(cascade, _sizes(cascade, given, shape or {}))
    values: dict[str, Array] = {}
    for position, tensor in enumerate(cascade.tensors):
        extents = shapes.extents(tensor.name)
        check_memory(tensor.name, extents, tensor.ranks, kind)
        if tensor.name in given:
            values[tensor.name] = given[tensor.name]
        elif tensor.role is Role.INPUT:
            normal = np.random.default_rng([seed, position]).standard_normal(extents)
            values[tensor.name] = np.asarray(normal, dtype=kind)
        else:
            values[tensor.name] = np.zeros(extents, dtype=kind)
        if arithmetic:
            values[tensor.name] = round_to(tensor.format, values[tensor.name])
    domain_of = domains(cascade)
    plans = {e.name: plan(shapes, e, domain_of[e.name]) for e in cascade.einsums}
    scope_of = partial(FormattedScope, arithmetic, formats(cascade)) if arithmetic else None
    _execute(loops(cascade), shapes, plans, values, {}, scope_of)
    for array in values.values():
        array.flags.writeable = False
    return Run(MappingProxyType(values), shapes)


def _input(cascade: Cascade, name: str, array: npt.ArrayLike, kind: np.dtype[Any]) -> Array:
    names = [tensor.name for tensor in cascade.inputs]
    if name not in names:
        raise unknown("input", name, names, None)
    given = np.asarray(array)
    ranks = cascade.tensor(name).ranks
    if given.ndim != len(ranks) or given.dtype.kind not in "fiub":
        raise SpecError(
            f"input {name} is an array of {given.ndim} dimensions of {given.dtype}",
            rule=f"its ranks are {', '.join(ranks) or 'none'}, its values real numbers",
        )
    return np.array(given, dtype=kind, order="C")


def _sizes(
    cascade: Cascade, given: Mapping[str, Array], shape: Mapping[str, int]
) -> dict[str, int]:
    """`shape` with the sizes that follow from the arrays."""
    sizes = dict(shape)
    source = dict.fromkeys(shape, "the given shape")
    for name, array in given.items():
        for rank, size in zip(cascade.tensor(name).ranks, array.shape, strict=True):
            if sizes.setdefault(rank, size) != size:
                raise SpecError(
                    f"rank {rank} has size {size} in {name} and {sizes[rank]} in {source[rank]}",
                    rule="arrays and shape must agree on the size of a rank",
                )
            source.setdefault(rank, name)
    return sizes


def _execute(
    statements: Iterable[Statement],
    shapes: Shapes,
    plans: Mapping[str, Plan],
    values: Mapping[str, Array],
    pinned: Mapping[str, int],
    scope_of: ScopeOf | None,
) -> None:
    for statement in statements:
        match statement:
            case Loop(variable, body):
                for value in range(shapes.extent(variable)):
                    _execute(body, shapes, plans, values, {**pinned, variable: value}, scope_of)
            case Einsum():
                evaluate(plans[statement.name], values, pinned, scope_of)
