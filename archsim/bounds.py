"""What no mapping can beat: compulsory traffic and the time that the hardware needs at least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

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
    return least_makespan(
        [
            {
                unit: cycles * useful_points[einsum.name]
                for unit, cycles in _cycles_per_point(einsum, architecture).items()
            }
            for einsum in einsums
        ]
    )


@kept
def _cycles_per_point(einsum: Einsum, architecture: Architecture) -> dict[str, float]:
    """Cycles of every unit that can compute `einsum`. `SpecError` if there is none."""
    able = {
        unit.name: _cycles(einsum, unit, architecture)
        for unit in architecture.units
        if supports(unit, einsum)
    }
    if not able:
        raise no_unit(einsum, architecture)
    return able


def _cycles(einsum: Einsum, unit: ComputeUnit, architecture: Architecture) -> float:
    """Cycles of the whole unit for one point, every PE and all its pipes busy."""
    cycles = sum(
        operation_on(unit, name, einsum).cycles * count
        for name, count in needed(einsum, unit).items()
    )
    return cycles / (architecture.pes(unit.name) * len(unit.pipes))


def least_makespan(work: Sequence[Mapping[str, float]]) -> float:
    """The least time in which divisible jobs can be done on the machines that each can use.

    `work` gives, for each job, its whole duration on every machine that can do it. Jobs that
    only one machine can do are added up. A choice of two machines is made as it is best; only
    where there are more is a program solved.
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
    machines = sorted({name for job in open_jobs for name in job})
    if len(machines) == 2:
        others = [duration for name, duration in fixed.items() if name not in machines]
        one, other = (fixed.get(name, 0.0) for name in machines)
        pairs = [(job[machines[0]], job[machines[1]]) for job in open_jobs]
        return max(_balanced(pairs, one, other), *others, 0.0)
    return _solved(tuple(tuple(job.items()) for job in open_jobs), tuple(fixed.items()))


def _balanced(jobs: Sequence[tuple[float, float]], one: float, other: float) -> float:
    """The least time for jobs that either of two machines can do, which are busy before.

    With all of them on the first, they go to the other, those first that cost least there for
    what they save here, until both are busy for as long; the last one goes in part.
    """
    one += sum(own for own, _ in jobs)
    for own, its in sorted(jobs, key=lambda job: job[1] / job[0]):
        if one <= other:
            break
        moved = min(1.0, (one - other) / (own + its))
        one, other = one - moved * own, other + moved * its
    return max(one, other)


_Durations: TypeAlias = tuple[tuple[str, float], ...]


@lru_cache(maxsize=256)
def _solved(open_jobs: tuple[_Durations, ...], fixed_jobs: _Durations) -> float:
    """`least_makespan` of divisible jobs, besides what each machine has to do anyway."""
    from scipy.optimize import linprog  # slow to load, and most cascades do without

    jobs, fixed = tuple(map(dict, open_jobs)), dict(fixed_jobs)
    machines = sorted({*fixed, *(name for job in jobs for name in job)})
    scale = max([*fixed.values(), *(max(job.values()) for job in jobs)])
    columns = [(index, name) for index, job in enumerate(jobs) for name in job]
    load = [
        [jobs[job][name] / scale if name == machine else 0.0 for job, name in columns] + [-1.0]
        for machine in machines
    ]
    whole = [
        [1.0 if job == index else 0.0 for job, _ in columns] + [0.0] for index in range(len(jobs))
    ]
    solved = linprog(
        [0.0] * len(columns) + [1.0],
        A_ub=load,
        b_ub=[-fixed.get(machine, 0.0) / scale for machine in machines],
        A_eq=whole,
        b_eq=[1.0] * len(jobs),
        method="highs",
    )
    assert solved.x is not None  # it is feasible: every job has a machine
    return float(solved.x[-1]) * scale
