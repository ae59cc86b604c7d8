"""What the FuseMax artifact published, as the tables that our own results come in.

The rows under `reports/published/` are a part of it: BERT at six lengths, XLM at three. The
artifact knows one accounting of energy and neither useful MACs nor buffer sizes in its sweep
of areas, so those columns are NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from reports.figures.frames import ARRAY_2D, CONFIGS, Frames

_ROWS = Path(__file__).parent.parent / "published"
_COST = ["dram_traffic_bytes", "latency_s", "energy_pj_published"]
_POINT = ["config", "model", "seq_len"]
# Linear layers run on the array of the configuration's own architecture (artifact, src/utils).
LINEAR_LAYERS = {
    "unfused": "flat",
    "flat": "flat",
    "cascade": "flat",
    "arch": "fusemax",
    "binding": "fusemax",
}
# Means of ratios over all 24 points, FuseMax against another configuration: the paper's claims.
MEANS: Mapping[str, float] = MappingProxyType(
    {
        "attention_speedup_over_flat": 6.72,
        "attention_speedup_over_unfused": 10.05,
        "attention_energy_vs_flat_published": 0.787,
        "end_to_end_speedup_over_flat": 5.30,
        "end_to_end_energy_vs_flat_published": 0.833,
    }
)
_EINSUMS_2D = ["QK", "LM", "SLN", "SLD", "SLNV", "AV"]


@cache
def published() -> Frames:
    """The published rows of attention, linear layers, their sum, and the sweep of areas."""
    rows = pd.concat(_read(f"attention-{config}.csv") for config in CONFIGS)
    linear = pd.concat(_read(f"linear-layers-{config}.csv") for config in ("flat", "fusemax"))
    return Frames(
        attention=rows.drop(columns=_EINSUMS_2D).assign(util_useful_macs=float("nan")),
        linear=linear,
        end_to_end=_end_to_end(rows, linear),
        pareto=pd.read_csv(_ROWS / "pareto.csv")
        .rename(columns={"PE_dim": "pe_dim"})
        .assign(global_buffer_bytes=float("nan")),
        einsum_share=rows.melt(_POINT, _EINSUMS_2D, "einsum", "util")
        .dropna(subset="util")
        .assign(unit=ARRAY_2D),
    )


def _read(name: str) -> pd.DataFrame:
    table = pd.read_csv(_ROWS / name).rename(columns={"energy_pj": "energy_pj_published"})
    return table.assign(energy_pj_complete=float("nan"))


def _end_to_end(attention: pd.DataFrame, linear: pd.DataFrame) -> pd.DataFrame:
    layers = linear.set_index(_POINT)[_COST]
    runs_on = attention["config"].map(LINEAR_LAYERS)
    key = pd.MultiIndex.from_arrays([runs_on, attention["model"], attention["seq_len"]])
    total = attention[_POINT].copy()
    total[_COST] = attention[_COST].to_numpy() + layers.reindex(key).to_numpy()
    return total.assign(energy_pj_complete=float("nan"))
