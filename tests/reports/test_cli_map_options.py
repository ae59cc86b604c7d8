"""The options of `einfall map`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.reports.command import Command

MATMUL = ("--cascade", "layers/matmul", "--shape", "T=256,K=96,N=120")
LARGE = ("--cascade", "layers/matmul", "--shape", "T=4K,K=1K,N=1K")
SOFTMAX = ("--cascade", "softmax/online", "--shape", "R=64,N=4K")


def groups(row: dict[str, Any]) -> list[Any]:
    found: list[Any] = yaml.safe_load(row["mapping"])["groups"]
    return found


def test_pareto_gives_points_that_no_other_is_better_than(einfall: Command) -> None:
    row = einfall("map", *LARGE, "--pareto", "latency,buffer", "--json").json
    points = [(one["latency_s"], one["buffer_bytes"]) for one in row["front"]]
    assert len(points) > 1
    for (latency, buffer), (slower, smaller) in pairwise(points):
        assert slower > latency
        assert smaller < buffer
    best = einfall("map", *LARGE, "--json").json
    assert points[0][0] == pytest.approx(best["latency_s"], rel=1e-12)
    least = einfall("map", *LARGE, "--objective", "buffer", "--json").json
    assert points[-1][1] == least["value"]


def test_every_point_of_a_front_costs_what_is_said(einfall: Command, tmp_path: Path) -> None:
    row = einfall("map", *MATMUL, "--pareto", "energy,latency,traffic", "--json").json
    for number, point in enumerate(row["front"][:3]):
        file = tmp_path / f"{number}.yaml"
        file.write_text(point["mapping"], encoding="utf-8")
        again = einfall("evaluate", *MATMUL, "--mapping", file, "--json").json
        assert again["latency_s"] == pytest.approx(point["latency_s"], rel=1e-12)
        assert again["energy_pj_complete"] == pytest.approx(point["energy_pj"], rel=1e-12)
        assert again["dram_traffic_bytes"] == pytest.approx(point["dram_traffic_bytes"], rel=1e-12)


def test_pareto_prints_a_table(einfall: Command) -> None:
    assert "Pareto front: " in einfall("map", *MATMUL, "--pareto", "latency,buffer").out


@pytest.mark.parametrize("text", ["speed,energy", "latency", "latency,latency"])
def test_pareto_refuses_what_is_no_set_of_amounts(einfall: Command, text: str) -> None:
    found = einfall("map", *MATMUL, "--pareto", text)
    assert found.code == 2
    assert "--pareto" in found.err


@pytest.mark.parametrize("objective", ["energy", "edp", "traffic", "buffer"])
def test_the_value_is_that_of_the_objective(einfall: Command, objective: str) -> None:
    row = einfall("map", *SOFTMAX, "--objective", objective, "--json").json
    amounts = {
        "energy": row["energy_pj"],
        "edp": row["energy_pj"] * row["latency_s"],
        "traffic": row["dram_traffic_bytes"],
        "buffer": row["buffer_bytes"],
    }
    assert row["objective"] == objective
    assert row["value"] == pytest.approx(amounts[objective], rel=1e-12)
    assert row["lower_bound"] <= row["value"]


def test_imperfect_tiles_are_more_and_not_worse(einfall: Command) -> None:
    perfect, imperfect = (
        einfall("map", *MATMUL, "--objective", "edp", *more, "--json").json
        for more in ((), ("--imperfect",))
    )
    assert imperfect["value"] <= perfect["value"] * (1 + 1e-12)
    assert imperfect["space_size"] > perfect["space_size"]


def test_width_limits_what_is_fused(einfall: Command) -> None:
    apart = einfall("map", *SOFTMAX, "--width", 1, "--json").json
    two = einfall("map", *SOFTMAX, "--width", 2, "--json").json
    fused = einfall("map", *SOFTMAX, "--json").json
    assert fused["value"] <= two["value"] <= apart["value"]
    assert len(groups(apart)) > len(groups(two)) >= len(groups(fused))
    assert einfall("map", *SOFTMAX, "--width", 0).code == 2


@pytest.mark.parametrize("strategy", ["random", "annealing", "genetic"])
def test_a_heuristic_depends_on_its_seed_only(einfall: Command, strategy: str) -> None:
    def found(seed: int) -> Any:
        draws = ("--strategy", strategy, "--draws", 20, "--seed", seed)
        return einfall("map", *SOFTMAX, *draws, "--json").json

    first, again = found(3), found(3)
    assert first["mapping"] == again["mapping"]
    assert first["proven_optimal"] is False
    assert first["gap"] >= 1.0
    assert len({found(seed)["mapping"] for seed in (3, 4, 5)}) > 1
    assert first["value"] >= einfall("map", *SOFTMAX, "--json").json["value"] * (1 - 1e-12)


def test_or_keeps_the_best_cascade(einfall: Command) -> None:
    named = ("--cascade", "softmax/stable", "--shape", "R=64,N=4K")
    row = einfall("map", *named, "--or", "softmax/online", "--objective", "traffic", "--json").json
    values = {one["cascade"]: one["value"] for one in row["cascades"]}
    assert set(values) == {"softmax/stable", "softmax/online"}
    assert row["value"] == min(values.values())
    assert row["cascade"] == min(values, key=lambda name: values[name])
    text = einfall("map", *named, "--or", "softmax/online").out
    assert "the best mapping of each cascade" in text


def test_explain_names_what_every_alternative_costs(einfall: Command) -> None:
    row = einfall("map", *SOFTMAX, "--explain", "--json").json
    alternatives = row["alternatives"]
    assert alternatives
    for one in alternatives:
        assert one["because"]
        assert one["legal"] == (one["latency_s"] is not None)
    legal = [one for one in alternatives if one["legal"] and "not held" in one["change"]]
    assert all(one["latency_s"] >= row["latency_s"] * (1 - 1e-12) for one in legal)
    assert "alternatives: " in einfall("map", *SOFTMAX, "--explain").out


def test_the_policy_is_that_of_every_group(einfall: Command) -> None:
    row = einfall("map", *SOFTMAX, "--policy", "serial", "--json").json
    assert {group["schedule"] for group in groups(row)} == {"serial"}
    overlapped = einfall("map", *SOFTMAX, "--json").json
    assert row["latency_s"] >= overlapped["latency_s"]
    refused = einfall("map", *SOFTMAX, "--policy", "pipelined")
    assert refused.code == 2
    assert "overlapped or serial" in refused.err


def test_without_time_there_is_a_mapping_with_its_gap(einfall: Command) -> None:
    row = einfall("map", *SOFTMAX, "--time-limit", 0, "--json").json
    assert row["proven_optimal"] is False
    assert row["gap"] >= 1.0
    assert row["lower_bound"] <= einfall("map", *SOFTMAX, "--json").json["value"]
    assert "not proven" in einfall("map", *SOFTMAX, "--time-limit", 0).out


def test_a_saved_serial_mapping_costs_what_was_promised(einfall: Command, tmp_path: Path) -> None:
    file = tmp_path / "best.yaml"
    options = ("--policy", "serial", "--objective", "edp", "--imperfect")
    found = einfall("map", *SOFTMAX, *options, "--save", file, "--json").json
    again = einfall("evaluate", *SOFTMAX, "--mapping", file, "--json").json
    for name in ("latency_s", "dram_traffic_bytes", "energy_pj_complete"):
        assert again[name] == pytest.approx(found[name], rel=1e-12)
