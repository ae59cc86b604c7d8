"""`einfall evaluate`, and the options that choose what is evaluated."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from mapper.configurations import configuration_names
from reports.problem import resolve
from reports.selection import Selection
from tests.reports.command import Command

BERT = ["evaluate", "--workload", "bert", "--seq-len", "64K"]
MATMUL = ["evaluate", "--cascade", "layers/matmul", "--shape", "T=4K,K=512,N=512"]
CONTRACT = [
    *("config", "model", "seq_len", "dram_traffic_bytes", "latency_s"),
    *("energy_pj_complete", "energy_pj_published", "util_2d", "util_1d", "util_useful_macs"),
]


def test_text(einfall: Command, golden: Callable[[str, str], None]) -> None:
    done = einfall(*BERT, "--config", "binding")
    assert done.code == 0
    assert done.out == f"{resolve(Selection(workload='bert', seq_len='64K')).evaluate()}\n"
    golden("reports/evaluate-bert-64K-binding.txt", done.out)


# Rows of 64K scores do not fit the registers that p3-retain keeps them in.
@pytest.mark.parametrize("config", [n for n in configuration_names() if n != "p3-retain"])
def test_json_and_csv_are_the_same_row(einfall: Command, config: str) -> None:
    written = einfall(*BERT, "--config", config, "--json").json
    (row,) = csv.DictReader(io.StringIO(einfall(*BERT, "--config", config, "--csv").out))
    assert set(CONTRACT) <= set(row)
    assert (row["config"], row["model"], row["seq_len"]) == (config, "BERT", "64K")
    for column, text in row.items():
        assert text == str(written[column]), "numbers are not rounded"


def test_json_says_what_stands_behind_the_row(einfall: Command) -> None:
    written = einfall(*BERT, "--json").json
    assert written["shape"]["M"] == 65536
    assert {one["unit"] for one in written["einsums"]} == {"array_2d", "array_1d"}
    assert sum(one["energy_pj"] for one in written["einsums"]) == pytest.approx(
        written["energy_pj_complete"], rel=1e-12
    )
    assert sum(one["complete_pj"] for one in written["energies"]) == pytest.approx(
        written["energy_pj_complete"], rel=1e-12
    )
    dram = [one for one in written["tensors"] if one["memory"] == "dram"]
    assert sum(one["read_bytes"] + one["write_bytes"] for one in dram) == pytest.approx(
        written["dram_traffic_bytes"], rel=1e-12
    )


def test_binding_is_the_default(einfall: Command) -> None:
    assert einfall(*BERT).out == einfall(*BERT, "--config", "binding").out


def test_batch_and_length(einfall: Command) -> None:
    whole, half = (
        einfall(*BERT, "--batch", batch, "--json").json["latency_s"] for batch in (64, 32)
    )
    assert whole == pytest.approx(2 * half, rel=1e-12)
    short = einfall("evaluate", "--workload", "bert", "--seq-len", "1000", "--csv").out
    assert "binding,BERT,1000," in short


def test_shape_stands_before_the_workload(einfall: Command) -> None:
    written = einfall(*BERT, "--shape", "P=1", "--json").json
    assert (written["shape"]["P"], written["shape"]["M"]) == (1, 65536)


def test_own_cascade_architecture_and_mapping(einfall: Command, tmp_path: Path) -> None:
    files = {}
    for kind, name in (
        ("cascade", "attention/fusemax"),
        ("arch", "fusemax-cloud"),
        ("mapping", "fusemax"),
    ):
        files[kind] = tmp_path / f"{kind}.text"
        files[kind].write_text(einfall("show", kind, name).out)
    shape = "B=64,H=12,M=64K,P=64K"
    own = [arg for kind, file in files.items() for arg in (f"--{kind}", file)]
    done = einfall("evaluate", *own, "--shape", shape, "--json").json
    preset = einfall(*BERT, "--json").json
    assert (done["config"], done["model"], done["seq_len"]) == (None, None, None)
    for column in set(CONTRACT[3:]):
        assert done[column] == preset[column]


def test_edited_architecture(einfall: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = einfall("show", "arch", "fusemax-cloud").out
    assert "940 MHz" in text
    file.write_text(text.replace("940 MHz", "470 MHz"))
    edited = einfall(*BERT, "--arch", file, "--json").json
    changed = einfall(*BERT, "--set", "clock=470 MHz", "--json").json
    assert edited["latency_s"] == changed["latency_s"]
    assert edited["latency_s"] == pytest.approx(
        2 * einfall(*BERT, "--json").json["latency_s"], rel=1e-12
    )


def test_tiles_follow_the_array(einfall: Command) -> None:
    written = einfall(*BERT, "--set", "array_2d.rows=128", "--json").json
    assert written["shape"]["M0"] == 128


def test_default_mapping_is_used_where_none_is_named(einfall: Command) -> None:
    written = einfall(*MATMUL, "--json").json
    assert (written["mapping"], written["architecture"]) == ("default", "fusemax-cloud")
    assert written["traffic_gap"] == pytest.approx(1)


def test_cascade_with_the_sizes_of_a_workload(einfall: Command) -> None:
    written = einfall(
        *["evaluate", "--workload", "llama-3-8b", "--seq-len", "1K"],
        *["--cascade", "attention/gqa", "--json"],
    ).json
    assert written["cascade"] == "attention/gqa"
    assert (written["shape"]["KV"], written["shape"]["G"]) == (8, 4)


def test_policies(einfall: Command) -> None:
    serial, paper, overlapped = (
        einfall(*BERT, "--policy", policy, "--json").json["latency_s"]
        for policy in ("serial", "paper", "overlapped")
    )
    assert serial > paper >= overlapped


def test_own_components(einfall: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "components:\n  mac16:\n    kind: operation\n    format: fp16\n    node: 45 nm\n"
        "    energy: 0 pJ\n    area: 1 um^2\n    source: a test\n"
    )
    default = einfall(*BERT, "--json").json
    cheaper = einfall(*BERT, "--components", file, "--json").json
    assert cheaper["energy_pj_complete"] < 0.2 * default["energy_pj_complete"]
    assert cheaper["latency_s"] == default["latency_s"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate"], "give --workload MODEL --seq-len SIZE, or --cascade NAME --shape"),
        (BERT[:3], "add --seq-len"),
        ([*BERT, "--json", "--csv"], "give --json or --csv, not both"),
        ([*BERT[:3], "--seq-len", "64X"], "--seq-len: '64X' is not a size"),
        ([*BERT, "--batch", "0"], "--batch: '0' is not a size"),
        ([*MATMUL, "--seq-len", "64K"], "--seq-len without --workload"),
        ([*MATMUL, "--batch", "64"], "--batch without --workload"),
        ([*BERT, "--config", "bindin"], "did you mean binding?"),
        ([*BERT, "--arch", "fusemax"], "did you mean fusemax-cloud?"),
        ([*BERT, "--arch", "nowhere.yaml"], "nowhere.yaml: No such file"),
        ([*BERT, "--mapping", "nowhere.yaml"], "nowhere.yaml: No such file"),
        ([*BERT, "--components", "nowhere.yaml"], "nowhere.yaml: No such file"),
        ([*BERT, "--set", "clock"], "write PATH=VALUE"),
        ([*BERT, "--set", "clock=940"], "Hz"),
        ([*BERT, "--set", "global_bufer.size=1 MiB"], "did you mean global_buffer.KEY?"),
        ([*BERT, "--set", "global_buffer.size=1 KiB"], "does not fit"),
        ([*BERT, "--shape", "X=4"], "unknown rank X"),
        ([*BERT, "--mapping", "unfused"], "unknown tensor SN"),
        ([*BERT, "--arch", "tpu-v4i"], "configuration binding is made for attention/fusemax on"),
        ([*BERT, "--config", "unfused", "--policy", "paper"], "has no phases"),
        ([*MATMUL, "--config", "flat"], "FLAT's choice for a model"),
        (["evaluate", "--cascade", "layers/matmul", "--shape", "T=4"], "no size for K"),
    ],
)
def test_bad_options_are_one_message(einfall: Command, arguments: list[str], message: str) -> None:
    done = einfall(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize("option", ["--workload", "--arch", "--mapping", "--components"])
@pytest.mark.parametrize(
    "text",
    ["", "- a", "a: [", "a: " + "[" * 5000, "a: &x 1", "a: !!python/none x", "a: \x07", "a: b"],
)
def test_any_text_in_a_file_is_one_message(
    einfall: Command, tmp_path: Path, option: str, text: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    done = einfall("evaluate", "--workload", "bert", "--seq-len", "1K", option, file)
    assert (done.code, done.out) == (2, "")
    assert str(file) in done.err


def test_wrong_key_in_an_architecture_is_shown(einfall: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(einfall("show", "arch", "fusemax-cloud").out.replace("bandwidth:", "bandwith:"))
    done = einfall(*BERT, "--arch", file)
    assert done.code == 2
    assert done.err.startswith(f"{file}:")
    assert "did you mean bandwidth?" in done.err
    assert "^^^^^^^^" in done.err
