"""Compiling a kernel for a GPU that need not be there: its registers, spills and instructions.

Triton's wheel brings NVIDIA's assembler and disassembler, so all of this runs on any Linux machine.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from workloads.gpu.kernels.step import Step

_TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
_WARP = 32
_OPCODE = re.compile(
    r"^\s*/\*[0-9a-f]+\*/\s+(?:@!?\w+\s+)?([A-Z][A-Z0-9_]*)((?:\.[A-Z0-9_]+)*)", re.M
)


@dataclass(frozen=True)
class Compiled:
    """What the compiler made of a step: registers a thread, spilled bytes a thread, shared bytes.

    `instructions` counts opcodes of the machine code with their first modifier: HGMMA is a matrix
    product of a warp group, HMMA one of a warp, MUFU.EX2 an exponential, UTMALDG a copy of a tile
    to shared memory, LDL and STL are spills.
    """

    name: str
    registers: int
    spill_bytes: int
    shared_bytes: int
    instructions: Mapping[str, int]

    def count(self, opcode: str) -> int:
        """How many instructions start with `opcode`."""
        return sum(n for name, n in self.instructions.items() if name.startswith(opcode))


def compile_step(step: Step, capability: int = 90) -> Compiled:
    """`step` compiled for compute capability `capability` / 10.

    Not in the interpreter: unset TRITON_INTERPRET before triton is imported. Other sizes that are
    arguments are unknown to this compilation.
    """
    # As a launch does, take an argument that is 1 for a constant.
    ones = {name: 1 for name, value in step.arguments.items() if type(value) is int and value == 1}
    source = ASTSource(
        fn=step.function,
        signature=step.signature | dict.fromkeys(ones, "constexpr"),
        constexprs={**step.constants, **ones},
    )
    options = {"num_warps": step.warps, "num_stages": step.stages}
    target = GPUTarget("cuda", capability, _WARP)
    kernel = triton.compile(source, target=target, options=options)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        usage = _tool("cuobjdump", "-res-usage", file.name)
        code = _tool("nvdisasm", "-c", file.name)
    found = {name: int(value) for name, value in re.findall(r"\b(REG|STACK):(\d+)", usage)}
    opcodes = Counter(
        opcode + "".join(re.findall(r"\.[A-Z0-9_]+", rest)[:1])
        for opcode, rest in _OPCODE.findall(code)
    )
    return Compiled(step.name, found["REG"], found["STACK"], kernel.metadata.shared, dict(opcodes))


def _tool(name: str, *arguments: str) -> str:
    command = [str(_TOOLS / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
