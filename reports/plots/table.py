"""Columns of a store in memory: 8 bytes a point for each that a figure needs, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from einsum.errors import SpecError, choices
from mapper.sweep.description import Description
from mapper.sweep.outcome import Status
from mapper.sweep.results import Results
from reports.plots.quantity import Measure, Quantity, quantity, setting_text

Values = NDArray[np.float64]
Rows = NDArray[np.int64]

MANY_LEVELS = 24
"""More different values than these are not a list that a person wrote."""


@dataclass(frozen=True)
class Table:
    """Points that have results and break no constraint, in the order of the sweep.

    `columns` are float64, places in a list for names; `point` are the numbers of the points, of
    `total` in the sweep.
    """

    quantities: Mapping[str, Quantity]
    columns: Mapping[str, Values]
    point: Rows
    total: int

    def __len__(self) -> int:
        return len(self.point)

    def __getitem__(self, name: str) -> Values:
        return self.columns[name]

    def cost(self, name: str) -> Values:
        """The column so that less is better."""
        return -self[name] if self.quantities[name].maximise else self[name]

    def levels(self, name: str) -> Values:
        """The different values of a column, increasing."""
        return np.unique(self[name])


def read(results: Results, names: Sequence[str]) -> Table:
    """The columns `names` of a store. Raises `SpecError` if no design is done.

    Designs without a value in one of these columns are left out.
    """
    description = results.description
    wanted = tuple(dict.fromkeys(names))
    parts: dict[str, list[Values]] = {name: [] for name in wanted}
    points: list[Rows] = []
    for block in results.blocks():
        found = {
            name: block.parameters[name] if name in block.parameters else block.metrics[name]
            for name in wanted
        }
        good = block.status == Status.DONE
        for column in found.values():
            good &= np.isfinite(column)
        points.append(block.first + np.flatnonzero(good))
        for name, column in found.items():
            parts[name].append(column[good])
    if not sum(map(len, points)):
        tally = results.tally
        raise SpecError(
            f"{results.path.parent} has no design to draw: {tally.done:,} of {tally.points:,} are "
            f"done, {tally.infeasible:,} of them break a constraint, {tally.failed:,} failed",
            rule="einfall export shows the reason of each",
        )
    return Table(
        {name: quantity(description, name) for name in wanted},
        {name: np.concatenate(column) for name, column in parts.items()},
        np.concatenate(points).astype(np.int64),
        description.points,
    )


def known(description: Description, name: str) -> str:
    """`name`, if it is a column with numbers or names; `SpecError` lists those."""
    parameters = [one.name for one in description.parameters]
    if name in parameters or name in description.metrics:
        return name
    if name in description.base:
        raise SpecError(
            f"{name} is {setting_text(description, name)} in all of this sweep",
            rule=f"a figure over it needs a sweep over it; swept are {', '.join(parameters)}",
        )
    raise SpecError(
        f"the sweep has no column {name}", rule=choices(name, [*parameters, *description.metrics])
    )


def metric(description: Description, name: str) -> str:
    """`name`, if it is a metric."""
    if known(description, name) not in description.metrics:
        raise SpecError(
            f"{name} is a parameter, and a metric belongs here",
            rule=choices("", description.metrics),
        )
    return name


def parameter(description: Description, name: str, what: str) -> str:
    """`name`, if it is a swept parameter with at least two values; `what` needs it."""
    parameters = [one.name for one in description.parameters]
    if name in parameters:
        return name
    swept = ", ".join(parameters) or "none"
    if name in description.metrics:
        raise SpecError(f"{what} needs a parameter, and {name} is a metric", rule=f"swept: {swept}")
    fixed = f", it is {setting_text(description, name)}" if name in description.base else ""
    raise SpecError(
        f"{what} needs {name}, and this sweep does not vary it{fixed}", rule=f"swept: {swept}"
    )


def names_of(description: Description) -> str | None:
    """The first parameter that takes names: what designs are told apart by, if there is one."""
    return next((one.name for one in description.parameters if one.texts is not None), None)


def objectives(description: Description) -> list[str]:
    """The sweep's objectives, then other metrics that designs are judged by."""
    own = [goal.metric for goal in description.objectives]
    return list(dict.fromkeys([*own, "latency_s", "energy_pj", "area_um2"]))


def is_list(values: Values, one: Quantity) -> bool:
    """Whether the values are few, so that each can have a place of its own."""
    return one.measure is Measure.NAME or len(np.unique(values)) <= MANY_LEVELS
