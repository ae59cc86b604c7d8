"""`einfall bounds`: what must move, at least, for every size of the buffer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from einsum.errors import SpecError, choices
from reports.options import JsonOption
from reports.selection import Selection, selecting

if TYPE_CHECKING:
    from reports.bounds import Mark
    from reports.problem import Target


@selecting
def bounds(
    selection: Selection,
    beside: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", help="Another cascade for the same sizes; repeatable."),
    ] = None,
    einsum: Annotated[
        str | None, typer.Option(metavar="NAME", help="One Einsum by itself: its table as well.")
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Find the mapping that moves least, and mark it.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the curves: .png, .pdf or .svg.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Lower bounds of data movement, by buffer size.

    For a cascade fused in any way, for its Einsums one by one, and for any order of operations;
    says which tensor has to move again in too small a buffer, and which pass forces it
    (docs/bounds.md). The mapping that is named, or the configuration's, stands beside its bound.

    \b
    Examples:
      einfall bounds --workload bert --seq-len 64K --arch fusemax-cloud
      einfall bounds --workload bert --seq-len 1M --cascade attention/stable \\
        --beside attention/partial --beside attention/fusemax --save bounds.png
      einfall bounds --cascade layers/matmul --shape T=4K,K=4K,N=4K --einsum Z
    """
    if save is not None and save.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise SpecError(f"{save} is no figure", rule="write a name that ends in .png, .pdf or .svg")
    from dataclasses import replace

    from reports.bounds import (
        curve_table,
        einsum_table,
        mark_table,
        study,
        tensor_table,
        to_json,
    )
    from reports.output import print_json
    from reports.problem import target
    from reports.tables import print_tables

    targets = [target(selection)]
    targets += [target(replace(selection, cascade=name)) for name in beside or ()]
    names = [step.name for step in targets[0].cascade.steps]
    if einsum is not None and einsum not in names:
        raise SpecError(
            f"{targets[0].cascade.name} has no Einsum {einsum}", rule=choices(einsum, names)
        )
    studies = [study(one) for one in targets]
    own = _own_mapping(selection, targets[0])
    for number, one in enumerate(targets):
        marks = own if number == 0 else ()
        if search:
            marks = (*marks, _found(one))
        studies[number] = replace(studies[number], marks=marks)
    if save is not None:
        from reports.figures import movement, style  # matplotlib is slow to load

        with style.applied():
            movement.save(movement.movement(studies, einsum), save)
    if json:
        found = [to_json(one, einsum) for one in studies]
        print_json(found[0] if len(found) == 1 else found)
        return
    tables = []
    for shown in studies:
        tables.append(curve_table(shown))
        if shown is studies[0] and einsum:
            tables.append(einsum_table(shown, einsum))
        tables += [tensor_table(shown), mark_table(shown)]
    print_tables(*(table for table in tables if table.rows))


def _own_mapping(selection: Selection, found: Target) -> tuple[Mark, ...]:
    """The mapping that is named, or that of the configuration; none for a bare cascade."""
    from reports.bounds import mark
    from reports.problem import resolve

    if selection.mapping is None and (found.configuration is None or selection.cascade):
        return ()
    try:
        report = resolve(selection).evaluate()
    except SpecError:
        if selection.mapping or selection.config:
            raise
        return ()  # the default configuration's mapping is not made for this chip
    return (mark(report.mapping.name, found, report),)


def _found(one: Target) -> Mark:
    from mapper.objective import Objective
    from mapper.search import search
    from reports.bounds import mark
    from reports.progress import searching

    with searching() as tick:
        result = search(
            one.cascade,
            one.shapes,
            one.architecture,
            one.library,
            Objective.TRAFFIC,
            tick=tick,
        )
    return mark("found", one, one.mapped(result.mapping).evaluate())
