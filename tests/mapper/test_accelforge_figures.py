"""AccelForge's best mappings cost here what it says they cost.

`accelforge/figures.json` has its figures and the command that made each of them and its mapping.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from archsim.architecture_yaml import parse_architecture
from archsim.closed_form import closed_form
from archsim.constraints import check_constraints
from archsim.evaluate import evaluate
from archsim.mapping import Compute, For, Group, Hold, Mapping, Policy, Spread
from archsim.report import CostReport
from einsum.errors import Source
from einsum.shapes import Shapes, bind
from mapper.accelforge.architecture import Machine, load_machine
from mapper.accelforge.export import accelforge_yaml
from mapper.accelforge.mapping import load_accelforge_mapping
from mapper.accelforge.workload import Workload, load_workload

HERE = Path(__file__).parent / "accelforge"
CORE = Path(__file__).parents[2] / "benchmarks" / "accelforge" / "attention_core.yaml"
FIGURES = json.loads((HERE / "figures.json").read_text(encoding="utf-8"))
LAYER = "gpt-3-6-7b-layer-tpu-v4i"


@dataclass(frozen=True)
class Figures:
    work: Workload
    shapes: Shapes
    machine: Machine
    mapping: Mapping
    energy_j: float
    latency_s: float

    def cost(self, mapping: Mapping) -> CostReport:
        machine = self.machine
        return evaluate(
            self.work.cascade, self.shapes, machine.architecture, mapping, machine.library
        )


def matmuls(count: int, size: int) -> Source:
    shape = ", ".join(f"n{i}: 0 <= n{i} < {size}" for i in range(count + 1))
    lines = ["workload:", f"  iteration_space_shape: {{m: 0 <= m < {size}, {shape}}}"]
    lines += ["  bits_per_value: {All: 8}", "  einsums:"]
    for i in range(count):
        renames = f"{{weight: W{i}, input: T{i}, output: T{i + 1}}}"
        lines += [
            f"  - name: Matmul{i}",
            f"    renames: {renames}",
            "    tensor_accesses:",
            f"    - {{name: T{i}, projection: [m, n{i}]}}",
            f"    - {{name: W{i}, projection: [n{i}, n{i + 1}]}}",
            f"    - {{name: T{i + 1}, projection: [m, n{i + 1}], output: True}}",
        ]
    return Source("matmuls.yaml", "\n".join(lines) + "\n")


def read(path: Path) -> Source:
    return Source(path.name, path.read_text(encoding="utf-8"))


@lru_cache
def figures(name: str) -> Figures:
    entry = FIGURES[name]
    case = entry["case"]
    values = dict(case["values"])
    match case["workload"]:
        case "matmuls":
            work = load_workload(matmuls(values["N_EINSUMS"], values["M"]))
        case "attention_core":
            pytest.importorskip("jinja2")
            work = load_workload(read(CORE), values)
        case _:
            work = load_workload(read(HERE / "specs" / "layer.yaml"))
    machine = load_machine(read(HERE / "specs" / f"{case['architecture']}.yaml"), work)
    mapping = load_accelforge_mapping(read(HERE / f"{name}.yaml"), work, machine)
    shapes = bind(work.cascade, work.shape)
    return Figures(work, shapes, machine, mapping, entry["energy_j"], entry["latency_s"])


@pytest.mark.parametrize("name", sorted(set(FIGURES) - {LAYER}))
def test_energy_and_latency_are_accelforges(name: str) -> None:
    one = figures(name)
    found = one.cost(one.mapping)
    # Its results are in single precision.
    assert found.energy_pj_complete * 1e-12 == pytest.approx(one.energy_j, rel=1e-6)
    assert found.latency_s == pytest.approx(one.latency_s, rel=1e-6)


def test_the_layer_differs_by_its_copy() -> None:
    """AccelForge runs the copy of the input as a step of its own, between two memories.

    It counts a read of the buffer and a write of the main memory for it; here the first use of
    the input is a read of the main memory and a write of the buffer.
    """
    one = figures(LAYER)
    found = one.cost(one.mapping)
    bits = 16 * 2048 * 4096
    copy_j, copy_s = bits * (2.36 - 1.88) * 1e-12, bits / (8 * 614e9)
    assert found.energy_pj_complete * 1e-12 - copy_j == pytest.approx(one.energy_j, rel=1e-6)
    assert found.latency_s + copy_s == pytest.approx(one.latency_s, rel=1e-6)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_its_mappings_keep_the_constraints(name: str) -> None:
    one = figures(name)
    architecture = one.machine.architecture
    form = closed_form(one.work.cascade, one.shapes, architecture, one.mapping)
    check_constraints(form.leaves, one.work.cascade, architecture, one.machine.constraints)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_exported_mappings_cost_the_same(name: str) -> None:
    one = figures(name)
    text = accelforge_yaml(one.mapping, one.work, one.shapes, one.machine)
    back = load_accelforge_mapping(Source("back.yaml", text), one.work, one.machine)
    first, second = one.cost(one.mapping), one.cost(back)
    assert second.energy_pj_complete == pytest.approx(first.energy_pj_complete, rel=1e-12)
    assert second.latency_s == pytest.approx(first.latency_s, rel=1e-12)
    assert second.memories == first.memories


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_the_architecture_prints_and_loads(name: str) -> None:
    architecture = figures(name).machine.architecture
    assert parse_architecture(Source("again.yaml", str(architecture))) == architecture


def test_structure_of_tpu_v4i() -> None:
    machine = figures("attention-core-tpu-v4i").machine
    chip = machine.architecture
    assert chip.dims_above("MAC") == ("LocalBuffer.Z", "MAC.reuse_input", "MAC.reuse_output")
    assert chip.pes("MAC") == 4 * 128 * 128
    assert chip.unicast == {"LocalBuffer.Z"}
    assert chip.memory("GlobalBuffer").write_bytes_per_s == 1024e9
    assert chip.memory("Register").size_bytes == 2
    assert chip.clock_hz == 1.05e9
    assert machine.constraints.units["QK_softmax"] == ("ScalarUnit",)
    assert machine.constraints.units["QK"] == ("MAC",)
    assert machine.constraints.keeping["QK", "LocalBuffer"].must == {"Q", "QK"}
    assert machine.constraints.keeping["AV", "GlobalBuffer"].backs == {"QK_softmax"}


def test_export_of_a_mapping_as_the_search_writes_it() -> None:
    """Loops that turn once, and register files held above the array's own loops."""
    one = figures("1-matmul-1024-3-tpu-v4i")
    nest = (
        Hold(("W0",), "GlobalBuffer"),
        For("m", 512),
        Hold(("T0", "T1"), "LocalBuffer"),
        For("n0", 1024),
        For("n1", 512),
        For("m", 4),
        For("n1", 128),
        For("n0", 128),
        Hold(("W0",), "Register"),
        Spread("m", "LocalBuffer.Z", 4),
        Spread("n1", "MAC.reuse_input", 128),
        Spread("n0", "MAC.reuse_output", 128),
        Compute("T1", "MAC"),
    )
    own = Mapping("own", (Group(nest, Policy.SERIAL),))
    text = accelforge_yaml(own, one.work, one.shapes, one.machine)
    assert text.index("component: ProcessingElement") < text.index("component: Register")
    assert "tile_shape: 1024" not in text
    back = load_accelforge_mapping(Source("own.yaml", text), one.work, one.machine)
    first, second = one.cost(own), one.cost(back)
    assert second.energy_pj_complete == pytest.approx(first.energy_pj_complete, rel=1e-12)
    assert second.latency_s == first.latency_s
