"""Simulations of mappings against the closed form, the bounds and themselves."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from itertools import pairwise

import pytest

from archsim.bounds import bounds
from archsim.closed_form import closed_form
from archsim.simulate import Simulation, simulate
from archsim.simulation.build import Hardware
from archsim.simulation.program import Cause, Kind
from archsim.trace import DRAM, beginning, chrome_trace
from einsum.errors import SpecError
from tests.archsim.pipelines import MODELS, POINTS, Problem, fusemax

IDEAL = Hardware(skew=False, infinite_dram=True)


def assert_adds_up(done: Simulation) -> None:
    for unit, busy in done.busy.items():
        assert busy + sum(done.stalls[unit].values()) == done.cycles
        assert all(stall >= 0 for stall in done.stalls[unit].values())
    difference = done.cycles - done.closed_form_cycles
    assert sum(done.difference.values()) == pytest.approx(difference, abs=0.01)
    for stream in done.traffic:
        assert stream.moved_bytes == stream.released_bytes + stream.resident_bytes
        assert stream.resident_bytes == 0


@pytest.mark.parametrize(("model", "length"), POINTS)
def test_equals_the_closed_form_without_skew_and_dram(model: str, length: int) -> None:
    done = simulate(*fusemax(model, length), IDEAL)
    assert done.cycles == done.closed_form_cycles == done.schedule.cycles
    assert set(done.difference.values()) == {0.0}
    assert_adds_up(done)


@pytest.mark.parametrize("length", [1 << 16, 1 << 18, 1 << 20])
@pytest.mark.parametrize("model", MODELS)
def test_within_one_percent_of_the_closed_form(model: str, length: int) -> None:
    problem = fusemax(model, length)
    done = simulate(*problem)
    assert done.closed_form_cycles <= done.cycles <= 1.01 * done.closed_form_cycles
    assert_adds_up(done)
    assert done.latency_s >= lower_bound_s(problem)


def lower_bound_s(problem: Problem) -> float:
    cascade, shapes, architecture, mapping = problem
    works = closed_form(cascade, shapes, architecture, mapping).works
    useful = {one.einsum: float(one.useful_points) for one in works}
    return bounds(shapes, architecture, useful).roofline_s


def test_moves_the_bytes_of_the_closed_form() -> None:
    cascade, shapes, architecture, mapping = fusemax()
    form = closed_form(cascade, shapes, architecture, mapping)
    done = simulate(cascade, shapes, architecture, mapping)
    assert sum(one.moved_bytes for one in done.traffic) == float(form.moved_bytes["dram"])


def test_a_million_tokens_take_no_more_memory_than_a_few() -> None:
    def peak_bytes(length: int) -> int:
        problem = fusemax("bert", length)
        simulate(*problem)
        tracemalloc.start()
        simulate(*problem)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    assert peak_bytes(1 << 20) < 2 * peak_bytes(1 << 14) < 100e6


def test_is_deterministic() -> None:
    from archsim.modulo import modulo_schedule

    first = simulate(*fusemax("t5", 1 << 14))
    modulo_schedule.cache_clear()
    again = simulate(*fusemax("t5", 1 << 14))
    assert (first.cycles, first.stalls, first.traffic) == (
        again.cycles,
        again.stalls,
        again.traffic,
    )
    assert first.schedule == again.schedule


def test_what_each_cause_is_for() -> None:
    cascade, shapes, architecture, mapping = fusemax("bert", 1 << 12)

    def difference(hardware: Hardware, **changes: str) -> Mapping[Cause, float]:
        changed = architecture
        for path, value in changes.items():
            changed = changed.with_parameter(path.replace("__", "."), value)
        done = simulate(cascade, shapes, changed, mapping, hardware)
        assert_adds_up(done)
        return done.difference

    skewed = difference(Hardware(infinite_dram=True))
    assert skewed[Cause.FILL] > 0
    assert skewed[Cause.DRAIN] == 255  # AV's last lane is 255 behind the first
    assert skewed[Cause.DRAM] == skewed[Cause.PORT] == 0
    slow = difference(Hardware(skew=False), dram__bandwidth="200 GiB/s")
    fast = difference(Hardware(skew=False))
    assert slow[Cause.DRAM] > fast[Cause.DRAM] > 0
    late = difference(Hardware(skew=False, dram_latency_s=1e-6))
    assert late[Cause.DRAM] > fast[Cause.DRAM]
    coarse = difference(Hardware(skew=False, burst_bytes=1 << 16))
    assert coarse[Cause.DRAM] > fast[Cause.DRAM]
    narrow = difference(Hardware(skew=False), global_buffer__bandwidth="1000 GB/s")
    assert narrow[Cause.PORT] > 0


def test_a_port_can_be_the_limit() -> None:
    problem = fusemax(changes=(("global_buffer.bandwidth", "800 GB/s"),))
    done = simulate(*problem, IDEAL)
    assert done.schedule.main.schedule.limit == "global_buffer"
    assert done.cycles == done.closed_form_cycles


def test_traces_show_what_the_schedule_says() -> None:
    done = simulate(*fusemax(), Hardware(skew=False))
    first, cycles, spans = beginning(done.schedule, done.program, 4)
    steady = done.schedule.main.schedule
    assert cycles == 5 * steady.ii_cycles
    scores = [one for one in spans if one.name == "QK"]
    begins = [one.begin for one in scores]
    assert begins[0] == first
    assert {b - a for a, b in pairwise(begins)} == {steady.ii_cycles}
    assert [one.coordinates for one in scores[:2]] == [
        (("m1", 0), ("p", 0)),
        (("m1", 0), ("p", 1)),
    ]
    assert {one.track for one in spans} == {"array_2d", "array_1d", DRAM, "stalled"}
    written = chrome_trace(spans, done.schedule.clock_hz)
    events = written["traceEvents"]
    assert isinstance(events, list)
    assert sum(event["ph"] == "X" for event in events) == len(spans)
    assert {"name", "ph", "pid", "tid", "ts", "dur"} <= set(events[-1])


def test_a_deadlock_names_buffer_bytes_and_tile() -> None:
    """One copy of a tile that the next step needs while this one still uses it."""
    from archsim.simulation.engine import Engine
    from archsim.simulation.machine import Machine
    from archsim.simulation.program import Action, Program, Run, Stream, Touch

    stream = Stream("K", "global_buffer", Kind.LOAD, 1, 32768, 72)
    touches = (Touch(0, Action.ACQUIRE, 0, 1), Touch(0, Action.RELEASE, 15, 1))
    program = Program((Run(0, 8, 10, 2, touches),), (stream,))
    with pytest.raises(SpecError, match="global_buffer is 32,768 bytes short: tile 1 of K") as told:
        Engine(program, Machine(program)).execute()
    assert "copies: 2, which takes 65,536 bytes" in told.value.rule
