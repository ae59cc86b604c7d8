"""Transformer models by name, or from a user's file."""

from __future__ import annotations

from pathlib import Path

from archsim.load import read_file
from archsim.yaml_nodes import parse_yaml
from einsum.errors import SpecError, choices
from workloads.models import Model, model_named, model_names, read_models

_SUFFIXES = (".yaml", ".yml")


def load_model(text: str) -> Model:
    """The shipped model `text`, the only model of the file `text`, or NAME of `FILE:NAME`.

    Raises `SpecError` for an unknown name, a file that cannot be read, and a file with several
    models of which none is named.
    """
    path, name = text, ""
    if not path.endswith(_SUFFIXES):
        path, _, name = text.rpartition(":")
    if not path.endswith(_SUFFIXES):
        return model_named(text)
    source = read_file(Path(path), "model", model_names())
    parse_yaml(source)  # refuses anchors, deep nesting and bytes that are no text
    models = {model.name: model for model in read_models(source)}
    if not name and len(models) == 1:
        return next(iter(models.values()))
    if name not in models:
        raise SpecError(
            f"no model {name} in {path}" if name else f"{path} holds several models",
            rule=f"write {path}:NAME. {choices(name, models)}",
        )
    return models[name]
