"""Mappings of one Einsum as Timeloop's files, and back."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.mapping import Compute, For, Group, Hold, Mapping, Node, Spread
from archsim.report import CostReport
from einsum.errors import Source, SpecError
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind
from mapper.timeloop.export import timeloop_yaml
from mapper.timeloop.mapping import load_timeloop_mapping
from tests.archsim.random_mappings import MATMUL, TINY, WINDOW

SIZES = {"M": 8, "N": 12, "K": 6}
_WINDOW = {"C": 4, "P": 6, "R": 2, "W": 7}
CHIP = replace(
    TINY,
    memories=tuple(
        replace(memory, size_bytes=None if memory.parent is None else 1 << 16)
        for memory in TINY.memories
    ),
)


def matmul() -> Shapes:
    return bind(parse_cascade("cascade matmul\n" + MATMUL), SIZES)


def mapped(*nodes: Node) -> Mapping:
    return Mapping("x", (Group((*nodes, Compute("Z", "array"))),))


def cost(mapping: Mapping, shapes: Shapes | None = None) -> CostReport:
    shapes = shapes or matmul()
    return evaluate(shapes.cascade, shapes, CHIP, mapping, load_library())


def read(text: str, shapes: Shapes | None = None) -> Mapping:
    shapes = shapes or matmul()
    return load_timeloop_mapping(Source("map.yaml", text), shapes.cascade, shapes, CHIP)


def written(mapping: Mapping, shapes: Shapes | None = None) -> str:
    shapes = shapes or matmul()
    return timeloop_yaml(mapping, shapes.cascade, shapes, CHIP)


def test_blocks_of_a_mapping() -> None:
    nest = (
        For("m", 4),
        Hold(("A", "B", "Z"), "buffer"),
        For("n", 3),
        For("k", 2),
        Spread("k", "array.rows", 2),
        Spread("m", "array.columns", 2),
        Hold(("A",), "registers"),
    )
    lines = written(mapped(*nest)).splitlines()
    assert lines[: lines.index("mapping:")] == [
        "problem:",
        "  version: 0.4",
        "  shape:",
        "    name: matmul",
        "    dimensions: [M, N, K]",
        "    data_spaces:",
        "    - {name: A, projection: [[[M]], [[K]]]}",
        "    - {name: B, projection: [[[K]], [[N]]]}",
        "    - {name: Z, projection: [[[M]], [[N]]], read_write: true}",
        "  instance: {M: 8, N: 12, K: 6}",
    ]
    still = "factors: [M=1, N=1, K=1], permutation: [M, N, K]"
    spread = "factors: [M=2, N=1, K=2], permutation: [M, K, N]"
    assert lines[lines.index("mapping:") + 1 :] == [
        "- {target: dram, type: dataspace, keep: [A, B, Z], bypass: []}",
        "- {target: dram, type: temporal, factors: [M=2, N=1, K=1], permutation: [M, N, K]}",
        "- {target: buffer, type: dataspace, keep: [A, B, Z], bypass: []}",
        "- {target: buffer, type: temporal, factors: [M=1, N=4, K=3], permutation: [K, N, M]}",
        f"- {{target: local, type: spatial, {still}, split: 0}}",
        "- {target: local, type: dataspace, keep: [], bypass: [A, B, Z]}",
        f"- {{target: local, type: temporal, {still}}}",
        "- {target: registers, type: dataspace, keep: [A], bypass: [B, Z]}",
        "- {target: registers, type: temporal, factors: [M=2, N=3, K=1], permutation: [N, M, K]}",
        f"- {{target: array, type: spatial, {spread}, split: 1}}",
    ]


def test_a_hold_sinks_past_loops_that_its_tensor_lacks() -> None:
    nest = (For("n", 3), Hold(("A",), "buffer"), For("m", 4), Hold(("B",), "buffer"))
    with pytest.raises(SpecError, match="A is held in buffer above the loop over m"):
        written(mapped(*nest))
    # B lacks m, and stays while m turns.
    nest = (For("n", 3), Hold(("B",), "buffer"), For("m", 4), Hold(("A",), "buffer"))
    one = mapped(*nest)
    assert cost(read(written(one))).tensors == cost(one).tensors


def test_the_reference_of_timeloops_own_files() -> None:
    text = """
mapping:
- {target: dram, type: temporal, factors: M2 N1 K1, permutation: NKM}
- {target: buffer, type: datatype, keep: [A, Z], bypass: [B]}
- {target: buffer, type: temporal, factors: "M=0, N=4, K=3", permutation: KNM}
- target: buffer
  type: spatial
  factors: [K=2]
  permutation: [K, M, N]
- {target: registers, type: bypass, bypass: [A, B, Z]}
- {target: registers, type: temporal, factors: M1 N3 K1, permutation: NMK}
"""
    found = read(text)
    assert found.groups[0].nest == (
        For("m", 4),
        Hold(("A", "Z"), "buffer"),
        For("m", 1),
        For("n", 3),
        For("k", 2),
        Spread("k", "local.cores", 2),
        Hold(("A", "B", "Z"), "local"),
        For("n", 1),
        Compute("Z", "array"),
    )


def random_mapping(random: Random, tensors: str, extents: dict[str, int]) -> Mapping:
    """Loops and holds from the outermost memory inwards, with tiles that divide."""
    nodes: list[Node] = []
    left = dict(extents)
    for memory, dims in (
        ("", ()),
        ("buffer", ()),
        ("local", ("local.cores",)),
        ("registers", ("array.rows", "array.columns")),
    ):
        spread: set[str] = set()
        for dim in dims:
            name = random.choice(sorted(left))
            if left[name] % 2 == 0 and name not in spread:
                left[name] //= 2
                nodes.append(Spread(name, dim, 2))
                spread.add(name)
        kept = tuple(t for t in tensors if random.random() < 0.6)
        if memory and kept:
            nodes.append(Hold(kept, memory))
        for name in random.sample(sorted(left), random.randint(0, 2)):
            tiles = [n for n in range(1, left[name] + 1) if left[name] % n == 0]
            left[name] = random.choice(tiles)
            nodes.append(For(name, left[name]))
    return mapped(*nodes)


def test_random_mappings_come_back_at_the_same_cost() -> None:
    random, same = Random(1), 0
    window = bind(parse_cascade(WINDOW.replace("O[p]", "Z[p]")), _WINDOW)
    for shapes, tensors, extents in (
        (matmul(), "ABZ", {"m": 8, "n": 12, "k": 6}),
        (window, "IFZ", {"c": 4, "p": 6, "r": 2}),
    ):
        for _ in range(60):
            one = random_mapping(random, tensors, extents)
            try:
                first = cost(one, shapes)
                text = written(one, shapes)
            except SpecError:
                continue  # sums that meet nowhere, or two loops of a rank
            again = read(text, shapes)
            second = cost(again, shapes)
            assert second.tensors == first.tensors
            assert second.energy_pj_complete == pytest.approx(first.energy_pj_complete)
            assert second.latency_s == pytest.approx(first.latency_s)
            assert written(again, shapes) == text
            same += 1
    assert same > 40


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((For("m", 3),), "the loops over m turn 3 x 3 times"),
        ((For("m", 4), For("n", 3), For("m", 2)), "dram has two loops over m"),
        ((For("m", 4), Hold(("A",), "buffer", copies=2)), "in a way that Timeloop does not have"),
        (
            (Spread("m", "array.rows", 2), Spread("m", "array.columns", 2)),
            "spread over both dimensions",
        ),
    ],
)
def test_what_cannot_be_exported_is_named(nodes: tuple[Node, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        written(mapped(*nodes))


def test_only_one_einsum() -> None:
    cascade = parse_cascade(MATMUL + "Y[m, n] = exp(Z[m, n])\n")
    shapes = bind(cascade, SIZES)
    with pytest.raises(SpecError, match="2 Einsums"):
        timeloop_yaml(mapped(), cascade, shapes, CHIP)
    with pytest.raises(SpecError, match="2 Einsums"):
        load_timeloop_mapping(Source("m.yaml", "mapping: []"), cascade, shapes, CHIP)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{target: drum, type: temporal}", "unknown target drum"),
        ("{target: dram, type: temporary}", "type temporary is unknown"),
        ("{target: dram, type: temporal, factors: [M=3]}", "multiply to 24"),
        ("{target: dram, type: temporal, factors: [Q=3]}", "unknown dimension Q"),
        ("{target: dram, type: temporal, factors: [M=2, M=4]}", "M is given twice"),
        ("{target: dram, type: temporal, factors: [M]}", "'M' is not a factor"),
        ("{target: dram, type: temporal, permutation: MQ}", "unknown dimension Q"),
        ("{target: dram, type: temporal, permutation: MNM}", "a dimension is given twice"),
        ("{target: buffer, type: dataspace, keep: [X]}", "unknown tensor X"),
        ("{target: buffer, type: dataspace, keep: [A], bypass: [A]}", "cannot keep A"),
        ("{target: buffer, type: dataspace, kept: [A]}", "unknown key kept"),
        ("{target: registers, type: temporal}", "two entries of type temporal"),
        ("{target: array, type: spatial, factors: [M=1], split: x}", "unknown parameter"),
    ],
)
def test_wrong_entries_are_named(entry: str, message: str) -> None:
    whole = "factors: [M=8, N=12, K=6], permutation: [M, N, K]"
    text = f"mapping:\n- {{target: registers, type: temporal, {whole}}}\n- {entry}\n"
    with pytest.raises(SpecError, match=message):
        read(text)
