from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.architecture import FUSED, Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.architecture_yaml import parse_architecture
from archsim.load import architecture_names, architecture_source, load_architecture
from einsum.errors import Source, SpecError
from einsum.operators import OPERATORS
from tests.archsim.small_chip import SMALL, read

# What it says.


def test_the_tree_of_a_small_chip() -> None:
    chip = read(SMALL)
    assert chip.root.name == "dram"
    assert [memory.name for memory in chip.path("array")] == ["dram", "buffer", "registers"]
    assert [memory.name for memory in chip.path("vector")] == ["dram", "buffer"]
    assert {memory.name: chip.instances(memory.name) for memory in chip.memories} == {
        "dram": 1,
        "buffer": 3,
        "registers": 3 * 4 * 8,
    }
    assert (chip.instances("array"), chip.pes("array")) == (3, 3 * 32)
    assert (chip.instances("vector"), chip.pes("vector")) == (3, 3 * 4)
    assert (chip.dim_size("array.columns"), chip.dim_size("buffer.cores")) == (8, 3)
    assert chip.dims == ["buffer.cores", "array.rows", "array.columns", "vector.lanes"]
    assert chip.dims_above("array") == ("buffer.cores", "array.rows", "array.columns")
    assert chip.own_dims("buffer") == (Dim("cores", 3),)
    assert chip.memory("buffer").size_bytes == 8192
    assert not chip.memory("buffer").holds("K")
    assert [chip.memory("registers").holds(name) for name in "QK"] == [True, False]
    assert dict(chip.parameters) == {"N": 4}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda chip: chip.memory("bufer"), "did you mean buffer?"),
        (lambda chip: chip.unit("dram"), "Valid: array, vector"),
        (lambda chip: chip.path("x"), "Valid: array, vector"),
        (lambda chip: chip.pes("x"), "Valid: array, vector"),
        (lambda chip: chip.instances("x"), "Valid: buffer, dram, registers"),
        (lambda chip: chip.dim_size("array.row"), "did you mean array.rows?"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(ask: object, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        ask(read(SMALL))  # type: ignore[operator]
    assert message in caught.value.rule


# The presets.


@pytest.mark.parametrize("name", architecture_names())
def test_presets_round_trip(name: str) -> None:
    preset = load_architecture(name)
    again = parse_architecture(Source("copy.yaml", str(preset)))
    assert again == preset
    assert (again.digest, again.name) == (preset.digest, name)
    assert again.description == preset.description
    assert architecture_source(name).text.startswith("#")  # says where its numbers are from


def test_the_presets_are_all_there() -> None:
    assert set(architecture_names()) >= {
        "fusemax-cloud",
        "fusemax-cascade",
        "fusemax-pareto",
        "flat-cloud",
        "flat-edge",
        "unfused-cloud",
        "tpu-v4i",
        "eyeriss",
    }


def test_fusemax_cloud_is_the_published_one() -> None:
    chip = load_architecture("fusemax-cloud")
    assert chip.clock_hz == 940e6
    assert chip.root.bandwidth_bytes_per_s == 400 * 2**30
    assert (chip.pes("array_2d"), chip.pes("array_1d")) == (65536, 256)
    assert chip.memory("global_buffer").size_bytes == 16 << 20
    assert chip.memory("rf_2d").size_bytes == 12 * 2
    cycles = {
        unit.name: {operation.name: operation.cycles for operation in unit.operations}
        for unit in chip.units
    }
    assert cycles["array_2d"] == {"mac": 1, "mul": 1, "add": 1, "sub": 1, "max": 1, "exp": 6}
    assert cycles["array_1d"] == cycles["array_2d"] | {"div": 1}


def test_flat_computes_the_softmax_on_its_1d_array() -> None:
    flat, cascade = load_architecture("flat-cloud"), load_architecture("fusemax-cascade")
    for chip in (flat, cascade):
        assert [operation.name for operation in chip.unit("array_2d").operations] == ["mac"]
    names = [operation.name for operation in flat.unit("array_1d").operations]
    assert {"exp", "sub_exp", "div", "max"} <= set(names)
    assert "sub_exp" not in [o.name for o in cascade.unit("array_1d").operations]
    assert flat.memory("global_buffer").size_bytes == 32 << 20
    assert replace(load_architecture("unfused-cloud"), name="flat-cloud") == flat


def test_a_tpu_has_four_arrays() -> None:
    tpu = load_architecture("tpu-v4i")
    assert tpu.instances("local_buffer") == 4
    assert (tpu.instances("array_2d"), tpu.pes("array_2d")) == (4, 4 * 128 * 128)
    assert tpu.pes("array_1d") == 4 * 128


# Variations.


@pytest.mark.parametrize(
    ("path", "value", "ask", "expected"),
    [
        ("N", 8, lambda chip: chip.pes("array"), 3 * 8 * 16),
        ("N", 8, lambda chip: chip.memory("buffer").size_bytes, 16384),
        ("array.rows", 128, lambda chip: chip.pes("array"), 3 * 128 * 8),
        ("vector.lanes", "N * 2", lambda chip: chip.pes("vector"), 24),
        ("buffer.size", "8 MiB", lambda chip: chip.memory("buffer").size_bytes, 8 << 20),
        (
            "buffer.bandwidth",
            "1 GB/s",
            lambda chip: chip.memory("buffer").bandwidth_bytes_per_s,
            1e9,
        ),
        ("buffer.cores", 5, lambda chip: chip.instances("buffer"), 5),
        ("clock", "2 GHz", lambda chip: chip.clock_hz, 2e9),
        ("node", "7 nm", lambda chip: chip.node_nm, 7),
        ("vector.operations.exp.cycles", 1, lambda chip: chip.units[1].operations[0].cycles, 1),
        (
            "vector.operations.exp.uses.mac16",
            2.5,
            lambda chip: chip.units[1].operations[0].uses,
            (("mac16", 2.5),),
        ),
    ],
)
def test_one_value_changed(path: str, value: str | float, ask: object, expected: object) -> None:
    chip = read(SMALL)
    varied = chip.with_parameter(path, value)
    assert ask(varied) == expected  # type: ignore[operator]
    assert varied != chip
    assert varied.digest != chip.digest


def test_several_values_changed_in_any_order() -> None:
    chip = read(SMALL)
    one = chip.with_parameter("buffer.size", "1 MiB").with_parameter("N", 16)
    other = chip.with_parameter("N", 16).with_parameter("buffer.size", "1 MiB")
    assert one == other
    assert (one.memory("buffer").size_bytes, one.pes("vector")) == (1 << 20, 48)
    assert one.with_parameter("N", 4).with_parameter("buffer.size", "8 KiB") == chip


def test_an_architecture_without_a_text_can_be_varied() -> None:
    chip = replace(read(SMALL), source=None, parameters=())
    assert chip.with_parameter("array.rows", 1).pes("array") == 3 * 8


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("array.rowz", 3, "unknown key rowz"),
        ("bufer.size", "3 B", "there is no bufer.size to change"),
        ("M", 3, "there is no M to change"),
        ("vector.operations.exq.cycles", 3, "there is no vector.operations.exq.cycles to change"),
        ("buffer.size", "3", "'3' has no unit"),
        ("array.rows", 0, "rows is 0"),
        ("array.rows", -1, "rows is -1"),
        ("N", "1.5", "rows is 1.5"),
    ],
)
def test_a_change_that_cannot_be(path: str, value: str | float, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(SMALL).with_parameter(path, value)
    assert caught.value.message == message


# Any architecture.

SIZES = st.one_of(st.integers(1, 1 << 40), st.floats(0.125, 1e12))
COUNTS = st.one_of(st.integers(1, 9), st.floats(0.25, 9))
DIMS = st.lists(st.integers(1, 64), max_size=3).map(
    lambda sizes: tuple(Dim(f"d{i}", size) for i, size in enumerate(sizes))
)
TENSORS = st.frozensets(st.sampled_from(["Q", "K", "QK"]))


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    shared = draw(st.integers(1, 4))
    memories = [
        Memory(
            name=f"m{i}",
            parent=f"m{draw(st.integers(0, i - 1))}" if i else None,
            component=draw(st.sampled_from(["sram", "register-file", "dram2"])),
            size_bytes=draw(st.none() | SIZES),
            bandwidth_bytes_per_s=draw(st.none() | SIZES),
            access_bits=draw(st.integers(1, 8192)),
            fanout=draw(DIMS),
            tensors=draw(st.none() | TENSORS),
            bypass=draw(TENSORS),
        )
        for i in range(shared)
    ]
    units = []
    for i in range(draw(st.integers(1, 3))):
        memory = f"m{draw(st.integers(0, shared - 1))}"
        if draw(st.booleans()):
            own = Memory(f"own{i}", memory, "rf", draw(SIZES), None, 16, per_unit=f"u{i}")
            memories.append(own)
            memory = own.name
        names = draw(
            st.lists(st.sampled_from([*OPERATORS, *FUSED]), min_size=1, max_size=4, unique=True)
        )
        operations = tuple(
            Operation(name, draw(COUNTS), (("mac16", draw(COUNTS)),) if draw(st.booleans()) else ())
            for name in names
        )
        units.append(ComputeUnit(f"u{i}", memory, draw(DIMS), operations, (("mac16", 1 + i),)))
    return Architecture(
        draw(st.sampled_from(["a", "null", "x-1"])),
        draw(SIZES),
        draw(st.sampled_from([7, 22.5, 45])),
        tuple(draw(st.permutations(memories))),
        tuple(units),
        description=draw(st.text(max_size=20)),
    )


@given(architectures())
def test_any_architecture_round_trips(chip: Architecture) -> None:
    again = read(str(chip))
    assert again == chip
    assert again.digest == chip.digest
    assert str(again).splitlines()[2:] == str(chip).splitlines()[2:]
    for unit in chip.units:
        path = chip.path(unit.name)
        assert path[0] == chip.root
        assert all(low.parent == high.name for high, low in pairwise(path))
        assert chip.pes(unit.name) >= chip.instances(unit.name) >= 1


def test_the_documented_example_loads() -> None:
    text = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    chip = read(text.split("```yaml\n")[1].split("```")[0])
    assert (chip.pes("array"), chip.pes("vector")) == (4 * 64 * 64, 4 * 64)
    for path, value in (
        ("N", 128),
        ("clock", "2 GHz"),
        ("buffer.size", "8 MiB"),
        ("array.rows", 32),
        ("array.operations.exp.cycles", 1),
    ):
        assert f'("{path}", ' in text
        assert chip.with_parameter(path, value) != chip
