from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.component_errors import error_table, model_errors
from archsim.components import MemoryComponent, OperationComponent
from archsim.library import DEFAULT, library_names, load_library
from archsim.load import architecture_names, load_architecture
from archsim.scaling import NODES, area_factor, energy_factor
from einsum.errors import SpecError

DOCS = Path(__file__).parents[2] / "docs" / "components.md"
LIBRARY = load_library()
ON_CHIP = ["sram", "register_file", "fusemax_buffer", "fusemax_register_file", "tpu_cmem"]


# The published rows.


@pytest.mark.parametrize(
    ("name", "energy_pj", "area_um2"),
    [
        ("mac16", 17.1645, 1545),
        ("add16", 8.3395, 1030),
        ("max16", 0.028036, 49.28944),
        ("exp_unit16", 94.6475, 8240),
        ("div16", 36.251153, 23740.9375),
    ],
)
def test_operations_of_the_table(name: str, energy_pj: float, area_um2: float) -> None:
    cost = LIBRARY.operation_cost(name, 45)
    assert (cost.energy_pj, cost.area_um2) == (energy_pj, area_um2)


@pytest.mark.parametrize(
    ("name", "size_bytes", "access_bits", "read_pj", "write_pj", "area_um2"),
    [
        ("dram", None, 64, 249.6, 249.6, 0),
        ("fusemax_buffer", 16 << 20, 4096, 484.97271, 451.30271, 94176255.9664),
        ("fusemax_register_file", 24, 16, 0.653431, 0.56957, 4255.9342),
        ("flat_register_file", 8, 16, 0.291512, 0.225259, 1838.14968),
        # The models themselves, at the sizes that the artifact's records show.
        ("sram", 32 << 20, 64, 484.97271, 451.30271, 94176255.9664),
        ("register_file", 64, 16, 0.653431, 0.56957, 4255.9342),
        ("register_file", 32, 64, 0.291512, 0.225259, 1838.14968),
        ("register_file", 32, 16, 0.385026, 0.336188, 2145.41936),
    ],
)
def test_memories_of_the_table(
    name: str,
    size_bytes: float | None,
    access_bits: int,
    read_pj: float,
    write_pj: float,
    area_um2: float,
) -> None:
    cost = LIBRARY.memory_cost(name, size_bytes, access_bits, 45)
    found = (cost.read_pj, cost.write_pj, cost.area_um2)
    assert found == pytest.approx((read_pj, write_pj, area_um2), rel=3e-4)


def test_the_error_on_every_published_row(golden: Callable[[str, str], None]) -> None:
    golden("component_errors.md", error_table(model_errors(LIBRARY)))


def test_the_documentation_shows_that_table() -> None:
    assert error_table(model_errors(LIBRARY)) in DOCS.read_text(encoding="utf-8")


def test_models_meet_the_rows_whose_size_is_known() -> None:
    known = [one for one in model_errors(LIBRARY) if not one.row.endswith("as stated")]
    errors = [e for one in known for e in (one.read, one.write, one.area) if e is not None]
    assert len(errors) == 4 * 3 + 10
    assert max(abs(error) for error in errors) < 0.003


# Any size.

SIZES = st.floats(8, 2**31)
WIDTHS = st.sampled_from([8, 16, 24, 32, 48, 64, 512, 1000, 4096, 8192, 16384])


@given(st.sampled_from(ON_CHIP), SIZES, st.floats(1, 16), WIDTHS)
def test_more_capacity_never_costs_less(
    name: str, size_bytes: float, factor: float, access_bits: int
) -> None:
    small = LIBRARY.memory_cost(name, size_bytes, access_bits, 45)
    large = LIBRARY.memory_cost(name, size_bytes * factor, access_bits, 45)
    for less, more in (
        (small.read_pj, large.read_pj),
        (small.write_pj, large.write_pj),
        (small.area_um2, large.area_um2),
    ):
        assert 0 < less <= more * (1 + 1e-9)


@given(st.sampled_from(["sram", "fusemax_buffer", "dram"]), SIZES, st.sampled_from([16, 64, 512]))
def test_a_wider_access_costs_more(name: str, size_bytes: float, access_bits: int) -> None:
    narrow = LIBRARY.memory_cost(name, size_bytes, access_bits, 45).read_pj
    wide = LIBRARY.memory_cost(name, size_bytes, 4 * access_bits, 45).read_pj
    assert narrow < wide * (1 + 1e-9)
    if name == "dram":
        assert wide == pytest.approx(4 * narrow)


def test_between_two_sizes_of_the_table() -> None:
    low, middle, high = (LIBRARY.memory_cost("sram", size << 10, 64, 45) for size in (64, 108, 128))
    assert low.read_pj < middle.read_pj < high.read_pj
    assert low.area_um2 < middle.area_um2 < high.area_um2
    assert 0.3 < middle.area_um2 / (108 * 8192) < 0.6  # um^2 a bit, as all around it


def test_an_on_chip_memory_needs_a_size() -> None:
    with pytest.raises(SpecError, match="needs a size"):
        LIBRARY.memory_cost("sram", None, 64, 45)


# Technology nodes.


def test_factors_of_the_table() -> None:
    assert area_factor(45, 65) == 1.5
    assert area_factor(7, 45) == pytest.approx(1 / 0.059)
    # The corrigendum's example: 1 pJ at 65 nm and 1.3 V is 0.1755 pJ at 32 nm and 0.9 V.
    by_nm = {node.nm: node for node in NODES}
    a2, a1, a0 = by_nm[32].coefficients
    b2, b1, b0 = by_nm[65].coefficients
    example = (a2 * 0.9**2 + a1 * 0.9 + a0) / (b2 * 1.3**2 + b1 * 1.3 + b0)
    assert example == pytest.approx(0.1755, rel=1e-3)


def test_smaller_nodes_cost_less() -> None:
    for small, large in pairwise([7, 8, 10, 12, 14, 16, 18, 20, 28, 32, 40, 45, 55, 65, 90, 130]):
        assert area_factor(45, small) < area_factor(45, large)
        assert energy_factor(45, small) < energy_factor(45, large)
        assert energy_factor(small, large) * energy_factor(large, small) == pytest.approx(1)


def test_scaling_reaches_every_component_but_those_that_do_not_scale() -> None:
    for name in ("mac16", "sram", "register_file"):
        component = LIBRARY.component(name)
        at = [
            LIBRARY.operation_cost(name, nm).energy_pj
            if isinstance(component, OperationComponent)
            else LIBRARY.memory_cost(name, 1024, 32, nm).read_pj
            for nm in (45, 7)
        ]
        assert at[1] == pytest.approx(at[0] * energy_factor(45, 7))
    assert LIBRARY.operation_cost("wire", 7) == LIBRARY.operation_cost("wire", 45)
    assert LIBRARY.memory_cost("dram", None, 64, 7) == LIBRARY.memory_cost("dram", None, 64, 45)


def test_a_node_without_factors() -> None:
    with pytest.raises(SpecError, match="no scaling factors for 3 nm"):
        LIBRARY.operation_cost("mac16", 3)
    assert energy_factor(3, 3) == 1.0


# Libraries.

MINE = """\
components:
  mac16:
    kind: operation
    format: bf16
    node: 5 nm
    energy: 0.1 pJ
    area: 100 um^2
    source: a test
  big_buffer:
    kind: anchored memory
    like: sram
    size: 1 MiB
    access: 64 b
    read: 10 pJ
    write: 20 pJ
    area: 1 mm^2
    source: a test
"""


def test_a_file_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    library = load_library(*DEFAULT, path)
    assert library.operation_cost("mac16", 5).energy_pj == 0.1
    assert library.memory_cost("big_buffer", 1 << 20, 64, 45).read_pj == pytest.approx(10)
    assert library.memory_cost("big_buffer", 4 << 20, 64, 45).read_pj > 10
    assert library.operation_cost("add16", 45) == LIBRARY.operation_cost("add16", 45)
    assert LIBRARY.operation_cost("mac16", 45).energy_pj == 17.1645
    path.write_text(MINE.replace("0.1 pJ", "0.2 pJ"))
    assert load_library(*DEFAULT, path).operation_cost("mac16", 5).energy_pj == 0.2


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "components:\n  edram:\n    kind: sram table\n    node: 45 nm\n"
        "    table: edram.csv\n    source: a test\n"
    )
    header = "size_bytes,access_bits,read_pj,write_pj,area_um2\n"
    table = tmp_path / "edram.csv"
    table.write_text(header + "1024,64,1,2,100\n4096,64,4,8,400\n")
    cost = load_library(path).memory_cost("edram", 2048, 64, 45)
    assert (cost.read_pj, cost.write_pj, cost.area_um2) == pytest.approx((2, 4, 200))
    for text, message in (
        (header + "1024,64,1,2\n", "row 1"),
        (header + "1024,64,1,2,-3\n", "greater than 0"),
        (header + "1024,64,1,2,3\n", "one size only"),
        (header, "no rows"),
        ("a,b\n1,2\n", "row 1"),
    ):
        table.write_text(text)
        with pytest.raises(SpecError, match=message) as caught:
            load_library(path)
        assert str(caught.value).startswith(f"{path}:5:12\n")
    table.unlink()
    with pytest.raises(SpecError, match="cannot be read"):
        load_library(path)


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("energy: 0.1 pJ", "energy: 0.1 W", "6:17", "W is not a unit of an energy"),
        ("energy: 0.1 pJ", "energy: -1 pJ", "6:13", "energy is -1 pJ"),
        ("    energy: 0.1 pJ\n", "", "2:3", "mac16 has no energy"),
        ("format: bf16", "formt: bf16", "4:5", "unknown key formt"),
        ("area: 100 um^2", "area: 100 um^2\n    rea: 1", "8:5", "unknown key rea"),
        ("kind: operation", "kind: operatoin", "3:11", "kind operatoin is unknown"),
        ("like: sram", "like: srm", "11:11", "srm is not a memory that is defined above"),
        ("components:", "parts:", "1:1", "there is no components"),
    ],
)
def test_bad_libraries(tmp_path: Path, old: str, new: str, place: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_library(*DEFAULT, path)
    assert str(caught.value).startswith(f"{path}:{place}\n")
    assert message in caught.value.message


def test_a_missing_library_and_a_missing_component() -> None:
    with pytest.raises(SpecError, match="did you mean fusemax-45nm"):
        load_library("fusemax-45n")
    with pytest.raises(SpecError, match="did you mean mac16"):
        LIBRARY.operation_cost("mac17", 45)
    with pytest.raises(SpecError, match="sram is a memory, not an operation"):
        LIBRARY.operation_cost("sram", 45)
    with pytest.raises(SpecError, match="mac16 is an operation, not a memory"):
        LIBRARY.memory_cost("mac16", 1, 1, 45)


def test_every_component_says_where_it_is_from() -> None:
    assert set(DEFAULT) <= set(library_names())
    for component in load_library(*library_names()).components:
        assert component.source
        assert component.node_nm > 0
        assert isinstance(component, MemoryComponent) or component.format


@pytest.mark.parametrize("name", architecture_names())
def test_presets_name_components_of_the_library(name: str) -> None:
    chip = load_architecture(name)
    for memory in chip.memories:
        LIBRARY.memory_cost(memory.component, memory.size_bytes, memory.access_bits, chip.node_nm)
    for unit in chip.units:
        for operation in unit.operations:
            for component, _ in operation.uses:
                LIBRARY.operation_cost(component, chip.node_nm)
        for component, _ in unit.components:
            LIBRARY.operation_cost(component, chip.node_nm)
