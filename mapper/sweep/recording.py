"""Numbers that remember how they were computed, so that one computation serves many points.

A `Recorded` number computes as the float or integer in it does, and notes each step on a `Tape`.
Where the computation needs to know it (a condition, `float(x)`, a key of a dict, an unknown
function) the tape notes a guard: the condition, or that the number equals what it was. A
`Program` made of the tape then computes the same results for all points that pass its guards:
they would take the same steps. Nothing is assumed about the code that computes; what it does
with numbers that cannot be recorded only narrows the guards.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

Operand: TypeAlias = "int | float | bool | Place"


@dataclass(frozen=True, slots=True)
class Place:
    """The step of a tape that computes a number."""

    step: int


@dataclass(frozen=True, slots=True)
class Step:
    """A function of earlier steps and constants. An input has none: it is looked up by `name`."""

    function: Callable[..., Any] | None
    operands: tuple[Operand, ...]
    name: str = ""


@dataclass
class Tape:
    """The steps of a computation, each of them once, and its guards in order.

    A guard is a step and what it must give for the rest of the tape to be what is computed.
    """

    steps: list[Step] = field(default_factory=list)
    guards: dict[int, bool] = field(default_factory=dict)
    _places: dict[tuple[object, ...], int] = field(default_factory=dict)
    _values: dict[int, Any] = field(default_factory=dict)

    def text(self, message: str) -> str:
        """`message` with the recorded numbers in it as they are at the point of this recording."""
        return texts(message, [self._values[step] for step in steps_in(message)])

    def input(self, name: str, value: float) -> Recorded:
        """A number that differs from point to point."""
        return self._recorded(Step(None, (), name), value)

    def apply(self, function: Callable[..., Any], *arguments: Any) -> Recorded:
        """`function` of numbers, at least one of them recorded."""
        operands = tuple(map(_operand, arguments))
        value = function(*map(_plain, arguments))
        if isinstance(value, np.integer | np.bool_):
            value = value.item()
        return self._recorded(Step(function, operands), value)

    def guard(self, step: int, outcome: bool) -> None:
        """What follows holds only where `step` gives `outcome`."""
        self.guards.setdefault(step, outcome)

    def _recorded(self, step: Step, value: Any) -> Recorded:
        # 1 and 1.0 and True are equal keys, and the same operands to every function.
        key = (step.function, step.operands, step.name)
        if key not in self._places:
            self._places[key] = len(self.steps)
            self.steps.append(step)
        place = self._places[key]
        self._values[place] = value
        return Recorded(self, place, value)


def _operand(value: Any) -> Operand:
    if isinstance(value, Recorded):
        return Place(value.step)
    return value if isinstance(value, bool | int) else float(value)


def _is_truth(value: Any) -> bool:
    return isinstance(np.asarray(_plain(value)).item(), bool)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Recorded) else value


_BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    # By name: what computes the number here, and the same for columns of numbers.
    "add": (operator.add, np.add),
    "sub": (operator.sub, np.subtract),
    "mul": (operator.mul, np.multiply),
    "truediv": (operator.truediv, np.divide),
    "floordiv": (operator.floordiv, np.floor_divide),
    "mod": (operator.mod, np.mod),
    "and": (operator.and_, np.logical_and),
    "or": (operator.or_, np.logical_or),
    "lt": (operator.lt, np.less),
    "le": (operator.le, np.less_equal),
    "gt": (operator.gt, np.greater),
    "ge": (operator.ge, np.greater_equal),
    "eq": (operator.eq, np.equal),
    "ne": (operator.ne, np.not_equal),
}
COLUMNWISE: dict[Callable[..., Any], Callable[..., Any]] = {
    **dict(_BINARY.values()),
    operator.neg: np.negative,
    operator.abs: np.absolute,
    math.ceil: np.ceil,
    math.floor: np.floor,
    math.trunc: np.trunc,
}
"""For functions of numbers the functions of columns that do the same."""

_EXACT = {
    *(column for _, column in _BINARY.values()),
    *(np.negative, np.absolute, np.sign, np.square, np.sqrt, np.logical_not, np.logical_xor),
    *(np.ceil, np.floor, np.trunc, np.rint, np.fmod, np.isfinite, np.isnan, np.isinf),
    *(np.minimum, np.maximum),
}
"""NumPy's functions whose results are the same alone and in columns of any length (IEEE 754)."""

_LOGICAL = {
    np.bitwise_and: np.logical_and,
    np.bitwise_or: np.logical_or,
    np.bitwise_xor: np.logical_xor,
    np.invert: np.logical_not,
}
"""What the operators & | ^ ~ do to truth values; columns of those may be numbers."""

_RECORDED_FUNCTIONS = {np.where}
_IDENTITIES = {np.any, np.all, np.max, np.min, np.ravel}
"""Functions over candidates: of a single one they are what it is."""


class Recorded:
    """A number on a tape; `value` is what it is at the point that is being recorded."""

    __slots__ = ("step", "tape", "value")
    ndim = 0
    shape = ()

    def __init__(self, tape: Tape, step: int, value: Any) -> None:
        self.tape = tape
        self.step = step
        self.value = value

    def item(self) -> Recorded:
        """Itself, as a 0-d array gives its number."""
        return self

    # NumPy's functions.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__" and ufunc.nout == 1 and not options:
            if ufunc in _LOGICAL and all(_is_truth(one) for one in inputs):
                ufunc = _LOGICAL[ufunc]
            loops = {kind[0] for kind in ufunc.types}
            of_numbers = "d" in loops or loops == {"O"}  # the latter from `np.frompyfunc`
            if of_numbers and all(np.ndim(_plain(one)) == 0 for one in inputs):
                return self.tape.apply(ufunc, *inputs)
        return getattr(ufunc, method)(*map(_known, inputs), **options)

    def __array_function__(
        self, function: Callable[..., Any], types: object, args: Any, options: Any
    ) -> Any:
        if function in _IDENTITIES and len(args) == 1 and not options:
            return args[0]
        if function in _RECORDED_FUNCTIONS and not options:
            return self.tape.apply(function, *args)
        if function is np.broadcast_to and args[1:] == ((),):
            return args[0]
        return function(*_all_known(args), **options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.known(), dtype=dtype)

    # Where a plain number is needed, it is that of this point only.

    def known(self) -> Any:
        """Its value, from now on the only one for which the tape holds."""
        if isinstance(self.value, bool | np.bool_):
            return bool(self)
        equal = self.tape.apply(operator.eq, self, self.value)
        self.tape.guard(equal.step, True)
        return self.value

    def __bool__(self) -> bool:
        nonzero = self
        if not isinstance(self.value, bool | np.bool_):
            nonzero = self.tape.apply(operator.ne, self, 0)
        outcome = bool(nonzero.value)
        self.tape.guard(nonzero.step, outcome)
        return outcome

    def __float__(self) -> float:
        return float(self.known())

    def __int__(self) -> int:
        return int(self.known())

    def __index__(self) -> int:
        return operator.index(self.known())

    def __hash__(self) -> int:
        return hash(self.known())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.known(), digits)

    def __pow__(self, other: Any) -> Any:
        return self.known() ** _known(other)

    def __rpow__(self, other: Any) -> Any:
        return _known(other) ** self.known()

    # Its text stands only in messages, which `Failure.text` fills in for every point.

    def __format__(self, spec: str) -> str:
        return f"\0{self.step}|{spec}\0"

    def __str__(self) -> str:
        return format(self, "")

    # Steps of their own.

    def __neg__(self) -> Recorded:
        return self.tape.apply(operator.neg, self)

    def __abs__(self) -> Recorded:
        return self.tape.apply(operator.abs, self)

    def __invert__(self) -> Any:
        return np.invert(self) if _is_truth(self) else ~self.known()

    def __ceil__(self) -> Recorded:
        return self.tape.apply(math.ceil, self)

    def __floor__(self) -> Recorded:
        return self.tape.apply(math.floor, self)

    def __trunc__(self) -> Recorded:
        return self.tape.apply(math.trunc, self)


def _known(value: Any) -> Any:
    return value.known() if isinstance(value, Recorded) else value


def _all_known(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_all_known, value))
    return _known(value)


def _method(function: Callable[..., Any], *, reverse: bool = False) -> Callable[..., Any]:
    def apply(self: Recorded, other: Any) -> Any:
        if not isinstance(other, Recorded | int | float | np.number | np.bool_):
            if not isinstance(other, np.ndarray) or other.ndim:
                return NotImplemented
            other = other.item()
        if function in (operator.and_, operator.or_) and not _is_truth(self.value):
            return function(self.known(), _known(other))  # of bits
        return self.tape.apply(function, *((other, self) if reverse else (self, other)))

    return apply


for _name, (_function, _) in _BINARY.items():
    setattr(Recorded, f"__{_name}__", _method(_function))
    if _name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Recorded, f"__r{_name}__", _method(_function, reverse=True))


def is_elementwise(function: Callable[..., Any]) -> bool:
    """May NumPy compute `function` of columns at once, or has it to be number by number?"""
    return not isinstance(function, np.ufunc) or function in _EXACT


def texts(message: str, values: Sequence[Any]) -> str:
    """`message` with the recorded numbers in it replaced by `values`, in order."""
    parts = message.split("\0")
    for place in range(1, len(parts), 2):
        value = values[place // 2]
        spec = parts[place].partition("|")[2]
        parts[place] = format(int(value) if float(value).is_integer() else value, spec)
    return "".join(parts)


def steps_in(message: str) -> tuple[int, ...]:
    """The steps whose values stand in `message`, in order."""
    return tuple(int(part.partition("|")[0]) for part in message.split("\0")[1::2])
