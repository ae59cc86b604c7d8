"""Records of measurements, as `measure.py` writes them: one JSON object a line, one line a run.

A record says everything about the run that made it and predicts nothing. The fields are those of
the classes below, under the same names; README.md explains them. Reading checks every type, so
that a record that was edited, cut off or written to another schema is one clear `SpecError`.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from einsum.errors import SpecError

SCHEMA = 1


class Subject(Enum):
    """What was measured."""

    KERNEL = "kernel"
    BASELINE = "baseline"
    CEILING = "ceiling"


@dataclass(frozen=True)
class Device:
    """The GPU: name as the driver gives it, multiprocessors, memory, compute capability."""

    name: str
    multiprocessors: int
    memory_bytes: int
    l2_bytes: int
    capability: tuple[int, int]
    driver: str
    max_sm_clock_hz: float | None
    power_limit_w: float | None


@dataclass(frozen=True)
class Software:
    """Versions."""

    python: str
    torch: str
    triton: str
    numpy: str
    cuda: str | None
    cudnn: int | None


@dataclass(frozen=True)
class State:
    """The device at one moment; what the driver does not tell is None."""

    sm_clock_hz: float | None
    memory_clock_hz: float | None
    power_w: float | None
    temperature_c: float | None


@dataclass(frozen=True)
class LaunchRecord:
    """One compiled kernel of the run: registers a thread, spills in 4-byte words, shared memory."""

    name: str
    blocks: int
    warps: int
    stages: int
    registers: int | None
    spills: int | None
    shared_bytes: int | None


@dataclass(frozen=True)
class Program:
    """What ran: the kernel, its source and its cascade, both by hash, and how it was launched."""

    name: str
    source_sha256: str
    cascade: str | None
    cascade_digest: str | None
    query_tile: int | None
    key_tile: int | None
    splits: int | None
    grid_order: str | None
    launches: tuple[LaunchRecord, ...]


@dataclass(frozen=True)
class Shape:
    """The problem: see `workloads.gpu.problem.Problem`. Ceilings have sizes of their own."""

    sizes: dict[str, int]
    dtype: str
    mask: str | None
    scale: float | None
    seed: int


@dataclass(frozen=True)
class Work:
    """What one call is credited with, and by which convention it was counted."""

    flop: float
    bytes: float
    exps: float
    convention: str


@dataclass(frozen=True)
class Method:
    """How it was timed. `calls_per_sample` calls make one sample, which is the time of one call.

    `cache` is `cold` (L2 overwritten before each call), `rotating` (inputs larger than L2 in
    turn) or `warm`.
    """

    timer: str
    cache: str
    warmup_calls: int
    calls_per_sample: int


@dataclass(frozen=True)
class Error:
    """The output against attention in float64 of the same rounded inputs."""

    max_abs: float
    max_rel: float
    rms_rel: float
    tolerance: float


@dataclass(frozen=True)
class Energy:
    """NVML's energy counter over `calls` calls in a row, and the idle power before them."""

    joule: float
    seconds: float
    calls: int
    idle_w: float

    @property
    def joule_per_call(self) -> float:
        """Energy of one call, idle power taken off."""
        return (self.joule - self.idle_w * self.seconds) / self.calls


@dataclass(frozen=True)
class Ceilings:
    """What the same session measured as the limits of the device; None where it did not."""

    gemm_flop_per_s: float | None = None
    copy_bytes_per_s: float | None = None
    exp_per_s: float | None = None
    l2_bytes_per_s: float | None = None


@dataclass(frozen=True)
class Record:
    """One run. `samples_s` are all samples, in order; nothing was left out."""

    schema: int
    subject: Subject
    key: str
    commit: str
    modified: bool
    time_utc: str
    device: Device
    software: Software
    before: State
    after: State
    program: Program
    shape: Shape
    work: Work
    method: Method
    samples_s: tuple[float, ...]
    error: Error | None
    counters: dict[str, float] | None
    counters_note: str
    energy: Energy | None
    ceilings: Ceilings

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise SpecError(f"schema {self.schema}", rule=f"this reader knows schema {SCHEMA}")
        if not self.samples_s:
            raise SpecError("no samples", rule="a record has at least one")
        if not all(math.isfinite(s) and s > 0 for s in self.samples_s):
            raise SpecError("a sample is not a positive time", rule="samples are seconds")

    @property
    def median_s(self) -> float:
        return median(self.samples_s)

    def to_line(self) -> str:
        """The record as one line of JSON."""
        return json.dumps(asdict(self), default=lambda kind: kind.value, allow_nan=False)


def load_records(path: str | Path) -> tuple[Record, ...]:
    """All records of a file, or of all `*.jsonl` of a folder, in the order of their names.

    Raises `SpecError` with file and line for what is no record. A folder may be empty.
    """
    place = Path(path)
    if not place.exists():
        raise SpecError(f"no records at {place}", rule="give a .jsonl file or a folder of them")
    files = sorted(place.glob("*.jsonl")) if place.is_dir() else [place]
    return tuple(record for file in files for record in _read(file))


def _read(file: Path) -> Iterable[Record]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read {file}: {error}") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield parse_record(line)
            except SpecError as error:
                raise SpecError(f"{file}:{number}: {error.message}", rule=error.rule) from None


def parse_record(line: str) -> Record:
    """The record of one line; `SpecError` names the field that is wrong."""
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise SpecError(f"not JSON: {error.msg} at column {error.colno}") from None
    record = _build(Record, data, "record")
    assert isinstance(record, Record)
    return record


Value = TypeVar("Value")


def _build(kind: Any, data: object, where: str) -> Any:
    """`data` as a value of type `kind`: a dataclass, an enum, a container or a plain value."""
    if is_dataclass(kind):
        return _build_class(kind, data, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        valid = [member.value for member in kind]
        if data not in valid:
            raise SpecError(f"{where} is {data!r}", rule=f"one of {', '.join(map(str, valid))}")
        return kind(data)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if data is None else _build(inner[0], data, where)
    if origin is tuple:
        return tuple(_items(inner, data, where))
    if origin is dict:
        if not isinstance(data, Mapping):
            raise _mismatch(where, data, "an object")
        return {str(k): _build(inner[1], v, f"{where}.{k}") for k, v in data.items()}
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise _mismatch(where, data, kind.__name__)
    if isinstance(data, float) and not math.isfinite(data):
        raise _mismatch(where, data, "a finite number")
    return data


def _items(inner: tuple[Any, ...], data: object, where: str) -> list[Any]:
    if not isinstance(data, list):
        raise _mismatch(where, data, "a list")
    if inner[-1] is ...:
        return [_build(inner[0], one, f"{where}[{i}]") for i, one in enumerate(data)]
    if len(data) != len(inner):
        raise SpecError(f"{where} has {len(data)} items", rule=f"it has {len(inner)}")
    pairs = zip(inner, data, strict=True)
    return [_build(kind, one, f"{where}[{i}]") for i, (kind, one) in enumerate(pairs)]


def _build_class(kind: type[Value], data: object, where: str) -> Value:
    if not isinstance(data, Mapping):
        raise _mismatch(where, data, "an object")
    kinds = typing.get_type_hints(kind)
    known = fields(kind)  # type: ignore[arg-type]
    names = {field.name for field in known}
    if extra := sorted(set(data) - names):
        raise SpecError(f"{where} has unknown {', '.join(extra)}", rule=_valid(names))
    required = {field.name for field in known if field.default is MISSING}
    if missing := sorted(required - set(data)):
        raise SpecError(f"{where} has no {', '.join(missing)}", rule=_valid(names))
    return kind(**{name: _build(kinds[name], data[name], f"{where}.{name}") for name in data})


def _valid(names: set[str]) -> str:
    return "fields: " + ", ".join(sorted(names))


def _mismatch(where: str, data: object, expected: str) -> SpecError:
    return SpecError(f"{where} is {json.dumps(data)[:60]}", rule=f"it is {expected}")
