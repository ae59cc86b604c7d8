"""Batches: every point as if it were alone, whatever it is evaluated together with."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from mapper.sweep.evaluate import Evaluator, evaluate_points
from mapper.sweep.outcome import METRICS, Outcome, Status
from mapper.sweep.points import Points
from mapper.sweep.samplers import Method, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.sweep_yaml import build_sweep
from tests.mapper.sweep.one_by_one import alone, whole

POINTS = 14
CLOUD = {"workload": "bert", "seq_len": "1K..1M"}
ANY_SIZE = ",".join(map(str, range(16, 512, 7)))


def drawn(settings: dict[str, str], *changes: str, points: int = POINTS) -> Sweep:
    return build_sweep(settings, changes, sampler=Sampler(Method.RANDOM, points, seed=7))


SWEEPS = {
    "arrays and buffers of any size": drawn(
        CLOUD,
        f"array_2d.rows={ANY_SIZE}",
        f"array_2d.columns={ANY_SIZE}",
        f"array_1d.lanes={ANY_SIZE}",
        "global_buffer.size=3MiB,5MB,16MiB",
    ),
    "configurations": drawn(
        {"workload": "bert,xlm", "seq_len": "1K..64K", "config": "binding,cascade,flat,unfused"},
        "dram.bandwidth=50GiB/s..800GiB/s",
        "clock=500MHz,1GHz",
    ),
    "cycles, nodes, formats, phases": drawn(
        {**CLOUD, "seq_len": "1000,3000,64K", "phase": "prefill,decode", "format": "bf16,mxfp4"},
        "rf_2d.size=24B,48B",
        "rf_1d.size=64B..1KiB",
        "array_2d.operations.exp.cycles=1,2.5,6",
        "node=22nm,45nm",
    ),
    "causal": drawn(
        {
            "workload": "bert",
            "seq_len": "1K,4K,5000",
            "cascade": "attention/causal-online",
            "mapping": "fusemax",
            "arch": "fusemax-cloud",
        },
        "global_buffer.size=4MiB..64MiB",
        "array_2d.columns=64..512",
    ),
    "policies": drawn(
        {"workload": "bert", "seq_len": "1K..4K", "policy": "serial,overlapped,paper"},
        "array_2d.operations.exp.cycles=4,6,8",
        "batch=1..64",
    ),
    "shapes": drawn(
        {"workload": "bert", "seq_len": "1K,3000", "query_len": "1,100,4K"},
        "shape.M0=32,100,256",
        "shape.E=64,128",
        "format.K=int8,bf16",
    ),
    "no mapping": drawn(
        {"cascade": "layers/matmul", "arch": "tpu-v4i"},
        "shape.T=256..1K",
        "shape.K=100,512",
        "shape.N=64",
        "dram.bandwidth=100GiB/s,600GiB/s",
        points=4,
    ),
    "impossible values": drawn(
        {"workload": "bert", "seq_len": "1K"},
        "array_2d.rows=0,64,1.5",
        "array_2d.columns== 300 - array_2d.rows * 4",
        "global_buffer.size=1B,1KiB,1MiB",
    ),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_batch_is_each_point_alone(name: str) -> None:
    points = whole(SWEEPS[name])
    outcome = evaluate_points(points)
    for row in range(len(points)):
        expected = alone(points, row)
        if isinstance(expected, str):
            assert outcome.status[row] == Status.FAILED
            assert outcome.reasons[row] == expected
            assert all(math.isnan(outcome.metrics[metric][row]) for metric in METRICS)
        else:
            assert outcome.status[row] == Status.DONE
            # Whole numbers above 2^53 are rounded in columns, and exact one by one.
            found = {metric: outcome.metrics[metric][row] for metric in expected}
            assert found == pytest.approx(expected, rel=1e-12)


def identical(one: Outcome, other: Outcome) -> bool:
    return (
        all(one.metrics[m].tobytes() == other.metrics[m].tobytes() for m in METRICS)
        and one.status.tobytes() == other.status.tobytes()
        and one.reasons == other.reasons
    )


def in_slices(points: Points, cuts: list[int]) -> Outcome:
    evaluator = Evaluator(points.sweep)
    parts = np.split(np.arange(len(points)), cuts)
    return Outcome.joined([evaluator.evaluate(points.take(rows)) for rows in parts])


@pytest.mark.parametrize("name", ["arrays and buffers of any size", "impossible values"])
def test_results_do_not_depend_on_the_slices(name: str) -> None:
    points = whole(SWEEPS[name])
    together = evaluate_points(points)
    assert identical(together, in_slices(points, [1, 2, 9]))
    backwards = points.take(np.arange(len(points))[::-1].copy())
    turned = in_slices(backwards, [5])
    for metric in METRICS:
        assert turned.metrics[metric][::-1].tobytes() == together.metrics[metric].tobytes()


def test_results_do_not_depend_on_what_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    points = whole(SWEEPS["arrays and buffers of any size"])
    expected = evaluate_points(points)
    monkeypatch.setattr("mapper.sweep.evaluate._STAGES", 1)
    monkeypatch.setattr("mapper.sweep.per_value._KEPT", 2)
    assert identical(expected, Evaluator(points.sweep).evaluate(points))


def test_points_and_outcomes_go_to_other_processes() -> None:
    points = whole(SWEEPS["impossible values"])
    copy = pickle.loads(pickle.dumps(points))
    assert copy.sweep == points.sweep
    outcome = evaluate_points(copy)
    assert identical(pickle.loads(pickle.dumps(outcome)), evaluate_points(points))


def test_few_recordings_serve_many_points() -> None:
    sweep = drawn(CLOUD, f"array_2d.rows={ANY_SIZE}", f"array_1d.lanes={ANY_SIZE}", points=3000)
    evaluator = Evaluator(sweep)
    outcome = evaluator.evaluate(whole(sweep))
    assert len(outcome) == 3000
    (group,) = evaluator._groups.values()
    stages = [group.tiles, *group.scores.values(), *group.costs.values()]
    assert sum(len(one.stages) for one in stages) < 60


def test_constraints_mark_points_and_keep_their_results() -> None:
    sweep = build_sweep(
        {"workload": "bert", "seq_len": "1K"},
        ["array_2d.rows=64,128,256", "array_2d.columns== array_2d.rows"],
        constraints=["area_um2 <= 400 mm^2", "array_2d.rows * 4 > array_1d.lanes"],
    )
    outcome = evaluate_points(whole(sweep))
    area = outcome.metrics["area_um2"]
    assert area[2] > 400e6 > area[1]
    assert outcome.status.tolist() == [Status.INFEASIBLE, Status.DONE, Status.INFEASIBLE]
    assert outcome.reasons[0].startswith("array_2d.rows * 4 > array_1d.lanes does not hold")
    assert f"area_um2 is {area[2]:.6g}" in outcome.reasons[2]


def test_a_formula_without_a_value_fails_its_point_only() -> None:
    sweep = build_sweep(
        {"workload": "bert", "seq_len": "1K"},
        ["array_2d.rows=64,128", "array_2d.columns== 8192 / (array_2d.rows - 64)"],
    )
    outcome = evaluate_points(whole(sweep))
    assert outcome.status.tolist() == [Status.FAILED, Status.DONE]
    assert outcome.reasons == {0: "array_2d.columns has no value"}


def test_a_point_whose_computation_breaks_down_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from mapper.sweep import stages

    original = stages.check_loops

    def fragile(*arguments: object) -> None:
        original(*arguments)  # type: ignore[arg-type]
        if arguments[2].clock_hz > 1.5e9:  # type: ignore[attr-defined]
            raise ZeroDivisionError("the clock is too fast")

    monkeypatch.setattr(stages, "check_loops", fragile)
    sweep = build_sweep({"workload": "bert", "seq_len": "1K"}, ["clock=1GHz,2GHz"])
    outcome = Evaluator(sweep).evaluate(whole(sweep))
    assert outcome.status.tolist() == [Status.DONE, Status.FAILED]
    assert outcome.reasons == {1: "ZeroDivisionError: the clock is too fast"}


def test_a_sweep_of_one_point() -> None:
    sweep = build_sweep({"workload": "bert", "seq_len": "64K"})
    assert sweep.size == 1
    outcome = evaluate_points(whole(sweep))
    assert outcome.metrics["latency_s"][0] == pytest.approx(7.4025, rel=1e-4)  # the paper's


def test_no_points_have_no_results() -> None:
    sweep = SWEEPS["impossible values"]
    assert len(evaluate_points(whole(sweep).take(np.arange(0)))) == 0
