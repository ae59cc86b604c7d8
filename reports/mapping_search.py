"""Searching for the best mapping of one cascade, or of the best of several."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archsim.engineering import binary, engineering
from archsim.text_table import TextTable
from mapper.limits import Limits, Tick
from mapper.objective import Amount, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult
from mapper.strategies import STRATEGIES, StrategyName
from reports.problem import Target, target
from reports.search_text import group_policy
from reports.selection import Selection

Search = tuple[Target, SearchResult]


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search; `front` are the amounts of a Pareto front, if one is wanted."""

    objective: Objective
    front: tuple[Amount, ...]
    strategy: StrategyName
    limits: Limits
    imperfect: bool
    width: int | None


def searched(
    selection: Selection, others: tuple[str, ...], options: SearchOptions, tick: Tick
) -> tuple[Search, ...]:
    """The best mapping of the selected cascade, and of each of `others` in its place.

    Raises `SpecError` for names and files, and if a cascade does not fit the architecture.
    """
    names = (selection.cascade, *others)
    return tuple(_search(replace(selection, cascade=name), options, tick) for name in names)


def _search(selection: Selection, options: SearchOptions, tick: Tick) -> Search:
    found = target(selection)
    problem = MapProblem(
        found.cascade,
        found.shapes,
        found.architecture,
        found.library,
        group_policy(selection.policy),
        options.imperfect,
        options.width,
    )
    search = STRATEGIES[options.strategy]
    return found, search(problem, options.objective, options.front, options.limits, tick)


def best_of(searches: tuple[Search, ...], objective: Objective) -> Search:
    """The one whose mapping is best; the first of equals."""
    return min(searches, key=lambda one: objective.key(one[1].cost))


def cascade_rows(searches: tuple[Search, ...]) -> list[dict[str, object]]:
    """The best mapping of every cascade, for `--json`."""
    return [
        {
            "cascade": found.cascade.name,
            "value": result.value,
            "latency_s": result.cost.latency_s,
            "dram_traffic_bytes": result.cost.traffic_bytes,
            "energy_pj": result.cost.energy_pj,
            "buffer_bytes": result.cost.buffer_bytes,
            "proven_optimal": result.certificate.proven_optimal,
        }
        for found, result in searches
    ]


def cascade_table(searches: tuple[Search, ...]) -> TextTable:
    """The same for people."""
    rows = tuple(
        (
            found.cascade.name,
            engineering(result.cost.latency_s, "s"),
            binary(result.cost.traffic_bytes),
            engineering(result.cost.energy_pj * 1e-12, "J"),
            binary(result.cost.buffer_bytes),
        )
        for found, result in searches
    )
    return TextTable(
        "the best mapping of each cascade",
        "<>>>>",
        ("cascade", "latency", "DRAM traffic", "energy", "on chip"),
        rows,
    )
