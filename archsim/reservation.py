"""When two reservation tables collide modulo the initiation interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from archsim.task_graph import Mode, Pulses

Interval = tuple[int, int]


def forbidden(first: Mode, second: Mode, ii: int) -> tuple[Interval, ...]:
    """How many cycles modulo `ii` the second must not begin after the first.

    Closed intervals within 0..ii-1, in order. The forbidden latencies of Davidson (1971).
    """
    found: list[Interval] = []
    for one in first.pulses:
        for other in second.pulses:
            if one.resource == other.resource:
                found += _wrapped(_overlaps(one, other), ii)
    return _merged(found)


def allowed(first: Mode, second: Mode, ii: int) -> tuple[Interval, ...]:
    """What `forbidden` leaves of 0..ii-1."""
    free: list[Interval] = []
    at = 0
    for low, high in forbidden(first, second, ii):
        if low > at:
            free.append((at, low - 1))
        at = high + 1
    return tuple([*free, (at, ii - 1)] if at < ii else free)


def collides(mode: Mode, ii: int) -> bool:
    """Do reservations of one task meet each other in later tile steps?"""
    blocks = [(p.resource, b, e) for p in mode.pulses for b, e in p.intervals()]
    for resource in {name for name, _, _ in blocks}:
        own = [(b, e) for name, b, e in blocks if name == resource]
        pieces = sorted(piece for b, e in own for piece in _wrapped([(b, e - 1)], ii))
        if any(later[0] <= earlier[1] for earlier, later in pairwise(pieces)):
            return True
        if any(e - b > ii for b, e in own):
            return True
    return False


def _overlaps(first: Pulses, second: Pulses) -> Iterator[Interval]:
    """The differences of their begins at which two trains of pulses meet."""
    if first.stride == second.stride or first.count == 1 or second.count == 1:
        # The difference of two pulses' numbers decides, not the numbers.
        stride = first.stride if first.count > 1 else second.stride
        gaps: Iterable[int] = (number * stride for number in range(1 - second.count, first.count))
    else:
        gaps = {
            a * first.stride - b * second.stride
            for a in range(first.count)
            for b in range(second.count)
        }
    base = first.offset - second.offset
    for gap in gaps:
        yield base + gap - second.width + 1, base + gap + first.width - 1


def _wrapped(intervals: Iterable[Interval], ii: int) -> Iterator[Interval]:
    for low, high in intervals:
        if high - low + 1 >= ii:
            yield 0, ii - 1
            continue
        begin, end = low % ii, high % ii
        if begin <= end:
            yield begin, end
        else:
            yield begin, ii - 1
            yield 0, end


def _merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    found: list[Interval] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)
