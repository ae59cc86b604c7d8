"""What one access of a memory costs, and its area, as functions of its capacity and width.

Every model has `cost(bits, width)`: `bits` is the capacity and `width` the bits of one access.
More capacity never costs less, in energy or in area.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from einsum.errors import SpecError


@dataclass(frozen=True, slots=True)
class MemoryCost:
    """Energy of reading and of writing one access, and area of one instance."""

    read_pj: float
    write_pj: float
    area_um2: float

    def scaled(self, read: float, write: float, area: float) -> MemoryCost:
        return MemoryCost(self.read_pj * read, self.write_pj * write, self.area_um2 * area)


@dataclass(frozen=True, slots=True)
class PerBit:
    """Energy per bit accessed and area per bit stored: DRAM, or a memory known at one size."""

    read_pj: float
    write_pj: float
    area_um2: float

    def cost(self, bits: float | None, width: float) -> MemoryCost:
        """An unbounded memory has no area."""
        return MemoryCost(self.read_pj * width, self.write_pj * width, self.area_um2 * (bits or 0))


# CACTI has no array of fewer rows, nor narrower than a word. Accelergy scales its smallest one
# down to what is asked for: area with the rows, energy with their power of 1.56 / 2.
_LEAST_ROWS = 64
_LEAST_WIDTH = 32
_ROWS_EXPONENT = 1.56 / 2


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """Flip-flops, a comparator for each entry, and an address generator for each of two ports.

    The `smartbuffer_RF` of the Accelergy examples (Wu, Emer, Sze, ICCAD 2019), which the FuseMax
    artifact uses: an access reads `width` bits and drives all comparators; a file below 64
    entries of 32 bits is that one, scaled down. Energies in pJ per bit, comparator and
    access; areas in um^2 per bit, comparator and address bit.
    """

    bit_pj: float
    comparator_pj: float
    address_bit_pj: float
    address_pj: float
    bit_um2: float
    comparator_um2: float
    address_bit_um2: float

    def cost(self, bits: float | None, width: float) -> MemoryCost:
        entries = _bounded(bits) / width
        narrow = min(1.0, width / _LEAST_WIDTH)
        share = narrow * min(1.0, entries / _LEAST_ROWS) ** _ROWS_EXPONENT
        address_bits = max(1, math.ceil(math.log2(entries)))
        compare = share * max(entries, _LEAST_ROWS) * self.comparator_pj
        address = address_bits * self.address_bit_pj + self.address_pj
        write = compare + address
        read = write + share * max(width, _LEAST_WIDTH) * self.bit_pj
        area = entries * (width * self.bit_um2 + narrow * self.comparator_um2)
        return MemoryCost(read, write, area + 2 * address_bits * self.address_bit_um2)


@dataclass(frozen=True)
class SramTable:
    """Costs at given capacities and widths, interpolated between them.

    `points` are (capacity in bits, width in bits, cost), at least two capacities for a width.
    Costs are power laws between neighbouring points. Beyond the largest capacity the last one
    continues; below the smallest of a width there are fewer than 64 rows, see above; beyond the
    widths of the table an access costs as much per bit as at its edge.
    """

    points: tuple[tuple[float, float, MemoryCost], ...]

    @cached_property
    def _curves(self) -> tuple[tuple[float, _Curve], ...]:
        """By width: the logarithms of capacity, read, write and area, by capacity."""
        widths = sorted({width for _, width, _ in self.points})
        return tuple(
            (
                width,
                _Curve(
                    sorted(
                        (math.log(bits), _logs(cost)) for bits, w, cost in self.points if w == width
                    )
                ),
            )
            for width in widths
        )

    def cost(self, bits: float | None, width: float) -> MemoryCost:
        capacity = _bounded(bits)
        widths = [w for w, _ in self._curves]
        inside = min(max(width, widths[0]), widths[-1])
        above = bisect_left(widths, inside)
        below = max(0, above - 1)
        high = self._curves[above][1].at(capacity)
        share = 1.0
        if widths[above] != inside:
            share = math.log(inside / widths[below]) / math.log(widths[above] / widths[below])
        low = self._curves[below][1].at(capacity)
        read, write, area = (
            math.exp((1 - share) * a + share * b) for a, b in zip(low, high, strict=True)
        )
        return MemoryCost(read * width / inside, write * width / inside, area)


class _Curve:
    """Logarithms of read, write and area over the logarithm of the capacity."""

    def __init__(self, points: Iterable[tuple[float, tuple[float, float, float]]]) -> None:
        self._capacities, self._values = zip(*points, strict=True)

    def at(self, capacity: float) -> tuple[float, float, float]:
        where = math.log(capacity)
        first = self._capacities[0]
        if where <= first:
            rows = where - first
            read, write, area = self._values[0]
            return (read + _ROWS_EXPONENT * rows, write + _ROWS_EXPONENT * rows, area + rows)
        above = min(bisect_left(self._capacities, where), len(self._capacities) - 1)
        x0, x1 = self._capacities[above - 1 : above + 1]
        share = (where - x0) / (x1 - x0)
        y0, y1 = self._values[above - 1 : above + 1]
        read, write, area = (a + share * (b - a) for a, b in zip(y0, y1, strict=True))
        return (read, write, area)


def _logs(cost: MemoryCost) -> tuple[float, float, float]:
    return (math.log(cost.read_pj), math.log(cost.write_pj), math.log(cost.area_um2))


@dataclass(frozen=True, slots=True)
class Anchored:
    """Another model, scaled so that one capacity and width cost what is published for them."""

    base: MemoryModel
    bits: float
    width: float
    published: MemoryCost

    def cost(self, bits: float | None, width: float) -> MemoryCost:
        at = self.base.cost(self.bits, self.width)
        return self.base.cost(bits, width).scaled(
            self.published.read_pj / at.read_pj,
            self.published.write_pj / at.write_pj,
            self.published.area_um2 / at.area_um2,
        )


MemoryModel: TypeAlias = PerBit | RegisterFile | SramTable | Anchored


def _bounded(bits: float | None) -> float:
    if bits is None:
        raise SpecError("an on-chip memory needs a size", rule="write size: 16 MiB, for example")
    return bits
