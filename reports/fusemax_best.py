"""The paper's configurations beside the best mappings: what a better search would have changed.

The 1-pass cascade on FuseMax's chip, and the 3-pass cascade on FLAT's, each in the mapping of least
latency that `mapper` finds from the two alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from archsim.components import Library
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.report import CostReport
from einsum.quantity import format_count
from mapper.configurations import configuration_named
from reports.best_mappings import Case, best_mappings, evaluated
from reports.figures.published import published
from reports.fusemax import LENGTHS, MODELS, attention_report
from reports.progress import Track
from workloads.models import model_named
from workloads.transformer import attention, linear_layers

FUSEMAX, FLAT = "binding", "flat"
_CHIPS = {"flat": "flat-cloud", "fusemax": "fusemax-cloud"}
_COSTS = ("latency_s", "dram_traffic_bytes", "energy_pj_complete")
_SLACK = 1 + 1e-9


@dataclass(frozen=True)
class Best:
    """Rows by configuration, model and length; `linear` by chip, model and length.

    Plain columns are of the best mapping, `config_` ones of the paper's configuration in our
    model, `paper_` ones as published.
    """

    attention: pd.DataFrame
    linear: pd.DataFrame
    files: tuple[Path, ...] = ()

    @property
    def speedups(self) -> pd.DataFrame:
        """By model and length: FuseMax's best over FLAT's choice, and over the best 3 passes."""
        point = ["model", "seq_len"]
        rows = {name: part.set_index(point) for name, part in self.attention.groupby("config")}
        ours, flat = rows[FUSEMAX], rows[FLAT]
        return pd.DataFrame(
            {
                "over_flat": flat["config_latency_s"] / ours["latency_s"],
                "over_best_3_pass": flat["latency_s"] / ours["latency_s"],
                "config_over_best_3_pass": flat["latency_s"] / ours["config_latency_s"],
            }
        ).reset_index()

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """Every point at which the best mapping is not at least as good, in a sentence."""
        found = []
        for _, row in self.attention.iterrows():
            against = ("config_", "paper_") if row["config"] == FUSEMAX else ("config_",)
            found += _short(row, f"attention of {row['config']}", against)
        for _, row in self.linear.iterrows():
            if row["model"] == "XLM":
                found += _short(row, f"linear layers of {row['config']}", ("paper_",))
        return tuple(found)

    def __str__(self) -> str:
        means = self.speedups.drop(columns=["model", "seq_len"]).mean()
        lines = ["best mappings, mean over 24 points"]
        lines += [
            f"  speedup of FuseMax {str(name).replace('_', ' '):<28}{value:>8.3f}x"
            for name, value in means.items()
        ]
        for config, rows in self.attention.groupby("config"):
            for cost in _COSTS:
                mean = float((rows[cost] / rows[f"config_{cost}"]).mean())
                lines.append(f"  {config:<8} best / paper's mapping, {cost:<20}{mean:>8.4f}")
        short = self.shortfalls
        lines.append(f"{len(short)} points at which the best mapping is not at least as good")
        return "\n".join([*lines, *(f"  {text}" for text in short)])


def reproduce_best(out: Path, figures: bool, track: Track) -> Best:
    """Search, evaluate, and write `best.csv`, `linear_best.csv`, the mappings and the figure."""
    best = compute(out / "mappings", track)
    files = [out / "best.csv", out / "linear_best.csv", out / "best_speedup.csv"]
    for path, frame in zip(files, (best.attention, best.linear, best.speedups), strict=True):
        frame.to_csv(path, index=False)
    if figures:
        from reports.figures import style  # matplotlib is slow to load
        from reports.figures.best import best_speedup

        with style.applied():
            files += style.save(best_speedup(best.speedups), out / "best-speedup")
    return Best(best.attention, best.linear, tuple(files))


def compute(folder: Path, track: Track) -> Best:
    """All rows; the mappings are kept in `folder`."""
    points = list(product(MODELS, LENGTHS))
    cores = {(c, m, n): _attention_case(c, m, n) for c in (FUSEMAX, FLAT) for m, n in points}
    layers = {(c, m, n): _linear_cases(c, m, n) for c in _CHIPS for m, n in points}
    wanted = [*cores.values(), *(case for cases in layers.values() for case in cases)]
    paths = best_mappings(wanted, folder, track)
    library = load_library()
    reports: dict[Case, CostReport] = {}
    for case, path in track(list(paths.items()), "evaluations"):
        reports[case] = evaluated(case, path, library)
    tables = published()
    return Best(
        _frame(
            {
                (config, model, length): _costs(reports[case])
                | _own_choice(config, model, length, library)
                for (config, model, length), case in cores.items()
            },
            tables.attention,
        ),
        _frame({point: _sum(reports, cases) for point, cases in layers.items()}, tables.linear),
    )


def _attention_case(config: str, model: str, length: int) -> Case:
    configuration = configuration_named(config)
    chip = load_architecture(configuration.architecture)
    shape = attention(model_named(model), length, cascade=configuration.cascade).shape
    sizes = {**shape, **configuration.tile_shape(chip)}
    return Case(configuration.cascade, configuration.architecture, tuple(sizes.items()))


def _linear_cases(chip: str, model: str, length: int) -> tuple[Case, ...]:
    layers = linear_layers(model_named(model), length)
    return tuple(Case("layers/matmul", _CHIPS[chip], tuple(one.shape.items())) for one in layers)


def _own_choice(config: str, model: str, length: int, library: Library) -> dict[str, float]:
    report = attention_report(config, model_named(model), length, library)
    return {f"config_{name}": value for name, value in _costs(report).items()}


def _costs(report: CostReport) -> dict[str, float]:
    return {name: float(getattr(report, name)) for name in _COSTS}


def _sum(reports: Mapping[Case, CostReport], cases: tuple[Case, ...]) -> dict[str, float]:
    return {name: sum(_costs(reports[case])[name] for case in cases) for name in _COSTS}


def _frame(
    rows: Mapping[tuple[str, str, int], Mapping[str, float]], paper: pd.DataFrame
) -> pd.DataFrame:
    point = ["config", "model", "seq_len"]
    ours = pd.DataFrame(
        {"config": config, "model": model, "seq_len": format_count(length), **costs}
        for (config, model, length), costs in rows.items()
    )
    costs = ["latency_s", "dram_traffic_bytes"]
    names = {name: f"paper_{name}" for name in costs}
    return ours.merge(paper[[*point, *costs]].rename(columns=names), on=point, how="left")


def _short(row: pd.Series, what: str, against: tuple[str, ...]) -> list[str]:
    found = []
    for prefix, cost in product(against, ("latency_s", "dram_traffic_bytes")):
        ours, other = float(row[cost]), float(row[f"{prefix}{cost}"])
        if ours > other * _SLACK:
            name = "published" if prefix == "paper_" else "that of the paper's mapping"
            found.append(
                f"{what}, {row['model']} at {row['seq_len']}: {cost} {ours:.6g}, {name} {other:.6g}"
            )
    return found
