"""A progress bar for whatever takes longer than two seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Protocol, TypeVar

T = TypeVar("T")

_PATIENCE_S = 2.0


class Track(Protocol):
    """Iterates over `items` and tells a person how far it is with `what`."""

    def __call__(self, items: Sequence[T], what: str) -> Iterator[T]: ...


def track(items: Sequence[T], what: str) -> Iterator[T]:
    """`items`, with a bar on stderr after two seconds; none where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console  # slow to load, and a pipe does not need it
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=len(items))
    begun = monotonic()
    try:
        for item in items:
            yield item
            bar.advance(task)
            if monotonic() - begun > _PATIENCE_S:
                bar.start()  # does nothing once it runs
    finally:
        bar.stop()


@contextmanager
def searching() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what a search looks at, after two seconds on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    begun = monotonic()

    def tick(what: str) -> None:
        if monotonic() - begun > _PATIENCE_S:
            sys.stderr.write(f"\r\x1b[Ksearching {what} ({monotonic() - begun:.0f} s)")
            sys.stderr.flush()

    try:
        yield tick
    finally:
        if monotonic() - begun > _PATIENCE_S:
            sys.stderr.write("\r\x1b[K")
