"""`einfall show`: the text of what is shipped, to save, edit and give back."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, assert_never

import typer


class Spec(Enum):
    """What can be shown."""

    CASCADE = "cascade"
    ARCH = "arch"
    MAPPING = "mapping"
    MODEL = "model"
    COMPONENTS = "components"


def show(
    kind: Annotated[
        Spec,
        typer.Argument(
            metavar="KIND",
            help="What to show.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A shipped name, or a file.", show_default=False)
    ],
) -> None:
    """Print a spec as text, to edit and use.

    Save the text, edit it, and give the file wherever the name is accepted.

    \b
    Examples:
      einfall show arch fusemax-cloud > mine.yaml
      einfall evaluate --workload bert --seq-len 64K --arch mine.yaml
    """
    typer.echo(spec_text(kind, name).rstrip("\n"))


def spec_text(kind: Spec, name: str) -> str:
    """The text that the option for this kind reads back. `SpecError` if there is no `name`."""
    match kind:
        case Spec.CASCADE:
            from workloads.library import load_cascade

            cascade = load_cascade(name)
            about = "".join(f"# {line}\n" for line in cascade.description.splitlines())
            return about + str(cascade)
        case Spec.ARCH:
            from archsim.load import architecture_source

            return architecture_source(name).text
        case Spec.MAPPING:
            from archsim.mapping_file import load_mapping

            return load_mapping(name).source.text
        case Spec.MODEL:
            from reports.models import load_model, model_to_yaml

            return model_to_yaml(load_model(name))
        case Spec.COMPONENTS:
            from archsim.library import library_source

            return library_source(name).text
        case _:
            assert_never(kind)
