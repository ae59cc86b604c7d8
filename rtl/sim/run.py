"""An attention head on the array in Verilator: values and cycles, beside model and golden model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archsim.closed_form import closed_form
from archsim.simulate import Simulation, simulate
from archsim.simulation.build import Hardware
from einsum.errors import SpecError
from einsum.rounding import Values, equal_bits
from rtl.control.head import Head
from rtl.sim.array import Array, Counters, Job, run_jobs
from rtl.sim.golden import Golden
from rtl.sim.inputs import Inputs, error_bound, operands_of, relative_error


@dataclass(frozen=True)
class Result:
    """A run. `output`, `golden` (both of the format) and `exact` (float64) are P x F.

    `closed_form_cycles` is of the policy that the mapping itself names.
    """

    array: Array
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
        return error_bound(self.array.head, self.array.format)

    @property
    def cycles_per_s(self) -> float:
        return self.counters.cycles / self.counters.seconds


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
    array, inputs = Array.of(head, format_name), inputs or Inputs.random(head)
    simulation = simulated(head)
    built = array.build(waves=waves is not None)
    operands = operands_of(head, array.format, inputs)
    job = Job(operands, 2 * simulation.cycles + 1000)
    (outcome,), verdict = run_jobs(array, built, (job,), folder, waves=waves)
    if outcome.counters is None:
        raise SpecError(f"the array did not end within {job.most_cycles:,} cycles")
    golden = Golden(head.problem()[0], operands, array.format, head.degree, head.n)
    return Result(
        array,
        simulation,
        closed_form_cycles(head),
        outcome.counters,
        outcome.output.T[: head.p],
        golden.output().T[: head.p],
        inputs.attention(),
        built.seconds,
        verdict.seconds,
    )


def simulated(head: Head) -> Simulation:
    """The cycle simulation of a head whose data are there."""
    return simulate(*head.problem(), Hardware(infinite_dram=True))


def closed_form_cycles(head: Head) -> int:
    """What the mapping's own policy gives: for the paper's, fill and drain are hidden."""
    cascade, shapes, architecture, mapping = head.problem()
    form = closed_form(cascade, shapes, architecture, mapping)
    return round(sum(float(seconds) for seconds in form.compute_s) * architecture.clock_hz)
