"""Adaptive sampling: each round of points is proposed from the results of the rounds before.

The proposals are Optuna's (Akiba et al., KDD 2019), an optional extra. They are a function of the
sweep and of the history: whoever asks again, in another process, gets the same points.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from einsum.errors import SpecError
from mapper.sweep.domains import Interval, Levels, Parameter
from mapper.sweep.formula import Column
from mapper.sweep.outcome import Status
from mapper.sweep.points import Points, at_shares, level_values, linked
from mapper.sweep.samplers import Method, sobol_shares
from mapper.sweep.spec import Sweep

if TYPE_CHECKING:
    import optuna

_TRIES = 8
_WORST = 1e300  # the value of an objective where there is none


@dataclass(frozen=True)
class History:
    """The points from 0 on that are finished, without a gap, in order.

    `columns` are those of `Points.columns`; `metrics` and `status` those of their outcome.
    """

    columns: Mapping[str, Column]
    metrics: Mapping[str, NDArray[np.float64]]
    status: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.status)


def next_points(sweep: Sweep, start: int, stop: int, history: History) -> Points:
    """Points `start` to `stop`, a round of an adaptive sweep, from all points before `start`.

    The first round is a Sobol sequence. A design that was tried is proposed again only where
    nothing else is found. Raises `SpecError` if Optuna is not installed.
    """
    index = np.arange(start, stop, dtype=np.int64)
    if len(history) < start:
        raise ValueError(f"round {start} needs {start} finished points, not {len(history)}")
    optuna = _optuna()
    if start == 0:
        shares = sobol_shares(sweep.sampler.seed, len(sweep.free), start, stop)
        return at_shares(sweep, index, shares)
    with _quiet(optuna):
        study = _study(optuna, sweep, start)
        study.add_trials(_trials(optuna, sweep, history, start))
        tried = set(_designs(sweep, history.columns, start))
        rows = [_proposal(optuna, study, sweep, tried) for _ in index]
    columns = {
        one.name: np.asarray([row[place] for row in rows], dtype=np.float64)
        for place, one in enumerate(sweep.free)
    }
    return linked(sweep, index, columns)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise SpecError(
            "adaptive samplers need Optuna, which is not installed",
            rule="pip install 'einfall[search]', or use a sampler grid, random or sobol",
        ) from None
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():  # of experimental options, which are chosen on purpose
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(level)


def _study(optuna: Any, sweep: Sweep, start: int) -> optuna.Study:
    seed = int(np.random.SeedSequence([sweep.sampler.seed, start]).generate_state(1)[0])
    violations = _violations
    if sweep.sampler.method is Method.EVOLUTION:
        sampler = optuna.samplers.NSGAIISampler(
            seed=seed, population_size=sweep.sampler.round_size, constraints_func=violations
        )
    else:
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=0,
            multivariate=True,
            constant_liar=True,
            constraints_func=violations,
        )
    directions = ["maximize" if one.maximise else "minimize" for one in sweep.objectives]
    return optuna.create_study(sampler=sampler, directions=directions)  # type: ignore[no-any-return]


def _violations(trial: Any) -> tuple[float, ...]:
    return (float(trial.user_attrs.get("violated", 0.0)),)


def _trials(optuna: Any, sweep: Sweep, history: History, count: int) -> list[Any]:
    """Finished points; breaking a constraint is worse than any value, and failing still worse."""
    distributions = _distributions(optuna, sweep)
    values = [
        np.where(np.isfinite(column), column, -_WORST if one.maximise else _WORST).tolist()
        for one in sweep.objectives
        for column in (history.metrics[one.metric],)
    ]
    states = [Status(code) for code in history.status[:count].tolist()]
    trials = []
    for row, design in enumerate(_designs(sweep, history.columns, count)):
        violated = {Status.DONE: 0.0, Status.INFEASIBLE: 1.0, Status.FAILED: 2.0}[states[row]]
        generation = {"NSGAIISampler:generation": row // sweep.sampler.round_size}
        trials.append(
            optuna.trial.create_trial(
                params=_params(sweep, design),
                distributions=distributions,
                values=[column[row] for column in values],
                user_attrs={"violated": violated},
                system_attrs={"constraints": (violated,), **generation},
            )
        )
    return trials


def _designs(
    sweep: Sweep, columns: Mapping[str, Column], count: int
) -> Iterator[tuple[float, ...]]:
    """The values of the free parameters, point by point."""
    own = [columns[one.name][:count].tolist() for one in sweep.free]
    return zip(*own, strict=True) if own else iter(((),) * count)


def _distributions(optuna: Any, sweep: Sweep) -> dict[str, Any]:
    return {one.name: _distribution(optuna, one) for one in sweep.free}


def _distribution(optuna: Any, parameter: Parameter) -> Any:
    """A list of numbers is searched by place, in order; a list of names without an order."""
    kinds = optuna.distributions
    match parameter.domain:
        case Levels(values) if parameter.setting.unit is None:
            return kinds.CategoricalDistribution(tuple(range(len(values))))
        case Levels(values):
            return kinds.IntDistribution(0, len(values) - 1)
        case Interval(low, high, log, whole):
            if whole:
                return kinds.IntDistribution(int(low), int(high), log=log)
            return kinds.FloatDistribution(low, high, log=log)
        case _:
            raise AssertionError("linked parameters are not searched")


def _params(sweep: Sweep, design: tuple[float, ...]) -> dict[str, float]:
    """Optuna's values of a design: places in lists, numbers in intervals."""
    found: dict[str, float] = {}
    for parameter, value in zip(sweep.free, design, strict=True):
        match parameter.domain:
            case Interval(whole=whole):
                found[parameter.name] = int(value) if whole else value
            case _:
                found[parameter.name] = int(np.flatnonzero(level_values(parameter) == value)[0])
    return found


def _proposal(
    optuna: Any, study: Any, sweep: Sweep, tried: set[tuple[float, ...]]
) -> tuple[float, ...]:
    """A design that was not tried before, if one is found soon."""
    distributions = _distributions(optuna, sweep)
    design: tuple[float, ...] = ()
    for _ in range(_TRIES):
        trial = study.ask(distributions)
        design = tuple(_value(one, trial.params[one.name]) for one in sweep.free)
        if design not in tried:
            break
    tried.add(design)
    return design


def _value(parameter: Parameter, found: float) -> float:
    match parameter.domain:
        case Interval():
            return float(found)
        case _:
            return float(level_values(parameter)[int(found)])
