"""`einfall bounds`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.command import Command

MATMUL = ("--cascade", "layers/matmul", "--shape", "T=1K,K=256,N=512")
ONCE = 2 * (1024 * 256 + 256 * 512 + 1024 * 512)


def test_json_is_a_staircase_down_to_the_compulsory_bytes(einfall: Command) -> None:
    found = einfall("bounds", *MATMUL, "--json").json
    steps = [(one["buffer_bytes"], one["moved_bytes"]) for one in found["fused"]]
    assert steps == sorted(steps)
    assert [moved for _, moved in steps] == sorted({m for _, m in steps}, reverse=True)
    assert found["compulsory_bytes"] == steps[-1][1] == ONCE
    assert sum(found["fused"][0]["tensors"].values()) == steps[0][1]
    assert found["einsums"]["Z"] == found["fused"]


def test_a_found_mapping_stands_above_its_bound(einfall: Command) -> None:
    small = ("--set", "global_buffer.size='64 KiB'".replace("'", ""))
    found = einfall("bounds", *MATMUL, *small, "--search", "--json").json
    (mapping,) = found["mappings"]
    assert mapping["name"] == "found"
    assert ONCE <= mapping["bound_bytes"] <= mapping["dram_traffic_bytes"]


def test_the_configuration_stands_beside_the_bound(einfall: Command) -> None:
    text = einfall("bounds", "--workload", "bert", "--seq-len", "1M").out
    assert "17.89 MiB (chip)" in text
    assert "fusemax" in text.split("mappings")[1]


def test_text_names_what_forces_each_step(einfall: Command) -> None:
    shape = ("--shape", "M=64K,P=64K")
    text = einfall("bounds", "--cascade", "attention/stable", *shape, "--einsum", "QK").out
    assert "QK off chip" in text
    assert "pass 2 over M: SN reads QK again after GM, which needs all of M" in text
    assert "QK by itself" in text


def test_several_cascades_are_drawn_together(einfall: Command, tmp_path: Path) -> None:
    for suffix in ("png", "svg"):
        file = tmp_path / f"bounds.{suffix}"
        done = einfall(
            "bounds",
            *("--cascade", "softmax/stable", "--shape", "N=4K", "--save", file),
            *("--beside", "softmax/online"),
        )
        assert done.code == 0
        assert file.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((*MATMUL, "--einsum", "Y"), "has no Einsum Y"),
        ((*MATMUL, "--save", "x.txt"), "no figure"),
        (("--cascade", "layers/matmul"), "no size"),
        ((*MATMUL, "--beside", "nothing/here"), "nothing/here"),
    ],
)
def test_wrong_input_is_one_message(
    einfall: Command, options: tuple[str, ...], message: str
) -> None:
    found = einfall("bounds", *options)
    assert found.code == 2
    assert message in found.err
    assert "Traceback" not in found.err
