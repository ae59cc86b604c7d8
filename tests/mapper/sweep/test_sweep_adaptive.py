"""Adaptive samplers: a function of the history, and better than chance."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from einsum.errors import SpecError
from mapper.sweep.adaptive import History, next_points
from mapper.sweep.evaluate import evaluate_points
from mapper.sweep.outcome import METRICS, Outcome, Status
from mapper.sweep.points import Points, make_points
from mapper.sweep.samplers import Method, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.sweep_yaml import build_sweep

ADAPTIVE = (Method.BAYESIAN, Method.EVOLUTION)


def small(method: Method, points: int = 48, size: int = 16, seed: int = 1) -> Sweep:
    sizes = ",".join(map(str, range(16, 512, 16)))
    return build_sweep(
        {"workload": "bert", "seq_len": "4K", "format": "bf16,int8"},
        [
            f"array_2d.rows={sizes}",
            f"array_2d.columns={sizes}",
            "array_1d.lanes== array_2d.columns",
            "global_buffer.size=1MiB..64MiB",
        ],
        objectives=["edp_pj_s"],
        constraints=["area_um2 <= 300 mm^2"],
        sampler=Sampler(method, points, seed, size),
    )


EMPTY = History({}, {}, np.empty(0, dtype=np.int8))


def grown(history: History, points: Points, outcome: Outcome) -> History:
    if not len(history):
        return History(points.columns, outcome.metrics, outcome.status)
    return History(
        {n: np.concatenate([history.columns[n], points.columns[n]]) for n in points.columns},
        {n: np.concatenate([history.metrics[n], outcome.metrics[n]]) for n in METRICS},
        np.concatenate([history.status, outcome.status]),
    )


def run(sweep: Sweep, history: History = EMPTY) -> History:
    """All rounds of `sweep` after those of `history`."""
    for start, stop in sweep.rounds():
        if start >= len(history):
            points = next_points(sweep, start, stop, history)
            assert points.index.tolist() == list(range(start, stop))
            history = grown(history, points, evaluate_points(points))
    return history


def designs(history: History) -> list[tuple[float, ...]]:
    return list(zip(*(column.tolist() for column in history.columns.values()), strict=True))


def typical(history: History, start: int) -> float:
    """The median objective of the points from `start` on that are done."""
    done = history.status[start:] == Status.DONE
    return float(np.median(history.metrics["edp_pj_s"][start:][done]))


@pytest.mark.parametrize("method", ADAPTIVE)
def test_the_same_history_gives_the_same_points(method: Method) -> None:
    pytest.importorskip("optuna")
    sweep = small(method)
    whole = run(sweep)
    part = History(
        {name: column[:32] for name, column in whole.columns.items()},
        {name: column[:32] for name, column in whole.metrics.items()},
        whole.status[:32],
    )
    assert designs(run(sweep, part)) == designs(whole)
    assert designs(run(small(method, seed=2))) != designs(whole)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_designs_are_in_the_space_and_seldom_twice(method: Method) -> None:
    pytest.importorskip("optuna")
    found = run(small(method, 96))
    assert set(found.columns["format"]) <= {0.0, 1.0}
    assert set(found.columns["array_2d.rows"] % 16) == {0.0}
    assert found.columns["array_1d.lanes"].tolist() == found.columns["array_2d.columns"].tolist()
    assert len(set(designs(found))) > 90


@pytest.mark.parametrize("method", ADAPTIVE)
def test_later_rounds_are_better_than_chance(method: Method) -> None:
    pytest.importorskip("optuna")
    by_chance = small(Method.RANDOM, 256)
    points = make_points(by_chance, 0, by_chance.size)
    drawn = grown(EMPTY, points, evaluate_points(points))
    found = run(small(method, 240, 16))
    assert typical(found, 160) < 0.8 * typical(drawn, 0)


def test_continuous_intervals_and_failures() -> None:
    pytest.importorskip("optuna")
    from einsum.errors import Source
    from mapper.sweep.sweep_yaml import parse_sweep

    text = """
workload: bert
seq_len: 1K
parameters:
  clock: {from: 500 MHz, to: 2 GHz}
  array_1d.lanes: {from: 16, to: 512, scale: log}
  global_buffer.size: {from: 1 KiB, to: 1 MiB, scale: log}
objectives: [latency_s, area_um2]
sampler: {kind: bayesian, points: 32, round: 8}
"""
    found = run(parse_sweep(Source("spec.yaml", text)))
    assert Status.FAILED in found.status.tolist()  # a buffer of a few KiB holds nothing
    assert found.columns["clock"].min() >= 500e6
    assert found.columns["clock"].max() <= 2e9
    assert set(found.columns["array_1d.lanes"] % 1) == {0.0}


def test_a_round_needs_all_points_before_it() -> None:
    pytest.importorskip("optuna")
    with pytest.raises(ValueError, match="needs 16 finished points"):
        next_points(small(Method.BAYESIAN), 16, 32, EMPTY)


def test_without_optuna_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.partition(".")[0] == "optuna":
            raise ImportError(name)
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SpecError) as caught:
        next_points(small(Method.BAYESIAN), 0, 16, EMPTY)
    assert "einfall[search]" in caught.value.rule
