"""Every term of the `complete` accounting, by hand on a 2 x 2 array (docs/energy.md).

A byte costs: far memory 1000 pJ to read, 2000 to write; buffers 10 and 20; register files 1 and
2; a hop 1. An operation of the array costs 100 pJ a step, one of the other units 300.
"""

from __future__ import annotations

from collections import Counter

import pytest

from archsim.energy import Accounting, Published, energy
from archsim.mapping import Compute, For, Hold, Mapping, Spread
from einsum.shapes import Shapes
from tests.archsim.two_by_two import LIBRARY, MATMUL, TEXT, chip, form, nest, shapes

SQUARE = shapes(MATMUL, M=4, N=4, K=4)


def spent(
    bound: Shapes,
    mapping: Mapping,
    accounting: Accounting = Accounting.COMPLETE,
    published: Published | None = None,
) -> dict[str, float]:
    """Picojoules by `owner action tensor`."""
    found = form(bound, mapping)
    terms = energy(
        found.transfers, found.works, bound.cascade, chip(), LIBRARY, accounting, published
    )
    total: Counter[str] = Counter()
    for term in terms:
        total[f"{term.owner} {term.action} {term.tensor}".strip()] += float(term.energy_pj)  # type: ignore[assignment]
    return dict(total)


WEIGHTS_STAY = nest(
    *(For("k", 2), For("n", 2), Hold(("B",), "registers")),
    *(Spread("k", "array.rows"), Spread("n", "array.columns"), Compute("Z", "array")),
)


def test_weight_stationary_product() -> None:
    assert spent(SQUARE, WEIGHTS_STAY) == {
        "array mac": 64 * 100,
        "dram read A": 2 * 16 * 1000,  # all of A for every tile of N
        "dram read B": 16 * 1000,
        "dram write Z": 2 * 16 * 2000,  # for every tile of K
        "dram read Z": 16 * 1000,  # the sums of the first come back
        "registers write B": 16 * 2,
        "registers read B": 64 * 1,  # an operand of every product
        "network hop A": 2 * 16 * 2,  # into one PE of a row and on to the next
        "network hop B": 16 * 1.5,  # into a PE of its own, on the average across half the rows
        "network hop Z": (2 * 16 * 2) + 16,  # down a column of 2, and back into its first PE
    }


def test_output_stationary_product() -> None:
    mapping = nest(
        *(Hold(("A", "B"), "buffer"), For("m", 2), For("n", 2)),
        *(Spread("m", "array.rows"), Spread("n", "array.columns"), Compute("Z", "array")),
    )
    assert spent(SQUARE, mapping) == {
        "array mac": 64 * 100,
        "dram read A": 16 * 1000,
        "dram read B": 16 * 1000,
        "buffer write A": 16 * 20,
        "buffer write B": 16 * 20,
        "buffer read A": 32 * 10,
        "buffer read B": 32 * 10,
        "dram write Z": 16 * 2000,  # sums stay in the PEs until they are complete
        "network hop A": 32 * 2,
        "network hop B": 32 * 2,
        "network hop Z": 16 * 1.5,
    }


def test_sums_in_register_files() -> None:
    mapping = nest(
        Hold(("A", "B", "Z"), "registers"), Spread("m", "array.rows"), Compute("Z", "array")
    )
    found = spent(SQUARE, mapping)
    assert found["registers read A"] == found["registers read B"] == 64 * 1
    # Each product writes its sum, and all but the first of 4 read it; then it leaves.
    assert found["registers write Z"] == 64 * 2
    assert found["registers read Z"] == (64 - 16) * 1 + 16 * 1
    assert found["network hop Z"] == 16 * 1.5
    # B goes to the PEs of both rows, A to one of them; only one column works.
    assert found["network hop B"] == 16 * 2
    assert found["network hop A"] == 16 * 1.5


def test_operations_of_several_steps() -> None:
    bound = shapes("ranks M\ninputs C[M]\nformats C int8, Z int8\nZ[m] = exp(C[m])\n", M=8)
    mapping = nest(Hold(("C", "Z"), "registers"), Spread("m", "array.rows"), Compute("Z", "array"))
    assert spent(bound, mapping) == {
        "array exp": 8 * 4 * 100,
        "registers write": 8 * 2,  # the argument is kept
        "registers read": 8 * 3 * 1,  # and read in each step after the first
        "dram read C": 8 * 1000,
        "registers write C": 8 * 2,
        "registers read C": 8 * 1,
        "registers write Z": 8 * 2,
        "registers read Z": 8 * 1,
        "dram write Z": 8 * 2000,
        "network hop C": 8 * 1.5,
        "network hop Z": 8 * 1.5,
    }


def test_a_unit_without_register_files() -> None:
    mapping = nest(Hold(("A", "B", "Z"), "buffer"), Compute("Z", "scalar"))
    found = spent(SQUARE, mapping)
    assert found["scalar mac"] == 64 * 300
    assert found["buffer read A"] == 16 * 10 * 4  # again for every n
    assert not any(name.startswith("registers") for name in found)
    # A value goes to the unit's only PE over one hop.
    assert found["network hop Z"] == 16 * 1


def test_a_result_that_another_array_keeps() -> None:
    """From a column of the array to the lane below it: read there, written here."""
    mapping = nest(Hold(("Z",), "lane_registers"), Spread("k", "array.rows"), Compute("Z", "array"))
    found = spent(SQUARE, mapping)
    assert found["lane_registers write Z"] == 16 * 2
    assert found["lane_registers read Z"] == 16 * 1  # on its way to the DRAM
    assert found["network hop Z"] == 16 * 2 + 16


def test_wider_values_cost_more() -> None:
    wide = shapes(MATMUL.replace("A int8", "A fp32"), M=4, N=4, K=4)
    narrow, found = spent(SQUARE, WEIGHTS_STAY), spent(wide, WEIGHTS_STAY)
    for name in ("dram read A", "network hop A"):
        assert found[name] == 4 * narrow[name]
    assert found["array mac"] == narrow["array mac"]


class TestPublished:
    def test_no_network_and_one_register_file(self) -> None:
        found = spent(SQUARE, WEIGHTS_STAY, Accounting.PUBLISHED)
        complete = spent(SQUARE, WEIGHTS_STAY)
        assert found["registers read B"] == complete["registers read B"] / 8  # of 2 x 2 x 2 PEs
        assert not any(name.startswith("network") for name in found)
        for name in ("array mac", "dram read A", "dram write Z"):
            assert found[name] == complete[name]

    def test_no_accesses_between_the_steps_of_an_operation(self) -> None:
        bound = shapes("ranks M\ninputs C[M]\nZ[m] = exp(C[m])\n", M=8)
        mapping = nest(Spread("m", "array.rows"), Compute("Z", "array"))
        assert set(spent(bound, mapping, Accounting.PUBLISHED)) == {
            *("array exp", "dram read C", "dram write Z"),
        }

    def test_components_left_out(self) -> None:
        published = Published(omits=frozenset({"tick"}))
        assert "array mac" not in spent(SQUARE, WEIGHTS_STAY, Accounting.PUBLISHED, published)
        assert "array mac" in spent(SQUARE, WEIGHTS_STAY, Accounting.COMPLETE, published)

    def test_priced_with_the_memories_of_another_chip(self) -> None:
        dear = chip(TEXT.replace("dram: {component: far", "dram: {component: near"))
        published = Published(priced=dear)
        found = spent(SQUARE, WEIGHTS_STAY, Accounting.PUBLISHED, published)
        assert found["dram read B"] == 16 * 10
        assert spent(SQUARE, WEIGHTS_STAY, published=published)["dram read B"] == 16 * 1000


def test_terms_add_up_by_einsum() -> None:
    found = form(SQUARE, WEIGHTS_STAY)
    terms = energy(
        found.transfers, found.works, SQUARE.cascade, chip(), LIBRARY, Accounting.COMPLETE
    )
    assert {term.einsum for term in terms} == {"Z"}
    assert all(float(term.actions) > 0 for term in terms)
    total = sum(float(term.energy_pj) for term in terms)
    assert total == pytest.approx(sum(spent(SQUARE, WEIGHTS_STAY).values()))
