"""A pass analysis as a plain-text table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from einsum.passes import Pass, PassAnalysis


def pass_table(analysis: PassAnalysis) -> str:
    """The passes per tensor and rank with the footprints, and why each further pass is forced.

    Traversals of one tile, or of all tiles' values, stand under their partition in parentheses,
    for the partitions that are traversed more than once.
    """
    count = analysis.max_passes
    lines = [f"{analysis.cascade}: {count} pass{'es' if count > 1 else ''}", "", *_table(analysis)]
    lines += ["", _loops(analysis)]
    if reasons := _reasons(analysis):
        lines += ["", *reasons]
    return "\n".join(lines)


def _loops(analysis: PassAnalysis) -> str:
    outside = f" per ({', '.join(analysis.parallel)})" if analysis.parallel else ""
    inside = f"; loops, outermost first: {', '.join(analysis.loops)}" if analysis.loops else ""
    return f"live footprint{outside}{inside}"


def _table(analysis: PassAnalysis) -> list[str]:
    present = {fiber.rank for fiber in analysis.fibers if not fiber.is_partial}
    repeated = {f.rank for f in analysis.fibers if f.is_partial and len(f.passes) > 1}
    ranks = [rank for rank in analysis.ranks if rank in present]
    tiles = [rank for rank in analysis.ranks if rank in repeated]
    rows = [["tensor", *ranks, *(f"({tile})" for tile in tiles), "live footprint"]]
    for tensor, footprint in analysis.footprints:
        whole, tile = analysis.passes[tensor], analysis.tile_passes.get(tensor, {})
        cells = [str(whole.get(rank, "-")) for rank in ranks]
        cells += [str(tile.get(rank, "-")) for rank in tiles]
        rows.append([tensor, *cells, str(footprint)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        name, *cells, held = row
        middle = [cell.rjust(width) for cell, width in zip(cells, widths[1:-1], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *middle, held]))
    return lines


def _reasons(analysis: PassAnalysis) -> list[str]:
    """Each reason once, for all tensors that share it."""
    tensors: dict[tuple[object, ...], list[str]] = {}
    first: dict[tuple[object, ...], Pass] = {}
    for tensor, ranks in analysis.reasons.items():
        for passes in ranks.values():
            for found in passes:
                key = (found.rank, found.number, found.einsums[:1], found.again, found.after)
                tensors.setdefault(key, []).append(tensor)
                first.setdefault(key, found)
    return [f"{first[key].reason} ({', '.join(names)})" for key, names in tensors.items()]
