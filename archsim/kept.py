"""Results that stay with the value that they are of, as those of a cached property do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from operator import is_
from typing import TypeVar, TypeVarTuple, cast

Owner = TypeVar("Owner")
Others = TypeVarTuple("Others")
T = TypeVar("T")


def kept(function: Callable[[Owner, *Others], T]) -> Callable[[Owner, *Others], T]:
    """`function`, with its last result kept in its first argument, a frozen value.

    It is given again for the same other arguments. Same means identical: to compare specs takes
    longer than most results, and the sizes that a sweep records must not be compared
    (`docs/decisions/0004-recorded-numbers.md`).
    """
    name = f"{function.__module__}.{function.__qualname__}"

    @wraps(function)
    def result(owner: Owner, /, *others: *Others) -> T:
        last = owner.__dict__.get(name)
        if last is None or not all(map(is_, last[0], others)):
            last = owner.__dict__[name] = others, function(owner, *others)
        return cast(T, last[1])

    return result
