"""How the Einsums of a group share time."""

from __future__ import annotations

import numpy as np
import pytest

from archsim.latency import compute_time, group_time, memory_times
from archsim.mapping import Compute, For, Group, Hold, Mapping, Phase, Policy
from archsim.work import Work
from einsum.shapes import Shapes
from tests.archsim.two_by_two import fork, form, shapes

CLOCK = 1e9


def work(name: str, unit: str, cycles: float) -> Work:
    one = np.asarray(1.0)
    return Work(name, 0, unit, (), np.asarray(cycles), one, one, one)


WORKS = (work("A", "array", 10), work("B", "vector", 4), work("C", "array", 3))


def cycles(group: Group, works: tuple[Work, ...] = WORKS) -> float:
    return float(compute_time(group, works, CLOCK)) * CLOCK


def test_serial_adds_up() -> None:
    assert cycles(Group((), Policy.SERIAL)) == pytest.approx(17)


def test_overlapped_is_the_busiest_unit() -> None:
    assert cycles(Group((), Policy.OVERLAPPED)) == pytest.approx(13)
    assert cycles(Group((), Policy.OVERLAPPED), ()) == 0


def test_phases_follow_each_other() -> None:
    phases = (Phase(("A", "B")), Phase(("C",)))
    assert cycles(Group((), Policy.PAPER, phases)) == pytest.approx(10 + 3)
    together = (Phase(("A", "B", "C")),)
    assert cycles(Group((), Policy.PAPER, together)) == pytest.approx(13)
    bubble = (*phases, Phase((), "B", 2.5))
    assert cycles(Group((), Policy.PAPER, bubble)) == pytest.approx(13 + 2.5 * 4)


def test_candidates_are_taken_one_by_one() -> None:
    one = np.asarray(1.0)
    works = tuple(
        Work(name, 0, unit, (), np.asarray(times), one, one, one)
        for name, unit, times in (("A", "array", [1.0, 5.0]), ("B", "vector", [2.0, 3.0]))
    )
    assert compute_time(Group((), Policy.OVERLAPPED), works, 1.0).tolist() == [2, 5]


def test_memories_with_a_bandwidth_take_time() -> None:
    moved = {"dram": np.asarray(100.0), "buffer": np.asarray(900.0)}
    times = memory_times(moved, {"dram": 10.0})
    assert {name: float(seconds) for name, seconds in times.items()} == {"dram": 10}
    assert float(group_time(np.asarray(3.0), times)) == 10
    assert float(group_time(np.asarray(30.0), times)) == 30


TEXT = """ranks M
inputs A[M]
formats A int8, B int8, C int8
B[m] = exp(A[m])
C[m] = B[m] * A[m]
"""


class TestGroups:
    bound: Shapes = shapes(TEXT, M=64)

    def latency(self, *groups: Group) -> float:
        return float(form(self.bound, Mapping("test", groups)).latency_s) * CLOCK

    def test_one_after_another(self) -> None:
        groups = [Group((Compute(name, "scalar"),), Policy.SERIAL) for name in "BC"]
        # The DRAM moves one byte a cycle, and the scalar unit computes one point a cycle.
        assert self.latency(*groups) == pytest.approx(2 * 64 + 3 * 64)

    def test_a_fused_group_is_a_roofline(self) -> None:
        nest = (
            *(For("m", 1), Hold(("A", "B"), "buffer")),
            fork((Compute("B", "vector"),), (Compute("C", "scalar"),)),
        )
        assert self.latency(Group(nest, Policy.OVERLAPPED)) == pytest.approx(2 * 64)

    def test_bandwidth_is_of_all_bytes_in_and_out(self) -> None:
        found = form(self.bound, Mapping("test", (Group((Compute("B", "scalar"),)),)))
        assert float(found.moved_bytes["dram"]) == 128
        assert float(found.memory_s[0]["dram"]) * CLOCK == pytest.approx(128)
