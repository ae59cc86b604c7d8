"""The cocotb side of `array_bench`: load, start, wait for the end, write down what was counted.

Every run has a folder with its images, in which its counters and what it left in memory go. Python
sleeps while the arrays work. What a run leaves in registers and banks the next one finds.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, SimTimeoutError, Timer, with_timeout

IMAGES = ("keys", "queries", "table", "phases", "streams")
RESULTS = ("state", "output")
COUNTERS = (
    "cycles",
    "outputs",
    "busy_2d",
    "busy_1d",
    "tiles",
    "first_tile",
    "last_tile",
    "least_interval",
    "most_interval",
    "skew",
)
"""The counters of the bench, by the names of its ports."""


@cocotb.test()
async def runs(dut: Any) -> None:
    """Execute the runs of `order.json`, one after the other."""
    order = json.loads(Path("order.json").read_text(encoding="utf-8"))
    dut.rst_ni.value = 0
    for name in ("load_i", "dump_i", "start_i"):
        getattr(dut, name).value = 0
    Clock(dut.clk_i, 2, unit="ns", impl="gpi").start(start_high=False)
    await _reset(dut)
    for run in order["runs"]:
        for name in ("values_base", "values"):
            getattr(dut, f"{name}_i").value = order[name]
        folder = Path(run["folder"])
        for name in IMAGES:
            shutil.copy(folder / f"{name}.hex", f"{name}.hex")
        await _pulse(dut, "load_i")
        for cycles in run["resets_after"]:
            await _pulse(dut, "start_i")
            await ClockCycles(dut.clk_i, cycles)
            await _reset(dut)
        counted = await _run(dut, run["most_cycles"])
        if counted is None:
            await _reset(dut)
        await _pulse(dut, "dump_i")
        for name in RESULTS:
            shutil.move(f"{name}.hex", folder / f"{name}.hex")
        (folder / "result.json").write_text(json.dumps(counted), encoding="utf-8")


async def _run(dut: Any, most_cycles: int) -> dict[str, float] | None:
    """The counters at the end; None if there is none within `most_cycles`."""
    started = time.process_time()
    await _pulse(dut, "start_i")
    try:
        await with_timeout(RisingEdge(dut.done_o), 2 * most_cycles, "ns")
    except SimTimeoutError:
        return None
    seconds = time.process_time() - started
    await ReadOnly()
    counted = {name: int(getattr(dut, f"{name}_o").value) for name in COUNTERS}
    await Timer(1, "ns")
    await ClockCycles(dut.clk_i, 2)
    return {**counted, "seconds": seconds}


async def _reset(dut: Any) -> None:
    dut.rst_ni.value = 0
    await ClockCycles(dut.clk_i, 2)
    dut.rst_ni.value = 1
    await ClockCycles(dut.clk_i, 2)


async def _pulse(dut: Any, name: str) -> None:
    getattr(dut, name).value = 1
    await ClockCycles(dut.clk_i, 1)
    getattr(dut, name).value = 0
    await ClockCycles(dut.clk_i, 1)
