"""`einfall convert`."""

from __future__ import annotations

from pathlib import Path

from tests.reports.command import Command

MATMUL = ("--cascade", "layers/matmul", "--shape", "T=1K,K=256,N=512")


def test_a_mapping_goes_to_timeloop_and_back(einfall: Command, tmp_path: Path) -> None:
    ours, theirs, back = (tmp_path / name for name in ("ours.yaml", "theirs.yaml", "back.yaml"))
    assert einfall("map", *MATMUL, "--objective", "energy", "--save", str(ours)).code == 0
    to = ("--to", "timeloop", "--save", str(theirs))
    assert einfall("convert", *MATMUL, "--mapping", str(ours), *to).code == 0
    assert einfall("convert", *MATMUL, "--timeloop", str(theirs), "--save", str(back)).code == 0
    first, second = (
        einfall("evaluate", *MATMUL, "--mapping", str(path), "--json").json for path in (ours, back)
    )
    for amount in ("latency_s", "dram_traffic_bytes", "energy_pj_complete"):
        assert second[amount] == first[amount]
    shown = einfall("convert", *MATMUL, "--timeloop", str(theirs), "--to", "timeloop")
    assert shown.out == theirs.read_text(encoding="utf-8")


def test_wrong_input_is_one_message(einfall: Command, tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("mapping:\n- {target: drum, type: temporal}\n", encoding="utf-8")
    found = einfall("convert", *MATMUL, "--timeloop", str(path))
    assert found.code == 2
    assert "unknown target drum" in found.err
    assert "did you mean dram" in found.err
    both = einfall("convert", *MATMUL, "--timeloop", str(path), "--mapping", str(path))
    assert both.code == 2
    assert "two mappings" in both.err
    assert einfall("convert", *MATMUL, "--timeloop", str(tmp_path / "none.yaml")).code == 2


def test_a_cascade_of_several_einsums_is_refused(einfall: Command) -> None:
    found = einfall("convert", "--workload", "bert", "--seq-len", "1K", "--to", "timeloop")
    assert found.code == 2
    assert "Timeloop maps one at a time" in found.err
