"""Attention on processing elements of each format against float64: `python -m benchmarks.formats`.

FuseMax's cascade with operands, maxima and weights in the format and sums in fp32, base-2
exponential of degree 3, E = F = 64, 32 queries of standard normal values.
"""

from __future__ import annotations

import re

import numpy as np

from einsum.arithmetic import OPERANDS, Arithmetic
from einsum.cascade import Cascade
from einsum.formats import Format
from einsum.interpret import run
from einsum.parser import parse_cascade
from workloads.library import load_cascade

OPERAND_TENSORS = ("Q", "K", "V", "LM", "RM", "PRM", "SLN")
KEYS = (256, 1024, 4096)


def in_format(operand: Format) -> Cascade:
    """FuseMax's cascade with base-2 exponentials, its tensors in `operand` or fp32."""
    loaded = load_cascade("attention/fusemax")
    formats = ", ".join(
        f"{one.name} {operand.name if one.name in OPERAND_TENSORS else 'fp32'}"
        for one in loaded.tensors
    )
    text = str(loaded).replace("exp(", "exp2(")
    return parse_cascade(re.sub(r"(inputs [^\n]*\n)", rf"\1formats {formats}\n", text, count=1))


def attention_error(operand: Format, keys: int) -> float:
    """Relative L2 error of the output, inputs rounded to the format in both."""
    cascade = in_format(operand)
    q = np.random.default_rng(1).standard_normal((1, 1, 64, 32)) * np.log2(np.e) / 8
    sizes = {"M": keys, "P": 32, "M0": 64}
    found = run(cascade, {"Q": q}, sizes, arithmetic=Arithmetic(operand, 3))
    exact = run(cascade, {name: found[name] for name in "QKV"}, {"M0": 64})
    error = np.linalg.norm(found["AV"] - exact["AV"]) / np.linalg.norm(exact["AV"])
    return float(error)


def main() -> None:
    """Print the table of docs/formats.md."""
    print(f"{'format':8}" + "".join(f"{f'M = {keys}':>12}" for keys in KEYS))
    for operand in OPERANDS:
        if not operand.is_integer:
            errors = (attention_error(operand, keys) for keys in KEYS)
            print(f"{operand.name:8}" + "".join(f"{error:12.1e}" for error in errors))


if __name__ == "__main__":
    main()
