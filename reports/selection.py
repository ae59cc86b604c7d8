"""The options that say what is evaluated, and on what, for all commands that need to know."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer

from archsim.mapping import Policy

P = ParamSpec("P")

DEFAULT_CONFIGURATION = "binding"
DEFAULT_ARCHITECTURE = "fusemax-cloud"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user gave, unresolved; `reports.problem.resolve` makes values of it."""

    workload: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="A model's attention: a shipped name or a file."),
    ] = None
    seq_len: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Tokens per sequence: 64K (K = 1024).")
    ] = None
    batch: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Sequences; by default the model's batch.")
    ] = None
    query_len: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Queries per sequence: 1 is a step of decoding."),
    ] = None
    causal: Annotated[
        bool, typer.Option("--causal", help="Each query sees the keys up to its own position.")
    ] = False
    cascade: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A cascade: with --shape in place of --workload, or for its sizes.",
        ),
    ] = None
    shape: Annotated[
        str, typer.Option(metavar="RANK=SIZE,...", help="Sizes of ranks: M=64K,P=64K.")
    ] = ""
    config: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Cascade, architecture and mapping together; --cascade, --arch and --mapping "
            f"replace its parts. {DEFAULT_CONFIGURATION} by default, none for --cascade.",
        ),
    ] = None
    arch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help=f"An architecture; {DEFAULT_ARCHITECTURE} where no configuration names one.",
        ),
    ] = None
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="Change a value of it: global_buffer.size='8 MiB'."
        ),
    ] = None
    mapping: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A mapping. Where none is named, every Einsum runs by itself, in the tiling "
            "that is best for it.",
        ),
    ] = None
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", metavar="NAME=VALUE", help="A parameter of the mapping: P0=64."
        ),
    ] = None
    policy: Annotated[
        Policy | None, typer.Option(help="How Einsums share time, in place of the mapping's own.")
    ] = None
    components: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", help="Add or replace components of the library."),
    ] = None


def selecting(command: Callable[Concatenate[Selection, P], None]) -> Callable[..., None]:
    """`command` with the fields of `Selection` as options in place of its first parameter."""
    hints = get_type_hints(Selection, include_extras=True)
    shared = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=hints[one.name],
        )
        for one in fields(Selection)
    ]
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @functools.wraps(command)
    def selected(**options: Any) -> None:
        selection = Selection(**{one.name: options.pop(one.name) for one in shared})
        command(selection, **options)  # type: ignore[call-arg]  # `own`, by name

    parameters = [*shared, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own)]
    selected.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    selected.__annotations__ = {one.name: one.annotation for one in parameters}
    return selected
