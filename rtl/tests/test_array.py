"""The whole array: values bit for bit as the golden model, cycles exactly as the simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from einsum.errors import SpecError
from einsum.rounding import equal_bits
from rtl.control.binding import Binding
from rtl.control.head import Head
from rtl.sim.array import Array, Job, Outcome, run_jobs
from rtl.sim.golden import Golden, Operands
from rtl.sim.inputs import Inputs, operands_of, relative_error
from rtl.sim.run import Result, execute, simulated

SMALL = Head(4, 16, 8, 8, 8)


def assert_right(result: Result) -> None:
    """Values, cycles, and what each unit did."""
    counted, model = result.counters, result.simulation
    assert result.bit_exact
    assert result.max_rel_error <= result.error_bound
    assert counted.cycles == model.cycles
    assert counted.busy_2d == model.busy["array_2d"]
    assert counted.busy_1d == model.busy["array_1d"]
    head = result.array.head
    assert counted.outputs == head.query_tiles * head.n * head.f
    assert counted.skew == 2 * (head.n - 1)
    assert counted.tiles == head.key_tiles * head.query_tiles


HEADS = (
    SMALL,
    Head(4, 4, 4, 1, 1),  # one tile, one product
    Head(4, 13, 7, 5, 9),  # no multiples of anything
    Head(4, 40, 12, 3, 16),
    Head(4, 8, 20, 16, 2),
    Head(4, 16, 12, 8, 8, Binding.NOT_INTERLEAVED),
    Head(4, 13, 7, 9, 5, Binding.NOT_INTERLEAVED),
    Head(4, 16, 8, 8, 8, Binding.MULTIPLY_ADD),
    Head(4, 16, 8, 8, 8, Binding.THREE_PASS),
    Head(4, 9, 10, 4, 6, Binding.THREE_PASS),
    Head(4, 16, 8, 8, 8, degree=2),
    Head(8, 32, 24, 16, 8),
    Head(8, 32, 24, 16, 8, Binding.NOT_INTERLEAVED),
)


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_values_and_cycles(head: Head, tmp_path: Path) -> None:
    assert_right(execute(head, "bf16", tmp_path))


@pytest.mark.parametrize("format_name", ["fp16", "fp32", "e4m3", "e5m2"])
def test_formats(format_name: str, tmp_path: Path) -> None:
    assert_right(execute(SMALL, format_name, tmp_path))


@pytest.mark.nightly
@pytest.mark.parametrize("binding", Binding, ids=lambda one: one.value)
@pytest.mark.parametrize("n", [4, 8, 16, 32])
@pytest.mark.parametrize(("e", "f"), [(64, 64), (16, 32), (128, 64)])
@pytest.mark.parametrize("degree", [3, 6])
def test_values_and_cycles_of_larger_arrays(
    n: int, e: int, f: int, degree: int, binding: Binding, tmp_path: Path
) -> None:
    assert_right(execute(Head(n, 5 * n, 3 * n, e, f, binding, degree), "bf16", tmp_path))


@pytest.mark.nightly
def test_a_large_head(tmp_path: Path) -> None:
    assert_right(execute(Head(32, 1024, 1024, 64, 64), "bf16", tmp_path))


@pytest.mark.parametrize(("m", "p"), [(128, 64), (96, 96)])
def test_the_steady_state_is_the_papers(m: int, p: int, tmp_path: Path) -> None:
    """138 cycles between tiles; all else of the total is fill, skew and drain."""
    result = execute(Head(8, m, p, 64, 64), "bf16", tmp_path)
    assert_right(result)
    counted, steady = result.counters, result.simulation.schedule.main.schedule
    assert counted.least_interval == counted.most_interval == 138 == steady.ii_cycles
    fill = (steady.stages - 1) * steady.ii_cycles
    assert counted.cycles == result.closed_form_cycles + fill + 7
    tiles = result.array.head.key_tiles * result.array.head.query_tiles
    assert result.closed_form_cycles == 138 * tiles + (7 + 64) * result.array.head.query_tiles


def test_without_interleaving_each_tile_crosses_the_array(tmp_path: Path) -> None:
    """The paper's bubble of N cycles for a tile is there; two of its other cycles are not."""
    result = execute(Head(8, 64, 64, 64, 64, Binding.NOT_INTERLEAVED), "bf16", tmp_path)
    assert_right(result)
    counted = result.counters
    assert counted.least_interval == counted.most_interval
    assert counted.least_interval == 64 + 1 + 8 + 7 + 2 * 64 - 1  # E, LM, crossing, SLN, SLNV
    interleaved = execute(Head(8, 64, 64, 64, 64), "bf16", tmp_path / "interleaved")
    assert counted.cycles > interleaved.counters.cycles


# Values that are hard for a running maximum, all on the same array.


def patterns(head: Head) -> dict[str, Inputs]:
    plain = Inputs.random(head)
    keys = np.arange(head.m, dtype=float)
    along = np.ones((head.m, head.e)) / head.e
    masked = np.zeros(head.m, dtype=bool)
    first = keys < head.n
    return {
        "ascending": replace(plain, q=np.abs(plain.q), k=along * keys[:, None]),
        "descending": replace(plain, q=np.abs(plain.q), k=along * keys[::-1, None]),
        "equal": replace(plain, k=along),
        "zero": replace(plain, q=plain.q * 0.0),
        "far apart": replace(plain, q=plain.q * 100.0),
        "masked keys": replace(plain, masked_keys=keys % 3 == 1),
        "masked first tile": replace(plain, masked_keys=first),
        "masked middle tile": replace(plain, masked_keys=(keys // head.n) == 1),
        "one key": replace(plain, masked_keys=keys != head.m - 1),
        "a query without keys": replace(
            plain, masked_keys=masked, masked_queries=np.arange(head.p) == 2
        ),
        "no keys at all": replace(plain, masked_keys=~masked),
        "infinite key": replace(plain, k=np.where(keys[:, None] == 3, np.inf, plain.k)),
        "NaN": replace(plain, v=np.where(keys[:, None] == 3, np.nan, plain.v)),
    }


@pytest.mark.parametrize("binding", [Binding.INTERLEAVED, Binding.THREE_PASS])
def test_running_maxima_and_masks(binding: Binding, tmp_path: Path) -> None:
    head = Head(4, 14, 8, 8, 8, binding)
    array = Array.of(head, "bf16")
    cases = patterns(head)
    outcomes = run_all(
        array, [operands_of(head, array.format, one) for one in cases.values()], tmp_path
    )
    for (name, inputs), outcome in zip(cases.items(), outcomes, strict=True):
        operands = operands_of(head, array.format, inputs)
        assert equal_bits(outcome.output, golden(array, operands)), name
        if name not in ("infinite key", "NaN"):
            with np.errstate(invalid="ignore"):
                error = relative_error(outcome.output.T[: head.p], inputs.attention())
            assert error <= (0.2 if name == "far apart" else 0.04), name
    assert np.isnan(outcomes[list(cases).index("no keys at all")].output).all()


def test_a_reset_in_any_cycle_leaves_nothing_behind(tmp_path: Path) -> None:
    array = Array.of(SMALL, "bf16")
    operands = operands_of(SMALL, array.format, Inputs.random(SMALL))
    other = operands_of(SMALL, array.format, Inputs.random(SMALL, 2))
    cycles = simulated(SMALL).cycles
    jobs = [Job(other, 4 * cycles)]
    jobs += [
        Job(operands, 4 * cycles, resets_after=(first, first + 11))
        for first in range(1, cycles, 29)
    ]
    outcomes, _ = run_jobs(array, array.build(), tuple(jobs), tmp_path)
    for outcome in outcomes[1:]:
        assert equal_bits(outcome.output, golden(array, operands))
        assert outcome.counters is not None
        assert outcome.counters.cycles == cycles


def run_all(array: Array, operands: list[Operands], folder: Path) -> tuple[Outcome, ...]:
    most = 4 * simulated(array.head).cycles
    outcomes, _ = run_jobs(array, array.build(), tuple(Job(one, most) for one in operands), folder)
    return outcomes


def golden(array: Array, operands: Operands) -> np.ndarray:
    cascade = array.head.problem()[0]
    return Golden(cascade, operands, array.format, array.head.degree, array.head.n).output()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 1}, "n is 1"),
        ({"m": 0}, "m is 0"),
        ({"degree": 7}, "degree is 7"),
        ({"e": 1 << 21}, "e is"),
        ({"n": 256, "m": 512, "p": 512}, "stage is 21 in the sequencer's table"),
    ],
)
def test_what_the_array_cannot_be(change: dict[str, int], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Array.of(replace(SMALL, **change), "bf16")  # type: ignore[arg-type]


def test_integers_have_no_exponential() -> None:
    with pytest.raises(SpecError, match="no integer result"):
        Array.of(SMALL, "int8")
    with pytest.raises(SpecError, match="does not compute in bf17"):
        Array.of(SMALL, "bf17")
