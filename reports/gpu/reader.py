"""Records of the measuring script (`workloads.gpu.records`) as the report needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import as_file, files
from pathlib import Path

from einsum.errors import SpecError
from reports.gpu.records import DEVICES, Measurement, preset_of
from reports.gpu.records import Record as Session
from reports.gpu.shapes import AttentionShape
from workloads.gpu.problem import Dtype, GridOrder, Mask
from workloads.gpu.records import Ceilings, Record, Subject, load_records

_SHIPPED = files("workloads") / "gpu" / "records"
_KERNELS = {"p1-online": "p1", "p1-split-k": "p1-splitk"}
_SIZES = ("batch", "heads", "kv_heads", "head_dim", "keys", "queries")

# Nsight Compute's names: what the SMs ask of L2, and what L2 asks of DRAM.
_L2 = (
    ("lts__t_bytes_srcunit_tex.sum",),
    ("lts__t_sectors_srcunit_tex.sum",),
    ("lts__t_bytes.sum",),
)
_DRAM = (("dram__bytes_read.sum", "dram__bytes_write.sum"), ("dram__bytes.sum",))
_SECTOR_BYTES = 32


def read_records(folder: Path | None) -> tuple[Session, ...]:
    """One session for each file in `folder`, or of the shipped ones; none if none are shipped.

    Raises `SpecError` for a folder that does not exist or holds no record, and for a file that
    is none.
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
            f"{folder} holds no record", rule="records are *.jsonl, as einfall gpu measure writes"
        )
    return found


def _sessions(folder: Path) -> tuple[Session, ...]:
    return tuple(
        session
        for path in sorted(folder.glob("*.jsonl"))
        if (session := _session(path.stem, load_records(path)))
    )


def _session(name: str, records: tuple[Record, ...]) -> Session | None:
    """All records of a file, which are of one device; None for an empty file."""
    if not records:
        return None
    devices = {record.device.name for record in records}
    if len(devices) > 1:
        raise SpecError(f"{name} is of several devices: {', '.join(sorted(devices))}")
    device = preset_of(devices.pop())
    if device is None:
        raise SpecError(
            f"{name}: there is no preset for {records[0].device.name}",
            rule=f"there are presets for {', '.join(DEVICES)}",
        )
    measured = (_measurement(record) for record in records if _is_predicted(record))
    return Session(name, device, tuple(measured), _ceilings(r.ceilings for r in records))


def _is_predicted(record: Record) -> bool:
    """Kernels and baselines in 16 bits: fp32 runs are for checks, on other units."""
    return record.subject is not Subject.CEILING and record.shape.dtype != Dtype.FP32.value


def _measurement(record: Record) -> Measurement:
    sizes, program = record.shape.sizes, record.program
    missing = [name for name in _SIZES if name not in sizes]
    if missing:
        raise SpecError(
            f"record {record.key} has no {', '.join(missing)}", rule="a shape names all its sizes"
        )
    shape = AttentionShape(
        **{name: sizes[name] for name in _SIZES}, causal=record.shape.mask == Mask.CAUSAL.value
    )
    kernel = _KERNELS.get(program.name, program.name)
    return Measurement(
        kernel,
        shape,
        _tiles(record, kernel),
        record.median_s,
        _counted(record.counters, _L2),
        _counted(record.counters, _DRAM),
        record.energy.joule_per_call if record.energy else None,
    )


def _tiles(record: Record, kernel: str) -> dict[str, int]:
    """The parameters of the mapping that the run's launch sets."""
    program = record.program
    given = {"P0": program.query_tile, "M0": program.key_tile}
    if kernel == "p1-splitk":
        given["splits"] = program.splits
    elif program.grid_order == GridOrder.HEAD_FASTEST.value and kernel not in ("u3", "u5"):
        given["head_fastest"] = 1
    return {name: value for name, value in given.items() if value is not None}


def _counted(
    counters: Mapping[str, float] | None, choices: Iterable[tuple[str, ...]]
) -> float | None:
    """The sum of the first of `choices` that was counted, in bytes."""
    for names in choices:
        if counters and all(name in counters for name in names):
            sectors = any("sectors" in name for name in names)
            return sum(counters[name] for name in names) * (_SECTOR_BYTES if sectors else 1)
    return None


def _ceilings(all_ceilings: Iterable[Ceilings]) -> dict[str, float]:
    """The rates that the session measured: the last value of each."""
    found: dict[str, float] = {}
    for one in all_ceilings:
        rates = {
            "gemm": one.gemm_flop_per_s,
            "copy": one.copy_bytes_per_s,
            "exp": one.exp_per_s,
            "l2": one.l2_bytes_per_s,
        }
        found |= {name: value for name, value in rates.items() if value is not None}
    return found
