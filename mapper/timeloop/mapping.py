"""Timeloop's mappings of one Einsum as ours.

Read are the forms of version 4 and those of the files that Timeloop itself writes: factors
`[M=4, K=2]`, `M=4 K=2` and `M4 K2`, permutations as lists or words, innermost first, and
`dataspace`, `datatype` or `bypass` for what is kept. A factor of 0 is what the others leave over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import PurePath

from archsim.architecture import Architecture, Memory
from archsim.mapping import Compute, For, Group, Hold, Node, Spread
from archsim.mapping import Mapping as LoopMapping
from archsim.section import Section, open_section
from archsim.work import supports
from archsim.yaml_nodes import Sequence
from einsum.cascade import Cascade, Einsum
from einsum.errors import Source, SpecError, choices
from einsum.shapes import Shapes

_FACTOR = re.compile(r"(?P<name>[A-Za-z_]+[A-Za-z0-9_]*?)\s*=?\s*(?P<count>[0-9]+)")
_KEEPS = ("dataspace", "datatype", "bypass")


def load_timeloop_mapping(
    source: Source, cascade: Cascade, shapes: Shapes, architecture: Architecture
) -> LoopMapping:
    """The mapping in the text of a Timeloop file, for a cascade of one Einsum.

    Targets are our memories and units. A spatial block may stand at what has the fanout, as in
    version 4, or at the memory above it. Raises `SpecError` with the place of what is missing or
    does not fit.
    """
    if len(cascade.steps) != 1:
        raise SpecError(
            f"{cascade.name} has {len(cascade.steps)} Einsums", rule="Timeloop maps one at a time"
        )
    einsum = cascade.steps[0]
    top = open_section(source)
    top.offer("problem", "architecture", "components", "variables", "mapper", "globals")
    blocks = _blocks(top.listed("mapping"), einsum)
    top.done()
    unit = _unit(blocks, einsum, architecture)
    reader = _Reader(einsum, shapes, architecture, unit, blocks)
    name = PurePath(source.name).stem
    return LoopMapping(name, (Group((*reader.nodes(), Compute(einsum.name, unit))),))


@dataclass(frozen=True, slots=True)
class _Block:
    """An entry of the list: loops, innermost first, or what is kept."""

    section: Section
    target: str
    kind: str
    factors: Mapping[str, int]
    order: tuple[str, ...] = ()
    split: int | None = None
    keep: frozenset[str] = frozenset()
    bypass: frozenset[str] = frozenset()


def _blocks(sections: Iterable[Section], einsum: Einsum) -> tuple[_Block, ...]:
    found: list[_Block] = []
    names = {variable.upper(): variable for variable in einsum.variables}
    for part in sections:
        target, kind = part.text("target"), part.text("type")
        if kind in _KEEPS:
            keep, bypass = (_tensors(part, key, einsum) for key in ("keep", "bypass"))
            block = _Block(part, target, "keep", {}, keep=keep, bypass=bypass)
        elif kind in ("temporal", "spatial"):
            factors = _factors(part, names)
            order = _order(part, names)
            split = part.integer("split", 0) if "split" in part else None
            block = _Block(part, target, kind, factors, order, split)
        else:
            part.fail("type", f"type {kind} is unknown", rule=choices(kind, ("temporal", *_KEEPS)))
        for other in found:
            if (other.target, other.kind) == (block.target, block.kind):
                part.fail("target", f"{target} has two entries of type {kind}")
        part.done()
        found.append(block)
    return tuple(found)


def _tensors(part: Section, key: str, einsum: Einsum) -> frozenset[str]:
    names = part.texts(key) if key in part else ()
    for name in names:
        if name not in einsum.tensors:
            part.fail(key, f"unknown tensor {name}", rule=choices(name, einsum.tensors))
    return frozenset(names)


def _words(part: Section, key: str) -> list[str]:
    if isinstance(part.table.entries.get(key), Sequence):
        return [text.strip() for text in part.texts(key)]
    return [word for word in re.split(r"[,\s]+", part.text(key)) if word]


def _factors(part: Section, names: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in _words(part, "factors") if "factors" in part else []:
        match = _FACTOR.fullmatch(word)
        # `M14` is 4 of M1 if there is an M1: the longest name that is one.
        name, count = (match["name"], match["count"]) if match else (word, "")
        while match and "=" not in word and name not in names and len(count) > 1:
            name, count = name + count[0], count[1:]
        if match is None:
            part.fail("factors", f"{word!r} is not a factor", rule="write M=4")
        if name not in names:
            part.fail("factors", f"unknown dimension {name}", rule=choices(name, names))
        if names[name] in found:
            part.fail("factors", f"{name} is given twice")
        found[names[name]] = int(count)
    return found


def _order(part: Section, names: Mapping[str, str]) -> tuple[str, ...]:
    if "permutation" not in part:
        return ()
    words = _words(part, "permutation")
    if len(words) == 1 and words[0] not in names:
        words = list(words[0])  # one letter for each dimension
    for word in words:
        if word not in names:
            part.fail("permutation", f"unknown dimension {word}", rule=choices(word, names))
    if len(set(words)) < len(words):
        part.fail("permutation", "a dimension is given twice")
    return tuple(names[word] for word in words)


def _unit(blocks: tuple[_Block, ...], einsum: Einsum, architecture: Architecture) -> str:
    """The unit that the entries lead to."""
    able = [unit.name for unit in architecture.units if supports(unit, einsum)]
    for block in blocks:
        valid = [memory.name for memory in architecture.memories] + able
        if block.target not in valid:
            block.section.fail(
                "target", f"unknown target {block.target}", rule=choices(block.target, valid)
            )
    targets = {block.target for block in blocks}
    for name in able:
        if targets <= {name, *(memory.name for memory in architecture.path(name))}:
            return name
    raise SpecError(
        f"no unit that can compute {einsum.name} has all of {', '.join(sorted(targets))} above it",
        rule=f"units that can: {', '.join(able) or 'none'}",
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    einsum: Einsum
    shapes: Shapes
    architecture: Architecture
    unit: str
    blocks: tuple[_Block, ...]

    def nodes(self) -> list[Node]:
        """Holds and loops of all memories, outermost first."""
        left = dict(self._residual())
        found: list[Node] = []
        path = self.architecture.path(self.unit)
        for number, memory in enumerate(path):
            found += self._spread(memory.name, path[number - 1].name if number else "", left)
            if memory.parent is not None and (kept := self._kept(memory)):
                found.append(Hold(kept, memory.name))
            found += self._loops(memory.name, left)
        found += self._spread(self.unit, path[-1].name, left)
        return found

    def _residual(self) -> Mapping[str, int]:
        """What is left of every variable, all of it; refuses factors that do not multiply to it."""
        sizes = {v: self.shapes.extent(v) for v in self.einsum.variables}
        for variable, size in sizes.items():
            own = [b for b in self.blocks if variable in b.factors]
            counts = [block.factors[variable] for block in own]
            whole = prod(count for count in counts if count)
            if counts.count(0) > 1 or size % whole or (0 not in counts and whole != size):
                message = (
                    f"the factors of {variable.upper()} multiply to {whole}, its size is {size}"
                )
                if own:
                    own[-1].section.fail("factors", message, rule="they multiply to the size")
                raise SpecError(message, rule="give its factors")
        return sizes

    def _count(self, block: _Block, variable: str) -> int:
        """How often a loop turns; 0 stands for what the others leave."""
        count = block.factors.get(variable, 1)
        if count:
            return count
        others = prod(b.factors[variable] or 1 for b in self.blocks if variable in b.factors)
        return self.shapes.extent(variable) // others

    def _turning(self, block: _Block) -> list[tuple[str, int]]:
        """The loops that turn, innermost first."""
        counts = {v: self._count(block, v) for v in self.einsum.variables}
        loops = [v for v in block.order if counts[v] > 1]
        missing = [v for v, count in counts.items() if count > 1 and v not in block.order]
        if len(missing) > 1 or (missing and loops):
            block.section.fail(
                "permutation", f"{missing[0].upper()} has no place in the permutation"
            )
        return [(v, counts[v]) for v in (*loops, *missing)]

    def _loops(self, memory: str, left: dict[str, int]) -> list[Node]:
        found: list[Node] = []
        for block in self.blocks:
            if (block.target, block.kind) == (memory, "temporal"):
                for variable, count in reversed(self._turning(block)):
                    left[variable] //= count
                    found.append(For(variable, left[variable]))
        return found

    def _spread(self, owner: str, above: str, left: dict[str, int]) -> list[Node]:
        dims = self.architecture.own_dims(owner)
        block = self._spatial(owner, above)
        if block is None:
            return []
        loops = self._turning(block)
        split = len(loops) if block.split is None else block.split
        if block.split is not None and block.order:
            split = sum(v in block.order[: block.split] for v, _ in loops)
        found: list[Node] = []
        for number, (variable, count) in enumerate(loops):
            place = len(dims) - 1 if number < split else len(dims) - 2
            if place < 0:
                block.section.fail("split", f"{owner} has {len(dims)} dimensions")
            left[variable] //= count
            found.insert(0, Spread(variable, f"{owner}.{dims[place].name}", count))
        return found

    def _spatial(self, owner: str, above: str) -> _Block | None:
        """The spatial block of a fanout: at what has it, or at the memory above it."""
        if not self.architecture.own_dims(owner):
            return None
        spatial = {block.target: block for block in self.blocks if block.kind == "spatial"}
        if owner in spatial or above not in spatial:
            return spatial.get(owner)
        return None if self.architecture.own_dims(above) else spatial[above]

    def _kept(self, memory: Memory) -> tuple[str, ...]:
        for block in self.blocks:
            if (block.target, block.kind) == (memory.name, "keep"):
                rest = frozenset(filter(memory.holds, self.einsum.tensors))
                kept = rest - block.bypass  # what is not mentioned is kept
                for tensor in block.keep:
                    if tensor in block.bypass or not memory.holds(tensor):
                        block.section.fail("keep", f"{memory.name} cannot keep {tensor}")
                return tuple(t for t in self.einsum.tensors if t in kept)
        return tuple(filter(memory.holds, self.einsum.tensors))
