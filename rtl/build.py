"""From SystemVerilog to an executable simulation, and from that to a verdict.

A build is kept under a key of everything it depends on: the same design is built once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from einsum.errors import SpecError
from rtl.toolchain import Toolchain, cache_folder, toolchain

ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Design:
    """What to build.

    `public` are the signals, as `module.name` with wildcards, that a bench reads or writes
    besides the ports of `top`: every public signal costs simulation speed. `sources` are files
    besides those of `rtl/sources.f`; one of the same name as a listed file takes its place.
    """

    top: str
    parameters: tuple[tuple[str, int], ...] = ()
    public: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    waves: bool = False
    coverage: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The source files that `top` needs, by dependency level."""
        own = {path.name: path for path in self.sources}
        listed = {path.stem: own.pop(path.name, path) for path in listed_sources()}
        known = listed | {path.stem: path for path in own.values()}
        needed, found = {self.top}, {self.top}
        while found:
            words = set[str]().union(*(_words(known[name]) for name in found if name in known))
            found = (words & known.keys()) - needed
            needed |= found
        return tuple(path for name, path in known.items() if name in needed)


@dataclass(frozen=True, slots=True)
class Build:
    """An executable simulation. `seconds` it took to build now, 0 if it was there."""

    design: Design
    folder: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the tests of one run: `failures` by test name, with their messages."""

    tests: tuple[str, ...]
    failures: Mapping[str, str]
    folder: Path
    seconds: float

    @property
    def passed(self) -> bool:
        return bool(self.tests) and not self.failures


def listed_sources() -> tuple[Path, ...]:
    """The files of `rtl/sources.f`."""
    lines = (ROOT / "sources.f").read_text(encoding="utf-8").splitlines()
    return tuple(ROOT / line for line in lines if line and not line.startswith("//"))


def _words(path: Path) -> set[str]:
    """What may be the name of a module or package; a file is named after the one it holds."""
    text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
    return set(re.findall(r"\w+", text))


def build(design: Design) -> Build:
    """Build `design`, unless it is kept. `SpecError` with the first errors if that fails."""
    tools = toolchain()
    started = time.perf_counter()
    folder = cache_folder() / "builds" / _key(design, tools)
    if (folder / design.top).exists():
        return Build(design, folder, 0.0)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True, exist_ok=True)
    (partial / "public.vlt").write_text(_public(design), encoding="utf-8")
    _execute(_verilate(design, tools, partial), tools, partial)
    make = [f"{name}={value}" for name, value in tools.make_variables.items()]
    jobs = str(os.cpu_count() or 1)
    _execute(
        ["make", "-j", jobs, "-f", "Vtop.mk", f"VM_TRACE={int(design.waves)}", *make],
        tools,
        partial,
    )
    try:
        partial.rename(folder)
    except OSError:  # another process was faster, with the same result
        shutil.rmtree(partial)
    return Build(design, folder, time.perf_counter() - started)


def run(
    build: Build,
    module: str,
    folder: Path,
    *,
    tests: str = "",
    arguments: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    waves: Path | None = None,
    seed: int = 1,
) -> Verdict:
    """Run the cocotb tests of `module` (all whose name matches `tests`) in `folder`.

    `arguments` are plusargs; with `waves` a design built with waves writes a VCD there.
    Results, coverage data and the log land in `folder`. A simulation that ends without results,
    by an assertion of the design above all, has one failure, `simulation`, with its last words.
    """
    from cocotb_tools.runner import get_runner

    folder.mkdir(parents=True, exist_ok=True)
    results = folder.resolve() / "results.xml"
    log = folder.resolve() / "run.log"
    started = time.perf_counter()
    # The runner ends the process after a failed test; the results say which it was.
    with contextlib.suppress(SystemExit, RuntimeError):
        get_runner("verilator").test(
            test_module=module,
            hdl_toplevel=build.design.top,
            hdl_toplevel_lang="verilog",
            build_dir=build.folder,
            test_dir=folder,
            results_xml=str(results),
            test_filter=tests or None,
            test_args=["--trace", "--trace-file", str(waves.resolve())] if waves else [],
            plusargs=list(arguments),
            extra_env={"COCOTB_ANSI_OUTPUT": "0", **(environment or {})},
            seed=seed,
            log_file=log,
        )
    seconds = time.perf_counter() - started
    if not results.exists():
        last_words = _tail(log, "%Error", "Assertion failed")
        return Verdict((), {"simulation": last_words}, results.parent, seconds)
    return _verdict(results, seconds)


def _verdict(results: Path, seconds: float) -> Verdict:
    names, failures = [], {}
    for case in ElementTree.parse(results).iter("testcase"):
        name = case.get("name", "?")
        names.append(name)
        for kind in ("failure", "error"):
            if (found := case.find(kind)) is not None:
                failures[name] = found.get("error_msg") or found.get("message") or kind
    return Verdict(tuple(names), failures, results.parent, seconds)


def _key(design: Design, tools: Toolchain) -> str:
    digest = hashlib.sha256()
    for part in (repr(design), tools.versions, str(tools.make_variables), _public(design)):
        digest.update(part.encode())
    for path in design.files:
        digest.update(path.read_bytes())
    digest.update(Path(__file__).read_bytes())
    return f"{design.top}-{digest.hexdigest()[:16]}"


def _public(design: Design) -> str:
    """The control file that keeps signals within Python's reach: ports, and what was asked."""
    wanted = [f"{design.top}.{name}" for name in ("*_i", "*_o", "rst_ni")]
    lines = ["`verilator_config"]
    for module, _, name in (signal.partition(".") for signal in (*wanted, *design.public)):
        lines.append(f'public_flat_rw -module "{module}" -var "{name}"')
    return "\n".join(lines) + "\n"


def _verilate(design: Design, tools: Toolchain, folder: Path) -> list[str]:
    links = f"-Wl,-rpath,{tools.cocotb_library} -L{tools.cocotb_library} -lcocotbvpi_verilator"
    return [
        str(tools.verilator),
        *("--cc", "--exe", "--vpi", "--prefix", "Vtop", "--Mdir", str(folder), "-o", design.top),
        *("--top-module", design.top, "--timescale", "1ns/1ps", "--assert", "-LDFLAGS", links),
        *(["--trace"] if design.waves else []),
        *(["--coverage"] if design.coverage else []),
        *(f"-D{name}" for name in design.defines),
        *(f"-G{name}={value}" for name, value in design.parameters),
        *("-Wno-fatal", str(tools.cocotb_main), str(folder / "public.vlt")),
        *map(str, design.files),
    ]


def _execute(command: list[str], tools: Toolchain, folder: Path) -> None:
    log = folder / "build.log"
    with log.open("a", encoding="utf-8") as output:
        status = subprocess.call(
            command, cwd=folder, env=tools.environment, stdout=output, stderr=subprocess.STDOUT
        )
    if status:
        text = _tail(log, "%Error", "error:")
        shutil.rmtree(folder)
        raise SpecError(f"{Path(command[0]).name} cannot build this design\n{text}")


def _tail(log: Path, *marks: str) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    marked = [line for line in lines if any(mark in line for mark in marks)]
    return "\n".join(marked[:20] or lines[-20:])
