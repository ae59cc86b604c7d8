"""Cycles of the array by its size and the number of tiles: where utilization is lost."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from rtl.control.binding import Binding
from rtl.control.head import Head
from rtl.sim.run import closed_form_cycles, execute, simulated


@dataclass(frozen=True, slots=True)
class Point:
    """A run. `cycles` is the cycle simulator's, `rtl_cycles` the bench's (None: not run).

    Of the cycles beyond the closed form `fill` is of stages that are not all under way, `drain` of
    the lanes behind the first, `interval` of another initiation interval.
    """

    n: int
    tiles: int
    binding: Binding
    ii_cycles: int
    stages: int
    closed_form_cycles: int
    cycles: int
    fill: int
    drain: int
    busy_2d: float
    busy_1d: float
    rtl_cycles: int | None

    @property
    def row(self) -> dict[str, object]:
        """A row of `rtl-cycles.csv`."""
        rest = self.cycles - self.closed_form_cycles - self.fill - self.drain
        return {
            "n": self.n,
            "tiles": self.tiles,
            "schedule": self.binding.value,
            "ii_cycles": self.ii_cycles,
            "stages": self.stages,
            "closed_form_cycles": self.closed_form_cycles,
            "fill": self.fill,
            "drain": self.drain,
            "interval": rest,
            "simulator_cycles": self.cycles,
            "rtl_cycles": self.rtl_cycles,
            "busy_2d": self.busy_2d,
            "busy_1d": self.busy_1d,
        }


def heads(sizes: tuple[int, ...], tiles: tuple[int, ...], e: int, f: int) -> list[Head]:
    """One query tile on every array size, with every number of key tiles, in both orders."""
    return [
        Head(n, n * count, n, e, f, binding)
        for binding in (Binding.INTERLEAVED, Binding.NOT_INTERLEAVED)
        for n in sizes
        for count in tiles
    ]


def point(head: Head, measure: bool) -> Point:
    """Its cycles; with `measure` it also runs in Verilator, in bf16."""
    rtl_cycles = None
    if measure:
        with tempfile.TemporaryDirectory() as folder:
            rtl_cycles = execute(head, "bf16", Path(folder)).counters.cycles
    model = simulated(head)
    steady = model.schedule.main.schedule
    return Point(
        head.n,
        head.key_tiles * head.query_tiles,
        head.binding,
        steady.ii_cycles,
        steady.stages,
        closed_form_cycles(head),
        model.cycles,
        (steady.stages - 1) * steady.ii_cycles,
        head.n - 1,
        model.busy["array_2d"] / model.cycles,
        model.busy["array_1d"] / model.cycles,
        rtl_cycles,
    )
