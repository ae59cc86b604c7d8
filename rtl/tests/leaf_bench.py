"""The cocotb test of `vector_bench`: batches of vectors against the model, bit for bit.

It reads what to do from the environment: FORMAT, EXP_DEGREE, NATURAL_BASE, OPERATIONS (names),
COUNT random vectors of each, SEED. What it covered lands in `bins.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from einsum.arithmetic import Arithmetic
from einsum.formats import BF16, format_named
from rtl.tests.bins import Bins
from rtl.tests.leaf_model import LeafModel, Operation, Words
from rtl.tests.vectors import (
    Vectors,
    exhaustive_bf16,
    exhaustive_pairs,
    random_vectors,
    special_vectors,
)

DEPTH = 1 << 16
LANES = 4


@dataclass
class Memories:
    """Driver and monitor: puts a batch into the bench's memories, and takes out its results."""

    dut: Any
    folder: Path

    async def reset(self) -> None:
        self.dut.load_i.value = 0
        self.dut.start_i.value = 0
        for level in (1, 0, 1):
            self.dut.rst_ni.value = level
            await RisingEdge(self.dut.clk_i)

    async def run(self, operation: Operation, vectors: Vectors) -> Words:
        count = -(-len(vectors) // LANES) * LANES
        for name, words in (("a", vectors.a), ("b", vectors.b), ("c", vectors.c)):
            padded = np.pad(words, (0, count - len(words))).astype(">u4")
            (self.folder / f"{name}.hex").write_text(padded.tobytes().hex("\n", 4))
        self.dut.operation_i.value = operation.value
        self.dut.count_i.value = count
        for signal in (self.dut.load_i, self.dut.start_i):
            signal.value = 1
            await RisingEdge(self.dut.clk_i)
            signal.value = 0
        await RisingEdge(self.dut.done_o)
        text = (self.folder / "result.hex").read_text()
        lines = [line for line in text.splitlines() if not line.startswith(("//", "@"))]
        raw = np.frombuffer(bytes.fromhex("".join(lines[: len(vectors)])), dtype=">u8")
        return raw.astype(np.uint64)


def check(model: LeafModel, operation: Operation, vectors: Vectors, found: Words) -> None:
    """Every word must be the model's; the first that is not is shown."""
    expected = model.expected(operation, vectors.a, vectors.b, vectors.c)
    wrong = np.flatnonzero(found != expected)
    if wrong.size:
        i = wrong[0]
        inputs = ", ".join(f"{each[i]:#x}" for each in (vectors.a, vectors.b, vectors.c))
        raise AssertionError(
            f"{operation.name} {model.operand.name}: {wrong.size} of {len(vectors)} are wrong; "
            f"of ({inputs}) it makes {found[i]:#x}, which should be {expected[i]:#x}"
        )


def batches(
    model: LeafModel, operation: Operation, count: int, rng: np.random.Generator
) -> Iterator[Vectors]:
    """The batches of one operation: special values, exhaustive sets, `count` random vectors."""
    special = special_vectors(model, operation)
    for start in range(0, len(special), DEPTH):
        part = slice(start, start + DEPTH)
        yield Vectors(special.a[part], special.b[part], special.c[part])
    if operation is Operation.MAC and model.operand.bits == 8:
        yield exhaustive_pairs(model, rng)
    if operation is Operation.EXP and model.operand == BF16:
        yield exhaustive_bf16()
    for start in range(0, count, DEPTH):
        yield random_vectors(model, operation, min(DEPTH, count - start), rng)


@cocotb.test()
async def vectors(dut: Any) -> None:
    """All batches of all operations."""
    degree = int(os.environ.get("EXP_DEGREE", "3"))
    arithmetic = Arithmetic(format_named(os.environ["FORMAT"]), degree)
    model = LeafModel(arithmetic, os.environ.get("NATURAL_BASE") == "1")
    rng = np.random.default_rng(int(os.environ.get("SEED", "1")))
    bins = Bins(model)
    Clock(dut.clk_i, 2, "ns", impl="gpi").start()
    memories = Memories(dut, Path.cwd())
    await memories.reset()
    for name in os.environ["OPERATIONS"].split(","):
        operation = Operation[name]
        for batch in batches(model, operation, int(os.environ["COUNT"]), rng):
            found = await memories.run(operation, batch)
            check(model, operation, batch, found)
            bins.sample(operation, batch, found)
    Path("bins.json").write_text(json.dumps(bins.counts, indent=1), encoding="utf-8")
