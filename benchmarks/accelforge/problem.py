"""A case in our types, read from the same files that AccelForge's mapper reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from archsim.constraints import Constraints
from benchmarks.accelforge.cases import Case
from einsum.errors import Source
from einsum.shapes import Shapes, bind
from mapper.accelforge.architecture import Machine, load_machine
from mapper.accelforge.workload import Workload, load_workload


@dataclass(frozen=True, slots=True)
class Problem:
    """A case in our types."""

    workload: Workload
    shapes: Shapes
    machine: Machine


def problem(case: Case, examples: Path) -> Problem:
    """`examples` is the folder of AccelForge's examples. Raises `SpecError` if it cannot be."""
    own = case.workload.endswith(".yaml")
    path = Path(case.workload) if own else examples / "workloads" / f"{case.workload}.yaml"
    values = dict(case.values)
    workload = load_workload(_source(path), values, "workload", case.bits)
    arch = _source(examples / "arches" / f"{case.architecture}.yaml")
    machine = load_machine(arch, workload, values, case.architecture)
    if not case.fusion:
        machine = replace(machine, constraints=_unfused(machine))
    return Problem(workload, bind(workload.cascade, workload.shape), machine)


def _unfused(machine: Machine) -> Constraints:
    """The root memory holds everything."""
    root = machine.architecture.root.name
    keeping = {
        (einsum, memory): replace(one, must=one.may) if memory == root else one
        for (einsum, memory), one in machine.constraints.keeping.items()
    }
    return replace(machine.constraints, keeping=keeping)


def _source(path: Path) -> Source:
    return Source(path.name, path.read_text(encoding="utf-8"))
