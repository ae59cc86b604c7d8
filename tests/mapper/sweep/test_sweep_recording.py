"""Recorded numbers: a program is right for a row, or it does not take it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from mapper.sweep.per_value import PerValue
from mapper.sweep.program import ROWS, Program, Sorter
from mapper.sweep.recording import Recorded, Tape

Function = Callable[..., Any]


def recorded(function: Function, *values: float) -> tuple[Tape, Any]:
    """What `function` gives for recorded numbers `x0`, `x1`, ..."""
    tape = Tape()
    return tape, function(*(tape.input(f"x{n}", value) for n, value in enumerate(values)))


def replayed(
    function: Function, at: tuple[float, ...], *columns: list[float]
) -> list[float | None]:
    """`function` recorded at one point and run on columns; None where it does not apply."""
    tape, result = recorded(function, *at)
    inputs = {f"x{n}": np.asarray(column, dtype=np.float64) for n, column in enumerate(columns)}
    passed = Sorter.of(tape, [tape.guards]).sort(inputs) == 0
    (found,) = Program.of(tape, [result]).run(inputs)
    return [value if ok else None for value, ok in zip(found.tolist(), passed, strict=True)]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (x + 2) * y - 3 / x,
        lambda x, y: -x // y + y % 3 - abs(x - y),
        lambda x, y: 10 - x + (7 // y) + (100 % y) + 2 * x / y,
        lambda x, y: np.minimum(x, y) + np.maximum(np.asarray(3.0), x) * np.float64(2),
        lambda x, y: math.ceil(x / y) + math.floor(x / 3) + math.trunc(y / 2),
        lambda x, y: np.where(x > y, x, y) + np.where((x > 2) & (y < 3), 1.0, 0.0),
        lambda x, y: sum([x, y, x * y], start=np.asarray(0.0)) + math.prod([x, y]),
        lambda x, y: np.sqrt(x) + np.ceil(y / 2) + np.broadcast_to(x, ()),
        lambda x, y: max(x, y) - min(x, y, 3) + sorted([y, x])[0],
        lambda x, y: x if x > y or not x % 2 else y,
        lambda x, y: {3: 10, 4: 20}.get(x, 0) + y,
        lambda x, y: float(x) ** 2 + round(y) + int(x),
        lambda x, y: len(range(x)) + sum(1 for one in (1, 2, 3) if one in (x, y)),
        lambda x, y: np.asarray([1.0, 2.0]).sum() * x + np.asarray(y),
        lambda x, y: (x == y) + np.any(x > 1) * 2 + (1 if x in {1, 3} else 0),
        lambda x, y: len({x: 1, y: 2}) + np.stack([np.asarray(1.0), np.asarray(x)]).sum(),
        lambda x, y: math.gcd(x, y) + math.log(x),
        lambda x, y: np.log(x) * np.exp(y) + np.power(x, 0.3),
        lambda x, y: np.where(np.asarray(True) & (x > 2) | ~(y < 3), x, y) + (x | y) + (x & 3),
        lambda x, y: np.gcd(x, y) + np.left_shift(x, 2),
        lambda x, y: np.frompyfunc(lambda a, b: math.gcd(int(a), int(b)), 2, 1)(x, y) * x,
    ],
)
def test_a_program_gives_what_the_function_gives_or_nothing(function: Function) -> None:
    random = Random(3)
    rows = [(random.randint(1, 6), random.randint(1, 6)) for _ in range(80)]
    served = 0
    for at in rows[:6]:
        found = replayed(function, at, *map(list, zip(*rows, strict=True)))
        expected = [float(function(*row)) for row in rows]
        served += sum(value is not None for value in found)
        assert all(f is None or f == e for f, e in zip(found, expected, strict=True))
        assert all(f is not None for f, row in zip(found, rows, strict=True) if row == at)
    assert served >= 6


def test_what_is_elementwise_serves_all_rows() -> None:
    found = replayed(lambda x: np.minimum(x, 4) * 2 + x // 3, (2,), [1, 2, 5, 100])
    assert found == [2, 4, 9, 41]


def test_a_condition_serves_the_rows_on_its_side() -> None:
    assert replayed(lambda x: x * 2 if x < 4 else x, (2,), [1, 3, 4, 9]) == [2, 6, None, None]


def test_a_plain_number_serves_its_own_value_only() -> None:
    assert replayed(lambda x: math.log2(float(x)), (8,), [4, 8, 16]) == [None, 3, None]


def test_equal_steps_are_one_step_and_unneeded_ones_are_not_run() -> None:
    tape, result = recorded(lambda x: (x + 1) * (x + 1) + 0 * ((x - 5) < 3) * 0, 2)
    assert len(tape.steps) == 8  # x, x + 1, its square, x - 5, < 3, 0 *, * 0, +
    tape = Tape()
    x = tape.input("x", 2)
    _, result = x * 17, x + 1
    assert len(Program.of(tape, [result]).instructions) == 1


def test_constants_are_outputs_too() -> None:
    assert replayed(lambda x: 3.5, (1,), [1, 2]) == [3.5, 3.5]


def test_many_rows_are_the_same_as_few() -> None:
    tape, result = recorded(lambda x, y: np.sqrt(x) / y + x % 7, 3, 4)
    random = np.random.default_rng(0)
    columns = {name: random.integers(1, 1000, 3 * ROWS + 5).astype(float) for name in ("x0", "x1")}
    (together,) = Program.of(tape, [result]).run(columns)
    for row in (0, ROWS - 1, ROWS, 3 * ROWS + 4):
        one = {name: column[row : row + 1] for name, column in columns.items()}
        assert Program.of(tape, [result]).run(one)[0].tobytes() == together[row].tobytes()


def test_recordings_on_one_tape_share_the_rows() -> None:
    tape, recordings, outputs = Tape(), [], []
    for example in (1, 5):
        tape.guards.clear()
        x = tape.input("x", example)
        outputs.append(x * 10 if x < 3 else x + 100)
        recordings.append(dict(tape.guards))
    columns = {"x": np.asarray([0.0, 2.0, 3.0, 9.0, np.nan])}
    assert Sorter.of(tape, recordings).sort(columns).tolist() == [0, 0, 1, 1, 1]
    assert Program.of(tape, outputs).run(columns)[0][:2].tolist() == [0, 20]


def test_texts_with_recorded_numbers_are_filled_in_later() -> None:
    tape = Tape()
    x = tape.input("x", 1234567)
    message = f"{x:,.0f} bytes, {x / 4:g}, {x}"
    assert tape.text(message) == "1,234,567 bytes, 308642, 1234567"
    assert not tape.guards


def test_a_function_of_values_is_called_once_for_each() -> None:
    calls = []

    def slow(a: float, b: float) -> float:
        calls.append((a, b))
        if a == 3:
            raise ValueError("no value")
        return a * 10 + b

    function = PerValue(slow)
    first, second = np.asarray([1.0, 2, 1, 3, 2]), np.asarray([5.0, 5, 5, 5, 6])
    expected = [15, 25, 15, math.nan, 26]
    for _ in range(2):
        np.testing.assert_array_equal(function(first, second), expected)
    assert len(calls) == 4
    np.testing.assert_array_equal(function(first, 7.0), [17, 27, 17, math.nan, 27])
    assert function(1.0, 2.0) == 12


def test_values_of_one_hash_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "mapper.sweep.per_value._hashed", lambda rows: np.ones(rows.shape[1], dtype=np.uint64)
    )
    function = PerValue(lambda a: a * 2)
    for _ in range(2):
        assert function(np.asarray([1.0, 2, 3, 1])).tolist() == [2, 4, 6, 2]


def test_numbers_are_not_recorded_by_accident() -> None:
    tape = Tape()
    x = tape.input("x", 3)
    assert isinstance(operator.index(x), int)
    assert hash(x) == hash(3)
    assert not isinstance(np.asarray(x).item(), Recorded)
    assert len(tape.guards) == 1  # that it is 3
