"""Verilator's warnings for every module, in every format that it takes."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rtl.build import ROOT, listed_sources
from rtl.formats import RTL_FORMATS
from rtl.toolchain import toolchain

WAIVERS = ROOT / "lint.vlt"


@dataclass(frozen=True, slots=True)
class LintResult:
    """The warnings and errors of one module; `format` is empty for a module that has none."""

    module: str
    format: str
    messages: tuple[str, ...]


def lint(sources: tuple[Path, ...] = ()) -> tuple[LintResult, ...]:
    """Lint every module of `sources` as a top module, with all warnings that there are.

    `sources` are the files of `rtl/sources.f` unless given. Raises `SpecError` without Verilator.
    """
    files = sources or listed_sources()
    results = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        for module in re.findall(r"^module (\w+)", text, re.MULTILINE):
            formats = tuple(RTL_FORMATS) if re.search(r"parameter .*\bFormat =", text) else ("",)
            results += [LintResult(module, name, _lint(module, name, files)) for name in formats]
    return tuple(results)


def _lint(module: str, name: str, files: tuple[Path, ...]) -> tuple[str, ...]:
    tools = toolchain()
    command = [str(tools.verilator), "--lint-only", "-Wall", "--top-module", module]
    if name:
        command.append(f"-GFormat=3'd{RTL_FORMATS[name]}")
    command += [str(WAIVERS), *map(str, files)]
    done = subprocess.run(
        command, env=tools.environment, capture_output=True, text=True, check=False
    )
    found = [line for line in done.stderr.splitlines() if re.match(r"%(Warning|Error)", line)]
    exiting = [line for line in found if "Exiting due to" not in line]
    if done.returncode and not exiting:
        return (done.stderr.strip() or f"verilator ended with {done.returncode}",)
    return tuple(exiting)
