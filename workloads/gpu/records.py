"""Records of measurements, as `measure.py` writes them: one JSON file for each run of the script.

A record says everything about the run that made it, and predicts nothing. The fields are those of
the classes below, under the same names. Reading checks every type, so that a record that was
edited, cut off or written to another schema is one clear `SpecError`.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from statistics import median
from typing import Any

from einsum.errors import SpecError

SCHEMA = 1


class Cache(Enum):
    """What L2 holds when a timed call starts."""

    COLD = "cold"  # other data: it was overwritten
    WARM = "warm"  # what the call before left there
    ROTATING = "rotating"  # another copy of the inputs each time, larger together than L2


@dataclass(frozen=True)
class Device:
    """The GPU: name as the driver gives it, multiprocessors, memory, compute capability."""

    name: str
    multiprocessors: int
    memory_bytes: int
    l2_bytes: int
    capability: tuple[int, int]
    driver: str | None
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
    """One launch of the call: registers a thread, spilled values a thread, shared memory."""

    name: str
    blocks: int
    registers: int | None
    spills: int | None
    shared_bytes: int | None


@dataclass(frozen=True)
class Shape:
    """The problem, as `workloads.gpu.problem.Problem`; the scores are multiplied by `scale`."""

    batch: int
    heads: int
    kv_heads: int
    queries: int
    keys: int
    head_dim: int
    value_dim: int
    causal: bool
    dtype: str
    scale: float


@dataclass(frozen=True)
class Method:
    """How it was timed: `calls_per_sample` calls make one sample, the time of one call."""

    timer: str
    cache: Cache
    warmup_calls: int
    calls_per_sample: int


@dataclass(frozen=True)
class Error:
    """The output against attention in float64 of the same rounded inputs, on `heads` heads."""

    heads: int
    max_abs: float
    rms_rel: float
    tolerance_rms_rel: float


@dataclass(frozen=True)
class Energy:
    """NVML's energy counter over `calls` calls in a row, and the idle power before them."""

    joule: float
    seconds: float
    calls: int
    idle_w: float


@dataclass(frozen=True)
class Tried:
    """A way to launch the kernel that was timed before the fastest was measured."""

    launch: str
    median_s: float | None
    failure: str | None


@dataclass(frozen=True)
class Measurement:
    """One kernel or baseline on one shape. `samples_s` are all samples, in order.

    `cascade` and its digest are None for a baseline. `tiles` are `P0`, `M0` and `splits`. `flop` is
    the useful work by `flop_convention`. `counters` has the profiler's values under their own
    names, and `l2_bytes` and `dram_bytes` as derived from them; it is empty where `counters_note`
    says why. `energy_j` is that of one call, idle power taken off.
    """

    key: str
    kernel: str
    time_utc: str
    cascade: str | None
    cascade_digest: str | None
    source_sha256: str
    tiles: dict[str, int]
    warps: int | None
    stages: int | None
    grid_order: str | None
    launches: tuple[LaunchRecord, ...]
    tried: tuple[Tried, ...]
    shape: Shape
    seed: int
    flop: float
    flop_convention: str
    method: Method
    before: State
    after: State
    samples_s: tuple[float, ...]
    error: Error
    counters: dict[str, float]
    counters_note: str
    energy: Energy | None
    energy_j: float | None

    def __post_init__(self) -> None:
        check_samples(self.samples_s, self.key)

    @property
    def median_s(self) -> float:
        return median(self.samples_s)


@dataclass(frozen=True)
class CeilingRun:
    """A microbenchmark of one limit of the device: `work` units of `unit` a call."""

    name: str
    description: str
    work: float
    unit: str
    method: Method
    before: State
    after: State
    samples_s: tuple[float, ...]

    def __post_init__(self) -> None:
        check_samples(self.samples_s, self.name)

    @property
    def rate(self) -> float:
        """Work a second, by the median of the samples."""
        return self.work / median(self.samples_s)


@dataclass(frozen=True)
class Skipped:
    """What was not measured, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Record:
    """One run of the script, which may have been resumed: the device, its limits, measurements.

    `ceilings` are a second: `gemm` FLOP, `copy` and `l2` bytes, `exp` exponentials; and `launch`,
    in seconds. `commit` is that of the checkout, None outside of one; `modified` if its kernels had
    uncommitted changes.
    """

    schema: int
    commit: str | None
    modified: bool
    started_utc: str
    command: str
    device: Device
    software: Software
    ceilings: dict[str, float]
    ceiling_runs: tuple[CeilingRun, ...]
    measurements: tuple[Measurement, ...]
    skipped: tuple[Skipped, ...]

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise SpecError(f"schema {self.schema}", rule=f"this reader knows schema {SCHEMA}")

    def to_json(self) -> str:
        """The text of the file."""
        plain = asdict(self)
        return json.dumps(plain, default=lambda kind: kind.value, allow_nan=False, indent=1) + "\n"


def check_samples(samples: tuple[float, ...], where: str) -> None:
    """Raises `SpecError` unless there are samples, all of them positive."""
    if not samples:
        raise SpecError(f"{where} has no samples", rule="there is at least one")
    if not all(sample > 0 for sample in samples):
        raise SpecError(f"a sample of {where} is not positive", rule="samples are seconds")


def load_records(folder: str | Path) -> tuple[Record, ...]:
    """The records of all `*.json` of a folder, in the order of their names; there may be none."""
    place = Path(folder)
    if not place.is_dir():
        raise SpecError(f"no folder {place}", rule="measure.py --out DIR makes one")
    return tuple(load_record(file) for file in sorted(place.glob("*.json")))


def load_record(file: str | Path) -> Record:
    """The record in `file`; `SpecError` names the file and the field that is wrong."""
    try:
        return parse_record(Path(file).read_text(encoding="utf-8"))
    except SpecError as error:
        raise SpecError(f"{file} is no record: {error.message}", rule=error.rule) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read {file}: {error}") from None


def parse_record(text: str) -> Record:
    """The record that `text` is; `SpecError` names the field that is wrong."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise SpecError(f"not JSON: {error.msg} in line {error.lineno}") from None
    record = _build_class(Record, data, "record")
    assert isinstance(record, Record)
    return record


def _build(kind: Any, data: object, where: str) -> Any:
    """`data` as a value of type `kind`: a dataclass, an enum, a container or a plain value."""
    if isinstance(kind, type) and is_dataclass(kind):
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


def _build_class(kind: type[Any], data: object, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise _mismatch(where, data, "an object")
    kinds = typing.get_type_hints(kind)
    known = fields(kind)
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
