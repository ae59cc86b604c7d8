"""What the bench loads and writes: hexadecimal images of all memories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from einsum.formats import FP32, Format
from einsum.rounding import Values, from_bits, to_bits
from rtl.control.places import Space
from rtl.control.program import Program
from rtl.control.words import PHASES, STREAMS
from rtl.sim.golden import Operands

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Depths:
    """Words of a bank of each memory; powers of two, so that few designs are built."""

    keys: int
    queries: int
    state: int
    output: int
    table: int

    @staticmethod
    def of(program: Program) -> Depths:
        """The least depths that hold the program's data."""
        spaces = (Space.KEYS, Space.QUERIES, Space.STATE, Space.OUTPUT)
        sizes = [program.size(space) for space in spaces]
        return Depths(*(_power(size) for size in (*sizes, len(program.rows))))


def _power(size: int) -> int:
    return max(1024, 1 << (size - 1).bit_length())


def write_images(
    folder: Path, program: Program, operands: Operands, format: Format, n: int, depths: Depths
) -> None:
    """The files that `array_bench` reads; `operands` are in whole tiles."""
    folder.mkdir(parents=True, exist_ok=True)
    masked_keys, masked_queries = operands.masked_keys, operands.masked_queries
    keys = np.zeros((n, depths.keys), dtype=np.uint64)
    for tensor, values, masked in (
        ("K", operands.k, masked_keys),
        ("V", operands.v, np.zeros_like(masked_keys)),
    ):
        _fill(keys, program, Space.KEYS, tensor, _words(format, values, masked))
    queries = np.zeros((n, depths.queries), dtype=np.uint64)
    words = _words(format, operands.q, masked_queries)
    _fill(queries, program, Space.QUERIES, "Q", words)
    _write(folder / "keys.hex", keys.ravel())
    _write(folder / "queries.hex", queries.ravel())
    rows = list(program.rows)
    for name, words_of, size in (
        ("table", rows, depths.table),
        ("phases", list(program.phase_words), PHASES),
        ("streams", list(program.stream_words), STREAMS),
    ):
        padded = words_of + [0] * (size - len(words_of))
        (folder / f"{name}.hex").write_text("\n".join(f"{w:x}" for w in padded) + "\n")


def read_output(folder: Path, program: Program, format: Format, n: int, depths: Depths) -> Values:
    """The result AV of the last run, F x P, in whole tiles."""
    region = program.region("AV", Space.OUTPUT)
    banks = _read(folder / "output.hex", n, depths.output)[:, region.base : region.limit]
    values = from_bits(format, banks.reshape(n, region.tiles, region.elements))
    return np.asarray(values.transpose(2, 1, 0).reshape(region.elements, region.tiles * n))


def read_state(folder: Path, program: Program, tensor: str, n: int, depths: Depths) -> Values:
    """What is left of a running value: tiles x elements x lanes."""
    region = program.region(tensor, Space.STATE)
    banks = _read(folder / "state.hex", n, depths.state)[:, region.base : region.limit]
    values = from_bits(FP32, banks.reshape(n, region.tiles, region.elements))
    return np.asarray(values.transpose(1, 2, 0))


def _words(format: Format, values: Values, masked: npt.NDArray[np.bool_]) -> Words:
    """Operands with the bit above them that says `masked`."""
    flags = masked.astype(np.uint64) << np.uint64(format.bits)
    return np.asarray(to_bits(format, values).astype(np.uint64) | flags[None, :])


def _fill(banks: Words, program: Program, space: Space, tensor: str, words: Words) -> None:
    """`words` are elements x (tiles x n); bank b gets every n-th of them, from the b-th on."""
    region, n = program.region(tensor, space), banks.shape[0]
    tiled = words.reshape(region.elements, region.tiles, n)
    banks[:, region.base : region.limit] = tiled.transpose(2, 1, 0).reshape(n, -1)


def _write(path: Path, words: Words) -> None:
    path.write_text("\n".join(f"{word:x}" for word in words.tolist()) + "\n", encoding="ascii")


def _read(path: Path, banks: int, depth: int) -> npt.NDArray[np.uint32]:
    text = path.read_text(encoding="ascii")
    words = [int(line, 16) for line in text.split() if not line.startswith(("@", "//"))]
    return np.array(words, dtype=np.uint32).reshape(banks, depth)
