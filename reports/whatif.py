"""Which single change helps most: each one predicted, made and simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archsim.engineering import engineering, ratio
from archsim.free_tiles import choose_tiles
from archsim.multiply_add import multiply_adds
from archsim.sensitivity import Change, changes, predicted_cycles, predicted_ii
from archsim.simulate import Simulation, simulate
from archsim.simulation.build import Hardware
from archsim.text_table import TextTable
from einsum.errors import SpecError
from einsum.shapes import bind
from reports.problem import Problem, resolve
from reports.progress import track
from reports.selection import Selection


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change: what was predicted and what the re-run says; or why it cannot be run."""

    change: str
    predicted_ii: int
    ii_cycles: int
    predicted_speedup: float
    speedup: float
    latency_s: float
    limit: str
    failure: str = ""


def what_if(selection: Selection, hardware: Hardware) -> tuple[Simulation, tuple[Outcome, ...]]:
    """The simulation as it is, and the outcome of every single change, the best one first."""
    problem = resolve(selection)
    before = _simulated(problem, hardware)
    outcomes = [
        outcome
        for change in track(changes(problem.architecture), "what if")
        for outcome in _outcomes(selection, problem, before, change, hardware)
    ]
    return before, tuple(sorted(outcomes, key=lambda one: -one.speedup))


def _simulated(problem: Problem, hardware: Hardware) -> Simulation:
    on = (problem.cascade, problem.shapes, problem.architecture)
    return simulate(*on, choose_tiles(*on, problem.mapping), hardware)


def _outcomes(
    selection: Selection,
    problem: Problem,
    before: Simulation,
    change: Change,
    hardware: Hardware,
) -> Iterator[Outcome]:
    """Nothing if the change has nothing to act on."""
    try:
        changed = _changed(selection, problem, change)
    except SpecError as error:
        yield Outcome(change.name, 0, 0, 0.0, 0.0, 0.0, "", error.message)
        return
    if changed is None:
        return
    names = {einsum.name for einsum in changed.cascade.steps}
    gone = frozenset(e.name for e in problem.cascade.steps if e.name not in names)
    interval = predicted_ii(before.schedule.main, changed.architecture, change, gone)
    after = _simulated(changed, hardware)
    steady = after.schedule.main.schedule
    yield Outcome(
        change.name,
        interval,
        steady.ii_cycles,
        before.cycles / predicted_cycles(before, change, interval),
        before.latency_s / after.latency_s,
        after.latency_s,
        steady.limit,
    )


def _changed(selection: Selection, problem: Problem, change: Change) -> Problem | None:
    """The problem with `change`; None if there is nothing to change."""
    if not change.multiply_adds:
        setting = f"{change.path}={change.value}"
        return resolve(replace(selection, changes=[*(selection.changes or ()), setting]))
    fused = multiply_adds(problem.cascade, problem.mapping, change.multiply_adds)
    if fused is None:
        return None
    cascade, mapping = fused
    return replace(
        problem, cascade=cascade, shapes=bind(cascade, problem.shapes.sizes), mapping=mapping
    )


def what_if_table(outcomes: tuple[Outcome, ...]) -> TextTable:
    """One row for every change."""
    rows = [
        (one.change, "", "", "", "", "", one.failure)
        if one.failure
        else (
            one.change,
            f"{one.predicted_ii}",
            f"{one.ii_cycles}",
            ratio(one.predicted_speedup),
            ratio(one.speedup),
            engineering(one.latency_s, "s"),
            one.limit,
        )
        for one in outcomes
    ]
    return TextTable(
        "what if: predicted, and re-run",
        "<>>>>><",
        ("change", "predicted II", "II", "predicted", "speedup", "latency", "limit then"),
        tuple(rows),
    )
