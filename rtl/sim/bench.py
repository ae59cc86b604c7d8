"""The cocotb side of `array_bench`: load, start, wait for the end, write down what was counted.

Python sleeps while the arrays work. Runs beyond the first use the same images again; a run with
`reset_after` is broken off by a reset after that many cycles, and counts for nothing.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, Timer, with_timeout

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
    """Execute the runs of `order.json`; `result.json` lists their counters."""
    order = json.loads(Path("order.json").read_text(encoding="utf-8"))
    dut.rst_ni.value = 0
    for name in ("load_i", "dump_i", "start_i"):
        getattr(dut, name).value = 0
    for name in ("values_base", "values"):
        getattr(dut, f"{name}_i").value = order[name]
    clock = Clock(dut.clk_i, 2, unit="ns", impl="gpi")
    clock.start(start_high=False)
    await ClockCycles(dut.clk_i, 2)
    dut.rst_ni.value = 1
    await _pulse(dut, "load_i")
    for cycles in order["resets_after"]:
        await _pulse(dut, "start_i")
        await ClockCycles(dut.clk_i, cycles)
        dut.rst_ni.value = 0
        await ClockCycles(dut.clk_i, 2)
        dut.rst_ni.value = 1
        await ClockCycles(dut.clk_i, 2)
    found = []
    for _ in range(order["runs"]):
        started = time.process_time()
        await _pulse(dut, "start_i")
        await with_timeout(RisingEdge(dut.done_o), 2 * order["most_cycles"], "ns")
        seconds = time.process_time() - started
        await ReadOnly()
        counted = {name: int(getattr(dut, f"{name}_o").value) for name in COUNTERS}
        found.append({**counted, "seconds": seconds})
        await ClockCycles(dut.clk_i, 2)
    dut.dump_i.value = 1
    await Timer(1, "ns")
    Path("result.json").write_text(json.dumps(found), encoding="utf-8")
    assert os.path.exists("output.hex"), "the bench wrote no output"


async def _pulse(dut: Any, name: str) -> None:
    getattr(dut, name).value = 1
    await ClockCycles(dut.clk_i, 1)
    getattr(dut, name).value = 0
    await ClockCycles(dut.clk_i, 1)
