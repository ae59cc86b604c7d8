"""AccelForge's specs as ours and back. The figures are what AccelForge 1.0.467 computes."""

from __future__ import annotations

import pytest

from archsim.evaluate import evaluate
from archsim.mapping import Branches, Compute, For, Group, Hold, Mapping, Policy
from archsim.report import CostReport
from einsum.errors import Source, SpecError
from einsum.shapes import bind
from mapper.accelforge.architecture import Machine, load_machine
from mapper.accelforge.export import accelforge_yaml
from mapper.accelforge.mapping import load_accelforge_mapping
from mapper.accelforge.sets import number, tensors
from mapper.accelforge.workload import Workload, load_workload

ARCH = """
arch:
  nodes:
  - !Memory
    name: Far
    size: inf
    leak_power: 0
    area: 0
    tensors: {keep: ~Intermediates, may_keep: All}
    actions:
    - {name: read, energy: 100, throughput: inf}
    - {name: write, energy: 100, throughput: inf}
  - !Memory
    name: Near
    size: 512 * 1024
    tensors: {keep: ~Far, may_keep: All}
    actions:
    - {name: read, energy: 1, throughput: inf}
    - {name: write, energy: 1, throughput: inf}
  - !Compute
    name: ALU
    actions:
    - {name: compute, energy: 1, throughput: 1}
"""

MATMUL = """
workload:
  iteration_space_shape: {m: 0 <= m < 1024, k: 0 <= k < 1024, n: 0 <= n < 1024}
  bits_per_value: {All: 8}
  einsums:
  - name: Product
    tensor_accesses:
    - {name: A, projection: [m, k]}
    - {name: W, projection: [k, n]}
    - {name: C, projection: [m, n], output: True}
    renames: {weight: W, input: A, output: C}
"""

CORE = """
workload:
  rank_sizes: {B: 1, M: 2048, P: 2048, H: 32, E: 128, F: 128}
  bits_per_value: {All: 16}
  einsums:
  - einsum: "QK[b, m, p, h] = Q[b, m, h, e] * K[b, M: p, h, e]"
    renames: {input: Q}
  - "SM[b, m, p, h] = QK[b, m, p, h]"
  - einsum: "AV[b, m, h, f] = SM[b, m, p, h] * V[b, M: p, h, E: f]"
    renames: {input: SM}
renames:
  einsums:
  - name: default
    tensor_accesses:
    - {name: input, source: "Inputs & Intermediates if len(All) == 3 else Inputs"}
    - {name: output, source: Outputs}
    - {name: weight, source: ~(input | output)}
"""

CORE_MAPPING = """
mapping:
  nodes:
  - !Storage {tensors: [AV, K, Q, V], component: Far}
  - !Temporal {rank_variable: h, tile_shape: 1}
  - !Temporal {rank_variable: m, tile_shape: 128}
  - !Storage {tensors: [AV], component: Near}
  - !Temporal {rank_variable: p, tile_shape: 64}
  - !Storage {tensors: [QK, SM], component: Near}
  - !Sequential
    nodes:
    - !Nested
      nodes:
      - !Temporal {rank_variable: e, tile_shape: 1}
      - !Storage {tensors: [K], component: Near}
      - !Temporal {rank_variable: m, tile_shape: 1}
      - !Storage {tensors: [Q], component: Near}
      - !Temporal {rank_variable: p, tile_shape: 1}
      - !Compute {einsum: QK, component: ALU}
    - !Nested
      nodes:
      - !Temporal {rank_variable: m, tile_shape: 1}
      - !Temporal {rank_variable: p, tile_shape: 1}
      - !Compute {einsum: SM, component: ALU}
    - !Nested
      nodes:
      - !Temporal {rank_variable: f, tile_shape: 1}
      - !Temporal {rank_variable: p, tile_shape: 1}
      - !Storage {tensors: [V], component: Near}
      - !Temporal {rank_variable: m, tile_shape: 1}
      - !Compute {einsum: AV, component: ALU}
"""


def loaded(workload: str) -> tuple[Workload, Machine]:
    work = load_workload(Source("workload.yaml", workload))
    return work, load_machine(Source("arch.yaml", ARCH), work)


def cost(work: Workload, machine: Machine, mapping: Mapping) -> CostReport:
    shapes = bind(work.cascade, work.shape)
    return evaluate(work.cascade, shapes, machine.architecture, mapping, machine.library)


def test_nothing_held_costs_what_accelforge_says() -> None:
    work, machine = loaded(MATMUL)
    found = cost(work, machine, Mapping("x", (Group((Compute("C", "ALU"),), Policy.SERIAL),)))
    # 3 reads and 1 write of 8 bits for every point, but that every sum starts from nothing.
    points, results = 1024**3, 1024**2
    assert found.energy_pj_complete * 1e-12 == pytest.approx(
        100 * 8 * (4 * points - results) + points, rel=1e-12
    )
    assert found.latency_s == points


def test_optimal_mapping_of_the_attention_core_costs_and_takes_the_same() -> None:
    work, machine = loaded(CORE)
    mapping = load_accelforge_mapping(Source("mapping.yaml", CORE_MAPPING), work, machine)
    found = cost(work, machine, mapping)
    assert found.energy_pj_complete * 1e-12 == pytest.approx(3_116_669_861_888, rel=1e-9)
    assert found.latency_s == pytest.approx(34_493_956_096)
    near = next(one for one in found.memories if one.memory == "Near")
    assert near.occupied_bytes == 65536  # all of it: SM is not there yet while QK needs K and Q


def test_export_is_read_back_to_the_same_cost() -> None:
    work, machine = loaded(CORE)
    shapes = bind(work.cascade, work.shape)
    nest = (
        *(For("h", 1), For("m", 64), Hold(("Q",), "Near"), For("p", 32)),
        Hold(("QK", "SM"), "Near"),
        Branches(
            (
                (For("p"), Hold(("K",), "Near"), For("m"), Compute("QK", "ALU")),
                (Compute("SM", "ALU"),),
                (For("f", 16), Hold(("V",), "Near"), For("m"), Compute("AV", "ALU")),
            )
        ),
    )
    own = Mapping("own", (Group(nest, Policy.SERIAL),))
    text = accelforge_yaml(own, work, shapes, machine)
    back = load_accelforge_mapping(Source("own.yaml", text), work, machine)
    first, second = cost(work, machine, own), cost(work, machine, back)
    assert second.energy_pj_complete == pytest.approx(first.energy_pj_complete, rel=1e-12)
    assert second.latency_s == first.latency_s


def test_copies_are_another_name_of_their_source() -> None:
    text = """
workload:
  rank_sizes: {M: 8, N: 4}
  bits_per_value: {All: 8}
  einsums:
  - {einsum: "I[m, n] = In[m, n]", is_copy_operation: True}
  - "S[m] = I[m, n]"
"""
    work = load_workload(Source("w.yaml", text))
    assert [einsum.tensor for einsum in work.cascade.steps] == ["S"]
    assert [tensor.name for tensor in work.cascade.inputs] == ["In"]


def test_constraints_are_by_einsum() -> None:
    work, machine = loaded(CORE)
    keeping = machine.constraints.keeping
    assert keeping["QK", "Far"].must == {"Q", "K"}
    assert keeping["QK", "Near"].may == {"Q", "K", "QK"}
    assert keeping["QK", "Near"].backs == {"QK"}
    assert work.names["AV"]["weight"] == {"V"}
    assert machine.constraints.units["SM"] == ("ALU",)


def test_set_expressions() -> None:
    names = {"All": frozenset("ABC"), "input": frozenset("A"), "output": frozenset("C")}
    assert tensors("input | output", names) == {"A", "C"}
    assert tensors("~input - output", names) == {"B"}
    assert tensors("input if len(All) == 3 else output", names) == {"A"}


def test_numbers() -> None:
    names = {"All": frozenset("ABC"), "weight": frozenset("B"), "none": frozenset[str]()}
    bits = {"A": 8, "B": 16, "C": 8}
    assert number("1024*1024*4*8", names, bits) == 1 << 25
    assert number("8 * 614e9 / 2 - -1", names, bits) == 2456e9 + 1
    assert number("weight.bits_per_value if weight else 0", names, bits) == 16
    assert number("none.bits_per_value if none else 1", names, bits) == 1
    assert number("inf", names, bits) == float("inf")
    for wrong in ("All.bits_per_value", "weight", "1 / 0", "1 // 0", "2 ** 9", "weight * 2", "x"):
        with pytest.raises(SpecError):
            number(wrong, names, bits)


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "(lambda: 1)()", "[x for x in All]", "All.__class__", "input(", "1"],
)
def test_no_code_is_run(text: str) -> None:
    with pytest.raises(SpecError):
        tensors(text, {"All": frozenset("A"), "input": frozenset("A")})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("leak_power: 0", "leak_power: 1", "leakage is not modelled"),
        ("!Compute", "!Toll", "!Toll cannot be imported"),
        ("name: read, energy: 1,", "name: read, bits_per_action: 8, energy: 1,", "differently"),
        ("energy: 1, throughput: 1}", "energy: 1, throughput: inf}", "no throughput"),
        ("energy: 1, throughput: 1}", "energy: 1, throughput: 0}", "rate of 0"),
        ("energy: 1, throughput: 1}", "throughput: 1}", "energy"),
        (
            "name: ALU\n    actions:\n    - {name: compute, energy: 1,",
            "name: ALU\n    component_class: IntMAC\n    actions:\n    - {name: compute,",
            "the model IntMAC cannot be imported",
        ),
        ("name: ALU", "name: ALU\n    spatial: [{name: X, fanout: 1.5}]", "a fanout of 1.5"),
        (
            "name: ALU",
            "name: ALU\n    spatial: [{name: X, fanout: 4, may_reuse: weight}]",
            "only some",
        ),
        (
            "name: ALU",
            "name: ALU\n    spatial: [{name: X, fanout: 4, loop_bounds: 1}]",
            "loop_bounds",
        ),
        ("size: 512 * 1024", "size: 512 * weight", "not a number"),
        ("keep: ~Far", "keep: ~Fat", "unknown set Fat"),
        ("area: 0", "erea: 0", "unknown key erea"),
    ],
)
def test_what_cannot_be_imported_is_named(old: str, new: str, message: str) -> None:
    work = load_workload(Source("workload.yaml", MATMUL))
    with pytest.raises(SpecError, match=message):
        load_machine(Source("arch.yaml", ARCH.replace(old, new)), work)


def test_templates_are_rendered_in_a_sandbox() -> None:
    pytest.importorskip("jinja2")
    text = MATMUL.replace("< 1024", "< {{SIZE}}")
    assert load_workload(Source("w.yaml", text), {"SIZE": 16}).shape == {"K": 16, "M": 16, "N": 16}
    with pytest.raises(SpecError, match="cannot be rendered"):
        load_workload(Source("w.yaml", text))
    with pytest.raises(SpecError, match="cannot be rendered"):
        load_workload(Source("w.yaml", "{{ ''.__class__.__mro__ }}"))
