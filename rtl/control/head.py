"""An attention head on an array: sizes, the array's own parameters, and how it is scheduled."""

from __future__ import annotations

from dataclasses import dataclass

from archsim.architecture import Architecture
from archsim.division import reciprocals
from archsim.free_tiles import choose_tiles
from archsim.load import load_architecture
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping_file import load_mapping
from archsim.schedule import Schedule, schedule
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.shapes import Shapes, bind
from rtl.control.binding import Binding
from workloads.library import load_cascade


@dataclass(frozen=True, slots=True)
class Head:
    """Attention of `p` queries over `m` keys, on an `n` x `n` array and `n` lanes.

    `e` and `f` are the lengths of a key and of a value. `degree` is that of the polynomial for
    2^x, `entries` how many values a 2D PE has room for. Lengths need not be multiples of `n`: the
    last tiles are padded. Raises `SpecError` for sizes that the array cannot have.
    """

    n: int
    m: int
    p: int
    e: int = 64
    f: int = 64
    binding: Binding = Binding.INTERLEAVED
    degree: int = 6
    entries: int = 14

    def __post_init__(self) -> None:
        for name in ("m", "p", "e", "f"):
            _check(name, getattr(self, name), 1, 1 << 20)
        _check("n", self.n, 2, 256)
        _check("degree", self.degree, 2, 6)
        _check("entries", self.entries, 2, 64)

    @property
    def key_tiles(self) -> int:
        """M1."""
        return -(-self.m // self.n)

    @property
    def query_tiles(self) -> int:
        """P1."""
        return -(-self.p // self.n)

    def problem(self) -> tuple[Cascade, Shapes, Architecture, LoopMapping]:
        """The cascade with its shapes (whole tiles), the array, and the mapping to it.

        The array has no divider: the division by RD is one reciprocal and F products.
        """
        architecture = load_architecture("rtl-array")
        given = {"N": self.n, "degree": self.degree, "entries": self.entries}
        for name, value in given.items():
            architecture = architecture.with_parameter(name, value)
        cascade = load_cascade(self.binding.cascade)
        sizes = {"E": self.e, "F": self.f, "M0": self.n}
        sizes |= {"M": self.key_tiles * self.n, "P": self.query_tiles * self.n}
        shapes = bind(cascade, sizes)
        mapping = load_mapping(self.binding.mapping).bind(cascade, shapes, architecture)
        cascade, mapping = reciprocals(cascade, mapping, architecture, shapes)
        shapes = bind(cascade, sizes)
        mapping = choose_tiles(cascade, shapes, architecture, mapping)
        return cascade, shapes, architecture, mapping

    def schedule(self) -> Schedule:
        """When every Einsum runs, with results that cross the rows a cycle each."""
        cascade, shapes, architecture, mapping = self.problem()
        return schedule(cascade, shapes, architecture, mapping, skew=True)


def _check(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SpecError(f"{name} is {value}", rule=f"it must be {least} to {most:,}")
