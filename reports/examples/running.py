"""How an example is computed and written: a table, a figure twice, and what was found."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mapper.sweep.evaluate import evaluate_points
from mapper.sweep.outcome import Status
from mapper.sweep.points import make_points
from mapper.sweep.spec import Sweep
from reports.figures import style
from reports.plots.axes import save

_BATCH = 4096


def evaluated(sweep: Sweep) -> pd.DataFrame:
    """Every design of a grid that has results and breaks no constraint; names as their places."""
    frames = []
    for start in range(0, sweep.size, _BATCH):
        points = make_points(sweep, start, start + _BATCH)
        outcome = evaluate_points(points)
        frame = pd.DataFrame({**points.columns, **outcome.metrics})
        frames.append(frame[outcome.status == Status.DONE])
    whole: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return whole


def records(frame: pd.DataFrame) -> list[Any]:
    """Its rows, with their columns as attributes."""
    return list(frame.itertuples())


def run(
    folder: Path,
    table: Callable[[], pd.DataFrame],
    draw: Callable[[pd.DataFrame], Figure],
    say: Callable[[pd.DataFrame], str],
) -> None:
    """Computes the table, and writes `results.csv`, `figure.png`, `figure.svg`; prints the rest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=folder, help="where the results go")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rows = table()
    rows.to_csv(out / "results.csv", index=False, lineterminator="\n", float_format="%.10g")
    with style.applied():
        figure = draw(rows)
        for suffix in ("png", "svg"):
            save(figure, out / f"figure.{suffix}")
    print(say(rows))
