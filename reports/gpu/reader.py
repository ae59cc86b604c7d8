"""Records of the measuring script, from JSON files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from statistics import median
from typing import Any

from archsim.load import load_architecture
from einsum.errors import SpecError
from reports.gpu.calibration import ceilings
from reports.gpu.records import DEVICES, Measurement, Record, preset_of
from reports.gpu.shapes import AttentionShape

_SHIPPED = files("workloads") / "gpu" / "records"
_SHAPE = ("batch", "heads", "kv_heads", "head_dim", "keys", "queries")


def read_records(folder: Path | None) -> tuple[Record, ...]:
    """Every record in `folder`, or the shipped ones; none if there are none shipped.

    Raises `SpecError` for a folder that does not exist or has no record, and for a file that is
    none.
    """
    if folder is None:
        if not _SHIPPED.is_dir():
            return ()
        with as_file(_SHIPPED) as path:
            return tuple(map(_read, sorted(path.glob("*.json"))))
    if not folder.is_dir():
        raise SpecError(f"no folder {folder}", rule="einfall gpu measure --out DIR makes one")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise SpecError(
            f"{folder} holds no record", rule="records are *.json, as einfall gpu measure writes"
        )
    return tuple(map(_read, paths))


def _read(path: Path) -> Record:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _record(path.stem, data)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, TypeError, KeyError) as error:
        what = f"has no {error}" if isinstance(error, KeyError) else f"cannot be used: {error}"
        raise SpecError(
            f"{path} is no record of GPU measurements: it {what}",
            rule="give files that einfall gpu measure wrote",
        ) from None


def _record(name: str, data: Mapping[str, Any]) -> Record:
    device = preset_of(str(data["device"]["name"]))
    if device is None:
        raise SpecError(
            f"record {name}: there is no preset for {data['device']['name']}",
            rule=f"there are presets for {', '.join(DEVICES)}",
        )
    known = ceilings(load_architecture(device))
    rates = {key: _positive(value, key) for key, value in data.get("ceilings", {}).items()}
    return Record(
        name,
        device,
        tuple(map(_measurement, data["measurements"])),
        {key: value for key, value in rates.items() if key in known},
    )


def _measurement(data: Mapping[str, Any]) -> Measurement:
    shape, counters = data["shape"], data.get("counters", {})
    sizes = {key: int(shape[key]) for key in _SHAPE}
    samples = [_positive(value, "a sample") for value in data["samples_s"]]
    return Measurement(
        str(data["kernel"]),
        AttentionShape(**sizes, causal=bool(shape.get("causal", False))),
        {str(key): int(value) for key, value in data.get("tiles", {}).items()},
        median(samples),
        _count(counters.get("l2_bytes")),
        _count(counters.get("dram_bytes")),
        _count(data.get("energy_j")),
    )


def _positive(value: Any, what: str) -> float:
    number = float(value)
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"{what} is {value}")
    return number


def _count(value: Any) -> float | None:
    return None if value is None else _positive(value, "a count")
