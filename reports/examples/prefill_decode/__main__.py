"""`python -m reports.examples.prefill_decode`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from archsim.engineering import engineering
from einsum.quantity import format_count
from mapper.sweep.domains import Levels
from mapper.sweep.settings import PHASES
from mapper.sweep.sweep_yaml import load_sweep
from reports.examples.running import evaluated, run
from reports.figures import style

FOLDER = Path(__file__).parent
_COLUMNS = {
    "array_2d.rows": "rows",
    "array_2d.columns": "columns",
    "dram.bandwidth": "bandwidth_bytes_per_s",
}
_COSTS = ["latency_s", "dram_traffic_bytes", "energy_pj", "util_useful_macs", "memory_s"]
_LENGTH = 1 << 16
_SHAPES = {64: style.SKY, 256: style.BLUE, 1024: style.ORANGE, 4096: style.VERMILLION}


def table(lengths: tuple[int, ...] = ()) -> pd.DataFrame:
    """A row for every phase, length, shape of the array and bandwidth; all `lengths` by default."""
    sweep = load_sweep(FOLDER / "sweep.yaml")
    if lengths:
        chosen = Levels(tuple(map(float, lengths)))
        swept = [replace(p, domain=chosen) if p.name == "seq_len" else p for p in sweep.parameters]
        sweep = replace(sweep, parameters=tuple(swept))
    found = evaluated(sweep).rename(columns=_COLUMNS)
    found["phase"] = [PHASES[int(code)] for code in found["phase"]]
    for name in ("seq_len", "rows", "columns"):
        found[name] = found[name].astype("int64")
    return found[["phase", "seq_len", *_COLUMNS.values(), *_COSTS]]


def draw(rows: pd.DataFrame) -> Figure:
    """Latency against bandwidth at 64K tokens, a line for each shape, a panel for each phase."""
    some = rows[rows["seq_len"] == _LENGTH]
    found = {one.phase: one for one in best(rows) if one.seq_len == _LENGTH}
    wide, cost = found["decode"], found["prefill"].of_other - 1
    height = 6.6
    figure, panels = style.panels(
        height,
        f"64K tokens on 65,536 PEs: {wide.rows:,} × {65536 // wide.rows} of them decode "
        f"{wide.over_square:.3g}× as fast as 256 × 256, and lose {cost:.1%} in prefill",
        "Prefill: all 64K queries",
        "Decode: a step with one query for each sequence",
    )
    figure.subplots_adjust(left=0.085, right=0.87, hspace=0.25, top=1 - 0.72 / height)
    for axes, phase in zip(panels, PHASES, strict=True):
        _panel(axes, some[some["phase"] == phase])
    panels[1].set_xlabel("DRAM bandwidth")
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    ends: list[tuple[float, str, str]] = []
    for shape, colour in _SHAPES.items():
        own = rows[rows["rows"] == shape].sort_values("bandwidth_bytes_per_s")
        x, y = own["bandwidth_bytes_per_s"], own["latency_s"]
        axes.plot(x, y, "o-", color=colour, markersize=4, linewidth=1.7)
        ends.append((float(y.iloc[-1]), f"{shape} × {65536 // shape}", colour))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    least, most = rows["latency_s"].min(), rows["latency_s"].max()
    axes.set_ylim(least / 1.6, most * 1.6)
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
    spots: list[float] = []
    for value, text, colour in sorted(ends):  # one below the other where lines end together
        low = spots[-1] * (2.56 * most / least) ** 0.085 if spots else 0.0
        spots.append(max(value, low))
        axes.annotate(
            text, (1.0, spots[-1]), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", color=colour, size=8.5, va="center", weight="bold",
        )  # fmt: skip
    ticks = sorted(set(rows["bandwidth_bytes_per_s"]))
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    for axis, unit in ((axes.xaxis, "B/s"), (axes.yaxis, "s")):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda v, _, unit=unit: engineering(v, unit)))
    axes.set_ylabel("Latency of attention")
    axes.grid()


@dataclass(frozen=True, slots=True)
class Best:
    """The fastest shape of a phase at a length: how many times as fast as 256 x 256 it is, and how
    many times as long the fastest shape of the other phase takes.
    """

    seq_len: int
    phase: str
    rows: int
    over_square: float
    of_other: float


def best(rows: pd.DataFrame) -> list[Best]:
    """By length and phase, at the highest bandwidth."""
    top = rows[rows["bandwidth_bytes_per_s"] == rows["bandwidth_bytes_per_s"].max()]
    found = []
    for length in sorted(set(top["seq_len"].tolist())):
        part = top[top["seq_len"] == length]
        latency = {
            phase: dict(zip(own["rows"].tolist(), own["latency_s"].tolist(), strict=True))
            for phase in PHASES
            for own in [part[part["phase"] == phase]]
        }
        fastest = {phase: min(own, key=own.__getitem__) for phase, own in latency.items()}
        for phase, other in (PHASES, PHASES[::-1]):
            own, shape = latency[phase], fastest[phase]
            found.append(
                Best(length, phase, shape, own[256] / own[shape], own[fastest[other]] / own[shape])
            )
    return found


def say(rows: pd.DataFrame) -> str:
    """What was found, in numbers."""
    lines = [
        f"{format_count(one.seq_len)} tokens, {one.phase}: {one.rows} x {65536 // one.rows} is "
        f"fastest, {one.over_square:.4g}x as fast as 256 x 256; the other phase's fastest shape "
        f"takes {one.of_other:.4g}x as long"
        for one in best(rows)
    ]
    for phase in PHASES:
        own = rows[(rows["phase"] == phase) & (rows["rows"] == 256) & (rows["seq_len"] == _LENGTH)]
        bound = own[own["memory_s"] >= 0.999 * own["latency_s"]]["bandwidth_bytes_per_s"]
        upto = f"up to {engineering(float(bound.max()), 'B/s')}" if len(bound) else "nowhere"
        lines.append(f"{phase}, 256 x 256, 64K: DRAM-bound {upto}")
    return "\n".join(lines)


if __name__ == "__main__":
    run(FOLDER, table, draw, say)
