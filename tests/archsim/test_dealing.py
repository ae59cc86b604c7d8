"""Dealt loops, pipes, overlap and launches: what a GPU needs of an architecture."""

from __future__ import annotations

import pytest

from archsim.closed_form import closed_form
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.mapping_file import parse_mapping
from archsim.mapping_text import loop_nest, mapping_to_yaml
from einsum.errors import Source, SpecError
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind
from tests.archsim.small_chip import read

CHIP = """\
architecture: cores
clock: 1 GHz
node: 45 nm
memories:
  dram: {component: dram, access: 64 b}
  l2: {parent: dram, component: sram, size: 4 KiB, access: 64 b, cache: true}
  near:
    parent: l2
    component: sram
    size: 1 KiB
    bandwidth: 8 GB/s
    access: 64 b
    fanout: {cores: 3}
units:
  array:
    memory: near
    dims: {rows: 2}
    operations:
      mac: {cycles: 1}
  vector:
    memory: near
    dims: {lanes: 2}
    operations:
      exp: {cycles: 8, pipe: special}
      sub: {cycles: 1, pipe: plain}
      add: {cycles: 3, pipe: plain}
      max: {cycles: 1, pipe: plain}
"""
CASCADE = parse_cascade(
    "ranks T, K\ninputs X[T, K], W[K]\nS[t] = X[t, k] * W[k]\nE[t] = exp(S[t] - 1)\n"
    "Y[t] = E[t] + 1\n"
)


def mapped(nest: str, sizes: dict[str, int] | None = None) -> tuple[Shapes, str]:
    shapes = bind(CASCADE, {"T": 10, "K": 4, **(sizes or {})})
    return shapes, f"name: mine\ngroups:\n  - nest:\n{nest}"


TASKS = """\
      - {for: t, tile: 2, dealt: near.cores}
      - {hold: [X, S, E], in: near}
      - each:
          - {compute: S, unit: array, rows: t}
          - {compute: E, unit: vector, lanes: t}
          - {compute: Y, unit: vector, lanes: t}
"""


def form_of(nest: str, chip: str = CHIP, sizes: dict[str, int] | None = None) -> tuple:  # type: ignore[type-arg]
    shapes, text = mapped(nest, sizes)
    architecture = read(chip)
    mapping = parse_mapping(Source("mine.yaml", text)).bind(CASCADE, shapes, architecture)
    return closed_form(CASCADE, shapes, architecture, mapping), mapping, shapes, architecture


class TestWaves:
    def test_five_tasks_on_three_cores_are_two_waves(self) -> None:
        form, *_ = form_of(TASKS)
        leaf = form.leaves[0]
        assert (float(leaf.tasks), float(leaf.waves), leaf.task_depth) == (5, 2, 1)
        assert float(leaf.idle_factor) == pytest.approx(6 / 5)
        busy = {one.einsum: float(one.cycles) for one in form.works}
        assert busy == {"S": 2 * 4, "E": 2 * 8, "Y": 2 * 3}

    def test_ports_wait_for_the_last_wave(self) -> None:
        form, *_ = form_of(TASKS)
        moved = float(form.moved_bytes["near"])
        even = moved / (3 * 8e9)
        assert float(form.memory_s[0]["near"]) == pytest.approx(even * 6 / 5)

    def test_a_tile_is_fetched_for_every_task(self) -> None:
        nest = TASKS.replace("hold: [X, S, E]", "hold: [X, W, S, E]")
        form, *_ = form_of(nest)
        weights = sum(
            float(one.elements)
            for one in form.transfers
            if one.tensor == "W" and one.lower == "near"
        )
        assert weights == 5 * 4  # all of W five times, though its tile never changes

    def test_it_is_written_and_read_back(self) -> None:
        _, mapping, shapes, architecture = form_of(TASKS)
        again = parse_mapping(Source("again.yaml", mapping_to_yaml(mapping)))
        assert again.bind(CASCADE, shapes, architecture) == mapping
        assert "dealt over near.cores" in loop_nest(mapping)

    @pytest.mark.parametrize(
        ("nest", "message"),
        [
            (TASKS.replace("near.cores", "near.core"), "unknown dimension near.core"),
            (TASKS.replace("near.cores", "array.rows"), "is dealt over array.rows, but vector"),
            (
                TASKS.replace("      - {for: t", "      - {for: t, tile: 5}\n      - {for: t"),
                "inside",
            ),
            (
                TASKS.replace("{hold: [X", "{for: k, dealt: near.cores}\n      - {hold: [X"),
                "depend on each other",
            ),
        ],
    )
    def test_what_cannot_be_dealt(self, nest: str, message: str) -> None:
        shapes, text = mapped(nest)
        architecture = read(CHIP)

        def evaluated() -> None:
            mapping = parse_mapping(Source("mine.yaml", text)).bind(CASCADE, shapes, architecture)
            evaluate(CASCADE, shapes, architecture, mapping, load_library())

        with pytest.raises(SpecError) as caught:
            evaluated()
        assert message in str(caught.value)


class TestTime:
    def test_pipes_of_a_unit_overlap(self) -> None:
        form, *_ = form_of(TASKS)
        # Special: 16. Plain: one subtraction and one addition a point, 2 x (1 + 3).
        assert float(form.compute_s[0]) == pytest.approx(16e-9)
        one_pipe = CHIP.replace(", pipe: special", "").replace(", pipe: plain", "")
        assert float(form_of(TASKS, one_pipe)[0].compute_s[0]) == pytest.approx(24e-9)

    @pytest.mark.parametrize(("overlap", "expected"), [(1, 16), (0.5, 20), (0, 24)])
    def test_overlap_hides_a_share_of_the_other_units(
        self, overlap: float, expected: float
    ) -> None:
        chip = f"overlap: {overlap}\n{CHIP}"
        assert float(form_of(TASKS, chip)[0].compute_s[0]) == pytest.approx(expected * 1e-9)

    def test_every_group_is_launched(self) -> None:
        form = form_of(TASKS)[0]
        later = form_of(TASKS, f"launch: 3 us\n{CHIP}")[0]
        assert float(later.latency_s) == pytest.approx(float(form.latency_s) + 3e-6)

    def test_the_bound_counts_all_pipes_as_busy(self) -> None:
        _, mapping, shapes, architecture = form_of(TASKS)
        report = evaluate(CASCADE, shapes, architecture, mapping, load_library())
        assert report.latency_gap >= 1


class TestArchitecture:
    def test_it_prints_and_varies(self) -> None:
        chip = read(f"launch: 3 us\noverlap: 0.25\n{CHIP}")
        assert read(str(chip)) == chip
        assert (chip.launch_s, chip.overlap) == (3e-6, 0.25)
        assert chip.with_parameter("overlap", 1).overlap == 1
        assert chip.with_parameter("launch", "0 s").launch_s == 0
        assert chip.unit("vector").pipes == ("special", "plain")
        assert not chip.memory("l2").holds("X")
        assert [memory.name for memory in chip.above("near")] == ["near", "l2", "dram"]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (("clock: 1 GHz", "clock: 1 GHz\noverlap: 1.5"), "the overlap is 1.5"),
            (("clock: 1 GHz", "clock: 1 GHz\nlaunch: 3"), "has no unit"),
            (("size: 4 KiB, access", "access"), "the cache l2 has no size"),
            (("access: 64 b}\n  l2", "access: 64 b, cache: true}\n  l2"), "dram is a cache"),
            (("access: 64 b, cache: true", "access: 64 b, cache: maybe"), "cache maybe is unknown"),
            (("pipe: special", "pipe: 8"), "'8' is not a name"),
        ],
    )
    def test_what_it_refuses(self, change: tuple[str, str], message: str) -> None:
        assert CHIP.count(change[0]) == 1
        with pytest.raises(SpecError) as caught:
            read(CHIP.replace(*change))
        assert message in str(caught.value)

    def test_nothing_is_held_in_a_cache(self) -> None:
        with pytest.raises(SpecError, match="may not be held in l2"):
            form_of(TASKS.replace("in: near", "in: l2"))
