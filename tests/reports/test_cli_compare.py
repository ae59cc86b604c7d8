"""`einfall compare`: two designs or two sweeps, term by term."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reports.comparison import Term, explaining
from tests.reports.command import Command

BOTH = ("--both", "workload=bert,seq_len=4K")


def sweep(einfall: Command, folder: Path, bandwidth: str, *more: object) -> Path:
    options = ("--workload", "bert", "--seq-len", "1K..4K", "--set", "array_2d.rows=64,256")
    done = einfall(
        "sweep", *options, "--set", f"dram.bandwidth={bandwidth}", *more, "--out", folder
    )
    assert done.code == 0
    return folder


def test_terms_sum_up_to_the_totals(einfall: Command) -> None:
    found = einfall("compare", "config=flat", "config=binding", *BOTH, "--json").json
    totals = {one["name"]: one for one in found["totals"]}
    for part, total in (("traffic", "dram_traffic_bytes"), ("energy", "energy_pj")):
        for side in ("a", "b", "difference"):
            assert sum(one[side] for one in found[part]) == pytest.approx(
                totals[total][side], rel=1e-9
            )
    assert {one["name"] for one in found["units"]} == {"array_1d", "array_2d"}


def test_both_sides_are_what_evaluate_says(einfall: Command) -> None:
    found = einfall("compare", "config=flat", "config=binding", *BOTH, "--json").json
    for side, config in (("a", "flat"), ("b", "binding")):
        report = einfall(
            "evaluate", "--workload", "bert", "--seq-len", "4K", "--config", config, "--json"
        ).json
        totals = {one["name"]: one[side] for one in found["totals"]}
        assert totals["latency_s"] == report["latency_s"]
        assert totals["energy_pj"] == report["energy_pj_complete"]
        assert totals["area_um2"] == report["area_um2"]


def test_one_setting_at_a_time(einfall: Command) -> None:
    a, b = "array_2d.rows=64,dram.bandwidth=50 GB/s", "array_2d.rows=256,dram.bandwidth=400 GB/s"
    found = einfall("compare", a, b, *BOTH, "--json").json
    assert [one["setting"] for one in found["changes"]] == ["array_2d.rows", "dram.bandwidth"]
    only_rows = einfall("compare", a, "array_2d.rows=256,dram.bandwidth=50 GB/s", *BOTH, "--json")
    totals = {one["name"]: one["b"] for one in only_rows.json["totals"]}
    assert found["changes"][0]["amounts"] == [
        totals["latency_s"],
        totals["dram_traffic_bytes"],
        totals["energy_pj"],
    ]
    said = einfall("compare", a, b, *BOTH).out
    assert "dram.bandwidth  50 GB/s  400 GB/s" in said
    assert "A with one setting of B, over A" in said


def test_a_change_that_cannot_be_made_alone_says_why(einfall: Command) -> None:
    found = einfall(
        "compare",
        "global_buffer.size=16 MiB",
        "global_buffer.size=128 KiB,config=unfused",
        *BOTH,
        "--json",
    ).json
    small = {one["setting"]: one for one in found["changes"]}["global_buffer.size"]
    assert small["amounts"] is None
    assert "short" in small["reason"]


def test_what_waits_for_what_is_said(einfall: Command) -> None:
    said = einfall("compare", "dram.bandwidth=10 GB/s", "dram.bandwidth=400 GB/s", *BOTH).out
    assert "A waits for dram, B for array_1d" in said
    assert "energy by action" not in said, "it is the same"


def test_equal_designs_have_nothing_to_explain(einfall: Command) -> None:
    done = einfall("compare", "config=binding", "config=binding", *BOTH)
    assert done.code == 0
    assert "B is 1x A's" in done.out
    assert "settings that differ" not in done.out
    assert "of the difference" not in done.out


def test_two_sweeps_are_matched_by_what_they_vary(einfall: Command, tmp_path: Path) -> None:
    a = sweep(einfall, tmp_path / "a", "20 GB/s")
    b = sweep(einfall, tmp_path / "b", "400 GB/s")
    found = einfall("compare", a, b, "--json").json
    assert (found["matched"], found["both"]) == (6, 6)
    assert [one[0] for one in found["fixed"]] == ["dram.bandwidth"]
    latency = found["changes"][0]
    points = [
        einfall("compare", f"{a}:{point}", f"{b}:{point}", "--json").json for point in range(6)
    ]
    ratios = [
        total["b"] / total["a"]
        for one in points
        for total in one["totals"]
        if total["name"] == "latency_s"
    ]
    assert latency["least"] == pytest.approx(min(ratios), rel=1e-12)
    assert latency["least_at"] == [ratios.index(min(ratios))] * 2
    assert latency["mean"] == pytest.approx(math.prod(ratios) ** (1 / 6), rel=1e-12)
    assert latency["better"] == sum(ratio < 1 for ratio in ratios)
    assert found["at"]["a"]["name"] == f"{a}:{ratios.index(min(ratios))}"
    said = einfall("compare", a, b).out
    assert "6 points with results in both" in said
    assert "where the latency changes most" in said


def test_a_swept_setting_matches_a_fixed_one(einfall: Command, tmp_path: Path) -> None:
    a = sweep(einfall, tmp_path / "a", "20 GB/s")
    b = sweep(einfall, tmp_path / "b", "20 GB/s, 400 GB/s")
    found = einfall("compare", a, b, "--json").json
    assert (found["matched"], found["fixed"]) == (6, [])
    assert {one["mean"] for one in found["changes"]} == {1.0}


def test_failed_points_are_counted_apart(einfall: Command, tmp_path: Path) -> None:
    a = sweep(einfall, tmp_path / "a", "20 GB/s", "--set", "global_buffer.size=1 KiB")
    b = sweep(einfall, tmp_path / "b", "20 GB/s")
    found = einfall("compare", a, b, "--json").json
    assert (found["matched"], found["both"], found["only_b"]) == (6, 0, 6)
    assert found["changes"] == []
    assert einfall("compare", a, b).code == 0


@pytest.mark.parametrize(
    ("a", "b", "more", "said"),
    [
        ("config=flat", "config=nothing", BOTH, "nothing"),
        ("config", "config=flat", BOTH, "'config' is neither SETTING=VALUE nor"),
        ("config=flat", "seq_len=1K,2K", BOTH, "'2K' is neither"),
        ("config=flat", "seq_len=1K..4K", BOTH, "several values of seq_len"),
        ("config=flat", "config=binding", (), "nothing to evaluate"),
        ("config=flat,config=binding", "config=binding", BOTH, "given twice"),
        ("array_2d.rws=3", "config=binding", BOTH, "did you mean array_2d.rows"),
        ("nowhere:3", "config=binding", (), "there is no sweep"),
        ("global_buffer.size=1 KiB", "config=binding", BOTH, "short"),
    ],
)
def test_wrong_operands_are_one_message(
    einfall: Command, a: str, b: str, more: tuple[str, ...], said: str
) -> None:
    done = einfall("compare", a, b, *more)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_wrong_stores_are_one_message(einfall: Command, tmp_path: Path) -> None:
    a = sweep(einfall, tmp_path / "a", "20 GB/s")
    b = sweep(einfall, tmp_path / "b", "400 GB/s, 800 GB/s")
    for arguments, said in (
        ((a, b), "no point of"),
        ((a, f"{b}:0"), "FOLDER:POINT"),
        ((f"{a}:6", f"{a}:0"), "has no finished point 6"),
        ((a, a, *BOTH), "--both with two sweeps"),
        ((f"{a}:0", f"{a}:1", *BOTH), "--both with points"),
    ):
        done = einfall("compare", *arguments)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


def test_the_fewest_terms_explain_a_difference() -> None:
    terms = [Term("a", 0, 60), Term("b", 0, 35), Term("c", 0, 15), Term("d", 10, 0)]
    assert [one.name for one, _ in explaining(terms)] == ["a", "b"]
    assert [share for _, share in explaining(terms)] == pytest.approx([0.6, 0.35])
    assert [one.name for one, _ in explaining(terms, share=1.0)] == ["a", "b", "c"]
    assert explaining([Term("a", 1, 1)]) == []
