"""Every broken array is found by the same checks that the whole one passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from einsum.errors import SpecError
from einsum.rounding import equal_bits
from rtl.control.binding import Binding
from rtl.control.head import Head
from rtl.sim.array import Array, Job, Outcome, run_jobs
from rtl.sim.golden import Golden, Operands
from rtl.sim.image import read_state
from rtl.sim.inputs import Inputs, operands_of
from rtl.sim.run import simulated
from rtl.tests.mutants import (
    MORE_SOURCE_MUTANTS,
    SOURCE_MUTANTS,
    SourceMutant,
    one_stage_off,
    others,
    without_one_slot,
)

HEAD = Head(4, 12, 8, 4, 4)
TINY = Head(2, 8, 4, 3, 3)


def golden(array: Array, operands: Operands) -> Golden:
    head = array.head
    found = Golden(head.problem()[0], operands, array.format, head.degree, head.n)
    found.output()
    return found


def is_right(array: Array, outcome: Outcome, expected: Golden, cycles: int) -> bool:
    """Cycles, outputs, and the running values that are left in the lanes' banks."""
    counted = outcome.counters
    return (
        counted is not None
        and counted.cycles == cycles
        and equal_bits(outcome.output, expected.output())
        and all(state_is_right(array, outcome, expected, name) for name in ("RM", "RD", "RNV"))
    )


def state_is_right(array: Array, outcome: Outcome, expected: Golden, tensor: str) -> bool:
    head = array.head
    left = read_state(outcome.folder, array.program, tensor, head.n, array.depths)
    last = (head.key_tiles - 1) * head.query_tiles
    tiles = [left[(last + tile) % len(left)] for tile in range(head.query_tiles)]
    value = np.atleast_2d(expected.value(tensor, head.key_tiles))
    return equal_bits(np.concatenate(tiles, axis=1), value)


@pytest.mark.parametrize(
    "binding", [Binding.INTERLEAVED, Binding.NOT_INTERLEAVED], ids=lambda one: one.value
)
def test_every_wrong_table_is_found(binding: Binding, tmp_path: Path) -> None:
    head = Head(HEAD.n, HEAD.m, HEAD.p, HEAD.e, HEAD.f, binding)
    # fp32, as rounding to a shorter format hides small errors.
    array, cycles = Array.of(head, "fp32"), simulated(head).cycles
    inputs, other = Inputs.random(head), Inputs.random(head, 2)
    right, disturbing = (operands_of(head, array.format, one) for one in (inputs, other))
    mutants = (
        *without_one_slot(array.program),
        *one_stage_off(array.program),
        *others(array.program),
    )
    assert len(mutants) > 60
    # A run with other inputs in between, so that no mutant finds the right values left behind.
    jobs = [Job(disturbing, 4 * cycles), Job(right, 4 * cycles)]
    for mutant in mutants:
        jobs += [Job(disturbing, 4 * cycles), Job(right, 4 * cycles, mutant.program)]
    outcomes, _ = run_jobs(array, array.build(), tuple(jobs), tmp_path)
    expected, disturbed = golden(array, right), golden(array, disturbing)
    assert all(is_right(array, one, disturbed, cycles) for one in outcomes[::2])
    assert is_right(array, outcomes[1], expected, cycles)
    found = [is_right(array, one, expected, cycles) for one in outcomes[3::2]]
    missed = [mutant.name for mutant, right in zip(mutants, found, strict=True) if right]
    assert not missed, ", ".join(missed)


def caught(mutant: SourceMutant | None, folder: Path) -> bool:
    """Does any check fail for an array with this mutant?"""
    array, cycles = Array.of(TINY, "bf16"), simulated(TINY).cycles
    keys = np.arange(TINY.m)
    plain, scores = Inputs.random(TINY), -np.ones((TINY.m, TINY.e)) * (1 + keys[:, None] % 5)
    cases = (
        plain,
        Inputs(np.abs(plain.q), scores, plain.v),
        Inputs(plain.q, plain.k, plain.v, masked_keys=keys < TINY.n),
    )
    operands = [operands_of(TINY, array.format, one) for one in cases]
    jobs = tuple(Job(one, 4 * cycles) for one in operands)
    built = array.build(sources=() if mutant is None else (mutant.write(folder),))
    try:
        outcomes, _ = run_jobs(array, built, jobs, folder)
    except SpecError:
        return True
    return not all(
        is_right(array, outcome, golden(array, one), cycles)
        for outcome, one in zip(outcomes, operands, strict=True)
    )


def test_the_whole_array_passes(tmp_path: Path) -> None:
    assert not caught(None, tmp_path)


@pytest.mark.parametrize("mutant", SOURCE_MUTANTS, ids=str)
def test_broken_hardware_is_found(mutant: SourceMutant, tmp_path: Path) -> None:
    assert caught(mutant, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("mutant", MORE_SOURCE_MUTANTS, ids=str)
def test_more_broken_hardware_is_found(mutant: SourceMutant, tmp_path: Path) -> None:
    assert caught(mutant, tmp_path)
