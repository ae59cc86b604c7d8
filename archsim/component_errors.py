"""How far the memory models are from the published rows that they stand for."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from importlib.resources import files

from archsim.components import Library
from archsim.memory_models import MemoryCost
from archsim.quantities import Unit, parse_quantity

_PUBLISHED = files("archsim") / "libraries" / "published.csv"
_NODE_NM = 45


@dataclass(frozen=True, slots=True)
class ModelError:
    """A published row, the model's values for it, and relative errors (None: not published)."""

    row: str
    component: str
    size: str
    access: str
    model: MemoryCost
    read: float | None
    write: float | None
    area: float | None


def model_errors(library: Library) -> tuple[ModelError, ...]:
    """The errors of `library` on every published row."""
    lines = _PUBLISHED.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return tuple(_error(row, library) for row in csv.DictReader(io.StringIO(text)))


def _error(row: dict[str, str], library: Library) -> ModelError:
    size = parse_quantity(row["size"], Unit.BYTES)
    access = parse_quantity(row["access"], Unit.BITS)
    model = library.memory_cost(row["component"], size, access, _NODE_NM)
    read, write, area = (
        modelled / float(row[column]) - 1 if row[column] else None
        for modelled, column in (
            (model.read_pj, "read_pj"),
            (model.write_pj, "write_pj"),
            (model.area_um2, "area_um2"),
        )
    )
    return ModelError(
        row["row"], row["component"], row["size"], row["access"], model, read, write, area
    )


def error_table(errors: tuple[ModelError, ...]) -> str:
    """The errors as a Markdown table; the model's value stands before each error."""
    lines = [
        "| published row | component | size | access | read, pJ | write, pJ | area, um^2 |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in errors:
        cells = (
            one.row,
            one.component,
            one.size,
            one.access,
            _cell(one.model.read_pj, one.read),
            _cell(one.model.write_pj, one.write),
            _cell(one.model.area_um2, one.area),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(value: float, error: float | None) -> str:
    if error is None:
        return "-"
    digits = f"{value:.4g}" if value < 1e4 else f"{value:.0f}"
    return f"{digits} ({error:+.2%})".replace("-0.00%", "+0.00%")
