"""The evaluation of a design, recorded in stages: which tiles are free, scores, costs.

The same steps as `archsim.evaluate`, without its tables: what a recorded stage computes for a
point is what `evaluate` computes for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from archsim.amounts import amount
from archsim.closed_form import check_complete, closed_form
from archsim.components import Library
from archsim.compulsory import compulsory_bytes
from archsim.energy import Accounting, energy
from archsim.evaluate import check_fit
from archsim.free_tiles import free_loops, overflow, with_tiles
from archsim.legality import check_loops, check_nodes
from archsim.memory_models import MemoryCost
from archsim.tiles import Reaches
from archsim.totals import totals
from einsum.errors import SpecError
from mapper.sweep.design import Design, resolve
from mapper.sweep.formula import Column
from mapper.sweep.outcome import METRICS
from mapper.sweep.per_value import PerValue
from mapper.sweep.program import Guards, Program
from mapper.sweep.recording import Recorded, Tape, steps_in, texts

Numbers = Mapping[str, float]
Names = Mapping[str, str]
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """What one recording gives, for all points that pass its `guards`.

    The columns that the program computes are called `names`; if there is a `failure`, they are
    the numbers that stand in it.
    """

    program: Program
    guards: Guards
    names: tuple[str, ...]
    failure: str | None = None

    def run(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The columns of `names`."""
        return dict(zip(self.names, self.program.run(columns), strict=True))

    def reasons(self, columns: Mapping[str, Column]) -> list[str]:
        """Why each row fails."""
        assert self.failure is not None
        values = np.asarray(self.program.run(columns)).T
        count = len(next(iter(columns.values())))
        if not values.size:
            return [self.failure] * count
        return [texts(self.failure, row) for row in values.tolist()]


def record_tiles(tape: Tape, names: Names, numbers: Numbers) -> Stage:
    """The span and the base of every free tile size, at the point of these settings."""

    def compute(settings: Settings, tiles: Settings) -> dict[str, Any]:
        design = _checked(settings)
        found: dict[str, Any] = {}
        for loop in free_loops(design.mapping, design.cascade, design.shapes.sizes):
            found |= {f"span {loop.name}": loop.span, f"base {loop.name}": loop.base}
        return found

    return _record(compute, tape, names, numbers, {})


def record_scores(tape: Tape, names: Names, numbers: Numbers, tiles: Numbers) -> Stage:
    """What `choose_tiles` compares, for one choice of tile sizes: see `SCORES`."""

    def compute(settings: Settings, tiles: Settings) -> dict[str, Any]:
        design = _checked(settings)
        cascade, shapes, architecture = design.cascade, design.shapes, design.architecture
        free = {name: amount(tile) for name, tile in tiles.items()}
        form = closed_form(cascade, shapes, architecture, design.mapping, free)
        zero = np.asarray(0.0)
        moved, held = form.moved_bytes[architecture.root.name], form.occupied_bytes
        scores = (form.latency_s, moved, sum(held.values(), start=zero))
        unfit = f"mapping {design.mapping.name} does not fit {architecture.name}"
        lacking = {f"{unfit}: {name}": by for name, by in overflow(form, architecture).items()}
        return dict(zip(SCORES, scores, strict=True)) | lacking

    return _record(compute, tape, names, numbers, tiles)


SCORES = ("latency", "traffic", "occupied")
"""Columns of scores, the first before the second; what each memory lacks follows."""


def record_costs(
    tape: Tape, names: Names, numbers: Numbers, tiles: Numbers, library: ColumnLibrary
) -> Stage:
    """All metrics, for chosen tile sizes."""

    def compute(settings: Settings, tiles: Settings) -> dict[str, Any]:
        return _costs(_checked(settings), tiles, library)

    return _record(compute, tape, names, numbers, tiles)


def _checked(settings: Settings) -> Design:
    design = resolve(settings)
    check_complete(design.cascade, design.mapping)
    check_nodes(design.mapping, design.cascade, design.architecture)
    return design


def _costs(design: Design, tiles: Settings, library: Library) -> dict[str, Any]:
    cascade, shapes, architecture = design.cascade, design.shapes, design.architecture
    mapping = with_tiles(design.mapping, tiles)
    form = closed_form(cascade, shapes, architecture, mapping)
    check_loops(form.leaves, Reaches.of(form.leaves, shapes), architecture)
    check_fit(form, architecture, mapping)
    complete, published = (
        energy(
            form.transfers, form.works, cascade, architecture, library, accounting, design.published
        )
        for accounting in (Accounting.COMPLETE, Accounting.PUBLISHED)
    )
    total = totals(form, architecture, library, complete, published)
    results = (
        total.latency_s,
        total.energy_pj_complete,
        total.energy_pj_complete * total.latency_s,
        total.dram_traffic_bytes,
        total.area_um2,
        total.buffer_bytes,
        total.util_2d,
        total.util_1d,
        total.util_useful_macs,
        total.compute_s,
        total.memory_s,
        total.energy_pj_published,
        compulsory_bytes(shapes),
    )
    return dict(zip(METRICS, results, strict=True))


def _record(
    compute: Callable[[Settings, Settings], dict[str, Any]],
    tape: Tape,
    names: Names,
    numbers: Numbers,
    tiles: Numbers,
) -> Stage:
    """What `compute` gives for recorded numbers; for this point only, if it needs plain ones.

    `tape` may have other recordings; their guards are of no concern to this one.
    """
    tape.guards.clear()
    settings = {name: tape.input(name, number) for name, number in numbers.items()}
    free = {name: tape.input(name, tile) for name, tile in tiles.items()}
    failure: Exception | None = None
    try:
        found = compute({**names, **settings}, free)
        return Stage(Program.of(tape, found.values()), dict(tape.guards), tuple(found))
    except Exception as error:  # a point that fails never stops a sweep, whatever the cause
        failure = error
    try:
        found, reason = compute({**names, **numbers}, tiles), None
    except SpecError as error:
        found, reason = {}, error.message
    except Exception as error:
        found, reason = {}, f"{type(error).__name__}: {error}"
    if isinstance(failure, SpecError) and tape.text(failure.message) == reason:
        wanted = tuple(Recorded(tape, step, 0.0) for step in steps_in(failure.message))
        return Stage(Program.of(tape, wanted), dict(tape.guards), (), failure.message)
    for one in (*settings.values(), *free.values()):
        one.known()
    return Stage(Program.of(tape, found.values()), dict(tape.guards), tuple(found), reason)


class ColumnLibrary(Library):
    """A library that also prices memories of a recorded size, width or node."""

    def memory_cost(
        self, name: str, size_bytes: float | None, access_bits: float, node_nm: float
    ) -> MemoryCost:
        size: Any = np.inf if size_bytes is None else size_bytes
        given = (size, access_bits, node_nm)
        tape = next((one.tape for one in given if isinstance(one, Recorded)), None)
        if tape is None:
            return super().memory_cost(name, size_bytes, access_bits, node_nm)
        kinds = MemoryCost.__slots__
        prices: Any = (tape.apply(self._price(name, kind), *given) for kind in kinds)
        return MemoryCost(*prices)

    @cached_property
    def _prices(self) -> dict[tuple[str, str], PerValue]:
        return {}

    def _price(self, name: str, kind: str) -> PerValue:
        plain = super().memory_cost

        def price(size_bytes: float, access_bits: float, node_nm: float) -> float:
            bounded = None if size_bytes == np.inf else size_bytes
            return float(getattr(plain(name, bounded, access_bits, node_nm), kind))

        return self._prices.setdefault((name, kind), PerValue(price))
