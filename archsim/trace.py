"""What every unit does when, for the first cycles of a simulation; and that as a Chrome trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from archsim.schedule import Pipeline, Schedule
from archsim.simulation.engine import Engine
from archsim.simulation.machine import Machine, Transferred, Waited
from archsim.simulation.program import Program, Run
from archsim.simulation.program import runs as all_runs

DRAM, STALLED = "DRAM", "stalled"


@dataclass(frozen=True, slots=True)
class Span:
    """`name` occupies `track` from cycle `begin` to `end`.

    A task is named by its Einsums on that unit; `step` counts the tile steps of its run and
    `coordinates` says which tile it is. Where tasks interleave it takes `width` of every
    `stride` cycles.
    """

    track: str
    name: str
    begin: int
    end: int
    step: int = -1
    coordinates: tuple[tuple[str, int], ...] = ()
    width: int = 1
    stride: int = 1


class _EnoughSeenError(Exception):
    """Ends an execution of which only the beginning is wanted."""


@dataclass
class _Recorder:
    until: int
    runs: list[tuple[Run, int]] = field(default_factory=list)
    transfers: list[Transferred] = field(default_factory=list)
    waits: list[Waited] = field(default_factory=list)

    def began(self, run: Run, now: int) -> None:
        if now >= self.until:
            raise _EnoughSeenError
        self.runs.append((run, now))

    def observe(self, seen: Transferred | Waited) -> None:
        match seen:
            case Transferred():
                self.transfers.append(seen)
            case Waited():
                self.waits.append(seen)
                if seen.begin >= self.until:
                    raise _EnoughSeenError


def trace(found: Schedule, program: Program, until: int) -> tuple[Span, ...]:
    """All that begins before cycle `until`, executed touch by touch."""
    recorder = _Recorder(until)
    machine = Machine(program, observer=recorder.observe)
    with suppress(_EnoughSeenError):
        Engine(program, machine, skipping=False, began=recorder.began).execute()
    spans = [
        Span(DRAM, program.streams[seen.stream].tensor, seen.begin, seen.end, seen.number)
        for seen in recorder.transfers
        if seen.begin < until
    ]
    for wait in recorder.waits:
        stream = program.streams[wait.stream]
        spans.append(Span(STALLED, f"waits for {stream.tensor}", wait.begin, wait.end))
    for run, begin in recorder.runs:
        pipeline = found.pipelines[run.number]
        spans += _tasks(pipeline, run, begin, recorder)
    return tuple(sorted(spans, key=lambda one: (one.begin, one.track, one.name)))


def beginning(found: Schedule, program: Program, steps: int) -> tuple[int, int, tuple[Span, ...]]:
    """A first run of the main pipeline, as if nothing stood before it in the program.

    Returns the cycle in which its first task begins, how many cycles from there it takes until
    all stages are busy and `steps` more intervals have passed, and all spans up to then.
    """
    runs = [run for run, _ in all_runs(program.blocks)]
    run, steady = runs[found.pipelines.index(found.main)], found.main.schedule
    recorder = _Recorder(until=1 << 62)
    one_step = Machine(
        Program((replace(run, steps=1),), program.streams), observer=recorder.observe
    )
    Engine(one_step.program, one_step).execute()
    offset = min(pulses.offset for one in steady.placements for pulses in one.pulses)
    first = _real(0, offset, recorder.waits)
    cycles = (steady.stages - 1 + steps) * steady.ii_cycles
    return first, cycles, trace(found, Program((run,), program.streams), first + cycles)


def _tasks(pipeline: Pipeline, run: Run, begin: int, recorder: _Recorder) -> Iterator[Span]:
    for step in range(run.steps):
        if begin + step * run.ii >= recorder.until:
            return
        where = _coordinates(pipeline, step)
        unit_of = {leaf.einsum.name: leaf.unit for leaf in pipeline.body.leaves}
        for placed in pipeline.schedule.placements:
            for pulses in placed.pulses:
                first = _real(begin, step * run.ii + pulses.offset, recorder.waits)
                last = _real(begin, step * run.ii + pulses.end - 1, recorder.waits) + 1
                if first >= recorder.until:
                    continue
                own = (one for one in placed.einsums if unit_of[one] == pulses.resource)
                name = "+".join(own)
                width, stride = (pulses.width, pulses.stride) if pulses.count > 1 else (1, 1)
                yield Span(pulses.resource, name, first, last, step, where, width, stride)


def _real(begin: int, at: int, waits: list[Waited]) -> int:
    """The cycle in which moment `at` of a run happens that began in cycle `begin`."""
    now = begin + at
    for wait in waits:
        if wait.begin >= begin and wait.begin <= now:
            now += wait.end - wait.begin
    return now


def _coordinates(pipeline: Pipeline, step: int) -> tuple[tuple[str, int], ...]:
    found = []
    for loop in reversed(pipeline.body.loop_steps):
        step, index = divmod(step, int(loop.trips))
        found.append((loop.variable, index))
    return tuple(reversed(found))


def chrome_trace(spans: tuple[Span, ...], clock_hz: float) -> dict[str, object]:
    """`spans` in the Trace Event Format that Perfetto and chrome://tracing open.

    A process for each unit and a thread for each of its tasks, so that interleaved tasks stand
    beside each other; times in microseconds.
    """
    processes: dict[str, int] = {}
    threads: dict[tuple[str, str], int] = {}
    events: list[dict[str, object]] = []
    for span in spans:
        if span.track not in processes:
            processes[span.track] = len(processes) + 1
            events.append(_named("process_name", processes[span.track], 0, span.track))
        process = processes[span.track]
        if (span.track, span.name) not in threads:
            threads[span.track, span.name] = len(threads) + 1
            thread = threads[span.track, span.name]
            events.append(_named("thread_name", process, thread, span.name))
        label = ", ".join(f"{name}={index}" for name, index in span.coordinates)
        events.append(
            {
                "name": f"{span.name} {label}".strip(),
                "ph": "X",
                "pid": process,
                "tid": threads[span.track, span.name],
                "ts": span.begin / clock_hz * 1e6,
                "dur": (span.end - span.begin) / clock_hz * 1e6,
                "args": {
                    "begin_cycle": span.begin,
                    "cycles": span.end - span.begin,
                    "step": span.step,
                    "stride": span.stride,
                },
            }
        )
    return {"traceEvents": events, "displayTimeUnit": "ns", "otherData": {"clock_hz": clock_hz}}


def _named(what: str, process: int, thread: int, name: str) -> dict[str, object]:
    return {"name": what, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}}
