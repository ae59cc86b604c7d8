"""How far the values of a run are off a reference."""

from __future__ import annotations

import numpy as np

from einsum.errors import SpecError
from einsum.interpret import Run
from workloads.references.registry import Array, Reference


def expected(run: Run, reference: Reference) -> dict[str, Array]:
    """What `reference` says that `run` should have computed from its inputs, in float64.

    The inputs may have their ranks in any order, and partitions in place of a rank; the outputs
    have those of `Reference.ranks` last. Raises `SpecError` for an input that the formula needs
    and the cascade has not, and for shapes that do not fit the formula.
    """
    cascade = run.shapes.cascade
    declared = {tensor.name for tensor in cascade.inputs}
    missing = set(reference.inputs) - set(reference.optional) - declared
    if missing:
        raise SpecError(
            f"cascade {cascade.name} has no input {', '.join(sorted(missing))}",
            rule=f"reference {reference.name} is a formula of {', '.join(reference.inputs)}",
        )
    inputs = {name: _ordered(run, reference, name) for name in reference.inputs if name in declared}
    try:
        return reference.compute(inputs, {**run.shapes.sizes, **run.shapes.constants})
    except KeyError as error:
        problem = f"needs {error.args[0]}, which cascade {cascade.name} has not"
    except ValueError as error:
        problem = f"does not fit cascade {cascade.name}: {error}"
    raise SpecError(
        f"reference {reference.name} {problem}",
        rule="its formula takes " + ", ".join(map(reference.form, reference.inputs)),
    )


def max_rel_error(run: Run, reference: Reference) -> float:
    """The largest |value - reference| / max |reference| over all outputs of `reference`.

    Relative to the largest value of an output, so that values that cancel to nearly zero do not
    count for more than they are. Infinite where a value is not finite and should be, or the other
    way round. Raises `SpecError` as `expected` does, and for an output that the cascade lacks.
    """
    worst = 0.0
    for name, right in expected(run, reference).items():
        rule = f"reference {reference.name} computes {reference.form(name)}"
        cascade = run.shapes.cascade.name
        if name not in run.values:
            raise SpecError(f"cascade {cascade} has no tensor {name}", rule=rule)
        value = _ordered(run, reference, name)
        if value.shape != right.shape:
            raise SpecError(
                f"{name} of cascade {cascade} has shape {value.shape}, not {right.shape}",
                rule=rule,
            )
        worst = max(worst, _relative(value, right))
    return worst


def _relative(value: Array, right: Array) -> float:
    finite = np.isfinite(right)
    same = np.where(finite, np.isfinite(value), value == right)
    if not same.all():
        return float("inf")
    if not finite.any():
        return 0.0
    scale = float(np.abs(right[finite]).max())
    error = float(np.abs(value[finite] - right[finite]).max())
    return error / scale if scale else error


def _ordered(run: Run, reference: Reference, name: str) -> Array:
    """The values of a tensor with partitions joined and the formula's ranks last."""
    array = np.asarray(run[name], dtype=np.float64)
    ranks = list(run.shapes.cascade.tensor(name).ranks)
    for rank in run.shapes.cascade.ranks:
        if rank.partitions and all(part in ranks for part in rank.partitions):
            first = min(map(ranks.index, rank.partitions))
            targets = range(first, first + len(rank.partitions))
            array = np.moveaxis(array, [ranks.index(p) for p in rank.partitions], targets)
            ranks = [r for r in ranks if r not in rank.partitions]
            ranks.insert(first, rank.name)
            joined = (*array.shape[:first], -1, *array.shape[first + len(rank.partitions) :])
            # The last tile may reach beyond the rank.
            there = np.arange(run.shapes.size(rank.name))
            array = np.take(array.reshape(joined), there, axis=first)
    last = reference.ranks[name]
    if not set(last) <= set(ranks):
        return array  # other names for the same ranks: taken as they come
    return np.moveaxis(array, [ranks.index(r) for r in last], range(-len(last), 0))
