"""A built array with its program, and jobs for it: many runs in one simulation."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from einsum.errors import SpecError
from einsum.formats import Format, format_named
from einsum.rounding import Values
from rtl.build import ROOT, Build, Design, Verdict, build, run
from rtl.control.head import Head
from rtl.control.places import Space
from rtl.control.program import Program, program
from rtl.formats import rtl_format
from rtl.sim.golden import Operands
from rtl.sim.image import Depths, read_output, write_images

_LANE_REGISTERS = 32  # as in rtl-array
_PE_REGISTERS = 16


@dataclass(frozen=True)
class Array:
    """The array that runs `head` in `format`, and what its sequencer executes."""

    head: Head
    format: Format
    program: Program
    depths: Depths

    @staticmethod
    def of(head: Head, format_name: str) -> Array:
        """Raises `SpecError` for what the array cannot do."""
        rtl_format(format_name)
        format = format_named(format_name)
        if format.is_integer:
            raise SpecError(
                f"attention does not run in {format_name}: an exponential has no integer result",
                rule="fp32, bf16, fp16, e5m2 or e4m3; a PE's multiply-adds alone take int8",
            )
        made = program(head.schedule(), head.problem()[0], head.n)
        return Array(head, format, made, Depths.of(made))

    @property
    def design(self) -> Design:
        """Its bench, without waves."""
        depths = self.depths
        parameters = (
            ("Format", rtl_format(self.format.name)),
            ("N", self.head.n),
            ("ExpDegree", self.head.degree),
            ("RfDepth", _power(self.program.size(Space.PE), _PE_REGISTERS)),
            ("LaneRfDepth", _power(self.program.size(Space.LANE), _LANE_REGISTERS)),
            ("KeyDepth", depths.keys),
            ("QueryDepth", depths.queries),
            ("StateDepth", depths.state),
            ("OutputDepth", depths.output),
            ("TableDepth", depths.table),
        )
        return Design("array_bench", parameters, sources=(ROOT / "sim" / "array_bench.sv",))

    def build(self, *, waves: bool = False, sources: tuple[Path, ...] = ()) -> Build:
        """The executable; `sources` take the place of the files they are named after."""
        own = self.design
        return build(replace(own, waves=waves, sources=(*own.sources, *sources)))


def _power(size: int, least: int) -> int:
    return max(least, 1 << (size - 1).bit_length())


@dataclass(frozen=True)
class Job:
    """One run: its inputs, the program if it is not the array's own, and resets before it.

    For every number in `resets_after` the run is first begun and, so many cycles later, broken
    off by a reset. It may take `most_cycles`.
    """

    operands: Operands
    most_cycles: int
    program: Program | None = None
    resets_after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Counters:
    """What the bench counted from start to last output."""

    cycles: int
    outputs: int
    busy_2d: int
    busy_1d: int
    tiles: int
    first_tile: int
    last_tile: int
    least_interval: int
    most_interval: int
    skew: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `output` is F x P in whole tiles; no counters if it did not end."""

    counters: Counters | None
    output: Values
    folder: Path = field(compare=False)


def run_jobs(
    array: Array, built: Build, jobs: tuple[Job, ...], folder: Path, *, waves: Path | None = None
) -> tuple[tuple[Outcome, ...], Verdict]:
    """Run `jobs` one after another on the same machine; each leaves its images in a subfolder.

    Raises `SpecError` if the simulation stops, as it does where an assertion fails.
    """
    n, values, order = array.head.n, array.program.values, []
    for number, job in enumerate(jobs):
        place = folder / f"{number}"
        made = job.program or array.program
        write_images(place, made, job.operands, array.format, n, array.depths)
        order.append(
            {
                "folder": str(place.resolve()),
                "resets_after": list(job.resets_after),
                "most_cycles": job.most_cycles,
            }
        )
    text = json.dumps({"values_base": values.base, "values": values.elements, "runs": order})
    (folder / "order.json").write_text(text, encoding="utf-8")
    verdict = run(built, "rtl.sim.bench", folder, waves=waves)
    if not verdict.passed:
        reasons = "; ".join(f"{name}: {text}" for name, text in verdict.failures.items())
        raise SpecError(f"the array's run failed: {reasons}")
    return tuple(_outcome(array, folder / f"{i}") for i, _ in enumerate(jobs)), verdict


def _outcome(array: Array, folder: Path) -> Outcome:
    counted = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    output = read_output(folder, array.program, array.format, array.head.n, array.depths)
    return Outcome(Counters(**counted) if counted else None, output, folder)
