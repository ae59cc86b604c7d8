"""The search against an enumeration of its space, and against published mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from random import Random

import pytest

from archsim.architecture import Architecture
from archsim.architecture_yaml import parse_architecture
from archsim.closed_form import closed_form
from archsim.energy import Accounting, energy
from archsim.evaluate import evaluate
from archsim.free_tiles import free_tiles, overflow, with_tiles
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping import Group, Hold, Mapping, Policy
from einsum.cascade import Cascade, Einsum
from einsum.errors import Source
from einsum.graph import order
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind
from mapper.configurations import bind_mapping, configuration_named
from mapper.objective import Cost, Objective
from mapper.problem import MapProblem
from mapper.search import search
from mapper.space import structures
from mapper.structure import Structure
from workloads.models import model_named
from workloads.transformer import attention

LIBRARY = load_library()
Way = tuple[tuple[Hold, int], ...]

CHIP = """
architecture: tiny
clock: 1 GHz
node: 45 nm
memories:
  dram: {component: dram, bandwidth: 2 GB/s, access: 64 b}
  buffer: {parent: dram, component: sram, size: SIZE B, access: 64 b}
  rf: {parent: buffer, per: array, component: register_file, size: 4 B, access: 16 b}
units:
  array:
    memory: rf
    dims: {rows: 2, columns: 2}
    operations:
      mac: {cycles: 1, uses: {mac16: 1}}
      add: {cycles: 1, uses: {add16: 1}}
      max: {cycles: 1, uses: {max16: 1}}
  vector:
    memory: buffer
    dims: {lanes: 2}
    operations:
      mac: {cycles: 1, uses: {mac16: 1}}
      exp: {cycles: 2, uses: {mac16: 2}}
      add: {cycles: 1, uses: {add16: 1}}
      max: {cycles: 1, uses: {max16: 1}}
      div: {cycles: 1, uses: {div16: 1}}
"""

MATMUL = """
ranks M, N, K
inputs A[M, K], B[K, N]
Z[m, n] = A[m, k] * B[k, n]
"""
CHAIN = """
ranks M, N, K
inputs A[M, K], B[K, N]
Z[m, n] = A[m, k] * B[k, n]
Y[m, n] = exp(Z[m, n])
"""
SOFTMAX = """
ranks R, N
inputs X[R, N]
G[r] = max(n) X[r, n]
S[r] = exp(X[r, n] - G[r])
"""
ONLINE = """
ranks R, N -> (N1, N0)
shape N0 = 2
inputs X[R, N]
LM[r, n1] = max(n0) X[r, n1, n0]
RM[r, 0] = -inf
RM[r, n1 + 1] = max(RM[r, n1], LM[r, n1])
Y[r] = exp(RM[r, N1])
"""

ROW_SUMS = """
ranks M, K
inputs A[M, K]
Z[m] = A[m, k]
"""

CASES = [
    pytest.param(text, shape, size, id=f"{name}-{size}")
    for name, text, shape in (
        ("matmul", MATMUL, {"M": 8, "N": 4, "K": 4}),
        ("chain", CHAIN, {"M": 4, "N": 4, "K": 2}),
        ("softmax", SOFTMAX, {"R": 4, "N": 8}),
        ("online", ONLINE, {"R": 4, "N": 8}),
    )
    for size in (40, 1000)
]
SAMPLES = 60


def chip(size: int) -> Architecture:
    return parse_architecture(Source("tiny.yaml", CHIP.replace("SIZE", str(size))))


def sampled(
    cascade: Cascade, shapes: Shapes, architecture: Architecture, random: Random
) -> Iterator[Mapping]:
    """Mappings of the space, drawn at random: every choice of its grammar is one draw."""
    einsums = tuple(einsum for einsum in order(cascade) if not einsum.is_initial)
    for _ in range(SAMPLES):
        segments: list[list[Einsum]] = [[einsums[0]]]
        for einsum in einsums[1:]:
            if random.random() < 0.5:
                segments.append([einsum])
            else:
                segments[-1].append(einsum)
        groups = []
        for segment in segments:
            found = list(
                structures(tuple(segment), MapProblem(cascade, shapes, architecture, LIBRARY))
            )
            structure = random.choice(found)
            ways = [random.choice(own) for own in _all_ways(structure, architecture)]
            opened = _opened(structure, ways)
            free = free_tiles(opened, cascade, shapes.sizes)
            sizes = {tile.name: random.choice(tile.candidates) for tile in free}
            groups.append(with_tiles(opened, sizes).groups[0])
        yield Mapping("drawn", tuple(groups))


def enumerated(cascade: Cascade, shapes: Shapes, architecture: Architecture) -> Iterator[Mapping]:
    """Every mapping of the space of a cascade of one Einsum."""
    for structure in structures(cascade.steps, MapProblem(cascade, shapes, architecture, LIBRARY)):
        for ways in product(*_all_ways(structure, architecture)):
            opened = _opened(structure, ways)
            free = free_tiles(opened, cascade, shapes.sizes)
            for sizes in product(*(tile.candidates for tile in free)):
                names = (tile.name for tile in free)
                yield with_tiles(opened, dict(zip(names, sizes, strict=True)))


def _opened(structure: Structure, ways: Iterable[Way]) -> Mapping:
    holds = tuple(hold for way in ways for hold in way)
    return Mapping("open", (Group(structure.nest(holds), Policy.OVERLAPPED),))


def _all_ways(structure: Structure, architecture: Architecture) -> list[list[Way]]:
    tensors = sorted({tensor for einsum in structure.einsums for tensor in einsum.tensors})
    return [_ways(structure, tensor, architecture) for tensor in tensors]


def cost_if_it_fits(
    mapping: Mapping, cascade: Cascade, shapes: Shapes, architecture: Architecture
) -> Cost | None:
    form = closed_form(cascade, shapes, architecture, mapping)
    if any(float(short) > 0 for short in overflow(form, architecture).values()):
        return None
    terms = energy(form.transfers, form.works, cascade, architecture, LIBRARY, Accounting.COMPLETE)
    spent = float(sum(float(term.energy_pj) for term in terms))
    held = float(form.occupied_bytes.get("buffer", 0.0))
    return Cost(float(form.latency_s), float(form.moved_bytes["dram"]), spent, held)


def _ways(structure: Structure, tensor: str, architecture: Architecture) -> list[Way]:
    deepest = structure.shared_depth(tensor)
    units = {structure.places[e.name].unit for e in structure.einsums if tensor in e.tensors}
    buffers: list[Way] = [()]
    buffers += [((Hold((tensor,), "buffer"), depth),) for depth in range(deepest + 1)]
    if "array" not in units or deepest < len(structure.outer):
        return buffers
    writer = next((e for e in structure.einsums if e.tensor == tensor), None)
    place = structure.places[writer.name] if writer else None
    across = {spread.variable for spread in place.spreads} if place else set()
    apart = writer and place and place.unit == "array" and across & set(writer.reduced_variables)
    registers = (Hold((tensor,), "rf"), deepest)
    return buffers + [(*way, registers) for way in buffers if way or not apart]


@pytest.mark.parametrize(("text", "shape", "size"), CASES)
def test_no_mapping_of_the_space_is_better(text: str, shape: dict[str, int], size: int) -> None:
    cascade = parse_cascade(text, "case")
    shapes, architecture = bind(cascade, shape), chip(size)
    found = {
        objective: search(cascade, shapes, architecture, LIBRARY, objective)
        for objective in Objective
    }
    assert all(result.certificate.proven_optimal for result in found.values())
    fitting = 0
    for mapping in sampled(cascade, shapes, architecture, Random(size)):
        cost = cost_if_it_fits(mapping, cascade, shapes, architecture)
        if cost is None:
            continue
        fitting += 1
        for objective, result in found.items():
            best, drawn = objective.value_of(result.cost), objective.value_of(cost)
            assert best <= drawn * (1 + 1e-9)
    assert fitting


@pytest.mark.parametrize("size", [12, 1000])
def test_the_search_finds_the_best_of_all(size: int) -> None:
    cascade = parse_cascade(ROW_SUMS, "row-sums")
    shapes, architecture = bind(cascade, {"M": 2, "K": 8}), chip(size)
    costs = [
        cost
        for mapping in enumerated(cascade, shapes, architecture)
        if (cost := cost_if_it_fits(mapping, cascade, shapes, architecture))
    ]
    for objective in Objective:
        result = search(cascade, shapes, architecture, LIBRARY, objective)
        best = min(map(objective.key, costs))
        assert objective.key(result.cost) == pytest.approx(best, rel=1e-9)


def attention_case(model: str, length: int, config: str) -> tuple[Cascade, Shapes, Architecture]:
    configuration = configuration_named(config)
    architecture = load_architecture(configuration.architecture)
    work = attention(model_named(model), length, cascade=configuration.cascade)
    shapes = bind(work.cascade, {**work.shape, **configuration.tile_shape(architecture)})
    return work.cascade, shapes, architecture


@pytest.mark.parametrize(
    ("model", "length", "config"),
    [("BERT", 1 << 10, "binding"), ("XLM", 1 << 20, "binding"), ("BERT", 1 << 16, "flat")],
)
def test_published_mappings_are_met_or_beaten(model: str, length: int, config: str) -> None:
    cascade, shapes, architecture = attention_case(model, length, config)
    name = configuration_named(config).mapping
    published = bind_mapping(name, cascade, shapes, architecture, model)
    theirs = evaluate(cascade, shapes, architecture, published, LIBRARY)
    result = search(cascade, shapes, architecture, LIBRARY)
    ours = evaluate(cascade, shapes, architecture, result.mapping, LIBRARY)
    assert ours.latency_s <= theirs.latency_s * (1 + 1e-12)
    if config == "binding":
        assert ours.dram_traffic_bytes <= theirs.dram_traffic_bytes * (1 + 1e-12)
    # The search adds up tensors; the evaluation takes the mapping as a whole.
    assert result.cost.latency_s == pytest.approx(ours.latency_s, rel=1e-12)
    assert result.cost.traffic_bytes == pytest.approx(ours.dram_traffic_bytes, rel=1e-12)
    assert result.cost.energy_pj == pytest.approx(ours.energy_pj_complete, rel=1e-12)


def test_a_time_limit_returns_a_mapping_and_its_gap() -> None:
    cascade, shapes, architecture = attention_case("BERT", 1 << 12, "flat")
    result = search(cascade, shapes, architecture, LIBRARY, time_limit_s=0.0)
    report = evaluate(cascade, shapes, architecture, result.mapping, LIBRARY)
    assert report.latency_s == pytest.approx(result.cost.latency_s)
    assert result.gap >= 1.0


def test_the_search_is_deterministic() -> None:
    cascade, shapes, architecture = attention_case("BERT", 1 << 12, "flat")
    first, second = (search(cascade, shapes, architecture, LIBRARY) for _ in range(2))
    assert first.mapping == second.mapping
    assert first.cost == second.cost
