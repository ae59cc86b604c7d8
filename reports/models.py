"""Transformer models as YAML; `load_model` reads them."""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields

import yaml

from mapper.models import load_model
from workloads.models import Model

__all__ = ["load_model", "model_to_yaml"]


def model_to_yaml(model: Model) -> str:
    """YAML that `load_model` reads back to an equal model."""
    optional = {field.name: field.default for field in fields(model)}
    values = {
        key: value
        for key, value in asdict(model).items()
        if value or optional[key] is MISSING or optional[key]
    }
    return yaml.safe_dump({values.pop("name"): values}, sort_keys=False, allow_unicode=True)
