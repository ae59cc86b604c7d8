"""Bounds on data movement: no mapping is below them, and known cases reach them."""

from __future__ import annotations

from itertools import permutations, product
from random import Random

import numpy as np
import pytest

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.bounds import attainable_bytes
from archsim.closed_form import ClosedForm, closed_form
from archsim.compulsory import compulsory_bytes
from archsim.legality import check_loops, check_nodes
from archsim.library import load_library
from archsim.mapping import Branches, Compute, For, Group, Hold, Mapping, Nest, Node
from archsim.movement.attainable import Attainable, attainable, chip_bytes, operand_bytes
from archsim.movement.curve import Curve, least, total
from archsim.movement.nest import tile_classes
from archsim.tiles import Reaches
from einsum.errors import SpecError
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind
from mapper.objective import Objective
from mapper.search import search
from tests.archsim.random_mappings import CHAIN, KINDS, MATMUL, TINY, UNEVEN, Problem
from workloads.library import load_cascade

_OPERATIONS = tuple(Operation(name, 1) for name in ("mac", "mul", "add", "max", "exp", "div"))
ONE_PE = Architecture(
    "one-pe",
    1e9,
    45,
    (
        Memory("dram", None, "dram", None, 1e9, 64),
        Memory("buffer", "dram", "sram", None, None, 64),
    ),
    (ComputeUnit("pe", "buffer", (Dim("x", 1),), _OPERATIONS),),
)

SOFTMAX = """ranks N, P
inputs X[N, P]
GM[p] = max(n) X[n, p]
SN[n, p] = exp(X[n, p] - GM[p])
SD[p] = SN[n, p]
Y[n, p] = SN[n, p] / SD[p]
"""


def form_of(shapes: Shapes, mapping: Mapping, chip: Architecture) -> ClosedForm | None:
    """The mapping's amounts; None if it breaks a rule or computes a point twice."""
    cascade = shapes.cascade
    try:
        check_nodes(mapping, cascade, chip)
        form = closed_form(cascade, shapes, chip, mapping)
        check_loops(form.leaves, Reaches.of(form.leaves, shapes), chip)
    except SpecError:
        return None
    again = any(
        step.variable not in leaf.einsum.variables and float(step.trips) > 1
        for leaf in form.leaves
        for step in leaf.steps
    )
    return None if again else form


def held_bytes(form: ClosedForm, shapes: Shapes, chip: Architecture) -> float:
    held = sum(
        float(size) * chip.instances(name)
        for name, size in form.occupied_bytes.items()
        if name != chip.root.name
    )
    return held + operand_bytes(shapes.cascade, chip)


def assert_below(found: Attainable, form: ClosedForm, held: float) -> None:
    moved = float(form.moved_bytes.get("dram", np.asarray(0.0)))
    assert float(found.fused.at(held)) <= moved * (1 + 1e-12)
    assert float(found.any_order(np.asarray(held))) <= moved * (1 + 1e-12)


@pytest.mark.parametrize("make", [*KINDS.values(), *UNEVEN.values()])
def test_no_random_mapping_is_below_the_bound(make: object) -> None:
    assert callable(make)
    curves: dict[tuple[object, ...], Attainable] = {}
    checked = 0
    for seed in range(60):
        shapes, mapping = make(Random(seed))
        form = form_of(shapes, mapping, TINY)
        if form is not None:
            key = (shapes.cascade, *sorted(shapes.sizes.items()))
            found = curves.setdefault(key, attainable(shapes)) if key not in curves else curves[key]
            assert_below(found, form, held_bytes(form, shapes, TINY))
            checked += 1
    assert checked > 30


def on_one_pe(random: Random, text: str, names: str) -> Problem:
    """Any loops and holds of a chain of Einsums, with branches at any depth."""
    cascade = parse_cascade(text, "random")
    sizes = {rank.name: random.choice((2, 4, 6)) for rank in cascade.ranks}
    shapes = bind(cascade, sizes)
    common = frozenset.intersection(*(frozenset(one.variables) for one in cascade.steps))
    left = {rank.lower(): size for rank, size in sizes.items()}
    outer: list[Node] = [_loop(random, left, v) for v in sorted(common) if random.random() < 0.6]
    outer += [Hold((name,), "buffer") for name in names if random.random() < 0.6]
    if random.random() < 0.5:
        outer += [_loop(random, left, v) for v in sorted(common)]
        outer += [Hold((name,), "buffer") for name in names if random.random() < 0.4]
    nests: list[Nest] = []
    for einsum in cascade.steps:
        own = {name: left[name] for name in einsum.variables}
        nodes: list[Node] = [
            _loop(random, own, name)
            for name in random.sample(sorted(own), len(own))
            for _ in range(random.randrange(3))
        ]
        for tensor in einsum.tensors:
            if random.random() < 0.5:
                nodes.insert(random.randrange(len(nodes) + 1), Hold((tensor,), "buffer"))
        nests.append((*nodes, Compute(einsum.name, "pe")))
    return shapes, Mapping("random", (Group((*outer, Branches(tuple(nests)))),))


def _loop(random: Random, extents: dict[str, int], name: str) -> For:
    extents[name] = random.randint(1, extents[name])
    return For(name, extents[name])


@pytest.mark.parametrize(("text", "names"), [(SOFTMAX, ("X", "GM", "SN")), (CHAIN, "ABTUC")])
def test_no_fused_mapping_is_below_the_bound(text: str, names: str) -> None:
    checked = 0
    for seed in range(300):
        shapes, mapping = on_one_pe(Random(seed), text, names)
        form = form_of(shapes, mapping, ONE_PE)
        if form is not None:
            assert_below(attainable(shapes), form, held_bytes(form, shapes, ONE_PE))
            checked += 1
    assert checked > 100


def test_matrix_product_reaches_the_bound() -> None:
    """Against all tilings and orders with a hold for each tensor at any depth."""
    shapes = bind(parse_cascade(MATMUL, "matmul"), {"M": 4, "N": 6, "K": 5})
    curve = attainable(shapes).alone["Z"]
    grid = np.array([*product((1, 2, 3, 4), (1, 2, 3, 6), (1, 2, 3, 5))], dtype=float).T
    tiles = dict(zip("mnk", grid, strict=True))
    best: dict[float, float] = {}
    for outer, inner in product(permutations("mnk"), permutations("mnk")):
        loops = [For(v, v) for v in outer] + [For(v, 1) for v in inner]
        for depths in product((3, 4, 5), repeat=3):
            nest = list[Node](loops)
            for depth, name in sorted(zip(depths, "ABZ", strict=True), reverse=True):
                nest.insert(depth, Hold((name,), "buffer"))
            mapping = Mapping("one", (Group((*nest, Compute("Z", "pe"))),))
            form = closed_form(shapes.cascade, shapes, ONE_PE, mapping, tiles)
            both = np.broadcast_arrays(
                form.occupied_bytes["buffer"], form.moved_bytes["dram"], grid[0]
            )
            for held, moved in zip(both[0].tolist(), both[1].tolist(), strict=True):
                best[held] = min(best.get(held, np.inf), moved)
    assert all(float(curve.at(held)) <= moved for held, moved in best.items())
    for size, moved in zip(curve.buffer_bytes, curve.moved_bytes, strict=True):
        found = min(value for held, value in best.items() if held <= size)
        assert found == moved, f"{size} bytes move {moved} at least, {found} were found"


@pytest.mark.parametrize("text", [MATMUL, CHAIN, SOFTMAX])
@pytest.mark.parametrize("size", [24, 64, 200])
def test_what_the_mapper_finds_is_not_below(text: str, size: int) -> None:
    cascade = parse_cascade(text, "small")
    shapes = bind(cascade, {rank.name: 8 for rank in cascade.ranks})
    memories = (ONE_PE.memories[0], Memory("buffer", "dram", "sram", size, None, 64))
    chip = Architecture("small", 1e9, 45, memories, ONE_PE.units)
    found = search(cascade, shapes, chip, load_library(), Objective.TRAFFIC)
    assert attainable_bytes(shapes, chip) <= found.cost.traffic_bytes * (1 + 1e-12)


def curve_of(name: str, **sizes: int) -> Attainable:
    return attainable(bind(load_cascade(name), sizes))


def test_one_pass_moves_its_inputs_and_outputs_only() -> None:
    """And needs no more than what two heads' worth of keys would."""
    shapes = bind(load_cascade("attention/fusemax"), {"M": 1 << 16, "P": 1 << 16})
    found = attainable(shapes)
    assert [demand.tensor for demand in found.demands] == ["QK"]  # within a tile of M0
    keys = 2 * 64 * 65536
    assert float(found.fused.at(2.2 * keys)) == compulsory_bytes(shapes)
    assert float(found.fused.at(keys / 8)) > compulsory_bytes(shapes)


def test_three_passes_spill_or_hold_a_whole_row() -> None:
    """Scores and numerators each go out and come back, unless M of them fit."""
    rows, keys = 1 << 20, 1 << 20
    found = curve_of("attention/stable", M=keys, P=rows)
    held = [(d.tensor, *d.whole, d.fiber_bytes) for d in found.demands]
    assert held == [("QK", "m", 2.0 * keys), ("SN", "m", 2.0 * keys)]
    short = found.fused.parts_at(2 * keys - 1)
    assert short["QK"] == short["SN"] == 2 * 2 * keys * rows
    assert found.any_order(np.asarray(1024.0)) > 0.99 * 2 * (short["QK"])
    one_pass = curve_of("attention/fusemax", M=keys, P=rows)
    assert found.fused.at(2 * keys - 1) > 500 * one_pass.fused.at(2 * keys - 1)


def test_a_held_row_makes_the_keys_come_again() -> None:
    """With room for 32 of 4096 rows of scores they stay, and K is read for every few rows."""
    keys = rows = 1 << 12
    found = curve_of("attention/stable", M=keys, P=rows)
    once = 2 * 64 * keys
    parts = found.fused.parts_at(2 * keys * 33)
    assert parts["QK"] == parts["SN"] == 0
    assert parts["K"] >= once * rows / 64
    assert found.fused.parts_at(2 * keys * 16)["QK"] == 2 * 2 * keys * rows
    assert found.fused.parts_at(2 * keys * 70)["K"] == once


def test_an_input_that_two_passes_read_is_read_twice() -> None:
    shapes = bind(load_cascade("softmax/stable"), {"N": 1000})
    found = attainable(shapes)
    assert found.fused.parts_at(1999)["X"] == 2 * 2000
    assert found.fused.parts_at(4096)["X"] == 2000
    assert float(found.any_order(np.asarray(0.0))) == 4000 + 2000 + 4000


def test_a_condition_leaves_half() -> None:
    whole = curve_of("attention/stable", M=1 << 14, P=1 << 14)
    half = curve_of("attention/causal", M=1 << 14, P=1 << 14)
    for size in (1e3, 1e4, 1e6):
        assert 0.4 * whole.fused.at(size) <= half.fused.at(size) <= 0.6 * whole.fused.at(size)


def test_a_shared_head_of_keys_is_read_once_for_its_group() -> None:
    shapes = bind(load_cascade("attention/gqa"), {"M": 4096, "P": 4096})
    found = attainable(shapes)
    assert found.fused.parts_at(1e9)["K"] == 2 * 2 * 64 * 4096


@pytest.mark.parametrize(
    "name",
    ["attention/windowed", "attention/split-k", "layers/ssm-scan", "layers/convolution"],
)
def test_other_cascades_have_curves(name: str) -> None:
    cascade = load_cascade(name)
    given = {rank.name: 32 for rank in cascade.ranks if rank.name in "BCKPQRSTNDHWMEFG"}
    try:
        shapes = bind(cascade, given)
    except SpecError:
        shapes = bind(cascade, {n: s for n, s in given.items() if n not in dict(cascade.shape)})
    found = attainable(shapes)
    assert np.all(np.diff(found.fused.moved_bytes) < 0)
    assert float(found.fused.at(1e12)) == pytest.approx(compulsory_bytes(shapes))
    assert float(found.unfused.at(1e12)) >= float(found.fused.at(1e12))


def test_any_order_bound_is_hong_and_kungs_for_a_matrix_product() -> None:
    """Above a half of 2 MNK / sqrt(S), and below what the best tiling moves."""
    shapes = bind(load_cascade("layers/matmul"), {"T": 4096, "K": 4096, "N": 4096})
    found = attainable(shapes)
    for elements in (100, 1000, 10000, 100000):
        size = 2.0 * elements
        ideal = 2 * 2 * 4096**3 / elements**0.5
        bound = float(found.any_order_alone("Z", np.asarray(size)))
        assert 0.5 * ideal < bound <= float(found.alone["Z"].at(size))


@pytest.mark.parametrize(("size", "count"), [(1, 9), (7, 99), (360, 99), (4096, 50), (99991, 64)])
def test_classes_of_tile_sizes_hold_all(size: int, count: int) -> None:
    low, high = tile_classes(size, count)
    assert low[0] == 1
    assert high[-1] == size
    assert np.all(low <= high)
    assert np.all(low[1:] == high[:-1] + 1)
    if size == 360:
        assert np.array_equal(np.ceil(size / low), np.ceil(size / high))
    assert len(low) <= 2 * count


def test_curves_add_up_and_the_lowest_counts() -> None:
    one = Curve(("A",), np.array([1.0, 4.0]), np.array([[9.0], [3.0]]))
    other = Curve(("B",), np.array([2.0, 3.0]), np.array([[8.0], [5.0]]))
    both = total([one, other])
    assert both.buffer_bytes.tolist() == [2, 3, 4]
    assert both.moved_bytes.tolist() == [17, 14, 8]
    assert both.parts_at(4) == {"A": 3, "B": 5}
    lowest = least([one, other])
    assert lowest.buffer_bytes.tolist() == [1, 2, 3, 4]
    assert lowest.moved_bytes.tolist() == [9, 8, 5, 3]
    assert float(lowest.at(0.5)) == np.inf
    assert one.with_at_least(2).buffer_bytes.tolist() == [2, 4]
    assert one.with_at_least(7).moved_bytes.tolist() == [3]
    assert one.with_at_least(0).buffer_bytes.tolist() == [1, 4]


def test_a_chip_without_a_size_holds_all() -> None:
    cascade = parse_cascade(MATMUL, "matmul")
    shapes = bind(cascade, {"M": 4, "N": 6, "K": 5})
    assert chip_bytes(cascade, ONE_PE) == np.inf
    assert attainable_bytes(shapes, ONE_PE) == compulsory_bytes(shapes)
