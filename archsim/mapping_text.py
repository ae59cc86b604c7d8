"""A mapping as text: the YAML that loads back to it, and the loop nest as people write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import assert_never

from archsim.mapping import Branches, Compute, For, Hold, Mapping, Nest, Spread

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./-]*")


def mapping_to_yaml(mapping: Mapping) -> str:
    """YAML that `archsim.mapping_file` reads back to an equal mapping.

    A tile size that is still free is written as `any`, whatever its name.
    """
    name = (
        mapping.name
        if _PLAIN.fullmatch(mapping.name)
        else json.dumps(mapping.name, ensure_ascii=False)
    )
    lines = [f"name: {name}", "groups:"]
    for group in mapping.groups:
        lines.append(f"  - schedule: {group.policy.value}")
        if group.phases:
            lines.append("    phases:")
        for phase in group.phases:
            parts = [f"einsums: [{', '.join(phase.einsums)}]"] if phase.einsums else []
            if phase.bubble:
                parts.append(f"bubble: {phase.bubble}, times: {phase.bubble_factor!r}")
            lines.append(f"      - {{{', '.join(parts)}}}")
        lines.append("    nest:")
        lines += _yaml(group.nest, 6)
    return "\n".join(lines) + "\n"


def _yaml(nest: Nest, indent: int) -> Iterator[str]:
    pad = " " * indent
    for node in nest:
        match node:
            case For(variable, tile, dealt):
                size = "any" if isinstance(tile, str) else str(tile)
                over = f", dealt: {dealt}" if dealt else ""
                yield f"{pad}- {{for: {variable}, tile: {size}{over}}}"
            case Spread(variable, dim, count):
                many = f", count: {count}" if count else ""
                yield f"{pad}- {{for: {variable}, across: {dim}{many}}}"
            case Hold():
                extra = f", copies: {node.copies}" if node.copies > 1 else ""
                extra += f", spilled: {node.spilled!r}" if node.spilled else ""
                extra += ", overlaid: true" if node.overlaid else ""
                sizes = ", ".join(f"{name}: {size}" for name, size in node.parts)
                extra += f", parts: {{{sizes}}}" if sizes else ""
                yield f"{pad}- {{hold: [{', '.join(node.tensors)}], in: {node.memory}{extra}}}"
            case Compute(einsum, unit):
                yield f"{pad}- {{compute: {einsum}, unit: {unit}}}"
            case Branches(nests):
                yield f"{pad}- each:"
                for branch in nests:
                    yield f"{pad}    - nest:"
                    yield from _yaml(branch, indent + 8)
            case _:
                assert_never(node)


def loop_nest(mapping: Mapping) -> str:
    """The nests as indented loops."""
    lines: list[str] = []
    for number, group in enumerate(mapping.groups):
        lines.append(f"group {number + 1} ({group.policy.value})")
        lines += _lines(group.nest, 1)
    return "\n".join(lines)


def _lines(nest: Nest, depth: int) -> Iterator[str]:
    for node in nest:
        pad = "  " * depth
        match node:
            case For(variable, tile, dealt):
                over = f", dealt over {dealt}" if dealt else ""
                yield f"{pad}for {variable} in tiles of {tile}{over}"
                depth += 1
            case Spread(variable, dim, count):
                yield f"{pad}parallel {variable} across {dim}" + (f" ({count})" if count else "")
                depth += 1
            case Hold():
                notes = [f"x{node.copies}"] if node.copies > 1 else []
                notes += [f"{node.spilled:.2%} spilled"] if node.spilled else []
                note = f" ({', '.join(notes)})" if notes else ""
                yield f"{pad}hold {', '.join(node.tensors)} in {node.memory}{note}"
            case Compute(einsum, unit):
                yield f"{pad}{einsum} on {unit}"
            case Branches(nests):
                for branch in nests:
                    yield from _lines(branch, depth)
            case _:
                assert_never(node)
