"""`einfall model`: all of a transformer, each of its parts mapped best."""

from __future__ import annotations

from typing import Annotated

import typer

from reports.commands.map import Goal
from reports.options import JsonOption
from reports.selection import DEFAULT_ARCHITECTURE


def model(
    workload: Annotated[
        str, typer.Option(metavar="MODEL", help="A shipped model or a file with one.")
    ],
    seq_len: Annotated[str, typer.Option(metavar="SIZE", help="Tokens per sequence: 4K.")],
    batch: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Sequences; by default the model's batch.")
    ] = None,
    cascade: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The attention of every layer.")
    ] = "attention/fusemax",
    arch: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="An architecture.")
    ] = DEFAULT_ARCHITECTURE,
    objective: Annotated[Goal, typer.Option(help="What to minimise.")] = Goal.LATENCY,
    json: JsonOption = False,
) -> None:
    """Map all layers of a model.

    The products and the attention of every layer and the projection to the vocabulary run one
    after another, each in its best mapping; equal layers are searched once. Norms, activations
    and embeddings are left out.

    \b
    Examples:
      einfall model --workload bert --seq-len 4K
      einfall model --workload deepseek-v3 --seq-len 4K --batch 1 --arch tpu-v4i --json
    """
    from archsim.library import DEFAULT, load_library
    from archsim.load import load_architecture
    from einsum.quantity import format_count
    from mapper.objective import Objective
    from reports.models import load_model
    from reports.output import print_json
    from reports.problem import count_option
    from reports.progress import track
    from reports.tables import print_tables
    from reports.whole_model import map_model, model_rows, model_table, total
    from workloads.whole_model import whole_model

    found, architecture = load_model(workload), load_architecture(arch)
    length = count_option("--seq-len", seq_len)
    size = None if batch is None else count_option("--batch", batch)
    parts = whole_model(found, length, cascade=cascade, batch=size)
    library = load_library(*DEFAULT)
    mapped = map_model(parts, architecture, library, Objective(objective.value), track)
    if json:
        head = {"model": found.name, "seq_len": length, "architecture": architecture.name}
        print_json({**head, **total(mapped), "parts": model_rows(mapped)})
        return
    sequences = size or found.batch
    typer.echo(
        f"{found.name}, {found.layers} layers, {sequences} sequences of {format_count(length)} "
        f"tokens, on {architecture.name}\n"
    )
    print_tables(model_table(mapped))
    whole = total(mapped)
    typer.echo(f"\n{whole['searches']} searches, {whole['cpu_s']:.1f} CPU s")
