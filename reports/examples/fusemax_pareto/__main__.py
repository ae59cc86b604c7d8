"""`python -m reports.examples.fusemax_pareto`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mapper.sweep.domains import Levels
from mapper.sweep.sweep_yaml import load_sweep
from reports.examples.running import evaluated, records, run
from reports.figures import style
from reports.figures.published import published
from reports.plots.front import pareto_rows

FOLDER = Path(__file__).parent
_COLUMNS = {
    "N": "columns",
    "array_2d.rows": "rows",
    "global_buffer.size": "buffer_size_bytes",
    "rf_2d.size": "register_file_bytes",
}
_COSTS = ["latency_s", "area_um2", "energy_pj", "dram_traffic_bytes"]
_PUBLISHED_FILE = 256  # bytes of registers in a PE of the published areas
_NEAR = 1.1  # designs are compared whose latency is within this factor
_SHORT = {"published files": "same", "any files": "any"}
_SCALE = 1e-9  # um2 s to 10^3 mm2 s


def table(every: int = 1) -> pd.DataFrame:
    """The designs on two Pareto fronts of area and latency, and the published ones.

    Column `front`: `published files` of designs with the published register files, `any files` of
    all, `paper` for the published designs. `every` takes each so-manieth value of a parameter.
    """
    sweep = load_sweep(FOLDER / "sweep.yaml")
    thinned = [
        replace(one, domain=Levels(one.domain.values[::every]))
        if isinstance(one.domain, Levels) and one.name != "rf_2d.size"
        else one
        for one in sweep.parameters
    ]
    found = evaluated(replace(sweep, parameters=tuple(thinned))).rename(columns=_COLUMNS)
    found = found[[*_COLUMNS.values(), *_COSTS]]
    parts = []
    for name, some in (
        ("published files", found[found["register_file_bytes"] == _PUBLISHED_FILE]),
        ("any files", found),
    ):
        rows = pareto_rows([some["area_um2"].to_numpy(), some["latency_s"].to_numpy()])
        parts.append(some.iloc[rows].assign(front=name, designs=len(some)))
    paper = published().pareto
    paper = paper[paper["model"] == "BERT"].assign(front="paper", register_file_bytes=256)
    parts.append(paper.assign(columns=paper["pe_dim"], rows=paper["pe_dim"], designs=len(paper)))
    whole = pd.concat(parts, ignore_index=True)
    return whole[["front", *_COLUMNS.values(), *_COSTS, "designs"]]


def gains(rows: pd.DataFrame) -> pd.DataFrame:
    """By published design: how much less area times latency each front has near its latency."""
    found = {}
    for row in records(rows[rows["front"] == "paper"]):
        near = rows[rows["latency_s"].between(row.latency_s / _NEAR, row.latency_s * _NEAR)]
        product = near["area_um2"] * near["latency_s"]
        least = product.groupby(near["front"]).min()
        found[int(row.rows)] = 1 - least / (row.area_um2 * row.latency_s)
    return pd.DataFrame(found).T[["published files", "any files"]]


def draw(rows: pd.DataFrame) -> Figure:
    """Area times latency along the latency: a straight trade is level, so that gains show."""
    best = gains(rows)
    height = 5.0
    designs = int(rows["designs"].max())
    figure, axes = style.panel(
        height,
        f"FuseMax at 256K tokens: {designs:,} designs save {best['any files'].mean():.0%} of "
        f"area × latency, {best['published files'].mean():.1%} with the same register files",
    )
    figure.subplots_adjust(left=0.085, top=1 - 0.8 / height)
    entries = []
    for name, colour, label in (
        ("published files", style.ORANGE, "Pareto front, 64 × 32 bit of registers in each PE"),
        ("any files", style.BLUE, "Pareto front, any register files"),
    ):
        front = rows[rows["front"] == name]
        entries += axes.plot(
            front["latency_s"], _product(front), "o", color=colour, markersize=2.6, label=label,
            markeredgewidth=0,
        )  # fmt: skip
    paper = rows[rows["front"] == "paper"]
    style.mark_published(axes, paper["latency_s"].to_list(), _product(paper).to_list())
    for row, y in zip(records(paper), _product(paper).tolist(), strict=True):
        axes.annotate(
            f"{row.columns:.0f} × {row.rows:.0f}",
            (row.latency_s, y),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            size=8,
        )
    axes.set_xscale("log")
    axes.set_ylim(0, 1.1 * _product(rows).max())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.set_xlabel("Latency of attention, batch 64 (s)")
    axes.set_ylabel("Chip area × latency (10³ mm² s); less is better")
    axes.grid()
    style.legend(figure, entries)
    return figure


def _product(rows: pd.DataFrame) -> pd.Series[float]:
    return rows["area_um2"] * rows["latency_s"] * _SCALE


def say(rows: pd.DataFrame) -> str:
    """What was found, in numbers."""
    found = gains(rows)
    designs = int(rows["designs"].max())
    lines = [f"{designs:,} designs that fit; area times latency within 10 % of the latency of"]
    for row in records(found.rename(columns=_SHORT)):
        lines.append(
            f"{row.Index} x {row.Index}: {row.same:.2%} less with the same register files, "
            f"{row.any:.1%} with any"
        )
    small = rows[rows["front"] == "any files"]["register_file_bytes"]
    lines.append(f"register files on that front: {small.min():.0f} to {small.max():.0f} bytes")
    return "\n".join(lines)


if __name__ == "__main__":
    run(FOLDER, table, draw, say)
