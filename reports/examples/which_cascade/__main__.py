"""`python -m reports.examples.which_cascade`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archsim.engineering import binary, engineering
from archsim.load import load_architecture
from einsum.passes import analyse
from einsum.quantity import format_count
from mapper.sweep.sweep_yaml import build_sweep
from reports.examples.running import evaluated, records, run
from reports.figures import style
from workloads.library import load_cascade

FOLDER = Path(__file__).parent
ARCHITECTURE = "fusemax-cloud"
BYTES = 2  # of a score: the default format has 16 bits
LENGTHS = tuple(1 << power for power in range(10, 21))
BUFFERS = tuple(1 << power for power in range(20, 27))  # bytes

# By passes: cascade, mapping, and whether rows of scores can go through DRAM.
CASCADES = {
    3: (str(FOLDER / "three-pass.cascade"), str(FOLDER / "three-pass.yaml"), True),
    2: ("attention/stable-deferred", str(FOLDER / "two-pass.yaml"), True),
    1: ("attention/fusemax", "fusemax", False),
}
_COLOURS = {3: style.ORANGE, 2: style.SKY, 1: style.BLUE}


def table(lengths: Sequence[int] = LENGTHS, buffers: Sequence[int] = BUFFERS) -> pd.DataFrame:
    """A row for every length, buffer and cascade: the faster of keeping rows and of spilling them.

    Where nothing fits there is no row.
    """
    frames = []
    for passes, (cascade, mapping, spills) in CASCADES.items():
        changes = ["global_buffer.size=" + ",".join(f"{size} B" for size in buffers)]
        if spills:
            changes.append("mapping.keep=1,0")
        settings = {
            "workload": "bert",
            "seq_len": ",".join(map(str, lengths)),
            "cascade": cascade,
            "arch": ARCHITECTURE,
            "mapping": mapping,
            "policy": "overlapped",
        }
        if passes == 1:
            changes.append("shape.M0=256")
        found = evaluated(build_sweep(settings, changes))
        found = found.assign(passes=passes, kept=found["mapping.keep"] if spills else 1.0)
        frames.append(found)
    rows = pd.concat(frames)
    rows = rows.rename(columns={"global_buffer.size": "buffer_size_bytes"})
    for name in ("seq_len", "buffer_size_bytes", "kept"):
        rows[name] = rows[name].astype(np.int64)
    order = ["seq_len", "buffer_size_bytes", "passes", "latency_s", "dram_traffic_bytes"]
    rows = rows.sort_values(order, ignore_index=True)
    best = rows.drop_duplicates(["seq_len", "buffer_size_bytes", "passes"], ignore_index=True)
    return best[[*order[:3], "kept", "latency_s", "dram_traffic_bytes", "energy_pj"]]


def predicted_length(buffer_bytes: float, passes: int) -> float:
    """The longest row that stays on chip, from the live footprint of the cascade.

    Infinite where the footprint does not contain M.
    """
    cascade, *_ = CASCADES[passes]
    footprints = map(str, analyse(load_cascade(cascade)).footprint.values())
    if not any(re.search(r"\bM\b", one) for one in footprints):
        return float("inf")
    queries = load_architecture(ARCHITECTURE).dim_size("array_2d.columns")
    return buffer_bytes / (queries * BYTES)


def winners(rows: pd.DataFrame) -> pd.DataFrame:
    """By length and buffer: the passes of the least latency, and the runner-up's over it.

    Of equal latencies the lower traffic wins, then fewer passes.
    """
    point = ["seq_len", "buffer_size_bytes"]
    order = rows.sort_values([*point, "latency_s", "dram_traffic_bytes", "passes"])
    first = order.groupby(point, as_index=False).nth(0).set_index(point)
    one = rows[rows["passes"] == 1].set_index(point)["latency_s"]
    two = rows[rows["passes"] > 1].groupby(point)["latency_s"].min()
    return first.assign(over_one=two / one).reset_index()


def draw(rows: pd.DataFrame) -> Figure:
    """The winner of every length and buffer, and where rows stop to fit, as predicted."""
    best = winners(rows)
    lengths, buffers = sorted(set(best["seq_len"])), sorted(set(best["buffer_size_bytes"]))
    height = 4.9
    figure, axes = style.panel(height, _title(best))
    figure.subplots_adjust(left=0.075, right=0.985, top=1 - 0.76 / height)
    for row in records(best):
        _cell(axes, lengths.index(row.seq_len), buffers.index(row.buffer_size_bytes), row)
    # A row that takes the whole buffer leaves no place for anything else: only shorter ones fit.
    along = [np.log2(predicted_length(size, 2) / lengths[0]) for size in buffers]
    for place, x in enumerate(along):
        at = min(max(x, 0), len(lengths))
        axes.plot([at, at], [place, place + 1], color=style.INK, linewidth=2.4)
        if place + 1 < len(along):
            after = min(max(along[place + 1], 0), len(lengths))
            axes.plot([at, after], [place + 1] * 2, color=style.INK, linewidth=2.4)
    axes.set_xlim(0, len(lengths))
    axes.set_ylim(0, len(buffers))
    axes.set_xticks([i + 0.5 for i in range(len(lengths))], [format_count(n) for n in lengths])
    axes.set_yticks([i + 0.5 for i in range(len(buffers))], [binary(size) for size in buffers])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(
        "Sequence length (tokens). In each cell the least latency, and how many times as long as "
        "1 pass the others take"
    )
    axes.set_ylabel("Global buffer")
    seen = sorted(set(best["passes"]), reverse=True)
    names = [f"{n} pass{'es' if n > 1 else ''} fastest" for n in seen]
    entries = [style.patch(_COLOURS[n], name) for n, name in zip(seen, names, strict=True)]
    line = axes.plot([], [], color=style.INK, linewidth=2.4, label=_PREDICTION)[0]
    figure.legend(
        handles=[*entries, line],
        loc="upper left",
        bbox_to_anchor=(0.075, 1 - 0.42 / height),
        ncols=4,
    )
    return figure


_PREDICTION = "predicted from live footprints: left of it, 256 rows of M scores fit"


def _cell(axes: Axes, x: int, y: int, row: Any) -> None:
    passes, over_one, latency = row.passes, row.over_one, row.latency_s
    colour = _COLOURS[passes]
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
    dark = colour == style.BLUE
    ink = "white" if dark else style.INK
    centre = x + 0.5
    axes.text(centre, y + 0.62, engineering(latency, "s"), ha="center", size=7, color=ink)
    told = f"{over_one:.3g}×" if over_one == over_one else "alone"
    axes.text(centre, y + 0.24, told, ha="center", size=7, color=ink)


def _title(best: pd.DataFrame) -> str:
    most = best["over_one"].max()
    least = best["over_one"].min()
    return (
        f"Fastest cascade on FuseMax's arrays: 2 passes save at most {1 - least:.1%}, "
        f"1 pass is up to {most:.3g}× as fast"
    )


def agreement(rows: pd.DataFrame) -> tuple[int, int, int]:
    """How often the prediction says who wins: (right, all, wrong within one step of the line)."""
    best = winners(rows)
    predicted = best["seq_len"] < [predicted_length(s, 2) for s in best["buffer_size_bytes"]]
    several = best["passes"] > 1
    wrong = best[predicted != several]
    line = np.array([predicted_length(s, 2) for s in wrong["buffer_size_bytes"]])
    near = np.abs(np.log2(wrong["seq_len"].to_numpy() / line)) <= 1.0
    return len(best) - len(wrong), len(best), int(near.sum())


def say(rows: pd.DataFrame) -> str:
    """What was found, in numbers."""
    best = winners(rows)
    right, count, near = agreement(rows)
    kept = rows[(rows["passes"] == 2) & (rows["kept"] == 1)]
    lines = [
        f"{int((best['passes'] == n).sum())} of {count} cells: {n} pass{'es' if n > 1 else ''}"
        for n in (3, 2, 1)
    ]
    return "\n".join(
        [
            *lines,
            f"2 passes save at most {1 - best['over_one'].min():.2%} of the latency of 1 pass",
            f"1 pass is up to {best['over_one'].max():.3g}x as fast as 2 and 3",
            f"rows are kept in {len(kept)} cells",
            f"the live footprint tells the winner in {right} of {count} cells; of the others "
            f"{near} are at the line",
        ]
    )


if __name__ == "__main__":
    run(FOLDER, table, draw, say)
