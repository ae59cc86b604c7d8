"""Evaluations as a whole: against their bounds, and on chips that FuseMax does not look like."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.architecture import Architecture
from archsim.bounds import bounds
from archsim.closed_form import closed_form
from archsim.cost import cost
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping import Compute, Group, Hold, Mapping, Policy
from archsim.mapping_file import load_mapping
from archsim.report import CostReport
from einsum.shapes import bind
from tests.archsim.random_mappings import KINDS, TINY, UNEVEN
from tests.archsim.two_by_two import LIBRARY, MATMUL, TEXT, chip, fork, nest, shapes
from workloads.library import load_cascade
from workloads.models import model_named
from workloads.transformer import attention

ALL = KINDS | {f"uneven {name}": kind for name, kind in UNEVEN.items()}


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(ALL)), random=st.randoms(use_true_random=False))
def test_nothing_is_below_its_bounds(kind: str, random: Random) -> None:
    bound, mapping = ALL[kind](random)
    form = closed_form(bound.cascade, bound, TINY, mapping)
    useful = {work.einsum: float(work.useful_points) for work in form.works}
    least = bounds(bound, TINY, useful)
    assert float(form.moved_bytes["dram"]) >= least.compulsory_bytes - 1e-9
    assert float(form.latency_s) >= least.roofline_s * (1 - 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(ALL)),
    random=st.randoms(use_true_random=False),
    factor=st.floats(1.0, 100.0),
)
def test_more_bandwidth_is_never_slower(kind: str, random: Random, factor: float) -> None:
    bound, mapping = ALL[kind](random)
    dram, *others = TINY.memories
    fast = replace(dram, bandwidth_bytes_per_s=1e9 * factor)
    faster = replace(TINY, memories=(fast, *others))
    slow = closed_form(bound.cascade, bound, TINY, mapping).latency_s
    assert closed_form(bound.cascade, bound, faster, mapping).latency_s <= slow


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(*[st.sampled_from([8, 16, 32, 64])] * 3),
    small=st.integers(5, 12),
    larger=st.integers(1, 4),
)
def test_more_buffer_is_never_more_traffic(
    sizes: tuple[int, int, int], small: int, larger: int
) -> None:
    given = dict(zip("MNK", sizes, strict=True))
    traffic = []
    for exponent in (small, small + larger):
        sized = chip().with_parameter("buffer.size", f"{1 << exponent} B")
        sized = sized.with_parameter("bank.size", "1 B")
        report = cost(shapes(MATMUL, **given).cascade, given, sized, library=LIBRARY)
        traffic.append(report.dram_traffic_bytes)
    assert traffic[1] <= traffic[0]


def test_more_buffer_on_the_published_configuration() -> None:
    work = attention(model_named("bert"), 65536)
    traffic = []
    for size in ("8 MiB", "16 MiB", "24 MiB", "32 MiB", "64 MiB"):
        architecture = load_architecture("fusemax-cloud").with_parameter("global_buffer.size", size)
        report = cost(work.cascade, work.shape, architecture, load_mapping("fusemax"))
        traffic.append(report.dram_traffic_bytes)
    assert traffic == sorted(traffic, reverse=True)
    assert traffic[0] > traffic[-1]


def test_memory_does_not_grow_with_the_length() -> None:
    def peak(length: int) -> int:
        work = attention(model_named("bert"), length, cascade="attention/causal-online")
        architecture = load_architecture("fusemax-cloud")
        cost(work.cascade, work.shape, architecture, load_mapping("fusemax"))  # warm caches
        tracemalloc.start()
        cost(work.cascade, work.shape, architecture, load_mapping("fusemax"))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(1 << 20) <= 1.5 * peak(1 << 10)


SHAPES = {
    "attention/flash2": {"B": 2, "H": 4, "M": 4096, "P": 4096},
    "attention/fusemax": {"B": 2, "H": 4, "M": 4096, "P": 4096},
    "attention/causal": {"B": 2, "H": 4, "M": 4096, "P": 4096},
    "attention/gqa": {"B": 2, "H": 8, "G": 4, "M": 4096, "P": 4096},
    "attention/decode": {"B": 2, "H": 4, "M": 4096},
    "layers/matmul": {"T": 4096, "K": 1024, "N": 1024},
    "layers/convolution": {"C": 64, "K": 64, "P": 56, "Q": 56, "X": 58, "Y": 58},
    "norm/layer-norm": {"R": 4096, "N": 1024},
}


@pytest.fixture(scope="module")
def reports() -> dict[tuple[str, str], CostReport]:
    return {
        (chip_name, name): cost(load_cascade(name), sizes, load_architecture(chip_name))
        for chip_name in ("tpu-v4i", "eyeriss")
        for name, sizes in SHAPES.items()
    }


@pytest.mark.parametrize("chip_name", ["tpu-v4i", "eyeriss"])
@pytest.mark.parametrize("name", SHAPES)
def test_other_chips(chip_name: str, name: str, reports: dict[tuple[str, str], CostReport]) -> None:
    report = reports[chip_name, name]
    assert report.latency_gap >= 1
    assert report.traffic_gap >= 1
    for unit in report.units:
        assert 0 <= unit.utilization <= 1 + 1e-9
    assert 0 <= report.util_useful_macs <= 1
    for memory in report.memories:
        if memory.size_bytes is not None:
            assert memory.occupied_bytes <= memory.size_bytes
    # At least the multiplications and the compulsory traffic cost energy.
    architecture, library = load_architecture(chip_name), load_library()
    root = architecture.root
    price = library.memory_cost(root.component, None, root.access_bits, architecture.node_nm)
    least = report.bounds.compulsory_bytes * 8 / root.access_bits * price.read_pj
    assert report.energy_pj_complete > least
    assert report.energy_pj_complete == pytest.approx(sum(e.energy_pj for e in report.einsums))
    assert report.energy_pj_complete == pytest.approx(sum(e.complete_pj for e in report.energies))


class TestSaneNumbers:
    def test_a_large_product_on_a_tpu(self, reports: dict[tuple[str, str], CostReport]) -> None:
        report = reports["tpu-v4i", "layers/matmul"]
        assert report.traffic_gap == pytest.approx(1)
        assert report.util_useful_macs > 0.8

    def test_on_168_pes_it_takes_longer(self, reports: dict[tuple[str, str], CostReport]) -> None:
        slow, fast = reports["eyeriss", "layers/matmul"], reports["tpu-v4i", "layers/matmul"]
        pes, clocks = 4 * 128 * 128 / 168, 1050 / 200
        assert 0.9 * pes * clocks < slow.latency_s / fast.latency_s < 2 * pes * clocks
        assert slow.energy_pj_complete > 5 * fast.energy_pj_complete  # 65 nm against 7 nm

    def test_causal_attention_does_half(self, reports: dict[tuple[str, str], CostReport]) -> None:
        for chip_name in ("tpu-v4i", "eyeriss"):
            einsums = {e.einsum: e for e in reports[chip_name, "attention/causal"].einsums}
            whole = 2 * 4 * 4096 * 4096 * 64
            assert einsums["QK"].useful_points == pytest.approx(whole / 2, rel=1e-3)
            assert whole / 2 <= einsums["QK"].points <= 0.75 * whole

    def test_decoding_waits_for_memory(self, reports: dict[tuple[str, str], CostReport]) -> None:
        report = reports["tpu-v4i", "attention/decode"]
        assert report.memory_s / report.latency_s > 0.9
        assert report.traffic_gap < 1.2

    def test_grouped_heads_read_less(self, reports: dict[tuple[str, str], CostReport]) -> None:
        report = reports["tpu-v4i", "attention/gqa"]
        read = {t.tensor: t.read_bytes for t in report.tensors if t.memory == "dram"}
        assert read["K"] * 4 == read["Q"]

    def test_a_convolution_reads_its_image_once(
        self, reports: dict[tuple[str, str], CostReport]
    ) -> None:
        assert reports["tpu-v4i", "layers/convolution"].traffic_gap == pytest.approx(1)
        assert reports["eyeriss", "layers/convolution"].traffic_gap < 3

    def test_a_norm_has_no_macs(self, reports: dict[tuple[str, str], CostReport]) -> None:
        assert reports["tpu-v4i", "norm/layer-norm"].util_useful_macs == 0


def endless() -> Architecture:
    """A chip whose memories are never the limit."""
    memories = tuple(replace(one, bandwidth_bytes_per_s=None) for one in chip().memories)
    return replace(chip(), memories=memories)


class TestCornerCases:
    @pytest.mark.parametrize(
        ("text", "traffic"),
        [
            ("ranks M\nZ[m] = 3\n", 2 * 8),  # a constant
            ("ranks M\nZ[m] = m * 2\n", 2 * 8),
            ("ranks M\ninputs A[M]\nZ = A[m]\n", 2 * 9),  # one value
            ("ranks M\ninputs A[M]\nZ[m] = A[m]\n", 2 * 16),  # a copy
            ("ranks M\ninputs A[M]\nZ[m] = exp(A[m])\n", 2 * 16),  # no reduction, no MAC
            ("ranks M\nconstants W = 2\ninputs A[M]\nZ[m] = A[m] if W < 3\n", 2 * 16),
            ("ranks M, H\nshape H = 2\ninputs A[H]\nZ[m] = A[m // 4] * 2\n", 2 * 10),
            ("ranks M, H\nshape H = 4\ninputs A[H]\nZ[m] = A[m % 4] * 2\n", 2 * 12),
            ("ranks M\ninputs A[M]\nZ[m] = A[0] * A[m]\n", 2 * 16),
        ],
    )
    def test_small_cascades(self, text: str, traffic: int) -> None:
        bound = shapes(text, M=8)
        report = cost(bound.cascade, {"M": 8}, load_architecture("tpu-v4i"))
        assert report.dram_traffic_bytes == traffic
        assert report.latency_gap >= 1
        assert str(report)

    def test_nothing_takes_time(self) -> None:
        bound = shapes("ranks M\ninputs A[M]\nZ[m] = A[m]\n", M=8)
        mapping = nest(Compute("Z", "scalar"))
        report = evaluate(bound.cascade, bound, endless(), mapping, LIBRARY)
        assert (report.latency_s, report.latency_gap, report.util_1d) == (0, 1, 0)
        assert str(report)

    def test_a_buffer_without_an_end(self) -> None:
        text = "  buffer: {parent: dram, component: near, access: 16 b}\n"
        lines = [text if "  buffer:" in line else f"{line}\n" for line in TEXT.splitlines()]
        unbounded = chip("".join(lines))
        bound = shapes(MATMUL, M=64, N=64, K=64)
        mapping = nest(Hold(("A", "B", "Z"), "buffer"), Compute("Z", "scalar"))
        report = evaluate(bound.cascade, bound, unbounded, mapping, LIBRARY)
        assert report.traffic_gap == 1
        (buffer,) = (one for one in report.memories if one.memory == "buffer")
        assert (buffer.occupied_bytes, buffer.size_bytes) == (3 * 4096, None)


def test_the_report_adds_up() -> None:
    work = attention(model_named("bert"), 4096)
    report = cost(
        work.cascade, work.shape, load_architecture("fusemax-cloud"), load_mapping("fusemax")
    )
    dram = [one for one in report.tensors if one.memory == "dram"]
    assert sum(t.read_bytes + t.write_bytes for t in dram) == report.dram_traffic_bytes
    assert {t.tensor for t in dram} == {"Q", "K", "V", "AV"}
    assert report.compute_s <= report.latency_s
    row = report.to_frame().iloc[0]
    assert row["latency_s"] == report.latency_s
    assert row["latency_gap"] == report.latency_s / report.bounds.roofline_s
    assert str(report).startswith("attention/fusemax on fusemax-cloud, mapping fusemax")


def test_parts_of_a_user_without_mapping_or_library() -> None:
    bound = bind(load_cascade("layers/matmul"), {"T": 64, "K": 64, "N": 64})
    architecture = load_architecture("tpu-v4i")
    default = cost(bound.cascade, bound.sizes, architecture)
    given = cost(bound.cascade, bound.sizes, architecture, default.mapping, load_library())
    assert default == given
    assert default.mapping.name == "default"


def test_policies_differ_in_time_only() -> None:
    bound = shapes("ranks M\ninputs A[M]\nT[m] = exp(A[m])\nZ[m] = T[m] * 2\n", M=64)
    units = fork((Compute("T", "vector"),), (Compute("Z", "scalar"),))
    nodes = (Hold(("T",), "buffer"), units)
    found = {
        policy: evaluate(
            bound.cascade, bound, endless(), Mapping("m", (Group(nodes, policy),)), LIBRARY
        )
        for policy in (Policy.SERIAL, Policy.OVERLAPPED)
    }
    serial, overlapped = found.values()
    assert serial.latency_s > overlapped.latency_s
    assert serial.dram_traffic_bytes == overlapped.dram_traffic_bytes
    assert serial.energy_pj_complete == overlapped.energy_pj_complete
