"""What einfall ships and knows, as rows: one dictionary for each thing, all with the same keys."""

from __future__ import annotations

import re
from enum import Enum
from typing import assert_never

from archsim.text_table import TextTable

Row = dict[str, object]


class Kind(Enum):
    """What can be listed."""

    CASCADES = "cascades"
    ARCHITECTURES = "architectures"
    MODELS = "models"
    OPERATORS = "operators"
    MAPPINGS = "mappings"
    COMPONENTS = "components"
    CONFIGURATIONS = "configurations"
    FORMATS = "formats"
    REFERENCES = "references"


def listing(kind: Kind) -> list[Row]:
    """Everything of that kind, with its name first."""
    match kind:
        case Kind.CASCADES:
            return _cascades()
        case Kind.ARCHITECTURES:
            return _architectures()
        case Kind.MODELS:
            return _models()
        case Kind.OPERATORS:
            return _operators()
        case Kind.MAPPINGS:
            return _mappings()
        case Kind.COMPONENTS:
            return _components()
        case Kind.CONFIGURATIONS:
            return _configurations()
        case Kind.FORMATS:
            return _formats()
        case Kind.REFERENCES:
            return _references()
        case _:
            assert_never(kind)


def listing_table(kind: Kind) -> TextTable:
    """`listing(kind)` for people: numbers flush right, nothing for None."""
    rows = listing(kind)
    numeric = [all(isinstance(row[key], int | float | None) for row in rows) for key in rows[0]]
    return TextTable(
        kind.value,
        "".join(">" if right else "<" for right in numeric),
        tuple(key.replace("_", " ") for key in rows[0]),
        tuple(tuple(map(_cell, row.values())) for row in rows),
    )


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)


def _cascades() -> list[Row]:
    from workloads.library import cascade_names, load_cascade

    return [
        {
            "name": name,
            "einsums": len(load_cascade(name).steps),
            "about": _sentence(load_cascade(name).description),
        }
        for name in cascade_names()
    ]


def _sentence(text: str) -> str:
    """What stands before the first full stop or colon."""
    return re.split(r"(?<! al)[.:]\s", text, maxsplit=1)[0].replace("\n", " ").rstrip(".")


def _architectures() -> list[Row]:
    from archsim.load import architecture_names, load_architecture

    rows: list[Row] = []
    for architecture in map(load_architecture, architecture_names()):
        units = (
            f"{unit.name} {' x '.join(str(dim.size) for dim in unit.dims) or 'scalar'}"
            for unit in architecture.units
        )
        rows.append(
            {
                "name": architecture.name,
                "clock_hz": architecture.clock_hz,
                "node_nm": architecture.node_nm,
                "units": ", ".join(units),
                "about": architecture.description,
            }
        )
    return rows


def _models() -> list[Row]:
    from workloads.models import model_named, model_names

    keys = ("layers", "model_dim", "heads", "kv_heads", "head_dim", "ffn_dim", "batch", "source")
    return [
        {"name": name, **{key: getattr(model_named(name), key) for key in keys}}
        for name in model_names()
    ]


def _operators() -> list[Row]:
    from einsum.operators import OPERATORS

    return [
        {
            "name": operator.name,
            "operands": operator.arity,
            "written": operator.infix or None,
            "reduces": operator.reduce is not None,
            # JSON has no infinity; as text it reads the same in the table and in JSON.
            "identity": None if operator.identity is None else f"{operator.identity:g}",
        }
        for operator in OPERATORS.values()
    ]


def _mappings() -> list[Row]:
    from archsim.mapping_file import load_mapping, mapping_names

    return [
        {
            "name": name,
            "parameters": ", ".join(
                key if value is None else f"{key} = {value}"
                for key, value in load_mapping(name).parameters
            ),
        }
        for name in mapping_names()
    ]


def _formats() -> list[Row]:
    from einsum.formats import FORMATS

    return [
        {
            "name": one.name,
            "bits": one.bits,
            "exponent": None if one.is_integer else one.exponent,
            "mantissa": None if one.is_integer else one.mantissa,
            "block": one.block or None,
            "bits_per_value": one.bits_per_value,
        }
        for one in FORMATS.values()
    ]


def _references() -> list[Row]:
    from workloads.references import REFERENCES

    return [
        {
            "name": one.name,
            "inputs": ", ".join(map(one.form, one.inputs)),
            "outputs": ", ".join(map(one.form, one.outputs)),
            "cascades": ", ".join(one.cascades),
        }
        for one in REFERENCES.values()
    ]


def _components() -> list[Row]:
    from archsim.components import OperationComponent
    from archsim.library import load_library

    rows: list[Row] = []
    for one in load_library().components:
        cost = one.cost if isinstance(one, OperationComponent) else None
        rows.append(
            {
                "name": one.name,
                "kind": "operation" if cost else "memory",
                "node_nm": one.node_nm,
                # What a memory costs depends on its capacity and width.
                "energy_pj": cost.energy_pj if cost else None,
                "area_um2": cost.area_um2 if cost else None,
                "source": one.source,
            }
        )
    return rows


def _configurations() -> list[Row]:
    from mapper.configurations import configuration_named, configuration_names

    keys = ("name", "cascade", "architecture", "mapping", "description")
    return [
        {key: getattr(configuration_named(name), key) for key in keys}
        for name in configuration_names()
    ]
