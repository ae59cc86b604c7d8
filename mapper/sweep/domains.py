"""The values that a parameter takes: a list, a range, or a formula over other settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

from archsim.quantities import Unit
from archsim.section import Section
from archsim.yaml_nodes import Sequence, Table
from einsum.errors import SpecError
from mapper.sweep.formula import Formula, parse_formula
from mapper.sweep.settings import Setpoint, Setting

T = TypeVar("T")

_MOST_LEVELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Levels:
    """A list of values, all different, in the order given."""

    values: tuple[Setpoint, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """All values from `low` to `high`; `log` spreads them by their logarithm."""

    low: float
    high: float
    log: bool
    whole: bool


Domain: TypeAlias = Levels | Interval | Formula


@dataclass(frozen=True, slots=True)
class Parameter:
    """A swept setting."""

    setting: Setting
    domain: Domain

    @property
    def name(self) -> str:
        return self.setting.name


class _Scale(Enum):
    LINEAR = "linear"
    LOG = "log"


def parse_domain(setting: Setting, text: str) -> Domain:
    """A domain on one line: `64`, `64,128`, `1K..1M` (doubling), or `= 2 * array_2d.rows`.

    Raises `SpecError` for a value that `setting` does not take.
    """
    text = text.strip()
    if text.startswith("="):
        if setting.unit is None:
            raise SpecError(f"{setting.name} takes names, not a formula", rule="list its values")
        return parse_formula(text[1:], setting.unit.factors)
    values: list[Setpoint] = []
    for part in text.split(","):
        low, dots, high = part.partition("..")
        if dots and setting.unit is not None:
            values += doubled(setting, *_ends(setting, low, high))
        else:
            values.append(setting.parse(part))
    return _levels(setting, values)


def read_domain(setting: Setting, part: Section, key: str) -> Domain:
    """The domain that stands under `key`: one line, a list, or a range by its ends."""
    node = part.table.entries[key]
    match node:
        case Sequence():
            texts = part.texts(key)
            return _placed(part, key, lambda: _levels(setting, [setting.parse(t) for t in texts]))
        case Table():
            return _read_range(setting, part.section(key))
        case _:
            return part.scalar(key, lambda text: parse_domain(setting, text))


def doubled(setting: Setting, low: float, high: float, factor: float = 2.0) -> list[Setpoint]:
    """`low` and what it becomes when it is multiplied by `factor`, up to `high`."""
    count = math.floor(math.log(high / low) / math.log(factor) + 1e-9) + 1
    return [_rounded(setting, low * factor**index) for index in range(min(count, _MOST_LEVELS))]


def _ends(setting: Setting, low: str, high: str) -> tuple[float, float]:
    first, last = setting.parse(low), setting.parse(high)
    if not isinstance(first, float) or not isinstance(last, float):
        raise SpecError(f"{setting.name} takes names", rule="write a list of them")
    if not 0 < first <= last:
        raise SpecError(
            f"the range {low.strip()}..{high.strip()} of {setting.name} is empty",
            rule="it starts above 0 and does not end below its start",
        )
    return first, last


def _read_range(setting: Setting, part: Section) -> Domain:
    if setting.unit is None:
        raise SpecError(
            f"{setting.name} takes names", rule="write a list", source=part.source, span=part.span
        )
    texts = part.text("from"), part.text("to")
    for key in ("from", "to"):
        part.scalar(key, setting.parse)  # errors at their place
    low, high = _placed(part, "to", lambda: _ends(setting, *texts))
    part.offer("step", "count", "factor", "scale")
    given = [key for key in ("step", "count", "factor") if key in part]
    if len(given) > 1:
        part.fail(given[1], f"a range has {given[0]} or {given[1]}", rule="give one of them")
    scale = part.choice("scale", _Scale) if "scale" in part else _Scale.LINEAR
    log = scale is _Scale.LOG
    values: list[Setpoint] | None = None
    match given:
        case ["step"]:
            step = part.scalar("step", setting.parse)
            assert isinstance(step, float)  # it has a unit
            if step <= 0 or (high - low) / step >= _MOST_LEVELS:
                part.fail("step", f"step is {part.text('step')}", rule="it is greater than 0")
            steps = math.floor((high - low) / step + 1e-9)
            values = [_rounded(setting, low + index * step) for index in range(steps + 1)]
        case ["factor"]:
            factor = part.quantity("factor", Unit.COUNT)
            if factor <= 1:
                part.fail("factor", f"factor is {factor}", rule="it is greater than 1")
            values = doubled(setting, low, high, float(factor))
        case ["count"]:
            count = part.integer("count")
            if count > _MOST_LEVELS:
                part.fail("count", f"count is {count}", rule=f"it is at most {_MOST_LEVELS}")
            shares = [index / max(1, count - 1) for index in range(count)]
            values = [
                _rounded(setting, low * (high / low) ** x if log else low + (high - low) * x)
                for x in shares
            ]
        case _:
            pass
    part.done()
    if values is None:
        return Interval(low, high, log, setting.unit in (Unit.COUNT, Unit.BITS))
    return Levels(tuple(dict.fromkeys(values)))


def _levels(setting: Setting, values: list[Setpoint]) -> Levels:
    if not values:
        raise SpecError(f"{setting.name} has no values", rule="list at least one")
    for index, value in enumerate(values):
        if value in values[:index]:
            raise SpecError(f"{setting.name} takes {setting.format(value)} twice")
    return Levels(tuple(values))


def _rounded(setting: Setting, value: float) -> float:
    """Sizes, widths and bytes are whole; so are array dimensions, which are counts."""
    whole = setting.unit in (Unit.COUNT, Unit.BITS, Unit.BYTES) and not setting.name.endswith(
        ".cycles"
    )
    return float(round(value)) if whole else float(value)


def _placed(part: Section, key: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except SpecError as error:
        part.fail(key, error.message, rule=error.rule)
