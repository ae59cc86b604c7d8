"""A case in our types, read from the same files that AccelForge's mapper reads."""

from __future__ import annotations

from pathlib import Path

from benchmarks.accelforge.cases import Case, Problem
from einsum.errors import Source
from mapper.accelforge.architecture import load_machine
from mapper.accelforge.workload import load_workload


def problem(case: Case, examples: Path) -> Problem:
    """`examples` is the folder of AccelForge's examples. Raises `SpecError` if it cannot be."""
    own = case.workload.endswith(".yaml")
    path = Path(case.workload) if own else examples / "workloads" / f"{case.workload}.yaml"
    values = dict(case.values)
    workload = load_workload(_source(path), values, "workload", case.bits)
    arch = _source(examples / "arches" / f"{case.architecture}.yaml")
    return Problem(workload, load_machine(arch, workload, values, case.architecture))


def _source(path: Path) -> Source:
    return Source(path.name, path.read_text(encoding="utf-8"))
