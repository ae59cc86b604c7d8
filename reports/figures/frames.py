"""The tables that figures are drawn from: ours, or what was published, in the same form."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from einsum.errors import SpecError, choices

if TYPE_CHECKING:
    import pandas as pd

CONFIGS = ("unfused", "flat", "cascade", "arch", "binding")
ARRAY_2D = "array_2d"

_POINT = ("config", "model", "seq_len")
_COST = ("dram_traffic_bytes", "latency_s", "energy_pj_complete", "energy_pj_published")
_COLUMNS = {
    "attention": (*_POINT, *_COST, "util_2d", "util_1d", "util_useful_macs"),
    "linear": (*_POINT, *_COST),
    "end_to_end": (*_POINT, *_COST),
    "pareto": (
        "model",
        "pe_dim",
        "global_buffer_bytes",
        "dram_traffic_bytes",
        "latency_s",
        "array_2d_area_um2",
        "area_um2",
    ),
    "einsum_share": (*_POINT, "einsum", "unit", "util"),
}
# The paper breaks down every configuration but the unfused one (figure 7).
_CONFIGS = {"attention": CONFIGS, "end_to_end": CONFIGS, "einsum_share": CONFIGS[1:]}


@dataclass(frozen=True, eq=False)
class Frames:
    """The evaluation of FuseMax as tidy tables, one row a point; units stand in the names.

    `attention` and `end_to_end` hold the five configurations (`CONFIGS`), `linear` the linear
    layers of `flat` and `fusemax`; `end_to_end` is their sum, named after the configuration of
    its attention. `pareto` has a row for each model and array of `pe_dim` x `pe_dim` PEs, at
    256K tokens. `einsum_share` has a row for each Einsum and the unit it runs on (`array_2d`,
    ...), with `util`, its busy time over the latency of the attention. Further columns are
    welcome; a value that is not known is NaN.

    Raises `SpecError` for a table without rows, a missing column or a missing configuration.
    """

    attention: pd.DataFrame
    linear: pd.DataFrame
    end_to_end: pd.DataFrame
    pareto: pd.DataFrame
    einsum_share: pd.DataFrame

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name))


def _check(name: str, frame: pd.DataFrame) -> None:
    for column in _COLUMNS[name]:
        if column not in frame.columns:
            raise SpecError(
                f"table {name} has no column {column}",
                rule=f"its columns are {', '.join(_COLUMNS[name])}",
            )
    if frame.empty:
        raise SpecError(f"table {name} has no row", rule="a figure needs at least one point")
    if name == "einsum_share" and ARRAY_2D not in set(frame["unit"]):
        raise SpecError(
            f"table {name} has no row of unit {ARRAY_2D}",
            rule="figure 7 breaks down the time of the 2D array",
        )
    compared = _CONFIGS.get(name, ())
    given = set(frame["config"]) if compared else set()
    for config in compared:
        if config not in given:
            raise SpecError(
                f"table {name} has no row of configuration {config}",
                rule="the figures compare " + ", ".join(compared),
            )
    for config in sorted(given.difference(CONFIGS)):
        raise SpecError(f"table {name} names configuration {config}", rule=choices(config, CONFIGS))
