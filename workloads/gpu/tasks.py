"""The tasks of a run: time a call, count it with the profiler, take its energy."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from workloads.gpu import nvml
from workloads.gpu.accuracy import accepted, error
from workloads.gpu.baselines import Baseline, baseline_call
from workloads.gpu.kernels import IMPLEMENTATIONS, build
from workloads.gpu.kernels.step import TORCH_DTYPES, Call, Inputs
from workloads.gpu.ncu import NOTE, NoCountersError, counters
from workloads.gpu.plan import Subject, candidates
from workloads.gpu.problem import Launch, Mask, Problem
from workloads.gpu.rates import microbenchmarks
from workloads.gpu.records import (
    CeilingRun,
    Energy,
    LaunchRecord,
    Measurement,
    Method,
    Shape,
    Tried,
)
from workloads.gpu.session import Session, now, source_sha256
from workloads.gpu.timing import samples, samples_on_cpu, seconds_of
from workloads.library import load_cascade
from workloads.masks import causal

CONVENTION = "2 P M (E + F) for each head, half of it with a causal mask"
SEED = 1
_SAMPLES_S = 0.4
_MOST = 200
_ENERGY_S = 5.0
_MOST_COPIES = 32


class SkippedError(Exception):
    """A subject that cannot be measured here; `str` says why."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A subject that ran and is right: calls on copies of the inputs, and how it is launched."""

    calls: tuple[Callable[[], Any], ...]
    launch: Launch | None
    tried: tuple[Tried, ...]
    inputs: Inputs
    output: Any
    launches: tuple[LaunchRecord, ...]


def measure_ceilings(session: Session) -> None:
    """Every microbenchmark that the record lacks."""
    missing = {"gemm", "copy", "exp", "l2", "launch"} - set(session.record.ceilings)
    if not missing:
        return
    for one in microbenchmarks(session.device, session.device == "cpu"):
        if one.name in missing:
            before = session.state()
            replayed = one.name == "launch"
            method, found = _samples(session, [one.call], one.cold, replayed)
            after = session.state()
            session.add_ceiling(
                CeilingRun(
                    one.name, one.description, one.work, one.unit, method, before, after, found
                )
            )


def time_subject(session: Session, subject: Subject) -> None:
    """Correctness first, then all samples; what cannot run is entered as skipped."""
    if session.measurement(subject.key) or session.skipped(subject.key):
        return
    try:
        prepared = _prepare(session, subject)
        checked = error(prepared.output, prepared.inputs, subject.problem)
        if not accepted(checked):
            raise SkippedError(f"wrong: error {checked.rms_rel:.2e} of the output's size")
        before = session.state()
        method, found = _samples(session, prepared.calls)
        after = session.state()
    except Exception as reason:
        session.skip(subject.key, f"{type(reason).__name__}: {reason}")
        if isinstance(reason, torch.AcceleratorError):
            raise  # the device is in no state to go on in this process
        return
    launch, problem, kernel = prepared.launch, subject.problem, subject.kernel
    cascade = None if kernel is None else IMPLEMENTATIONS[kernel].cascade
    session.add(
        Measurement(
            key=subject.key,
            kernel=subject.name,
            time_utc=now(),
            cascade=cascade,
            cascade_digest=None if cascade is None else _digest(cascade, problem.mask),
            source_sha256=source_sha256("kernels" if kernel else "baselines.py"),
            tiles={} if launch is None else _tiles(launch, subject),
            warps=launch.warps if launch else None,
            stages=launch.stages if launch else None,
            grid_order=launch.order.value if launch else None,
            launches=prepared.launches,
            tried=prepared.tried,
            shape=_shape(problem, prepared.inputs.scale),
            seed=SEED,
            flop=problem.useful_flop,
            flop_convention=CONVENTION,
            method=method,
            before=before,
            after=after,
            samples_s=found,
            error=checked,
            counters={},
            counters_note="",
            energy=None,
            energy_j=None,
        )
    )


def count_subject(session: Session, subject: Subject) -> None:
    """Hardware counters of a call that was timed, or a note that says why there are none."""
    done = session.measurement(subject.key)
    if done is None or done.counters or done.counters_note:
        return
    if session.device == "cpu":
        session.add(replace(done, counters_note="the interpreter has no hardware counters"))
        return
    try:
        (found,) = counters(
            session.file, [done.key], [len(done.launches)], min(120.0, session.left_s)
        )
        session.add(replace(done, counters=found, counters_note=NOTE))
    except NoCountersError as reason:
        session.add(replace(done, counters_note=f"none: {reason}"))


def take_energy(session: Session, subject: Subject) -> None:
    """Energy of one call that was timed: what 5 s of calls took, less idle power."""
    done = session.measurement(subject.key)
    key = f"energy/{subject.key}"
    if done is None or done.energy is not None or session.skipped(key):
        return
    start = nvml.energy_joule(session.pci)
    if start is None:
        session.skip(key, "the driver gives no energy")
        return
    time.sleep(1.0)
    rest = nvml.energy_joule(session.pci)
    assert rest is not None
    call = _prepare(session, subject, _launch_of(done, subject)).calls[0]
    count = max(1, int(0.1 / done.median_s))
    call()
    torch.cuda.synchronize()
    begin, calls = time.monotonic(), 0
    before = nvml.energy_joule(session.pci)
    while time.monotonic() - begin < _ENERGY_S:
        for _ in range(count):
            call()
        torch.cuda.synchronize()
        calls += count
    seconds, after = time.monotonic() - begin, nvml.energy_joule(session.pci)
    assert before is not None
    assert after is not None
    energy = Energy(after - before, seconds, calls, rest - start)
    session.add(
        replace(
            done,
            energy=energy,
            energy_j=(energy.joule - energy.idle_w * energy.seconds) / energy.calls,
        )
    )


def profile(session: Session, keys: Sequence[str], subjects: Sequence[Subject]) -> None:
    """Run each call once between start and stop of the profiler, as it was measured."""
    by_key = {subject.key: subject for subject in subjects}
    for key in keys:
        done = session.measurement(key)
        assert done is not None
        subject = by_key[key]
        call = _prepare(session, subject, _launch_of(done, subject)).calls[0]
        torch.cuda.synchronize()
        torch.cuda.cudart().cudaProfilerStart()
        call()
        torch.cuda.synchronize()
        torch.cuda.cudart().cudaProfilerStop()


def _samples(
    session: Session, calls: Sequence[Callable[[], Any]], cold: bool = True, replay: bool = False
) -> tuple[Method, tuple[float, ...]]:
    if session.device == "cpu":
        return samples_on_cpu(calls[0])
    return samples(calls, _SAMPLES_S, _MOST, cold, replay)


def draw(problem: Problem, device: str) -> Inputs:
    """Standard normal inputs, the same for the same problem."""
    generator = torch.Generator(device).manual_seed(SEED)
    b, kv = problem.batch, problem.kv_heads
    shapes = (
        (b, problem.heads, problem.queries, problem.head_dim),
        (b, kv, problem.keys, problem.head_dim),
        (b, kv, problem.keys, problem.value_dim),
    )
    q, k, v = (
        torch.randn(shape, generator=generator, device=device, dtype=torch.float32).to(
            TORCH_DTYPES[problem.dtype]
        )
        for shape in shapes
    )
    return Inputs(q, k, v, 1 / math.sqrt(problem.head_dim))


def _prepare(session: Session, subject: Subject, launch: Launch | None = None) -> Prepared:
    """Inputs, the fastest of the candidates unless `launch` is given, and copies for rotation."""
    problem = subject.problem
    inputs = draw(problem, session.device)
    copies = _copies(session, inputs, problem)
    if subject.kernel is None:
        baseline = Baseline(subject.baseline)
        others = tuple(baseline_call(baseline, one, problem) for one in copies)
        return Prepared(others, None, (), inputs, others[0](), ())
    tried: tuple[Tried, ...] = ()
    if launch is None:
        launch, tried = _fastest(session, subject, inputs)
    calls = [build(subject.kernel, one, problem, launch) for one in copies]
    calls[0].output.fill_(math.nan)
    launches = _run_recorded(calls[0])
    return Prepared(
        tuple(call.run for call in calls), launch, tried, inputs, calls[0].output, launches
    )


def _copies(session: Session, inputs: Inputs, problem: Problem) -> list[Inputs]:
    """`inputs`, and where they fit in L2 so many copies that together they do not."""
    size = sum(t.numel() * t.element_size() for t in (inputs.q, inputs.k, inputs.v))
    l2 = session.record.device.l2_bytes
    count = min(_MOST_COPIES, -(-2 * l2 // size)) if size < l2 else 1
    return [inputs, *(draw(problem, session.device) for _ in range(count - 1))]


def _run_recorded(call: Call) -> tuple[LaunchRecord, ...]:
    """Run the steps once; what the compiler said of each, where there is a compiler."""
    found = []
    for step in call.steps:
        kernel = step.run()
        shared = getattr(getattr(kernel, "metadata", None), "shared", None)
        registers, spills = (getattr(kernel, name, None) for name in ("n_regs", "n_spills"))
        found.append(LaunchRecord(step.name, step.blocks, registers, spills, shared))
    return tuple(found)


_FASTEST: dict[tuple[Any, ...], tuple[Launch, tuple[Tried, ...]]] = {}


def _fastest(
    session: Session, subject: Subject, inputs: Inputs
) -> tuple[Launch, tuple[Tried, ...]]:
    """The candidate with the shortest time; found once for each kernel, head dim and mask."""
    problem = subject.problem
    options = candidates(subject)
    if not options:
        raise SkippedError("a row of scores does not fit in the registers")
    same = (subject.kernel, problem.head_dim, problem.mask, problem.dtype, subject.order, options)
    if same in _FASTEST:
        return _FASTEST[same]
    if session.device == "cpu":
        return options[0], ()
    assert subject.kernel is not None
    tried = []
    for option in options:
        try:
            call = build(subject.kernel, inputs, problem, option)
            tried.append(Tried(str(option), seconds_of(call.run), None))
        except Exception as failure:
            if isinstance(failure, torch.OutOfMemoryError):
                raise
            tried.append(Tried(str(option), None, " ".join(str(failure).split())[:200]))
    times = [math.inf if one.median_s is None else one.median_s for one in tried]
    if min(times) == math.inf:
        raise SkippedError(f"no launch works: {tried[0].failure}")
    _FASTEST[same] = options[times.index(min(times))], tuple(tried)
    return _FASTEST[same]


def _launch_of(done: Measurement, subject: Subject) -> Launch | None:
    """The launch that a measurement names, among the candidates."""
    for option in candidates(subject):
        if _tiles(option, subject) == done.tiles and (option.warps, option.stages) == (
            done.warps,
            done.stages,
        ):
            return option
    return None


def _tiles(launch: Launch, subject: Subject) -> dict[str, int]:
    tiles = {"P0": launch.tiling.queries, "M0": launch.tiling.keys}
    return tiles | ({"splits": launch.tiling.splits} if subject.splits else {})


def _shape(problem: Problem, scale: float) -> Shape:
    return Shape(
        problem.batch,
        problem.heads,
        problem.kv_heads,
        problem.queries,
        problem.keys,
        problem.head_dim,
        problem.value_dim,
        problem.mask is Mask.CAUSAL,
        problem.dtype.value,
        scale,
    )


@lru_cache(maxsize=64)
def _digest(cascade: str, mask: Mask) -> str:
    found = load_cascade(cascade)
    return (causal(found) if mask is Mask.CAUSAL else found).digest
