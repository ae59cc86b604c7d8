"""Leaf modules driven cycle by cycle: bubbles, holding, reset in the middle, back-to-back starts.

A driver applies one `Cycle` a clock, a monitor samples the outputs, and a model of the module's
timing says what they must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from einsum.arithmetic import Arithmetic
from einsum.formats import BF16
from rtl.tests.leaf_model import LeafModel, Operation, Words
from rtl.tests.vectors import random_vectors

CYCLES = 4000
MODEL = LeafModel(Arithmetic(BF16, 3))


@dataclass(frozen=True, slots=True)
class Cycle:
    """The inputs of one clock cycle."""

    reset: bool
    enable: bool
    words: tuple[int, int, int]


class TimingModel(Protocol):
    """What the outputs are after each cycle, by port."""

    def step(self, cycle: Cycle) -> dict[str, int]: ...


@dataclass
class Registered:
    """One operation a cycle into a register that holds: `pe_mac` and `pe_max`."""

    operation: Operation
    port: str
    value: int = 0

    def step(self, cycle: Cycle) -> dict[str, int]:
        if cycle.reset:
            self.value = 0
        elif cycle.enable:
            self.value = compute(self.operation, cycle.words)
        return {self.port: self.value}


@dataclass
class Sequence:
    """`pe_exp`: a start when ready, and a result `steps` cycles later."""

    steps: int
    left: int = 0
    result: int = 0
    outputs: dict[str, int] = field(default_factory=dict)

    def step(self, cycle: Cycle) -> dict[str, int]:
        finished = False
        if cycle.reset:
            self.left = 0
        elif self.left:
            self.left -= 1
            finished = self.left == 0
        elif cycle.enable:
            self.left, self.result = self.steps - 1, compute(Operation.EXP, cycle.words)
        self.outputs = {"ready_o": int(self.left == 0), "valid_o": int(finished)}
        return self.outputs | ({"result_o": self.result} if finished else {})

    @property
    def is_ready(self) -> bool:
        return self.left == 0


def compute(operation: Operation, words: tuple[int, int, int]) -> int:
    a, b, c = (np.array([word], dtype=np.uint64) for word in words)
    found: Words = MODEL.expected(operation, a, b, c)
    return int(found[0])


def stimuli(operation: Operation, seed: int = 1) -> Iterator[Cycle]:
    """Runs of busy cycles with bubbles, and a few resets."""
    rng = np.random.default_rng(seed)
    vectors = random_vectors(MODEL, operation, CYCLES, rng)
    busy = rng.random(CYCLES) < np.repeat(rng.choice([0.2, 0.8, 1.0], CYCLES // 40), 40)
    for index in range(CYCLES):
        words = (int(vectors.a[index]), int(vectors.b[index]), int(vectors.c[index]))
        yield Cycle(index < 2 or rng.random() < 0.005, bool(busy[index]), words)


async def compare(dut: Any, model: TimingModel, operation: Operation, ports: list[str]) -> None:
    """Drive between edges, sample before the next: the outputs must be the model's."""
    Clock(dut.clk_i, 2, "ns", impl="gpi").start()
    enable, *inputs = (getattr(dut, port) for port in ports)
    await FallingEdge(dut.clk_i)
    for number, cycle in enumerate(stimuli(operation)):
        ready = not isinstance(model, Sequence) or model.is_ready
        applied = Cycle(cycle.reset, cycle.enable and ready and not cycle.reset, cycle.words)
        dut.rst_ni.value = int(not applied.reset)
        enable.value = int(applied.enable)
        for port, word in zip(inputs, applied.words, strict=False):
            port.value = word
        await FallingEdge(dut.clk_i)
        for port, expected in model.step(applied).items():
            found = int(getattr(dut, port).value)
            assert found == expected, f"cycle {number}: {port} is {found:#x}, not {expected:#x}"


@cocotb.test()
async def pe_mac(dut: Any) -> None:
    """The accumulator follows in the next cycle and holds."""
    ports = ["en_i", "a_i", "b_i", "addend_i"]
    await compare(dut, Registered(Operation.MAC, "acc_o"), Operation.MAC, ports)


@cocotb.test()
async def pe_max(dut: Any) -> None:
    """The maximum follows in the next cycle and holds."""
    ports = ["en_i", "a_i", "b_i"]
    await compare(dut, Registered(Operation.MAX, "max_o"), Operation.MAX, ports)


@cocotb.test()
async def pe_exp(dut: Any) -> None:
    """`ExpDegree` cycles from start to result, whatever is started in between."""
    await compare(dut, Sequence(steps=3), Operation.EXP, ["start_i", "value_i"])
