"""Counters of the hardware, by Nsight Compute, where it is installed and may read them."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_WANTED = (
    "dram__bytes_read",
    "dram__bytes_write",
    "lts__t_bytes",
    "lts__t_sectors_srcunit_tex",
    "l1tex__m_xbar2l1tex_read_bytes",
    "l1tex__m_l1tex2xbar_write_bytes",
    "sm__inst_executed_pipe_xu",
    "sm__ops_path_tensor_src_fp16_dst_fp32",
    "sm__ops_path_tensor_src_bf16_dst_fp32",
)
NOTE = "ncu --clock-control none; L2 flushed before each launch; sums over the launches of a call"
_UNITS = {"": 1, "byte": 1, "Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9, "Tbyte": 1e12}
_UNITS |= {"inst": 1, "sector": 1, "op": 1}


class NoCountersError(RuntimeError):
    """The profiler is missing, may not read the counters, or failed: `str` says which."""


def counters(
    record: Path, keys: Sequence[str], launches: Sequence[int], timeout_s: float
) -> list[dict[str, float]]:
    """Counters of one call for each key of `record`, which makes `launches` launches.

    It is a run of `measure.py --profile KEY ...` under the profiler. Raises `NoCountersError`.
    """
    program = shutil.which("ncu") or "/usr/local/cuda/bin/ncu"
    if not Path(program).exists():
        raise NoCountersError("ncu is not installed")
    names = [f"{name}.sum" for name in _WANTED if name in _available(program)]
    if not names:
        raise NoCountersError("ncu knows none of the counters")
    script = Path(__file__).with_name("measure.py")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "ncu.csv"
        command = [program, "--profile-from-start", "off", "--clock-control", "none"]
        command += ["--csv", "--print-units", "base", "--log-file", str(log)]
        command += ["--metrics", ",".join(names), sys.executable, str(script)]
        command += ["--out", str(record.parent), "--profile", *keys]
        done = _run(command, timeout_s)
        text = log.read_text(encoding="utf-8") if log.exists() else ""
    rows = _rows(text)
    if len(rows) != sum(launches):
        tail = (text or done)[-300:].replace("\n", " ")
        raise NoCountersError(f"ncu saw {len(rows)} launches of {sum(launches)}: {tail}")
    found, start = [], 0
    for count in launches:
        total: defaultdict[str, float] = defaultdict(float)
        for row in rows[start : start + count]:
            for name, value in row.items():
                total[name] += value
        start += count
        found.append(_derived(dict(total)))
    return found


def _derived(values: dict[str, float]) -> dict[str, float]:
    """The values under their own names, with the bytes at L2 and DRAM that follow from them."""
    dram = ("dram__bytes_read.sum", "dram__bytes_write.sum")
    crossbar = ("l1tex__m_xbar2l1tex_read_bytes.sum", "l1tex__m_l1tex2xbar_write_bytes.sum")
    if all(name in values for name in dram):
        values["dram_bytes"] = sum(values[name] for name in dram)
    if all(name in values for name in crossbar):
        values["l2_bytes"] = sum(values[name] for name in crossbar)
    elif "lts__t_sectors_srcunit_tex.sum" in values:
        values["l2_bytes"] = 32 * values["lts__t_sectors_srcunit_tex.sum"]
    return values


@cache
def _available(program: str) -> frozenset[str]:
    text = _run([program, "--query-metrics"], 120)
    return frozenset(line.split()[0] for line in text.splitlines() if line.strip())


def _run(command: list[str], timeout_s: float) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoCountersError(f"ncu did not finish in {timeout_s:.0f} s") from None
    except OSError as error:
        raise NoCountersError(f"ncu does not start: {error}") from None
    return done.stdout + done.stderr


def _rows(text: str) -> list[dict[str, float]]:
    """One dictionary for each launch, in the order in which they ran."""
    start = text.find('"ID"')
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for row in csv.DictReader(io.StringIO(text[start:])) if start >= 0 else ():
        try:
            value = float(row["Metric Value"].replace(",", ""))
            found[int(row["ID"])][row["Metric Name"]] = value * _UNITS.get(row["Metric Unit"], 1)
        except (KeyError, ValueError, TypeError, AttributeError):
            continue  # a line that the profiled program printed, or a counter that has no value
    return [found[launch] for launch in sorted(found)]
