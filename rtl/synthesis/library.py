"""Synthesized areas and switching as a component library of `archsim`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archsim.scaling import energy_factor
from einsum.arithmetic import Arithmetic
from einsum.errors import SpecError
from einsum.formats import format_named
from rtl.synthesis.area import LEAVES, PARTS, BlockArea
from rtl.synthesis.flow import yosys_version

LIBRARY_MODULES = (*LEAVES, PARTS)
"""What a library is made of."""

NODE_NM = 130.0
FP32_MAC_PJ_45NM = 4.6
"""A multiplication (3.7 pJ) and an addition (0.9 pJ) in fp32: Horowitz, ISSCC 2014."""

_HEADER = """\
# The processing elements of rtl/, synthesized. Written by
#   einfall rtl area --write archsim/libraries/rtl-sky130.yaml
# Tool: {tool}. Area: sky130_fd_sc_hd cells at 130 nm, unplaced.
# Energy: switched area (docs/synthesis.md) relative to the fp32 multiply-add, which has 4.6 pJ at
# 45 nm (Horowitz, ISSCC 2014), brought to 130 nm by archsim.scaling.
# The names of the 16-bit components are those of the FuseMax architectures, here in bf16: their
# adder and multiplier are the MAC, their divider is a reciprocal on the MAC and a multiplication.

components:
"""


def library_text(blocks: Sequence[BlockArea]) -> str:
    """A library file of `blocks`, which must hold all `LIBRARY_MODULES` in fp32 and bf16."""
    by_key = {(block.module, block.format): block for block in blocks}
    missing = [
        f"{module} in {name}"
        for module in LIBRARY_MODULES
        for name in ("fp32", "bf16")
        if (module, name) not in by_key
    ]
    if missing:
        raise SpecError(
            f"a library needs {', '.join(missing)}", rule="leave modules and formats out"
        )
    reference = by_key["pe_mac", "fp32"].switched_um2
    assert reference is not None
    unit = FP32_MAC_PJ_45NM * energy_factor(45.0, NODE_NM) / reference

    def energy(module: str, name: str) -> float:
        return (by_key[module, name].switched_um2 or 0.0) * unit

    lines: list[str] = []
    for (module, name), block in by_key.items():
        if module in ("pe_mac", "pe_max"):
            kind = module.removeprefix("pe_")
            lines += _component(
                f"{kind}_{name}", name, energy(module, name), block.area_um2, module
            )
        elif module == "pe_exp":
            more = block.area_um2 - by_key["pe_mac", name].area_um2
            what = "pe_exp less pe_mac (its steps cost what they do on the MAC)"
            lines += _component(f"exp_parts_{name}", name, 0.0, more, what)
    mac, mac_area = energy("pe_mac", "bf16"), by_key["pe_mac", "bf16"].area_um2
    steps = Arithmetic(format_named("bf16")).reciprocal_steps + 1
    for alias in ("mac16", "mul16", "add16"):
        lines += _component(alias, "bf16", mac, mac_area, "pe_mac")
    largest = by_key["pe_max", "bf16"]
    lines += _component("max16", "bf16", energy("pe_max", "bf16"), largest.area_um2, "pe_max")
    divide = by_key[PARTS, "bf16"].area_um2
    lines += _component("div16", "bf16", steps * mac, divide, f"{steps} steps on pe_mac; {PARTS}")
    return _HEADER.format(tool=yosys_version()) + "\n".join(lines) + "\n"


def _component(name: str, format: str, energy_pj: float, area: float, what: str) -> Iterable[str]:
    return (
        f"  {name}:",
        "    kind: operation",
        f"    format: {format}",
        f"    node: {NODE_NM:g} nm",
        f"    energy: {energy_pj:.4g} pJ",
        f"    area: {area:.1f} um^2",
        f"    source: {what}, {yosys_version()}",
    )
