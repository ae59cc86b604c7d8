"""Divisions as reciprocals, tile steps in order, and what results take to cross the rows."""

from __future__ import annotations

from dataclasses import replace

from archsim.architecture import Architecture
from archsim.closed_form import check_complete
from archsim.division import reciprocals
from archsim.free_tiles import choose_tiles
from archsim.load import load_architecture
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping_file import load_mapping
from archsim.schedule import Schedule, schedule
from archsim.simulate import simulate
from archsim.simulation.build import Hardware
from einsum.cascade import Cascade
from einsum.shapes import Shapes, bind
from workloads.library import load_cascade


def problem(
    mapping: str, n: int = 8, cascade: str = "attention/fusemax", tiles: int = 4
) -> tuple[Cascade, Shapes, Architecture, LoopMapping]:
    architecture = load_architecture("rtl-array").with_parameter("N", n)
    loaded = load_cascade(cascade)
    sizes = {"E": 64, "F": 64, "M0": n, "M": tiles * n, "P": 2 * n}
    shapes = bind(loaded, sizes)
    mapped = load_mapping(mapping).bind(loaded, shapes, architecture)
    loaded, mapped = reciprocals(loaded, mapped, architecture, shapes)
    shapes = bind(loaded, sizes)
    return loaded, shapes, architecture, choose_tiles(loaded, shapes, architecture, mapped)


def test_a_division_becomes_a_reciprocal_and_products() -> None:
    cascade, _, architecture, mapping = problem("fusemax")
    texts = {einsum.name: str(einsum.expression) for einsum in cascade.steps}
    assert "RDI" in texts
    inverse, product = cascade.producer("RDI"), cascade.producer("AV")
    assert inverse is not None
    assert product is not None
    assert inverse.output_variables == ("b", "h", "p")
    assert [access.tensor for access in product.inputs] == ["RNV", "RDI"]
    check_complete(cascade, mapping)
    assert {c.unit for c in mapping.computes if c.einsum == "RDI"} == {"array_1d"}
    found = schedule(*problem("fusemax"))
    assert found.epilogue_cycles == 7 + 64  # one reciprocal and F products a query tile
    assert architecture.unit("array_1d").operations[-1].name == "reciprocal"


def test_a_unit_with_a_divider_keeps_its_divisions() -> None:
    cascade = load_cascade("attention/fusemax")
    architecture = load_architecture("fusemax-cloud")
    shapes = bind(cascade, {"M": 512, "P": 512})
    mapping = load_mapping("fusemax").bind(cascade, shapes, architecture)
    assert reciprocals(cascade, mapping, architecture, shapes) == (cascade, mapping)


def test_tile_steps_in_order_pay_the_crossing() -> None:
    """LM crosses the rows before RM; what SLNV sends crosses while the next tile begins."""
    main = schedule(*problem("fusemax-not-interleaved"), skew=True).main.schedule
    assert main.ii_cycles == 64 + 1 + (8 - 1) + 1 + 7 + 2 * 64 - 1
    assert schedule(*problem("fusemax"), skew=True).main.schedule.ii_cycles == 138


def test_skewed_levels_are_pipelined_even_where_few_steps_run() -> None:
    """One Einsum after another would leave out what results take to cross the rows."""

    def tasks(found: Schedule) -> list[tuple[str, ...]]:
        return [tuple(p.task for p in one.schedule.placements) for one in found.pipelines]

    on = problem("three-pass", cascade="attention/three-pass", tiles=2)
    assert ("QK", "LM", "GM") in tasks(schedule(*on, skew=True))


def test_the_last_unit_decides_how_long_the_array_drains() -> None:
    cascade, shapes, architecture, mapping = problem("fusemax")
    done = simulate(cascade, shapes, architecture, mapping, Hardware(infinite_dram=True))
    assert done.cycles == done.schedule.cycles + 7
    none = simulate(
        cascade, shapes, architecture, mapping, replace(Hardware(infinite_dram=True), skew=False)
    )
    assert none.cycles == none.schedule.cycles
