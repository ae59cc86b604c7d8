"""An attention head on the array in Verilator: values and cycles, beside model and golden model."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from archsim.closed_form import closed_form
from archsim.simulate import Simulation, simulate
from archsim.simulation.build import Hardware
from einsum.errors import SpecError
from einsum.formats import Format, format_named
from einsum.rounding import Values, equal_bits, round_to
from rtl.build import ROOT, Build, Design, Verdict, build, run
from rtl.control.head import Binding, Head
from rtl.control.places import Space
from rtl.control.program import Program, program
from rtl.formats import RTL_FORMATS, rtl_format
from rtl.sim.golden import Golden, Operands
from rtl.sim.image import Depths, read_output, write_images

LANE_REGISTERS = 32

_POLYNOMIAL_ERRORS = {2: 2.1e-3, 3: 8.6e-5, 4: 2.9e-6, 5: 8.2e-8, 6: 2.2e-9}
"""Largest relative error of 2**f on [0, 1) by degree (einsum.arithmetic.EXP2_POLYNOMIALS)."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Queries P x E, keys M x E and values M x F in float64, and what has no weight."""

    q: Values
    k: Values
    v: Values
    masked_keys: npt.NDArray[np.bool_] | None = None
    masked_queries: npt.NDArray[np.bool_] | None = None

    @staticmethod
    def random(head: Head, seed: int = 1) -> Inputs:
        """Normally distributed, as the projections of normalized activations are."""
        draw = np.random.default_rng(seed).standard_normal
        return Inputs(draw((head.p, head.e)), draw((head.m, head.e)), draw((head.m, head.f)))

    def attention(self) -> Values:
        """softmax(Q K^T / sqrt(E)) V in float64: P x F; NaN for a query without any key."""
        scores = self.q @ self.k.T / np.sqrt(self.q.shape[1])
        if self.masked_keys is not None:
            scores[:, self.masked_keys] = -np.inf
        if self.masked_queries is not None:
            scores[self.masked_queries] = -np.inf
        with np.errstate(invalid="ignore"):
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            return np.asarray(weights @ self.v / weights.sum(axis=1, keepdims=True))


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
class Result:
    """A run. `output`, `golden` (both of the format) and `exact` (float64) are P x F.

    `closed_form_cycles` is of the policy that the mapping itself names.
    """

    head: Head
    format: Format
    program: Program
    simulation: Simulation
    closed_form_cycles: int
    counters: Counters
    output: Values
    golden: Values
    exact: Values
    build_s: float
    run_s: float

    @property
    def bit_exact(self) -> bool:
        """Are all values those of the golden model?"""
        return equal_bits(self.output, self.golden)

    @property
    def max_rel_error(self) -> float:
        """Largest error against float64, over the largest exact magnitude of its query."""
        return relative_error(self.output, self.exact)

    @property
    def error_bound(self) -> float:
        """What `max_rel_error` stays below for normally distributed inputs."""
        return error_bound(self.head, self.format)

    @property
    def cycles_per_s(self) -> float:
        return self.counters.cycles / self.counters.seconds


def relative_error(found: Values, exact: Values) -> float:
    """The largest |found - exact| of each row over its largest |exact|; NaNs must agree."""
    if not np.array_equal(np.isnan(found), np.isnan(exact)):
        return float("inf")
    rows = ~np.isnan(exact).any(axis=1)
    if not rows.any():
        return 0.0
    scale = np.abs(exact[rows]).max(axis=1, keepdims=True)
    return float((np.abs(found[rows] - exact[rows]) / np.where(scale == 0, 1, scale)).max())


def error_bound(head: Head, format: Format) -> float:
    """The stated error of a format: eight roundings to it, and four times that of 2**x.

    Rounding Q, K and V, the exponentials and the output each move a value by up to half a unit
    in the last place, which the sums average out; fp32 sums of E products add their own.
    """
    roundings = 2.0**-format.precision + head.e * 2.0**-24
    return 8 * roundings + 4 * _POLYNOMIAL_ERRORS[head.degree]


def operands_of(head: Head, format: Format, inputs: Inputs) -> Operands:
    """The inputs as the array gets them: rounded, in whole tiles, log2(e) / sqrt(E) within Q."""
    m, p = head.key_tiles * head.n, head.query_tiles * head.n
    scale = np.log2(np.e) / np.sqrt(head.e)

    def padded(values: Values, size: int) -> Values:
        rounded = round_to(format, values)
        return np.asarray(np.pad(rounded, ((0, size - len(rounded)), (0, 0))).T)

    keys = np.arange(m) >= head.m
    queries = np.zeros(p, dtype=bool)
    if inputs.masked_keys is not None:
        keys[: head.m] |= inputs.masked_keys
    if inputs.masked_queries is not None:
        queries[: head.p] |= inputs.masked_queries
    q, k, v = padded(inputs.q * scale, p), padded(inputs.k, m), padded(inputs.v, m)
    return Operands(q, k, v, keys, queries)


def design_of(head: Head, format: Format, made: Program, depths: Depths) -> Design:
    """The array that `head` runs on."""
    registers = max(16, 1 << (made.size(Space.PE) - 1).bit_length())
    lane_registers = max(LANE_REGISTERS, 1 << (made.size(Space.LANE) - 1).bit_length())
    parameters = (
        ("Format", rtl_format(format.name)),
        ("N", head.n),
        ("ExpDegree", head.degree),
        ("RfDepth", registers),
        ("LaneRfDepth", lane_registers),
        ("KeyDepth", depths.keys),
        ("QueryDepth", depths.queries),
        ("StateDepth", depths.state),
        ("OutputDepth", depths.output),
        ("TableDepth", depths.table),
    )
    return Design("array_bench", parameters, sources=(ROOT / "sim" / "array_bench.sv",))


def prepare(head: Head, format_name: str, *, waves: bool = False) -> tuple[Program, Depths, Build]:
    """The program and the (kept) build of a head. Raises `SpecError` for what is impossible."""
    format = _format(format_name)
    made = program(head.schedule(), head.problem()[0], head.n)
    depths = Depths.of(made)
    design = design_of(head, format, made, depths)
    return made, depths, build(_with_waves(design) if waves else design)


def execute(
    head: Head,
    format_name: str,
    folder: Path,
    inputs: Inputs | None = None,
    *,
    waves: Path | None = None,
) -> Result:
    """Run a head in `folder` and compare it with the golden model and with float64.

    Raises `SpecError` for what the array cannot do, for a missing tool, and if the run does not
    end.
    """
    format = _format(format_name)
    inputs = inputs or Inputs.random(head)
    made, depths, built = prepare(head, format_name, waves=waves is not None)
    simulation = simulate(*head.problem(), Hardware(infinite_dram=True))
    operands = operands_of(head, format, inputs)
    counters, verdict = run_program(
        built, head, made, operands, depths, folder, simulation.cycles, waves=waves
    )
    output = read_output(folder, made, format, head.n, depths).T[: head.p]
    golden = Golden(head.problem()[0], operands, format, head.degree, head.n)
    return Result(
        head,
        format,
        made,
        simulation,
        closed_form_cycles(head),
        counters[-1],
        output,
        golden.output().T[: head.p],
        inputs.attention(),
        built.seconds,
        verdict.seconds,
    )


def run_program(
    built: Build,
    head: Head,
    made: Program,
    operands: Operands,
    depths: Depths,
    folder: Path,
    expected_cycles: int,
    *,
    waves: Path | None = None,
    resets_after: tuple[int, ...] = (),
    runs: int = 1,
) -> tuple[tuple[Counters, ...], Verdict]:
    """Execute `made` in `folder`, where the images of what it leaves behind then are."""
    n, values = head.n, made.values
    write_images(folder, made, operands, _format_of(built), n, depths)
    order = {
        "values_base": values.base,
        "values": values.elements,
        "most_cycles": 2 * expected_cycles + 1000,
        "resets_after": list(resets_after),
        "runs": runs,
    }
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    verdict = run(built, "rtl.sim.bench", folder, waves=waves)
    if not verdict.passed:
        reasons = "; ".join(f"{name}: {text}" for name, text in verdict.failures.items())
        raise SpecError(f"the array's run failed: {reasons}")
    found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return tuple(Counters(**one) for one in found), verdict


def closed_form_cycles(head: Head) -> int:
    """What the mapping's own policy gives: for the paper's, fill and drain are hidden."""
    cascade, shapes, architecture, mapping = head.problem()
    form = closed_form(cascade, shapes, architecture, mapping)
    return round(sum(float(seconds) for seconds in form.compute_s) * architecture.clock_hz)


def _format(name: str) -> Format:
    rtl_format(name)
    format = format_named(name)
    if format.is_integer:
        raise SpecError(
            f"attention does not run in {name}: an exponential has no integer result",
            rule="fp32, bf16, fp16, e5m2 or e4m3; a PE's multiply-adds alone take int8",
        )
    return format


def _format_of(built: Build) -> Format:
    number = dict(built.design.parameters)["Format"]
    return format_named(next(name for name, value in RTL_FORMATS.items() if value == number))


def _with_waves(design: Design) -> Design:
    return replace(design, waves=True)
