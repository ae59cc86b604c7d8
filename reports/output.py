"""What a command writes to stdout: tables for people, JSON and CSV for tools."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer


def print_json(value: object) -> None:
    """`value` as JSON, with numbers as they are and null for those that are not finite."""
    typer.echo(plain_json(value))


def plain_json(value: object) -> str:
    """`value` as `print_json` prints it."""
    return json.dumps(_plain(value), indent=2, allow_nan=False)


def print_csv(rows: Sequence[Mapping[str, object]]) -> None:
    """`rows`, which all have the same keys, under a header; None is an empty field."""
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float():
            return float(value) if math.isfinite(value) else None
        case _:
            return value
