"""Schedules of mappings: FuseMax's binding is found, proven and bettered."""

from __future__ import annotations

import pytest

from archsim.mapping import Policy
from archsim.schedule import schedule
from einsum.errors import SpecError
from tests.archsim.pipelines import POINTS, fusemax


def test_fusemax_takes_138_cycles_a_tile() -> None:
    found = schedule(*fusemax())
    steady = found.main.schedule
    assert (steady.ii_cycles, steady.res_mii, steady.limit) == (138, 138, "array_1d")
    assert found.epilogue_cycles == 64
    assert steady.proven_optimal
    assert steady.utilization == {"array_1d": 1.0, "array_2d": 137 / 138}
    assert steady.stages == 2
    assert found.main.steps == 256 * 128


@pytest.mark.parametrize(("model", "length"), POINTS)
def test_every_point_is_at_most_the_papers(model: str, length: int) -> None:
    """The paper's binding: 138 cycles a tile for E = F = 64 and 266 for 128, and F to divide."""
    problem = fusemax(model, length)
    _, shapes, _, _ = problem
    found = schedule(*problem)
    depth = shapes.size("F")
    tiles = shapes.size("M1")
    ours = tiles * found.main.schedule.ii_cycles + found.epilogue_cycles
    paper = tiles * (2 * depth + 10) + depth
    assert ours <= paper
    assert found.main.schedule.proven_optimal


@pytest.mark.parametrize("skew", [False, True])
def test_multiply_adds_make_the_2d_array_the_limit(skew: bool) -> None:
    problem = fusemax(cascade="attention/fusemax-fma", mapping="fusemax-fma")
    steady = schedule(*problem, skew=skew).main.schedule
    assert (steady.ii_cycles, steady.limit, steady.proven_optimal) == (137, "array_2d", True)
    assert 1 - steady.utilization["array_1d"] == pytest.approx(64 / 137)


def test_two_keys_a_pe_halve_the_work_of_the_1d_array_for_each() -> None:
    found = schedule(*fusemax(keys=512))
    steady = found.main.schedule
    assert (steady.ii_cycles, steady.limit) == (274, "array_2d")  # 137 for 256 keys
    registers = {c.tensor: c.tiles * c.tile_bytes for c in steady.copies if c.memory == "rf_2d"}
    assert sum(registers.values()) <= 24
    assert registers == {"QK": 4.0, "SLN": 4.0}


def test_skew_costs_stages_and_copies_but_no_interval() -> None:
    steady = schedule(*fusemax(), skew=True).main.schedule
    assert (steady.ii_cycles, steady.proven_optimal) == (138, True)
    assert steady.stages > 2
    tiles = {copy.tensor: copy.tiles for copy in steady.copies}
    assert tiles["QK"] > 1  # scores of several tiles wait in the PEs
    room = [c for c in steady.copies if c.memory == "rf_2d"]
    assert sum(c.tiles * c.tile_bytes for c in room) <= 24


def test_one_query_tile_carries_its_state_from_step_to_step() -> None:
    problem = fusemax(changes=(("global_buffer.size", "196 KiB"),))
    steady = schedule(*problem).main.schedule
    assert steady.ii_cycles == 138
    assert steady.rec_mii > 1


def test_a_buffer_that_is_too_small_is_named_with_its_nearest_size() -> None:
    cascade, shapes, architecture, mapping = fusemax()
    small = architecture.with_parameter("rf_2d.size", "2 B")
    with pytest.raises(SpecError, match="rf_2d is 2 bytes short") as told:
        schedule(cascade, shapes, small, mapping)
    assert told.value.rule == "the nearest size that suffices is 4 bytes"
    enough = architecture.with_parameter("rf_2d.size", "4 B")
    assert schedule(cascade, shapes, enough, mapping).main.schedule.ii_cycles == 138


def test_no_room_for_another_copy_is_told_in_bytes() -> None:
    """RM of the tile before is read after that of this tile is written: 512 bytes more."""
    cascade, shapes, architecture, mapping = fusemax()
    exact = architecture.with_parameter("global_buffer.size", "8650752 B")
    with pytest.raises(SpecError, match="global_buffer is 512 bytes short: 1 more tile of RM"):
        schedule(cascade, shapes, exact, mapping)
    more = architecture.with_parameter("global_buffer.size", f"{8650752 + 512} B")
    assert schedule(cascade, shapes, more, mapping).main.schedule.ii_cycles == 138


def test_policies_are_ordered() -> None:
    from dataclasses import replace

    from archsim.closed_form import closed_form

    cascade, shapes, architecture, mapping = fusemax()
    took = {}
    for policy in Policy:
        groups = tuple(replace(group, policy=policy) for group in mapping.groups)
        form = closed_form(cascade, shapes, architecture, replace(mapping, groups=groups))
        took[policy] = float(form.latency_s)
    found = schedule(cascade, shapes, architecture, mapping)
    assert took[Policy.PIPELINED] * architecture.clock_hz == pytest.approx(found.cycles, rel=1e-15)
    assert took[Policy.OVERLAPPED] <= took[Policy.PIPELINED] < took[Policy.SERIAL]
    assert took[Policy.PIPELINED] == pytest.approx(took[Policy.PAPER], rel=1e-4)
