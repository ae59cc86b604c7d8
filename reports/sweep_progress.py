"""The progress of a sweep on stderr: how far, how fast, how long still."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def sweeping(points: int) -> Iterator[Callable[[int, int], None]]:
    """Takes how many points are finished, and how many of those now; silent off a terminal."""
    if not sys.stderr.isatty():
        yield lambda finished, computed: None
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("points  {task.fields[pace]}"),
        console=Console(stderr=True),
        transient=True,
    )
    begun = monotonic()
    with bar:
        task = bar.add_task("", total=points, pace="")

        def show(finished: int, computed: int) -> None:
            pace = pace_text(points - finished, computed, monotonic() - begun)
            bar.update(task, completed=finished, pace=pace)

        yield show


def pace_text(left: int, computed: int, seconds: float) -> str:
    """The rate so far, and how long `left` points take at it; empty before there is any."""
    if not computed or seconds <= 0:
        return ""
    rate = computed / seconds
    return (
        f"{rate:,.0f}/s  {duration_text(left / rate)} left"
        if rate >= 10
        else (f"{rate:.2g}/s  {duration_text(left / rate)} left")
    )


def duration_text(seconds: float) -> str:
    """As people say it: `12 s`, `3 min`, `2.5 h`, `4 d`."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"
