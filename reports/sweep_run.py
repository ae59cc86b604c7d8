"""What `einfall sweep` does: estimate, or run into a store, and say what came of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import typer

from archsim.text_table import TextTable
from mapper.sweep.distributed import DaskEngine
from mapper.sweep.domains import Interval, Levels, Parameter
from mapper.sweep.local import LocalEngine, SerialEngine
from mapper.sweep.results import Results, Tally
from mapper.sweep.run import Summary, run_sweep
from mapper.sweep.sample import Sample, measure
from mapper.sweep.spec import Sweep
from mapper.sweep.store import Store
from mapper.sweep.task import Engine
from reports.output import print_json
from reports.sweep_progress import duration_text, sweeping
from reports.tables import print_tables

_WORTH_PROCESSES_S = 2.0  # starting them takes about one
_WORTH_PROCESSES_BLOCKS = 8  # the same of a store whose blocks were measured when it was made


@dataclass(frozen=True, slots=True)
class Local:
    """Processes on this machine; None: as many as are worth it."""

    workers: int | None


@dataclass(frozen=True, slots=True)
class Dask:
    """The workers of a scheduler."""

    scheduler: str


class _Measured:
    """A sample of a sweep, taken if somebody asks for it."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep

    @cached_property
    def sample(self) -> Sample:
        return measure(self._sweep)

    @property
    def taken(self) -> bool:
        return "sample" in self.__dict__

    def block_points(self) -> int:
        return self.sample.block_points(self._sweep)


def estimate(sweep: Sweep, where: Local | Dask, json: bool) -> None:
    """How many points `sweep` has, and how long they take, measured on some of them."""
    sample = measure(sweep)
    seconds = sweep.size * sample.point_s
    workers = 1
    match where:
        case Local(given):
            workers = given or (_cores() if seconds > _WORTH_PROCESSES_S else 1)
        case Dask():
            with DaskEngine(sweep, where.scheduler) as engine:
                workers = max(1, engine.workers)
    seconds /= workers
    if json:
        print_json(
            {
                "points": sweep.size,
                "parameters": {one.name: _count(one) for one in sweep.parameters},
                "workers": workers,
                "seconds": seconds,
                "sampled": sample.points,
                "points_per_s_per_worker": 1.0 / sample.point_s,
            }
        )
        return
    rows = [(one.name, *_domain(one)) for one in sweep.parameters]
    if rows:
        header = ("parameter", "values", "")
        print_tables(TextTable("parameters", "<><", header, tuple(rows)))
        typer.echo()
    typer.echo(
        f"{sweep.size:,} points, about {duration_text(seconds)} with {_plural(workers, 'worker')} "
        f"({1.0 / sample.point_s:,.0f} points/s each, measured on {sample.points:,})"
    )


def run_into(sweep: Sweep, out: Path, where: Local | Dask, retry_failed: bool, json: bool) -> None:
    """Finishes `sweep` in the store of folder `out`, and prints a summary."""
    measured = _Measured(sweep)
    with Store.open(out, sweep, measured.block_points) as store:
        begun = store.results.tally
        left = begun.points - begun.finished + (begun.failed if retry_failed else 0)
        summary = Summary(begun, begun.finished, 0, 0.0)
        if left:
            engine = _engine(sweep, where, left, store.results, measured)
            try:
                with sweeping(sweep.size) as progress, engine:
                    summary = run_sweep(
                        sweep, store, engine, retry_failed=retry_failed, progress=progress
                    )
            except KeyboardInterrupt:
                done = store.results.tally.finished
                typer.echo(
                    f"{done:,} of {sweep.size:,} points are in {out}; the same command goes on",
                    err=True,
                )
                raise
        if json:
            print_json(summary_row(summary))
        else:
            typer.echo(summary_text(summary, out))
            if summary.tally.failed:
                typer.echo(_example(store.results))


def summary_row(summary: Summary) -> dict[str, object]:
    """What a run came to, for tools. `done` are points with results, infeasible ones included."""
    tally = summary.tally
    return {
        "computed": summary.computed,
        "infeasible": tally.infeasible,
        "points": tally.points,
        "done": tally.done,
        "failed": tally.failed,
        "points_per_s": summary.points_per_s,
        "resumed": summary.resumed,
    }


def summary_text(summary: Summary, out: Path) -> str:
    """The same for people."""
    tally, rate = summary.tally, summary.points_per_s
    parts = [f"{tally.points:,} points in {out}: {tally.done:,} done{_infeasible(tally)}"]
    parts += [f"{tally.failed:,} failed"]
    parts += [f"{summary.resumed:,} of them were there before"] if summary.resumed else []
    parts += [f"{rate:,.0f} points/s"] if rate is not None and rate >= 1 else []
    parts += [f"{1 / rate:,.1f} s a point"] if rate is not None and rate < 1 else []
    return ", ".join(parts)


def _infeasible(tally: Tally) -> str:
    return f" ({tally.infeasible:,} break a constraint)" if tally.infeasible else ""


def _example(results: Results) -> str:
    """The first failed point, and why."""
    block = results.block(results.firsts(failed=True)[0])
    from mapper.sweep.outcome import Status

    row = int(block.rows(Status.FAILED)[0])
    return f"the first failed one is point {block.first + row}: {block.reasons[row]}"


def _engine(
    sweep: Sweep, where: Local | Dask, left: int, results: Results, measured: _Measured
) -> Engine:
    match where:
        case Dask(scheduler):
            return DaskEngine(sweep, scheduler)
        case Local(workers):
            if workers is None:
                blocks = -(-left // results.description.block_points)
                worth = blocks >= _WORTH_PROCESSES_BLOCKS
                if measured.taken:
                    worth = left * measured.sample.point_s > _WORTH_PROCESSES_S
                workers = min(_cores(), blocks) if worth else 1
            return SerialEngine(sweep) if workers == 1 else LocalEngine(sweep, workers)


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _count(parameter: Parameter) -> int | None:
    """How many values it takes; None if that is not a list."""
    return len(parameter.domain.values) if isinstance(parameter.domain, Levels) else None


def _domain(parameter: Parameter) -> tuple[str, str]:
    match parameter.domain:
        case Levels(values):
            ends = values if len(values) <= 6 else (*values[:3], "...", values[-1])
            texts = [x if isinstance(x, str) else parameter.setting.format(x) for x in ends]
            return str(len(values)), ", ".join(texts)
        case Interval(low, high, log, _):
            ends = (low, high)
            scale = " by logarithm" if log else ""
            return "-", " to ".join(map(parameter.setting.format, ends)) + scale
        case formula:
            return "-", f"= {formula.text}"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
