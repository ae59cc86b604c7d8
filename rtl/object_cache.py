"""A compiler launcher that compiles Verilator's run-time library only once.

    python object_cache.py CACHE_FOLDER c++ OPTIONS -c -o FILE.o SOURCE.cpp

Everything else, the generated code above all, goes to the compiler as it is. Only the run-time
library is worth it, and its sources depend on nothing but themselves and the options.
Imports the standard library only, for it starts once per object.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Compile, or copy the object of an equal command. Returns the compiler's exit status."""
    folder, *command = arguments
    source = Path(command[-1])
    if not (source.name.startswith("verilated") and source.suffix == ".cpp" and "-o" in command):
        return subprocess.call(command)
    target = Path(command[command.index("-o") + 1])
    kept = Path(folder) / f"{_key(command, source, str(target))}.o"
    if not kept.exists():
        status = subprocess.call(command)
        if status == 0:
            kept.parent.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(f".{os.getpid()}")
            shutil.copyfile(target, partial)
            partial.replace(kept)
        return status
    shutil.copyfile(kept, target)
    return 0


def _key(command: list[str], source: Path, target: str) -> str:
    compiler = Path(command[0]).resolve().stat()
    parts = (
        *(part for part in command if part != target),
        f"{compiler.st_size} {compiler.st_mtime_ns}",
        source.read_text(encoding="utf-8"),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
