"""Records of the measuring script (`workloads.gpu.records`) as the report needs them."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from archsim.load import load_architecture
from einsum.errors import SpecError
from reports.gpu.calibration import ceilings
from reports.gpu.records import DEVICES, Measurement, preset_of
from reports.gpu.records import Record as Session
from reports.gpu.shapes import AttentionShape
from workloads.gpu import records as written
from workloads.gpu.problem import Dtype, GridOrder

_SHIPPED = files("workloads") / "gpu" / "records"
_UNORDERED = ("u3", "u5", "p1-splitk")
"""Kernels whose mappings have one order of tasks."""


def read_records(folder: Path | None) -> tuple[Session, ...]:
    """One session for each file in `folder`, or of the shipped ones; none if none are shipped.

    Raises `SpecError` for a folder that does not exist or holds no record, for a file that is
    none, and for a device without a preset.
    """
    if folder is None:
        if not _SHIPPED.is_dir():
            return ()
        with as_file(_SHIPPED) as path:
            return _sessions(path)
    if not folder.is_dir():
        raise SpecError(f"no folder {folder}", rule="einfall gpu measure --out DIR makes one")
    found = _sessions(folder)
    if not found:
        raise SpecError(
            f"{folder} holds no record", rule="records are *.json, as einfall gpu measure writes"
        )
    return found


def _sessions(folder: Path) -> tuple[Session, ...]:
    files_of_records = sorted(folder.glob("*.json"))
    return tuple(_session(path.stem, written.load_record(path)) for path in files_of_records)


def _session(name: str, record: written.Record) -> Session:
    device = preset_of(record.device.name)
    if device is None:
        raise SpecError(
            f"{name}: there is no preset for {record.device.name}",
            rule=f"there are presets for {', '.join(DEVICES)}",
        )
    known = ceilings(load_architecture(device))
    return Session(
        name,
        device,
        tuple(map(_measurement, filter(_is_predicted, record.measurements))),
        {key: rate for key, rate in record.ceilings.items() if key in known and rate > 0},
    )


def _is_predicted(one: written.Measurement) -> bool:
    """Head dims that are equal, in 16 bits: fp32 runs are for checks, on other units."""
    return one.shape.dtype != Dtype.FP32.value and one.shape.head_dim == one.shape.value_dim


def _measurement(one: written.Measurement) -> Measurement:
    shape = AttentionShape(
        one.shape.batch,
        one.shape.heads,
        one.shape.kv_heads,
        one.shape.head_dim,
        one.shape.keys,
        one.shape.queries,
        one.shape.causal,
    )
    return Measurement(
        one.kernel,
        shape,
        _tiles(one),
        one.median_s,
        one.counters.get("l2_bytes"),
        one.counters.get("dram_bytes"),
        one.energy_j,
    )


def _tiles(one: written.Measurement) -> dict[str, int]:
    """The parameters of the mapping that the launch sets."""
    tiles = {name: size for name, size in one.tiles.items() if name in ("P0", "M0")}
    if one.kernel == "p1-splitk" and "splits" in one.tiles:
        tiles["splits"] = one.tiles["splits"]
    elif one.grid_order == GridOrder.HEAD_FASTEST.value and one.kernel not in _UNORDERED:
        tiles["head_fastest"] = 1
    return tiles
