"""What pass analysis says, with sizes filled in, and the taxonomy of published systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archsim.engineering import binary
from archsim.text_table import TextTable
from einsum.cascade import Cascade
from einsum.passes import PassAnalysis, analyse
from workloads.library import load_cascade
from workloads.taxonomy import SYSTEMS


def footprint_sizes(
    cascade: Cascade, analysis: PassAnalysis, sizes: Mapping[str, int]
) -> dict[str, tuple[int, float]]:
    """By tensor, the elements and the bytes of its live footprint.

    Raises `SpecError` if a rank that a footprint contains has no size.
    """
    held = {tensor: footprint.elements(sizes) for tensor, footprint in analysis.footprints}
    return {
        tensor: (count, count * cascade.tensor(tensor).format.bits_per_value / 8)
        for tensor, count in held.items()
    }


def footprint_table(analysis: PassAnalysis, held: Mapping[str, tuple[int, float]]) -> TextTable:
    """Elements and bytes beside the expressions, and their sums."""
    rows = [
        (tensor, str(analysis.footprint[tensor]), str(elements), binary(size))
        for tensor, (elements, size) in held.items()
    ]
    elements, size = (sum(column) for column in zip(*held.values(), strict=True))
    return TextTable(
        "live footprint",
        "<<>>",
        ("tensor", "expression", "elements", "bytes"),
        (*rows, ("total", "", str(elements), binary(size))),
    )


@dataclass(frozen=True, slots=True)
class SystemPasses:
    """A published system, and the passes over the keys that its cascade makes."""

    passes: int
    system: str
    cascade: str
    source: str


def taxonomy() -> tuple[SystemPasses, ...]:
    """The published systems, those with most passes first."""
    rows = (
        SystemPasses(
            analyse(load_cascade(system.cascade)).max_passes,
            system.name,
            system.cascade,
            system.citation,
        )
        for system in SYSTEMS
    )
    return tuple(sorted(rows, key=lambda row: -row.passes))


def taxonomy_table() -> TextTable:
    """`taxonomy` for people."""
    return TextTable(
        "attention by passes over the keys",
        "><<<",
        ("passes", "system", "cascade", "source"),
        tuple((str(row.passes), row.system, row.cascade, row.source) for row in taxonomy()),
    )
