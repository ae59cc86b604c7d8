"""A mapped netlist: its cells, their area and transistors, and how much of it switches."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Signal: TypeAlias = npt.NDArray[np.bool_]
"""The value of one net in each cycle."""

GENLIB = Path(__file__).with_name("sky130.genlib")


@dataclass(frozen=True, slots=True)
class Gate:
    """A combinational cell: its area, and its function as a tree of `&`, `|`, `~` and pins."""

    area_um2: float
    function: ast.expr


@dataclass(frozen=True, slots=True)
class FlipFlop:
    """A flip-flop of sky130_fd_sc_hd: area from its LEF, transistors from its SPICE netlist."""

    area_um2: float
    transistors: int


FLIP_FLOPS = {"$_DFF_P_": FlipFlop(20.0192, 24), "$_DFF_PN0_": FlipFlop(25.024, 28)}
"""dfxtp_1, and dfrtp_1 with an asynchronous reset."""


@cache
def gates() -> Mapping[str, Gate]:
    """The cells of the shipped genlib, by name."""
    found = {}
    for line in GENLIB.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"GATE (\w+) ([\d.]+) Y=([^;]+);", line):
            text = match[3].replace("*", "&").replace("+", "|").replace("!", "~")
            found[match[1]] = Gate(float(match[2]), ast.parse(text, mode="eval").body)
    return found


@dataclass(frozen=True, slots=True)
class Cell:
    """An instance: its kind and the net at each pin."""

    kind: str
    pins: Mapping[str, int]


@dataclass(frozen=True)
class Netlist:
    """One flat module. Nets are numbers; 0 and 1 are the constants."""

    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    cells: tuple[Cell, ...]

    @property
    def area_um2(self) -> float:
        return sum(_area(cell) for cell in self.cells)

    @cached_property
    def by_kind(self) -> Mapping[str, int]:
        """How many cells there are of each kind."""
        return dict(sorted(Counter(cell.kind for cell in self.cells).items()))

    def values(self, inputs: Mapping[str, npt.NDArray[np.uint64]]) -> dict[int, Signal]:
        """All nets in the cycles of `inputs`, words by port; a port that is left out is 0.

        A flip-flop holds what its input was a cycle before. Only for pipelines without feedback:
        all cycles are computed at once.
        """
        count = len(next(iter(inputs.values())))
        nets: dict[int, Signal] = {0: np.zeros(count, bool), 1: np.ones(count, bool)}
        for port, bits in self.inputs.items():
            words = inputs.get(port, np.zeros(count, np.uint64))
            for place, net in enumerate(bits):
                nets.setdefault(net, (words >> np.uint64(place)) & np.uint64(1) == 1)
        driven = [cell for cell in self.cells if cell.kind in FLIP_FLOPS]
        for cell in driven:
            nets[cell.pins["Q"]] = nets[0]
        for cell in self._ordered:
            function = gates()[cell.kind].function
            nets[cell.pins["Y"]] = _evaluate(function, cell.pins, nets)
        for cell in driven:
            nets[cell.pins["Q"]] = np.concatenate([nets[0][:1], nets[cell.pins["D"]][:-1]])
        return nets

    def words(
        self, port: str, inputs: Mapping[str, npt.NDArray[np.uint64]]
    ) -> npt.NDArray[np.uint64]:
        """The words of an output in the cycles of `inputs`; the same limits as of `values`."""
        nets = self.values(inputs)
        bits = [
            nets[net].astype(np.uint64) << np.uint64(i) for i, net in enumerate(self.outputs[port])
        ]
        return np.asarray(np.bitwise_or.reduce(bits), dtype=np.uint64)

    def switched_area_um2(self, inputs: Mapping[str, npt.NDArray[np.uint64]]) -> float:
        """Area of the cells whose output changes in a cycle, on average; no glitches."""
        nets = self.values(inputs)
        outputs = ((cell, nets[cell.pins.get("Y", cell.pins.get("Q", 0))]) for cell in self.cells)
        return sum(_area(cell) * float(np.mean(net[1:] != net[:-1])) for cell, net in outputs)

    @cached_property
    def _ordered(self) -> list[Cell]:
        """The combinational cells, each after those that drive it."""
        combinational = [cell for cell in self.cells if cell.kind not in FLIP_FLOPS]
        driver = {cell.pins["Y"]: cell for cell in combinational}
        done: set[int] = set()
        ordered = []
        for cell in combinational:
            stack = [(cell, False)]
            while stack:
                current, expanded = stack.pop()
                if current.pins["Y"] in done:
                    continue
                if expanded:
                    done.add(current.pins["Y"])
                    ordered.append(current)
                else:
                    sources = (driver.get(net) for pin, net in current.pins.items() if pin != "Y")
                    stack.append((current, True))
                    stack += [(one, False) for one in sources if one]
        return ordered


def read_netlist(module: Mapping[str, Any]) -> Netlist:
    """A module of yosys's JSON format, mapped to the genlib's gates and to flip-flops."""

    def net(bit: int | str) -> int:
        return bit if isinstance(bit, int) else int(bit == "1")

    def ports(direction: str) -> dict[str, tuple[int, ...]]:
        return {
            name: tuple(net(bit) for bit in port["bits"])
            for name, port in module["ports"].items()
            if port["direction"] == direction
        }

    cells = tuple(
        Cell(cell["type"], {pin: net(bits[0]) for pin, bits in cell["connections"].items()})
        for cell in module["cells"].values()
    )
    return Netlist(ports("input"), ports("output"), cells)


def _area(cell: Cell) -> float:
    flip_flop = FLIP_FLOPS.get(cell.kind)
    return flip_flop.area_um2 if flip_flop else gates()[cell.kind].area_um2


def _evaluate(node: ast.expr, pins: Mapping[str, int], nets: Mapping[int, Signal]) -> Signal:
    match node:
        case ast.Name(name):
            return nets[1 if name == "CONST1" else 0 if name == "CONST0" else pins[name]]
        case ast.UnaryOp(ast.Invert(), operand):
            return ~_evaluate(operand, pins, nets)
        case ast.BinOp(left, ast.BitAnd(), right):
            return _evaluate(left, pins, nets) & _evaluate(right, pins, nets)
        case ast.BinOp(left, ast.BitOr(), right):
            return _evaluate(left, pins, nets) | _evaluate(right, pins, nets)
        case _:
            raise AssertionError(f"no gate has {ast.dump(node)}")
