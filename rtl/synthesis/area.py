"""Area, transistors and relative energy of the processing elements in every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from einsum.arithmetic import Arithmetic
from einsum.errors import SpecError, choices
from einsum.formats import format_named
from einsum.rounding import to_bits
from rtl.build import Design
from rtl.formats import RTL_FORMATS, rtl_format
from rtl.synthesis.flow import Synthesized, synthesize

LEAVES = ("pe_mac", "pe_max", "pe_exp")
ELEMENTS = ("pe_2d", "pe_1d")
PARTS = "reciprocal_parts"
MODULES = (*LEAVES, *ELEMENTS, PARTS)

ACTIVITY_CYCLES = 4096
_FRACTIONAL = ("pe_exp", "pe_1d", PARTS)
"""Modules that have no integer variant."""


@dataclass(frozen=True, slots=True)
class BlockArea:
    """One module in one format. `switched_um2` is None where no activity is measured.

    `switched_um2` is the area of the cells whose output changes in a cycle, on average over
    `ACTIVITY_CYCLES` cycles of normally distributed operands: what dynamic energy is
    proportional to, with equal load per area and without glitches, clock and wires.
    """

    module: str
    format: str
    gates: int
    transistors: int
    area_um2: float
    switched_um2: float | None


def areas(
    modules: Sequence[str] = LEAVES, formats: Sequence[str] = tuple(RTL_FORMATS)
) -> tuple[BlockArea, ...]:
    """Synthesize `modules` in `formats`. `SpecError` for an unknown one, and without yosys."""
    for module in modules:
        if module not in MODULES:
            raise SpecError(f"{module} is not synthesized", rule=choices(module, MODULES))
    return tuple(
        _block(module, name)
        for module in modules
        for name in formats
        if rtl_format(name) != RTL_FORMATS["int8"] or module not in _FRACTIONAL
    )


def _block(module: str, name: str) -> BlockArea:
    sources = (Path(__file__).with_name(f"{PARTS}.sv"),) if module == PARTS else ()
    made = synthesize(Design(module, (("Format", rtl_format(name)),), sources=sources))
    switched = _switched(made, module, name)
    return BlockArea(module, name, made.gates, made.transistors, made.area_um2, switched)


def _switched(made: Synthesized, module: str, name: str) -> float | None:
    if module not in ("pe_mac", "pe_max"):
        return None  # their state feeds back into what they compute next
    return made.netlist.switched_area_um2(typical_inputs(module, name, ACTIVITY_CYCLES))


def typical_inputs(
    module: str, name: str, cycles: int, seed: int = 1
) -> Mapping[str, npt.NDArray[np.uint64]]:
    """Words by port: dot products of 64 pairs of standard normal values, or their maxima.

    Integers are normal with a quarter of the format's range as deviation.
    """
    arithmetic = Arithmetic(format_named(name))
    rng = np.random.default_rng(seed)
    deviation = 2.0 ** (arithmetic.operand.bits - 3) if arithmetic.operand.is_integer else 1.0
    chains = -(-cycles // 64)
    a, b = (arithmetic.narrow(deviation * rng.standard_normal((chains, 64))) for _ in range(2))
    acc = np.zeros((chains, 65))
    for step in range(64):
        acc[:, step + 1] = arithmetic.fma(a[:, step], b[:, step], acc[:, step])

    def words(values: npt.NDArray[np.float64], operand: bool) -> npt.NDArray[np.uint64]:
        format = arithmetic.operand if operand else arithmetic.accumulator
        return to_bits(format, values.ravel()[:cycles]).astype(np.uint64)

    ones = np.ones(cycles, np.uint64)
    common = {"rst_ni": ones, "en_i": ones}
    if module == "pe_max":
        scores = acc[:, 64:]
        shape = (chains, 64)
        one, other = (rng.choice(scores.ravel(), shape) for _ in range(2))
        return {**common, "a_i": words(one, False), "b_i": words(other, False)}
    return {
        **common,
        "a_i": words(a, True),
        "b_i": words(b, True),
        "addend_i": words(acc[:, :64], False),
    }
