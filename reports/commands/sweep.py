"""`einfall sweep`: many designs, into a store that can be interrupted at any time."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from einsum.errors import SpecError
from reports.options import JsonOption


class EngineName(Enum):
    """Where points are evaluated."""

    LOCAL = "local"
    DASK = "dask"


class SamplerName(Enum):
    """How points are chosen, if not all of a grid (`mapper.sweep.samplers.Method`)."""

    GRID = "grid"
    RANDOM = "random"
    SOBOL = "sobol"
    BAYESIAN = "bayesian"
    EVOLUTION = "evolution"


def _values(metavar: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar=metavar, help=text)
    return option


def sweep(
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="[SPEC]", help="A sweep in YAML.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of the store, new or to be continued.")
    ] = None,
    workload: Annotated[str | None, _values("MODELS", "Models: shipped names or files.")] = None,
    seq_len: Annotated[str | None, _values("SIZES", "Tokens: 64K, or 1K..1M (doubling).")] = None,
    query_len: Annotated[str | None, _values("SIZES", "Queries, if not all tokens.")] = None,
    batch: Annotated[str | None, _values("SIZES", "Sequences.")] = None,
    phase: Annotated[str | None, _values("PHASES", "prefill, decode.")] = None,
    cascade: Annotated[str | None, _values("NAMES", "Cascades.")] = None,
    shape: Annotated[str, _values("RANK=SIZES,...", "Sizes of ranks: M=1K..64K,P=1,64.")] = "",
    config: Annotated[str | None, _values("NAMES", "Configurations.")] = None,
    arch: Annotated[str | None, _values("NAMES", "Architectures: shipped names or files.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUES", help="Of an architecture: array_2d.rows=64,128,256."
        ),
    ] = None,
    mapping: Annotated[str | None, _values("NAMES", "Mappings.")] = None,
    policy: Annotated[str | None, _values("NAMES", "How Einsums share time.")] = None,
    number_format: Annotated[
        str | None, typer.Option("--format", metavar="NAMES", help="Formats of all tensors.")
    ] = None,
    components: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", help="Add or replace components of the library."),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(metavar="FORMULA", help="What a design must satisfy: 'area_um2 <= 1.3e9'."),
    ] = None,
    objective: Annotated[
        list[str] | None, typer.Option(metavar="METRIC", help="latency_s, 'max util_2d', ...")
    ] = None,
    sampler: Annotated[
        SamplerName | None, typer.Option(help="How points are chosen; all of the grid by default.")
    ] = None,
    points: Annotated[
        int | None, typer.Option(min=1, help="How many points a sampler takes.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of a sampler.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many points, and how long they take.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as cores for longer sweeps.")
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="Where to evaluate.")] = EngineName.LOCAL,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of Dask: tcp://host:8786.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Evaluate points once more that failed.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Evaluate many designs.

    Every value may be a list (64,128) or a range (1K..1M, doubling). Results go to a store in
    FOLDER; the same command again goes on where it was interrupted (docs/sweeps.md).

    \b
    Examples:
      einfall sweep sweep.yaml --out runs/x
      einfall sweep --workload bert --seq-len 1K..1M --set array_2d.rows=64,128,256 --out runs/y
      einfall sweep sweep.yaml --dry-run
      einfall export runs/x --csv x.csv
    """
    from reports.sweep_options import sampler_of, sweep_of_file, sweep_of_options

    settings: dict[str, str | None] = {
        "workload": workload,
        "seq_len": seq_len,
        "query_len": query_len,
        "batch": batch,
        "phase": phase,
        "cascade": cascade,
        "config": config,
        "arch": arch,
        "mapping": mapping,
        "policy": policy,
        "format": number_format,
    }
    if spec is not None:
        others: dict[str, object] = {
            "shape": shape,
            "set": changes,
            "components": components,
            "constraint": constraint,
            "objective": objective,
            "sampler": sampler,
            "points": points,
            "seed": seed,
        }
        found = sweep_of_file(spec, {**settings, **others})
    else:
        found = sweep_of_options(
            settings,
            shape,
            changes or (),
            constraint or (),
            objective or (),
            sampler_of(sampler and sampler.value, points, seed),
            components or (),
        )
    from reports.sweep_run import Dask, Local, estimate, run_into

    match engine:
        case EngineName.LOCAL if scheduler is not None:
            raise SpecError("--scheduler without --engine dask")
        case EngineName.LOCAL:
            where: Local | Dask = Local(workers)
        case EngineName.DASK if workers is not None:
            raise SpecError(
                "--workers with --engine dask", rule="its workers are those of the scheduler"
            )
        case EngineName.DASK if scheduler is None:
            raise SpecError("--engine dask without a scheduler", rule="give --scheduler ADDRESS")
        case EngineName.DASK:
            where = Dask(scheduler)
        case _:
            assert_never(engine)
    if dry_run:
        estimate(found, where, json)
        return
    if out is None:
        raise SpecError("nowhere to put the results", rule="give --out FOLDER, or --dry-run")
    run_into(found, out, where, retry_failed, json)
