"""The best mapping of a serial chain, with its certificate."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from archsim.closed_form import closed_form
from archsim.mapping import Mapping as LoopMapping
from einsum.errors import SpecError
from mapper.chain.leaf import Weights
from mapper.chain.programme import Programme, Taken, Tally
from mapper.chain.scope import check_scope
from mapper.chain.tree import mapping_of
from mapper.limits import NO_LIMITS, Limits, Tick
from mapper.objective import Amount, Cost, Objective
from mapper.problem import MapProblem
from mapper.result import Certificate, SearchResult, Solution

_TIE, _SECOND_TIE = 1e-9, 1e-11  # shares: less than any two unequal mappings differ by
_LOOKS = (1, 10)  # states at a boundary in the first looks, which give a limit
_ROUNDING = 1e-9


def chain(
    problem: MapProblem,
    objective: Objective,
    front: tuple[Amount, ...] = (),
    limits: Limits = NO_LIMITS,
    tick: Tick = lambda _: None,
) -> SearchResult:
    """The best mapping by `objective` in the space of `mapper.chain`, ties as `Objective` says.

    Costs are those of `archsim.closed_form` for the mapping. After `limits.time_limit_s` of CPU
    time the best so far is returned with its bound; `tick` is called with every Einsum that is
    reached. Raises `SpecError` for problems outside the space (`check_scope`), for several
    amounts at once, for buffer sizes, and if nothing fits.
    """
    begun = time.process_time()
    if front or objective is Objective.BUFFER:
        raise SpecError(
            "serial chains minimise one of latency, energy, traffic and edp",
            rule="use mapper.search.exact for buffer sizes and fronts",
        )
    check_scope(problem)
    search = _Search(problem, begun + limits.time_limit_s, tick)
    if objective is Objective.EDP:
        best, bound = search.least_product()
    else:
        found = search.solve(_weights(objective, *search.scales), objective)
        best, bound = found.solution, found.bound
    proven = objective.value_of(best.cost) <= objective.value_of(bound) * (1 + _ROUNDING)
    tally = search.tally
    certificate = Certificate(
        space_size=tally.rows,
        evaluated=tally.computed,
        pruned_by_capacity=tally.over_capacity,
        pruned_by_bound=tally.over_bound,
        groups_searched=tally.states,
        groups_pruned=0,
        lower_bound=best.cost if proven else bound,
        proven_optimal=proven,
        cpu_s=time.process_time() - begun,
    )
    return SearchResult(objective, (best,), certificate)


@dataclass(frozen=True, slots=True)
class _Found:
    """A mapping, and what no mapping of the space costs less than by the same weights."""

    solution: Solution
    bound: Cost
    proven: bool


@dataclass
class _Search:
    problem: MapProblem
    deadline: float
    tick: Tick
    tally: Tally = field(default_factory=Tally)
    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        programme = Programme(self.problem, Weights(1.0, 1.0, 1.0), False, self.tally)
        self.scales = programme.scales()

    def solve(self, weights: Weights, objective: Objective) -> _Found:
        """The best mapping by `weights`; `objective` says what they stand for in the bound."""
        timed = objective in (Objective.LATENCY, Objective.EDP)
        programme = Programme(self.problem, weights, timed, self.tally)
        best: tuple[float, tuple[Taken, ...]] | None = None
        proven = True
        try:
            for states in _LOOKS:
                look = programme.first_look(states, float("inf") if not best else self.deadline)
                if look is not None and (best is None or look[0] < best[0]):
                    best = look
            limit = float("inf") if best is None else best[0]
            best = programme.best(limit, self.deadline, self.tick) or best
        except TimeoutError:
            proven = False
        if best is None:
            raise self._nothing(proven)
        mapping = mapping_of(best[1])
        cost = self._cost(best[1], mapping)
        bound = cost
        if not proven:
            bound = _bound(programme.least[0], weights, objective)
        return _Found(Solution(mapping, cost), bound, proven)

    def _nothing(self, proven: bool) -> SpecError:
        names = f"{self.problem.cascade.name} on {self.problem.architecture.name}"
        if not proven:
            return SpecError(f"no mapping of {names} was found in time", rule="allow more")
        return SpecError(
            f"there is no serial mapping of {names}",
            rule="its constraints and the sizes of its memories leave none: relax one of them",
        )

    def _cost(self, path: tuple[Taken, ...], mapping: LoopMapping) -> Cost:
        problem = self.problem
        form = closed_form(problem.cascade, problem.shapes, problem.architecture, mapping)
        ledgers = [one.choice.amounts + one.fills for one in path]
        seconds = [
            max(one.choice.compute_s, *(float(t) for t in amounts[2:]), 0.0)
            for one, amounts in zip(path, ledgers, strict=True)
        ]
        total = np.sum(ledgers, axis=0)
        return Cost(
            sum(seconds),
            float(total[1]),
            float(total[0]),
            sum(float(form.occupied_bytes.get(name, 0.0)) for name in problem.buffers),
        )

    def _least_latency_s(self) -> float:
        """What no mapping is faster than, without a search."""
        programme = Programme(self.problem, Weights(1.0, 0.0, 0.0), True, self.tally)
        return programme.least[0]

    def least_product(self) -> tuple[Solution, Cost]:
        """The least energy times latency.

        A product has its least value at a corner of the convex hull of all mappings, and the
        corners are the best by some weights: between two of them lies another, or none.
        """
        first = self.solve(_weights(Objective.ENERGY, *self.scales), Objective.ENERGY)
        if first.proven and first.solution.cost.latency_s <= self._least_latency_s() * (1 + _TIE):
            return first.solution, first.solution.cost  # the least of both
        last = self.solve(_weights(Objective.LATENCY, *self.scales), Objective.LATENCY)
        found = [first, last]
        open_pairs = [(first, last)]
        lower = float("inf")
        while open_pairs:
            left, right = open_pairs.pop()
            one, two = left.solution.cost, right.solution.cost
            best = min(map(_product, found))
            corner = left.bound.energy_pj * right.bound.latency_s
            if not (left.proven and right.proven) or time.process_time() > self.deadline:
                lower = min(lower, corner)
                continue
            flat = one.latency_s - two.latency_s, two.energy_pj - one.energy_pj
            if corner >= best * (1 - _ROUNDING) or min(flat) <= 0:
                continue
            weights = Weights(flat[1], 0.0, flat[0])
            between = self.solve(weights, Objective.EDP)
            if not between.proven:
                lower = min(lower, corner)
                continue
            if _scored(weights, between.solution.cost) < _scored(weights, one) * (1 - _ROUNDING):
                found.append(between)
                open_pairs += [(left, between), (between, right)]
        best_one = min(found, key=_product).solution
        if lower >= _product_of(best_one.cost):
            return best_one, best_one.cost
        return best_one, Cost(lower, 0.0, 1.0)


def _product_of(cost: Cost) -> float:
    return cost.energy_pj * cost.latency_s


def _product(found: _Found) -> float:
    return _product_of(found.solution.cost)


def _scored(weights: Weights, cost: Cost) -> float:
    return weights.second * cost.latency_s + weights.picojoule * cost.energy_pj


def _weights(objective: Objective, energy_pj: float, traffic: float, seconds: float) -> Weights:
    """Weights that compare amounts one after another, as the objective's ranking does."""
    scale = {Amount.ENERGY: energy_pj, Amount.TRAFFIC: traffic, Amount.LATENCY: seconds}
    share = dict(zip(objective.ranking.amounts, (1.0, _TIE, _SECOND_TIE), strict=True))
    return Weights(
        share[Amount.LATENCY] / scale[Amount.LATENCY],
        share[Amount.TRAFFIC] / scale[Amount.TRAFFIC],
        share[Amount.ENERGY] / scale[Amount.ENERGY],
    )


def _bound(score: float, weights: Weights, objective: Objective) -> Cost:
    """A bound by weights as a bound of the amount that they stand for."""
    match objective:
        case Objective.LATENCY:
            return Cost(score / weights.second * (1 - 2 * _TIE), 0.0, 0.0)
        case Objective.TRAFFIC:
            return Cost(0.0, score / weights.byte * (1 - 2 * _TIE), 0.0)
        case _:
            return Cost(0.0, 0.0, score / weights.picojoule * (1 - 2 * _TIE))
