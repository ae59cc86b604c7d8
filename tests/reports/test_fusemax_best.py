"""Best mappings beside the paper's: the files, and what falls short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pytest

from archsim.library import load_library
from archsim.load import load_architecture
from mapper.objective import Objective
from mapper.search import search
from reports.best_mappings import Case, best_mappings, evaluated
from reports.fusemax_best import FLAT, FUSEMAX, Best

T = TypeVar("T")
CASE = Case("layers/matmul", "flat-edge", (("T", 64), ("K", 96), ("N", 32)))


def seen(items: Sequence[T], what: str) -> Iterator[T]:
    assert what in ("searches", "evaluations")
    yield from items


def test_a_mapping_is_searched_once_and_kept(tmp_path: Path) -> None:
    paths = best_mappings([CASE, CASE], tmp_path, seen)
    assert list(tmp_path.iterdir()) == list(paths.values())
    shapes, library = CASE.shapes, load_library()
    chip = load_architecture(CASE.architecture)
    direct = search(shapes.cascade, shapes, chip, library, Objective.LATENCY)
    report = evaluated(CASE, paths[CASE], library)
    assert report.latency_s == pytest.approx(direct.value)
    assert report.dram_traffic_bytes == pytest.approx(direct.cost.traffic_bytes)
    paths[CASE].write_text("kept", encoding="utf-8")
    assert best_mappings([CASE], tmp_path, seen)[CASE].read_text(encoding="utf-8") == "kept"


def test_file_names_tell_shapes_and_chips_apart() -> None:
    larger = Case(CASE.cascade, CASE.architecture, (("T", 128), *CASE.sizes[1:]))
    other = Case(CASE.cascade, "flat-cloud", CASE.sizes)
    assert len({CASE.file_name, larger.file_name, other.file_name}) == 3


def row(config: str, latency: float, traffic: float, own: float = 2.0) -> dict[str, object]:
    return {
        "config": config,
        "model": "XLM",
        "seq_len": "1K",
        "latency_s": latency,
        "dram_traffic_bytes": traffic,
        "energy_pj_complete": 1.0,
        "config_latency_s": own,
        "config_dram_traffic_bytes": 10.0,
        "config_energy_pj_complete": 2.0,
        "paper_latency_s": 2.0,
        "paper_dram_traffic_bytes": 10.0,
    }


def test_speedups_and_shortfalls() -> None:
    attention = pd.DataFrame([row(FUSEMAX, 1.0, 12.0), row(FLAT, 3.0, 10.0, own=6.0)])
    linear = pd.DataFrame([row("flat", 2.0, 9.0), row("fusemax", 2.5, 10.0)])
    best = Best(attention, linear)
    (speedup,) = best.speedups.to_dict("records")
    assert speedup["over_flat"] == 6.0
    assert speedup["over_best_3_pass"] == 3.0
    assert speedup["config_over_best_3_pass"] == 1.5
    found = best.shortfalls
    assert len(found) == 3
    assert [("traffic" in one, "published" in one) for one in found] == [
        (True, False),
        (True, True),
        (False, True),
    ]
    assert "speedup of FuseMax over best 3 pass" in str(best)
    assert "3 points" in str(best)
