"""Points: made slice by slice, and known by what they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mapper.sweep.points import Points, make_points, point_keys
from mapper.sweep.samplers import Method, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.sweep_yaml import build_sweep
from tests.mapper.sweep.one_by_one import whole

BERT = {"workload": "bert,t5", "seq_len": "1K..8K"}
CHANGES = ["array_2d.rows=64,100,128", "array_2d.columns== array_2d.rows", "clock=1GHz,2GHz"]


def sampled(method: Method, points: int = 50, seed: int = 0) -> Sweep:
    count = 0 if method is Method.GRID else points
    return build_sweep(BERT, CHANGES, sampler=Sampler(method, count, seed))


def columns(points: Points) -> list[tuple[object, ...]]:
    return list(zip(*(points.values(name) for name in points.columns), strict=True))


def test_a_grid_is_every_combination_the_last_parameter_fastest() -> None:
    found = columns(whole(sampled(Method.GRID)))
    assert len(set(found)) == len(found) == 2 * 4 * 3 * 2
    assert found[:3] == [
        ("bert", 1024, 64, 64, 1_000_000_000),
        ("bert", 1024, 64, 64, 2_000_000_000),
        ("bert", 1024, 100, 100, 1_000_000_000),
    ]
    assert found[-1] == ("t5", 8192, 128, 128, 2_000_000_000)


@pytest.mark.parametrize("method", [Method.GRID, Method.RANDOM, Method.SOBOL])
def test_a_slice_is_the_same_as_in_the_whole(method: Method) -> None:
    sweep = sampled(method)
    together = whole(sweep)
    parts = [make_points(sweep, start, start + 7) for start in range(0, sweep.size, 7)]
    assert sum(map(len, parts)) == sweep.size
    assert [row for part in parts for row in columns(part)] == columns(together)
    assert [key for part in parts for key in point_keys(part)] == point_keys(together)
    assert np.concatenate([part.index for part in parts]).tolist() == list(range(sweep.size))


@pytest.mark.parametrize("method", [Method.RANDOM, Method.SOBOL])
def test_seeds_give_other_points(method: Method) -> None:
    one, other = (columns(whole(sampled(method, seed=seed))) for seed in (1, 2))
    assert one != other
    assert one == columns(whole(sampled(method, seed=1)))


def test_random_and_sobol_cover_all_values_evenly() -> None:
    for method in (Method.RANDOM, Method.SOBOL):
        rows = whole(sampled(method, 1200)).columns["array_2d.rows"]
        counts = [int((rows == value).sum()) for value in (64, 100, 128)]
        assert min(counts) > 330, method


def test_slices_beyond_the_end_are_short() -> None:
    sweep = sampled(Method.GRID)
    assert len(make_points(sweep, sweep.size - 2, sweep.size + 5)) == 2
    assert len(make_points(sweep, sweep.size + 5, sweep.size + 9)) == 0


def test_making_points_of_a_huge_sweep_takes_a_slice_only() -> None:
    sizes = ",".join(map(str, range(1, 1001)))
    sweep = build_sweep(
        {"workload": "bert", "seq_len": sizes},
        [f"array_2d.rows={sizes}", f"array_2d.columns={sizes}", f"array_1d.lanes={sizes}"],
    )
    assert sweep.size == 10**12
    points = make_points(sweep, 10**12 - 3, 10**12)
    assert points.values("array_1d.lanes") == [998, 999, 1000]
    assert points.values("seq_len") == [1000] * 3


def keys(settings: dict[str, str], changes: list[str], **options: object) -> list[bytes]:
    return point_keys(whole(build_sweep(settings, changes, **options)))  # type: ignore[arg-type]


def test_keys_are_of_the_point_and_not_of_the_sweep() -> None:
    one = keys(BERT, CHANGES)
    assert len(set(one)) == len(one)
    assert {len(key) for key in one} == {16}
    turned = keys(dict(reversed(BERT.items())), CHANGES[::-1])
    assert turned != one
    assert set(turned) == set(one)
    larger = keys(BERT, ["array_2d.rows=32,64,100,128", *CHANGES[1:]])
    assert set(one) < set(larger)
    alone = keys({"workload": "BERT", "seq_len": "1K"}, ["array_2d.rows=64", *CHANGES[1:]])
    assert alone == one[:2]


@pytest.mark.parametrize(
    "change",
    [
        lambda: keys(BERT, [*CHANGES, "launch=1us"]),
        lambda: keys(BERT, CHANGES, constraints=["area_um2 < 1e9"]),
        lambda: keys({**BERT, "config": "flat"}, CHANGES),
        lambda: keys(BERT, [*CHANGES[:2], "clock=1.5GHz,3GHz"]),
    ],
)
def test_keys_change_with_what_the_results_depend_on(change: Callable[[], list[bytes]]) -> None:
    assert not set(change()) & set(keys(BERT, CHANGES))


def test_keys_change_with_the_model_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys(BERT, CHANGES)
    monkeypatch.setattr("mapper.sweep.spec.MODEL_VERSION", "another")
    assert not set(keys(BERT, CHANGES)) & set(before)


def test_keys_change_with_the_content_of_a_file(tmp_path: Path) -> None:
    from archsim.load import architecture_source
    from mapper.sweep.content import content_digest

    file, found = tmp_path / "chip.yaml", []
    for clock in ("940 MHz", "941 MHz"):
        text = architecture_source("fusemax-cloud").text
        file.write_text(text.replace("clock: 940 MHz", f"clock: {clock}"), encoding="utf-8")
        content_digest.cache_clear()  # a process reads a file once
        found += keys({**BERT, "arch": str(file)}, CHANGES)
    assert len(set(found)) == len(found)


def test_keys_and_points_are_the_same_in_another_process() -> None:
    program = (
        "from tests.mapper.sweep.test_sweep_points import *;"
        "s = sampled(Method.RANDOM); print(b''.join(point_keys(whole(s))).hex())"
    )
    root = Path(__file__).parents[3]
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
    )
    assert found.stdout.strip() == b"".join(point_keys(whole(sampled(Method.RANDOM)))).hex()
