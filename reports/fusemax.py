"""The evaluation of FuseMax (MICRO 2024), computed by our model: tables, summary and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from archsim.architecture import Architecture
from archsim.area import total_area_um2, unit_area_um2
from archsim.components import Library
from archsim.default_mapping import default_mapping
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.report import CostReport
from einsum.quantity import format_count
from einsum.shapes import bind
from mapper.configurations import bind_mapping, configuration_named
from reports.figures.frames import CONFIGS, Frames
from reports.figures.published import LINEAR_LAYERS, MEANS
from reports.progress import Track
from workloads.models import Model, model_named
from workloads.transformer import attention, linear_layers

MODELS = ("BERT", "TrXL", "T5", "XLM")
LENGTHS = tuple(1 << exponent for exponent in range(10, 21, 2))
_LINEAR = {"flat": "flat-cloud", "fusemax": "fusemax-cloud"}
_PARETO_DIMS = (16, 32, 64, 128, 256, 512)
_PARETO_LENGTH = 1 << 18
_COSTS = ("dram_traffic_bytes", "latency_s", "energy_pj_complete", "energy_pj_published")
_UTILIZATIONS = ("util_2d", "util_1d", "util_useful_macs")


@dataclass(frozen=True, slots=True)
class Summary:
    """The averages that the paper claims, ours beside its own where it has one."""

    values: Mapping[str, float]
    files: tuple[Path, ...]

    def __str__(self) -> str:
        rows = [f"{'mean over 24 points':<42}{'einfall':>10}{'paper':>10}"]
        for name, value in self.values.items():
            unit = "x" if "speedup" in name else ""
            paper = f"{MEANS[name]:.3g}{unit}" if name in MEANS else "-"
            rows.append(f"{name.replace('_', ' '):<42}{f'{value:.3f}{unit}':>10}{paper:>10}")
        folder = self.files[0].parent if self.files else Path()
        return "\n".join([*rows, f"{len(self.files)} files in {folder}"])


def reproduce(out: Path, figures: bool, track: Track) -> Summary:
    """Compute everything, and write CSVs, `summary.json` and figures 6 to 12 into `out`."""
    frames = compute(track)
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for name in ("attention", "linear", "end_to_end", "pareto"):
        files.append(out / f"{name}.csv")
        getattr(frames, name).to_csv(files[-1], index=False)
    values = averages(frames)
    files.append(out / "summary.json")
    files[-1].write_text(json.dumps(dict(values), indent=2) + "\n", encoding="utf-8")
    if figures:
        from reports.figures import figures as draw  # matplotlib is slow to load

        files += draw(frames, out)
    return Summary(values, tuple(files))


def compute(track: Track) -> Frames:
    """All points of the evaluation, as tidy tables."""
    library = load_library()
    points, shares = [], []
    names = list(product(CONFIGS, MODELS, LENGTHS))
    for config, name, length in track(names, "attention"):
        report = attention_report(config, model_named(name), length, library)
        point = {"config": config, "model": name, "seq_len": format_count(length)}
        points.append(point | _columns(report, _COSTS + _UTILIZATIONS))
        shares += [
            point | {"einsum": e.einsum, "unit": e.unit, "util": e.busy_s / report.latency_s}
            for e in report.einsums
        ]
    rows = list(product(_LINEAR, MODELS, LENGTHS))
    linear = [
        {"config": config, "model": name, "seq_len": format_count(length)}
        | linear_costs(load_architecture(_LINEAR[config]), model_named(name), length, library)
        for config, name, length in track(rows, "linear layers")
    ]
    designs = list(product(MODELS, _PARETO_DIMS))
    pareto = [pareto_point(model_named(m), n, library) for m, n in track(designs, "Pareto")]
    attention_frame, linear_frame = pd.DataFrame(points), pd.DataFrame(linear)
    return Frames(
        attention=attention_frame,
        linear=linear_frame,
        end_to_end=_end_to_end(attention_frame, linear_frame),
        pareto=pd.DataFrame(pareto),
        einsum_share=pd.DataFrame(shares),
    )


def attention_report(config: str, model: Model, length: int, library: Library) -> CostReport:
    """The attention of one layer under one of the paper's configurations."""
    configuration = configuration_named(config)
    architecture = load_architecture(configuration.architecture)
    work = attention(model, length, cascade=configuration.cascade)
    shapes = bind(work.cascade, {**work.shape, **configuration.tile_shape(architecture)})
    mapping = bind_mapping(configuration.mapping, work.cascade, shapes, architecture, model.name)
    return evaluate(work.cascade, shapes, architecture, mapping, library, configuration.published)


def _columns(report: CostReport, names: tuple[str, ...]) -> dict[str, float]:
    return {name: getattr(report, name) for name in names}


def linear_costs(
    architecture: Architecture, model: Model, length: int, library: Library
) -> dict[str, float]:
    """The linear layers of one layer, one after another, each in its best tiling."""
    total: dict[str, float] = {}
    known: dict[tuple[tuple[str, int], ...], dict[str, float]] = {}
    for layer in linear_layers(model, length):
        key = tuple(layer.shape.items())
        if key not in known:
            shapes = bind(layer.cascade, layer.shape)
            mapping = default_mapping(layer.cascade, shapes, architecture)
            report = evaluate(layer.cascade, shapes, architecture, mapping, library)
            known[key] = _columns(report, _COSTS)
        for name, value in known[key].items():
            total[name] = total.get(name, 0.0) + value
    return total


def pareto_point(model: Model, dim: int, library: Library) -> dict[str, object]:
    """FuseMax with `dim` x `dim` PEs at 256K tokens, in the least buffer that its 1D array hides.

    The artifact starts at 16 N E bytes and doubles until the 1D array is slower than DRAM.
    """
    architecture = load_architecture("fusemax-pareto").with_parameter("N", dim)
    architecture = architecture.with_parameter("E", model.head_dim)
    work = attention(model, _PARETO_LENGTH)
    shapes = bind(work.cascade, {**work.shape, "M0": dim})
    while True:
        mapping = bind_mapping(
            "fusemax", work.cascade, shapes, architecture, parameters={"state_in_lanes": 1}
        )
        report = evaluate(work.cascade, shapes, architecture, mapping, library)
        busy_1d = next(unit.busy_s for unit in report.units if unit.unit == "array_1d")
        size = architecture.memory("global_buffer").size_bytes
        assert size is not None  # the preset gives it
        if busy_1d > report.memory_s:
            break
        architecture = architecture.with_parameter("global_buffer.size", f"{int(2 * size)} B")
    array = architecture.unit("array_2d")
    return {
        "model": model.name,
        "pe_dim": dim,
        "global_buffer_bytes": int(size),
        "dram_traffic_bytes": report.dram_traffic_bytes,
        "latency_s": report.latency_s,
        "array_2d_area_um2": unit_area_um2(array, architecture, library),
        "area_um2": total_area_um2(architecture, library),
    }


def _end_to_end(attention_rows: pd.DataFrame, linear_rows: pd.DataFrame) -> pd.DataFrame:
    point = ["model", "seq_len"]
    joined = attention_rows.assign(layers=attention_rows["config"].map(LINEAR_LAYERS)).merge(
        linear_rows.rename(columns={"config": "layers"}), on=["layers", *point], suffixes=("", "_l")
    )
    for cost in _COSTS:
        joined[cost] = joined[cost] + joined[f"{cost}_l"]
    return joined[["config", *point, *_COSTS]]


def averages(frames: Frames) -> Mapping[str, float]:
    """Arithmetic means over all points of FuseMax's ratios to the other configurations."""
    core, whole = frames.attention, frames.end_to_end
    return MappingProxyType(
        {
            "attention_speedup_over_flat": _mean_ratio(core, "latency_s", "flat", "binding"),
            "attention_energy_vs_flat_published": _energy(core, "published"),
            "attention_energy_vs_flat_complete": _energy(core, "complete"),
            "end_to_end_speedup_over_flat": _mean_ratio(whole, "latency_s", "flat", "binding"),
            "end_to_end_energy_vs_flat_published": _energy(whole, "published"),
            "end_to_end_energy_vs_flat_complete": _energy(whole, "complete"),
            "attention_speedup_over_unfused": _mean_ratio(core, "latency_s", "unfused", "binding"),
        }
    )


def _energy(table: pd.DataFrame, accounting: str) -> float:
    return _mean_ratio(table, f"energy_pj_{accounting}", "binding", "flat")


def _mean_ratio(table: pd.DataFrame, column: str, over: str, under: str) -> float:
    """The mean over models and lengths of `column` in configuration `over` by that in `under`."""
    by_point = table.pivot(index=["model", "seq_len"], columns="config", values=column)
    return float((by_point[over] / by_point[under]).mean())
