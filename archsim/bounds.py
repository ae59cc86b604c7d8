"""What no mapping can beat: compulsory traffic and the time that the hardware needs at least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archsim.architecture import Architecture, ComputeUnit
from archsim.compulsory import compulsory_bytes
from archsim.kept import kept
from archsim.movement.attainable import attainable_bytes
from archsim.report import Bounds
from archsim.work import needed, no_unit, operation_on, supports
from einsum.cascade import Einsum
from einsum.shapes import Shapes

__all__ = ["attainable_bytes", "bounds", "compute_bound", "least_makespan"]


def bounds(
    shapes: Shapes, architecture: Architecture, useful_points: Mapping[str, float]
) -> Bounds:
    """Lower bounds for the cascade of `shapes` on `architecture`.

    Compulsory traffic is that of `archsim.compulsory`. The compute bound divides every Einsum
    over the units that can compute it, every PE busy. The roofline is the longer of computing
    and moving the compulsory bytes.
    """
    moved = compulsory_bytes(shapes)
    cycles = compute_bound(shapes.cascade.steps, architecture, useful_points)
    compute = cycles / architecture.clock_hz
    root = architecture.root
    bandwidth = root.bandwidth_bytes_per_s
    memory = moved / (bandwidth * architecture.instances(root.name)) if bandwidth else 0.0
    return Bounds(moved, compute, max(compute, memory))


def compute_bound(
    einsums: Sequence[Einsum], architecture: Architecture, useful_points: Mapping[str, float]
) -> float:
    """Cycles when every Einsum is divided over the units that can compute it, as well as can be.

    A linear program: least T such that no unit is busy for longer than T.
    """
    work = [
        {
            unit.name: _cycles_per_point(einsum, unit, architecture) * useful_points[einsum.name]
            for unit in architecture.units
            if supports(unit, einsum)
        }
        for einsum in einsums
    ]
    for einsum, able in zip(einsums, work, strict=True):
        if not able:
            raise no_unit(einsum, architecture)
    return least_makespan(work)


def _cycles_per_point(einsum: Einsum, unit: ComputeUnit, architecture: Architecture) -> float:
    """Cycles of the whole unit for one point, every PE and all its pipes busy."""
    cycles = sum(
        operation_on(unit, name, einsum).cycles * count
        for name, count in needed(einsum, unit).items()
    )
    return cycles / (architecture.pes(unit.name) * len(unit.pipes))


def least_makespan(work: Sequence[Mapping[str, float]]) -> float:
    """The least time in which divisible jobs can be done on the machines that each can use.

    `work` gives, for each job, its whole duration on every machine that can do it. Jobs that
    only one machine can do are added up; only where jobs have a choice is a program solved.
    """
    fixed: dict[str, float] = {}
    open_jobs = []
    for job in work:
        if len(job) == 1:
            ((machine, duration),) = job.items()
            fixed[machine] = fixed.get(machine, 0.0) + duration
        elif min(job.values()) > 0.0:
            open_jobs.append(job)
    if not open_jobs:
        return max(fixed.values(), default=0.0)
    from scipy.optimize import linprog  # slow to load, and most cascades do without

    machines = sorted({*fixed, *(name for job in open_jobs for name in job)})
    scale = max([*fixed.values(), *(max(job.values()) for job in open_jobs)])
    columns = [(index, name) for index, job in enumerate(open_jobs) for name in job]
    load = [
        [open_jobs[job][name] / scale if name == machine else 0.0 for job, name in columns] + [-1.0]
        for machine in machines
    ]
    whole = [
        [1.0 if job == index else 0.0 for job, _ in columns] + [0.0]
        for index in range(len(open_jobs))
    ]
    solved = linprog(
        [0.0] * len(columns) + [1.0],
        A_ub=load,
        b_ub=[-fixed.get(machine, 0.0) / scale for machine in machines],
        A_eq=whole,
        b_eq=[1.0] * len(open_jobs),
        method="highs",
    )
    assert solved.x is not None  # it is feasible: every job has a machine
    return float(solved.x[-1]) * scale
