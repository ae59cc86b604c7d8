"""FLAT's own choices of mapping, as its published search made them.

`workloads/data/flat-mappings.csv` holds one row for each platform, model and length; a row
selects one of two mapping files and gives it its parameters.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from einsum.errors import SpecError
from einsum.quantity import format_count, parse_count


@dataclass(frozen=True, slots=True)
class FlatChoice:
    """One row: the mapping file `template`, and the values of its parameters."""

    template: str
    parameters: tuple[tuple[str, float], ...]


@cache
def _rows() -> dict[tuple[str, str, int], dict[str, str]]:
    text = files("workloads").joinpath("data/flat-mappings.csv").read_text()
    return {
        (row["platform"], row["models"].lower(), parse_count(row["seq_len"])): row
        for row in csv.DictReader(text.splitlines())
    }


def flat_choice(platform: str, model: str, seq_len: int, buffer_bytes: float) -> FlatChoice:
    """FLAT's choice for `model` at `seq_len` on `platform` (`cloud` or `edge`).

    `buffer_bytes` decides whether the softmax's row of scores spills (only where scores are off
    chip). Raises `SpecError` listing what FLAT published a choice for.
    """
    rows = _rows()
    key = (platform, model.lower(), seq_len)
    if key not in rows:
        models = sorted({row["models"] for (where, _, _), row in rows.items() if where == platform})
        lengths = sorted({length for where, _, length in rows if where == platform})
        raise SpecError(
            f"FLAT published no mapping for {model} at {format_count(seq_len)} on {platform}",
            rule=f"models {', '.join(models)} at lengths "
            f"{', '.join(format_count(length) for length in lengths)}; "
            "for another workload give --mapping",
        )
    return _choice(rows[key], buffer_bytes)


def _choice(row: dict[str, str], buffer_bytes: float) -> FlatChoice:
    on_chip = {name: float(row[f"{name}_loc"] == "onchip") for name in ("Q", "K", "V", "AV", "QK")}
    granule = float(row["P1"])
    rows = float(row["P"]) if row["fusion_granularity"] == "head" else granule
    spilled = float(row["proportion_spilled"])
    # What the row of scores can use is what the tensors on chip leave (16-bit values), less its
    # maximum and its sum.
    depth = {"Q": float(row["E"]), "AV": float(row["F"])}
    whole = {"K": float(row["E"]), "V": float(row["F"])}
    held = sum(on_chip[name] * width * rows for name, width in depth.items())
    held += sum(on_chip[name] * width * float(row["M"]) for name, width in whole.items())
    free = max(0.0, buffer_bytes - 2 * (held * (1 - spilled) + 2))
    softmax_spilled = 1.0 - min(1.0, free / (2 * float(row["M"])))
    return FlatChoice(
        f"flat-{row['QK_stationarity']}",
        (
            ("G", rows),
            ("P1", granule),
            ("q", on_chip["Q"]),
            ("k", on_chip["K"]),
            ("v", on_chip["V"]),
            ("av", on_chip["AV"]),
            ("scores", on_chip["QK"]),
            ("spilled", spilled),
            ("softmax_spilled", softmax_spilled),
        ),
    )
