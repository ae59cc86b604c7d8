"""Sweeps as text: files, options, formulas, and the errors of each."""

from __future__ import annotations

import pytest

from einsum.errors import Source, SpecError
from mapper.sweep.constraint import parse_constraint, parse_objective
from mapper.sweep.formula import parse_formula
from mapper.sweep.outcome import METRICS
from mapper.sweep.samplers import Method, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.sweep_yaml import build_sweep, parse_sweep
from tests.mapper.sweep.one_by_one import whole

BERT = {"workload": "bert", "seq_len": "1K"}
SPEC = """\
sweep: squares
workload: bert
seq_len: 1K..4K
set:
  clock: 1 GHz
parameters:
  array_2d.rows: {from: 64, to: 512, factor: 2}
  array_2d.columns: = array_2d.rows
  global_buffer.size: [1 MiB, 4 MiB]
  dram.bandwidth: {from: 100 GiB/s, to: 400 GiB/s, count: 3, scale: log}
  batch: {from: 16, to: 64, step: 16}
constraints:
  - area_um2 <= 1.3e9
objectives: [latency_s, max util_2d]
sampler: {kind: grid}
"""


def parsed(text: str) -> Sweep:
    return parse_sweep(Source("spec.yaml", text))


def values(sweep: Sweep, name: str) -> list[object]:
    return list(dict.fromkeys(whole(sweep).values(name)))


def test_a_file_with_everything() -> None:
    sweep = parsed(SPEC)
    assert sweep.name == "squares"
    assert dict(sweep.base) == {"workload": "bert", "clock": 1e9}
    assert [one.name for one in sweep.parameters] == [
        "seq_len",
        "array_2d.rows",
        "array_2d.columns",
        "global_buffer.size",
        "dram.bandwidth",
        "batch",
    ]
    assert sweep.size == 3 * 4 * 2 * 3 * 4
    assert values(sweep, "seq_len") == [1024, 2048, 4096]
    assert values(sweep, "array_2d.rows") == [64, 128, 256, 512]
    assert values(sweep, "global_buffer.size") == [1 << 20, 4 << 20]
    assert values(sweep, "dram.bandwidth") == [100 << 30, 200 << 30, 400 << 30]
    assert values(sweep, "batch") == [16, 32, 48, 64]
    assert [str(one) for one in sweep.constraints] == ["area_um2 <= 1.3e9"]
    assert [str(one) for one in sweep.objectives] == ["latency_s", "max util_2d"]


def test_columns_have_a_fixed_order() -> None:
    sweep = build_sweep(BERT, ["clock=1GHz,2GHz", "array_1d.lanes=64,128"])
    assert sweep.columns == ("clock", "array_1d.lanes", *METRICS, "status", "reason")


def test_options_and_files_describe_equal_sweeps() -> None:
    options = build_sweep(
        {"workload": "bert", "seq_len": "1K..4K"},
        [
            "clock=1GHz",
            "array_2d.rows=64..512",
            "array_2d.columns== array_2d.rows",
            "global_buffer.size=1MiB,4MiB",
            "dram.bandwidth=100GiB/s,200GiB/s,400GiB/s",
            "batch=16,32,48,64",
        ],
        constraints=["area_um2 <= 1.3e9"],
        objectives=["latency_s", "max util_2d"],
    )
    assert options.content == parsed(SPEC).content
    assert options.digest == parsed(SPEC).digest


@pytest.mark.parametrize(
    "changed",
    [
        SPEC.replace("1 GHz", "2 GHz"),
        SPEC.replace("1.3e9", "1.4e9"),
        SPEC.replace("workload: bert", "workload: t5"),
        SPEC.replace("= array_2d.rows", "= 2 * array_2d.rows"),
        SPEC.replace("max util_2d", "util_2d"),
        SPEC.replace("kind: grid", "kind: sobol, points: 8"),
    ],
)
def test_content_tells_sweeps_apart(changed: str) -> None:
    assert parsed(changed).content != parsed(SPEC).content


def test_content_is_that_of_what_names_stand_for() -> None:
    renamed = parsed(SPEC.replace("sweep: squares", "sweep: other").replace("bert", "BERT"))
    assert renamed.content == parsed(SPEC).content


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("array_2d.rows: {", "array_2d.rowz: {", 7, "there is no array_2d.rowz to set"),
        ("workload:", "workloud:", 2, "unknown key workloud"),
        ("1 MiB", "1 MiBs", 9, "MiBs is not a unit of a size"),
        ("factor: 2", "factor: 1", 7, "factor is 1"),
        ("factor: 2", "factor: 2, step: 4", 7, "a range has step or factor"),
        ("to: 512", "to: 32", 7, "the range 64..32 of array_2d.rows is empty"),
        ("= array_2d.rows", "= array_2d.rovs", 1, "unknown name array_2d.rovs"),
        ("area_um2 <=", "area_um3 <=", 1, "unknown name area_um3"),
        ("area_um2 <=", "area_um2 =<", 13, "is not a constraint"),
        ("max util_2d", "max util_3d", 14, "there is no metric util_3d"),
        ("kind: grid", "kind: gird", 15, "kind gird is unknown"),
        ("kind: grid", "kind: random", 15, "random takes 0 points"),
        ("1 GHz", "fast", 5, "fast is not a unit of a frequency"),
        ("batch: {from: 16", "batch: {from: 0", 11, "batch is 0"),
        ("seq_len: 1K..4K", "seq_len: 1K,1024", 3, "seq_len takes 1024 twice"),
    ],
)
def test_errors_have_their_place(old: str, new: str, line: int, message: str) -> None:
    text = SPEC.replace(old, new, 1)
    assert text != SPEC
    with pytest.raises(SpecError) as caught:
        parsed(text)
    assert message in str(caught.value)
    if line > 1:
        assert f"spec.yaml:{line}:" in str(caught.value)


def test_a_misspelt_path_lists_what_would_be_valid() -> None:
    with pytest.raises(SpecError) as caught:
        build_sweep(BERT, ["array_2d.rovs=1"])
    assert "did you mean array_2d.rows?" in caught.value.rule
    assert "array_2d.operations.exp.cycles" in caught.value.rule
    with pytest.raises(SpecError) as caught:
        build_sweep(BERT, ["aray_2d.rows=1"])
    assert "did you mean array_2d.KEY?" in caught.value.rule


@pytest.mark.parametrize(
    ("settings", "changes", "message"),
    [
        ({}, ["clock=1GHz"], "nothing to evaluate"),
        ({"workload": "bert"}, [], "the workload has no length"),
        ({"workload": "bertt", "seq_len": "1K"}, [], "unknown model bertt"),
        ({**BERT, "config": "bindig"}, [], "config bindig is unknown"),
        ({**BERT, "arch": "fusemax-clod"}, [], "no architecture fusemax-clod"),
        ({**BERT, "mapping": "nowhere.yaml"}, [], "nowhere.yaml"),
        ({**BERT, "phase": "decoding"}, [], "phase decoding is unknown"),
        ({**BERT, "phase": "decode", "query_len": "2"}, [], "query_len and phase contradict"),
        ({**BERT, "format": "bf17"}, [], "format bf17 is unknown"),
        ({"workload": "bert", "seq_len": "1.5"}, [], "seq_len is 1.5"),
        ({"workload": "bert", "seq_len": "0"}, [], "seq_len is 0"),
        ({"workload": "bert", "seq_len": ""}, [], "seq_len has an empty value"),
        (BERT, ["shape.Z=3"], "there is no shape.Z to set"),
        (BERT, ["format.KK=int8"], "there is no format.KK to set"),
        (BERT, ["mapping.state_in_lane=1"], "there is no mapping.state_in_lane to set"),
        (BERT, ["clock"], "--set clock has no value"),
        (BERT, ["clock="], "clock has an empty value"),
        (BERT, ["clock=1GHz", "clock=2GHz"], "clock is given twice"),
        (BERT, ["clock=1GHz,1000MHz"], "clock takes 1 GHz twice"),
        (BERT, ["array_2d.rows=64..32"], "is empty"),
        (BERT, ["global_buffer.size=4"], "has no unit"),
        (BERT, ["array_2d.rows== exp(2)"], "this is not arithmetic"),
        (BERT, ["array_2d.rows== 2 *"], "array_2d.rows"),
        (BERT, ["array_2d.rows== array_2d.columns", "array_2d.columns== array_2d.rows * 2"], ""),
        ({**BERT, "workload": "= 2"}, [], "workload takes names, not a formula"),
    ],
)
def test_options_that_cannot_be(settings: dict[str, str], changes: list[str], message: str) -> None:
    if not message:
        # A formula sees what is linked before it, else the architecture's own value.
        assert build_sweep(settings, changes).size == 1
        return
    with pytest.raises(SpecError) as caught:
        build_sweep(settings, changes)
    assert message in str(caught.value)


def test_a_grid_needs_steps_and_other_samplers_do_not() -> None:
    text = SPEC.replace("factor: 2", "scale: log")
    with pytest.raises(SpecError, match=r"array_2d\.rows has no step"):
        parsed(text)
    sampled = parsed(text.replace("kind: grid", "kind: sobol, points: 100, seed: 3"))
    rows = values(sampled, "array_2d.rows")
    assert len(rows) > 30
    assert all(isinstance(row, int) and 64 <= row <= 512 for row in rows)


def test_ranges_double() -> None:
    sweep = build_sweep({"workload": "bert", "seq_len": "1K..1M"}, ["array_2d.rows=48..200"])
    assert values(sweep, "seq_len") == [1 << n for n in range(10, 21)]
    assert values(sweep, "array_2d.rows") == [48, 96, 192]


def test_formulas() -> None:
    import numpy as np

    known = {"a.b": np.asarray([1.0, 4.0]), "n": np.asarray(3.0)}
    assert parse_formula("2 * a.b + n").values(known).tolist() == [5, 11]
    assert parse_formula("max(a.b, n) // 2 % 2").values(known).tolist() == [1, 0]
    assert parse_formula("-(a.b - n)").names == ("a.b", "n")
    with_unit = parse_formula("a.b * 2 KiB", {"KiB": 1024})
    assert with_unit.values(known).tolist() == [2048, 8192]


def test_constraints_and_objectives() -> None:
    import numpy as np

    constraint = parse_constraint("area_um2 <= 2 mm^2")
    assert constraint.holds({"area_um2": np.asarray([2e6, 2.1e6, np.nan])}).tolist() == [
        True,
        False,
        False,
    ]
    assert parse_objective("max util_1d").maximise
    assert not parse_objective("min latency_s").maximise


def test_samplers_say_what_they_take() -> None:
    with pytest.raises(SpecError, match="a grid has all its points"):
        Sampler(Method.GRID, 10)
    with pytest.raises(SpecError, match="a seed is from 0"):
        Sampler(Method.RANDOM, 10, seed=-1)


def test_configurations_name_the_architecture_of_paths() -> None:
    sweep = build_sweep({**BERT, "config": "flat,binding"}, ["array_2d.rows=128,256"])
    assert [one.name for one in sweep.architectures] == ["flat-cloud", "fusemax-cloud"]
    with pytest.raises(SpecError, match="nor in tpu-v4i"):
        build_sweep({**BERT, "arch": "fusemax-cloud,tpu-v4i"}, ["rf_1d.size=32B"])
