"""Separate ports for reading and writing, and dimensions without multicast."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.architecture_yaml import parse_architecture
from archsim.closed_form import closed_form
from archsim.mapping import Compute, For, Group, Hold, Mapping, Policy, Spread
from archsim.ports import port_rates
from einsum.errors import Source, SpecError
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind

CHIP = Architecture(
    "chip",
    1.0,
    45.0,
    (
        Memory("dram", None, "dram", None, 8.0, 16),
        Memory(
            "buffer", "dram", "sram", None, None, 16, read_bytes_per_s=4.0, write_bytes_per_s=2.0
        ),
        Memory("local", "buffer", "sram", None, None, 16, (Dim("cores", 2),)),
    ),
    (ComputeUnit("pe", "local", (), (Operation("mac", 1.0),), latches=False),),
)


def product() -> Shapes:
    cascade = parse_cascade("ranks M, N, K\ninputs A[M, K], B[K, N]\nZ[m, n] = A[m, k] * B[k, n]\n")
    return bind(cascade, {"M": 4, "N": 4, "K": 4})


def spread(variable: str) -> Mapping:
    nest = (
        Hold(("A", "B", "Z"), "buffer"),
        Spread(variable, "local.cores", 2),
        Hold(("A", "B", "Z"), "local"),
        For("m"),
        Compute("Z", "pe"),
    )
    return Mapping("spread", (Group(nest, Policy.SERIAL),))


def unicast(chip: Architecture) -> Architecture:
    dims = (Dim("cores", 2, multicast=False),)
    memories = tuple(replace(m, fanout=dims) if m.name == "local" else m for m in chip.memories)
    return replace(chip, memories=memories)


def traffic(chip: Architecture, variable: str) -> dict[str, float]:
    shapes = product()
    form = closed_form(shapes.cascade, shapes, chip, spread(variable))
    return {name: float(moved) for name, moved in form.moved_bytes.items()}


def test_reads_and_writes_have_ports_of_their_own() -> None:
    shapes = product()
    form = closed_form(shapes.cascade, shapes, CHIP, spread("m"))
    # 16 values of 2 bytes each: A and B come in and go on, Z the other way; B once for both cores.
    assert form.moved_bytes["buffer.read"] == 3 * 32
    assert form.moved_bytes["buffer.write"] == 3 * 32
    assert form.moved_bytes["buffer"] == 6 * 32
    times = form.memory_s[0]
    assert times["buffer.read"] == 3 * 32 / 4
    assert times["buffer.write"] == 3 * 32 / 2
    assert float(form.latency_s) == 3 * 32 / 2  # the slower of both, not their sum


def test_rates_are_of_all_instances() -> None:
    local = replace(CHIP.memories[2], read_bytes_per_s=3.0)
    chip = replace(CHIP, memories=(*CHIP.memories[:2], local))
    assert port_rates(chip) == {
        "dram": 8.0,
        "buffer.read": 4.0,
        "buffer.write": 2.0,
        "local.read": 6.0,
    }


@pytest.mark.parametrize(
    ("variable", "reads", "writes"),
    [
        ("m", 32 + 2 * 32 + 32, 3 * 32),  # every core fetches all of B
        ("k", 32 + 32 + 32, 2 * 32 + 2 * 32),  # each core sends its own sums up
    ],
)
def test_what_is_not_multicast_moves_once_for_each_instance(
    variable: str, reads: float, writes: float
) -> None:
    found = traffic(unicast(CHIP), variable)
    assert found["buffer.read"] == reads
    assert found["buffer.write"] == writes
    assert found["local"] == traffic(CHIP, variable)["local"]


def test_both_are_written_and_read() -> None:
    chip = unicast(CHIP)
    text = str(chip)
    assert "read_bandwidth: 4 B/s" in text
    assert "unicast: [cores]" in text
    assert parse_architecture(Source("chip.yaml", text)) == chip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("unicast: [cores]", "unicast: [core]", "no dimension core"),
        ("read_bandwidth: 4 B/s", "read_bandwidth: 0 B/s", "is 0 B/s"),
        ("read_bandwidth: 4 B/s", "bandwidth: 4 B/s", "beside a port for both"),
        ("bandwidth: 8 B/s", "write_bandwidth: 8 B/s", "the root dram has a write_bandwidth"),
    ],
)
def test_wrong_ports_are_refused(old: str, new: str, message: str) -> None:
    text = str(unicast(CHIP)).replace(old, new, 1)
    with pytest.raises(SpecError, match=message):
        parse_architecture(Source("chip.yaml", text))
