"""The page: its template, style and scripts, and the data of one sweep, in one text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from mapper.sweep.description import Description
from mapper.sweep.results import Results
from reports.html.columns import pack
from reports.html.details import chosen_rows, details
from reports.plots.quantity import setting_text
from reports.plots.table import objectives, read
from reports.progress import Track

SCRIPTS = (
    "format",
    "data",
    "state",
    "scales",
    "plot",
    "filters",
    "table",
    "bars",
    "detail",
    "main",
)
_METRICS = (
    "latency_s",
    "energy_pj",
    "edp_pj_s",
    "dram_traffic_bytes",
    "area_um2",
    "buffer_bytes",
    "util_2d",
    "util_1d",
    "util_useful_macs",
    "compute_s",
    "memory_s",
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page, how many designs it shows, and how many of them with all their terms."""

    text: str
    designs: int
    detailed: int


def page(results: Results, detailed: int, waterfalls: int, track: Track) -> Page:
    """The report of a store.

    `detailed` designs are evaluated again with all their terms, `waterfalls` of them are executed
    cycle by cycle: the Pareto fronts first. Raises `SpecError` if no design is done.
    """
    described = results.description
    parameters = [one.name for one in described.parameters]
    metrics = [name for name in _METRICS if name in described.metrics]
    table = read(results, [*parameters, *metrics])
    goals = [name for name in objectives(described) if name in metrics]
    rows, front = chosen_rows(table, goals, detailed)
    points = table.point[rows].tolist()
    drawn = frozenset(table.point[front[:waterfalls]].tolist())
    columns, blob = pack(table)
    tally = results.tally
    meta = {
        "name": described.name,
        "folder": str(results.path.parent.name),
        "rows": len(table),
        "points": described.points,
        "infeasible": tally.infeasible,
        "failed": tally.failed,
        "parameters": parameters,
        "metrics": metrics,
        "objectives": goals,
        "constraints": list(described.constraints),
        "fixed": _fixed(described),
        "model": described.model_version,
        "columns": columns,
        "details": details(results, points, drawn, track),
    }
    return Page(_filled(described.name, meta, blob), len(table), len(points))


def write_page(text: str, path: Path) -> None:
    """Write the page; its folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _fixed(described: Description) -> list[tuple[str, str]]:
    return [(name, setting_text(described, name)) for name in described.base]


def _filled(name: str, meta: object, blob: str) -> str:
    script = "\n".join(_static(f"{part}.js") for part in SCRIPTS)
    parts = {
        "title": escape(f"{name}: a sweep of einfall"),
        "style": _static("page.css"),
        "meta": _in_script(json.dumps(meta, allow_nan=False, separators=(",", ":"))),
        "data": blob,
        "script": script,
    }
    text = _static("page.html")
    head, *rest = text.split("{{")
    filled = [head]
    for piece in rest:  # once through: what is filled in is not looked at again
        key, _, after = piece.partition("}}")
        filled += [parts[key], after]
    return "".join(filled)


def _in_script(text: str) -> str:
    """JSON that no name within can break out of: `<` is never needed as itself."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _static(name: str) -> str:
    return (files("reports") / "html" / "static" / name).read_text(encoding="utf-8")
