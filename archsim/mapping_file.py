"""Mappings as YAML files: the shipped ones, a user's own, and a found mapping written back.

A file is bound to a cascade, its shapes and an architecture: its tile sizes are expressions over
rank sizes (`M0`), the array dimensions (`rows`, or `array_2d_rows` where several units have
rows) and the file's parameters; `any` leaves a size free, to be chosen when it is evaluated.
`docs/mappings.md` is the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

from archsim.architecture import Architecture
from archsim.closed_form import check_complete
from archsim.legality import check_phases
from archsim.load import read_file
from archsim.mapping import Branches, Compute, For, Group, Hold, Nest, Node, Phase, Policy, Spread
from archsim.mapping import Mapping as LoopMapping
from archsim.quantities import Unit, Value
from archsim.section import Section, open_section
from archsim.yaml_nodes import Scalar, Sequence
from einsum.cascade import Cascade
from einsum.errors import Source, SpecError, choices
from einsum.shapes import Shapes

_PRESETS = files("archsim") / "mappings"
_FREE = "any"


class _Yes(Enum):
    TRUE = "true"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class MappingFile:
    """The text of a mapping, and the parameters that it expects values for.

    A parameter without a default (None) must be given a value.
    """

    source: Source
    name: str
    parameters: tuple[tuple[str, Value | None], ...]

    def bind(
        self,
        cascade: Cascade,
        shapes: Shapes,
        architecture: Architecture,
        parameters: Mapping[str, Value] | None = None,
    ) -> LoopMapping:
        """The mapping for these shapes on this hardware.

        Raises `SpecError`, with the place in the file, for names that the cascade or the
        architecture does not have and for missing parameters.
        """
        given = {**dict(self.parameters), **(parameters or {})}
        for name in given:
            if name not in dict(self.parameters):
                raise SpecError(
                    f"mapping {self.name} has no parameter {name}",
                    rule=choices(name, dict(self.parameters)),
                    source=self.source,
                )
        missing = [name for name, value in given.items() if value is None]
        if missing:
            raise SpecError(
                f"mapping {self.name} needs values for {', '.join(missing)}", source=self.source
            )
        top = open_section(self.source)
        top.names.update(_dims(architecture))
        top.names.update(shapes.sizes)
        top.names.update(cascade.constants)
        top.names.update((name, value) for name, value in given.items() if value is not None)
        reader = _Reader(cascade, architecture)
        mapping = LoopMapping(top.text("name"), reader.groups(top))
        try:
            check_complete(cascade, mapping)
        except SpecError as error:
            raise error.located(self.source) from None
        return mapping


def mapping_names() -> tuple[str, ...]:
    """The names of the shipped mapping files."""
    names = (entry.name for entry in _PRESETS.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_mapping(name_or_path: str) -> MappingFile:
    """A shipped mapping by name, or a file by path. `SpecError` if there is neither."""
    if name_or_path in mapping_names():
        text = (_PRESETS / f"{name_or_path}.yaml").read_text(encoding="utf-8")
        return parse_mapping(Source(f"{name_or_path}.yaml", text))
    return parse_mapping(read_file(Path(name_or_path), "mapping", mapping_names()))


def parse_mapping(source: Source) -> MappingFile:
    """A mapping file from its text; its nests are read when it is bound."""
    top = open_section(source)
    return MappingFile(source, top.text("name"), _parameters(top))


def _parameters(top: Section) -> tuple[tuple[str, Value | None], ...]:
    """A list of names, or a mapping from names to defaults."""
    if "parameters" not in top:
        return ()
    if isinstance(top.table.entries["parameters"], Sequence):
        return tuple((name, None) for name in top.texts("parameters"))
    part = top.section("parameters")
    return tuple((name, part.quantity(name, Unit.COUNT, positive=False)) for name in part)


def _dims(architecture: Architecture) -> dict[str, Value]:
    """Array dimensions as names: `array_2d_rows`, and `rows` where only one unit has rows."""
    qualified: dict[str, Value] = {}
    short: dict[str, list[int]] = {}
    for path in architecture.dims:
        owner, _, dim = path.partition(".")
        qualified[f"{owner}_{dim}"] = architecture.dim_size(path)
        short.setdefault(dim, []).append(architecture.dim_size(path))
    return {**{name: sizes[0] for name, sizes in short.items() if len(sizes) == 1}, **qualified}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the groups of a file; `lines` is where it has met each Einsum."""

    cascade: Cascade
    architecture: Architecture
    lines: dict[str, int] = field(default_factory=dict)

    def groups(self, top: Section) -> tuple[Group, ...]:
        defaults = _parameters(top)
        top.names.update(
            (name, value) for name, value in defaults if value is not None and name not in top.names
        )
        if "cascade" in top:
            top.text("cascade")
        sections = top.listed("groups")
        nests: tuple[Nest, ...] | None = None
        if "like" in top:
            base = open_section(load_mapping(top.text("like")).source, None)
            base.names.update(top.names)
            base.text("name")
            nests = tuple(group.nest for group in self.groups(base))
            if len(nests) != len(sections):
                top.fail(
                    "groups", f"{len(sections)} groups, but {len(nests)} in the mapping it is like"
                )
        top.done()
        return tuple(
            self._group(part, nests[number] if nests else None)
            for number, part in enumerate(sections)
        )

    def _group(self, part: Section, nest: Nest | None) -> Group:
        policy = part.choice("schedule", Policy) if "schedule" in part else Policy.OVERLAPPED
        part.offer("schedule", "phases")
        phases = tuple(map(self._phase, part.listed("phases"))) if "phases" in part else ()
        if policy is Policy.PAPER and not phases:
            part.fail("schedule", "a paper schedule needs its phases", rule="add phases")
        if nest is None:
            nest = self._nest(part.listed("nest"))
        part.done()
        group = Group(nest, policy, phases)
        try:
            check_phases(group)
        except SpecError as error:
            part.fail("phases", error.message, rule=error.rule)
        return group

    def _phase(self, part: Section) -> Phase:
        part.offer("einsums", "bubble", "times")
        einsums = part.texts("einsums") if "einsums" in part else ()
        known = [einsum.name for einsum in self.cascade.steps]
        for name in einsums:
            _known(part, "einsums", name, known, "Einsum")
        bubble, times = "", 0.0
        if "bubble" in part:
            bubble = _known(part, "bubble", part.text("bubble"), known, "Einsum")
            times = float(part.quantity("times", Unit.COUNT))
        part.done()
        return Phase(einsums, bubble, times)

    def _nest(self, parts: tuple[Section, ...]) -> Nest:
        return tuple(node for part in parts for node in self._nodes(part))

    def _nodes(self, part: Section) -> tuple[Node, ...]:
        kinds = [key for key in ("for", "hold", "each", "compute", "nest") if key in part]
        if len(kinds) != 1:
            raise SpecError(
                "a node of a nest is one of for, hold, compute, each and nest",
                rule="give exactly one of these keys",
                source=part.source,
                span=part.span,
            )
        match kinds[0]:
            case "for":
                found: tuple[Node, ...] = (self._loop(part),)
            case "hold":
                found = self._hold(part)
            case "each":
                found = (Branches(tuple(self._nodes(branch) for branch in part.listed("each"))),)
            case "nest":
                found = self._nest(part.listed("nest"))
            case _:
                found = self._compute(part)
        part.done()
        return found

    def _loop(self, part: Section) -> Node:
        part.offer("tile", "across", "count", "dealt")
        variable = self._variable(part, "for", part.text("for"))
        if "across" in part:
            dim = _known(part, "across", part.text("across"), self.architecture.dims, "dimension")
            count = part.integer("count") if "count" in part else 0
            if count > (size := self.architecture.dim_size(dim)):
                part.fail("count", f"count is {count}", rule=f"{dim} is {size}")
            return Spread(variable, dim, count)
        dealt = ""
        if "dealt" in part:
            dealt = _known(part, "dealt", part.text("dealt"), self.architecture.dims, "dimension")
        if "tile" not in part:
            return For(variable, 1, dealt)
        if part.text("tile") == _FREE:
            return For(variable, f"{variable} tile, line {part.span.line}", dealt)
        return For(variable, part.integer("tile"), dealt)

    def _hold(self, part: Section) -> tuple[Node, ...]:
        part.offer("copies", "spilled", "overlaid", "parts", "when")
        tensors = part.texts("hold")
        for name in tensors:
            _known(part, "hold", name, [t.name for t in self.cascade.tensors], "tensor")
        names = [memory.name for memory in self.architecture.memories]
        hold = Hold(
            tensors,
            _known(part, "in", part.text("in"), names, "memory"),
            part.integer("copies") if "copies" in part else 1,
            float(part.quantity("spilled", Unit.COUNT, positive=False))
            if "spilled" in part
            else 0.0,
            part.choice("overlaid", _Yes) is _Yes.TRUE if "overlaid" in part else False,
            self._parts(part.section("parts")) if "parts" in part else (),
        )
        memory = self.architecture.memory(hold.memory)
        for name in tensors:
            if not memory.holds(name):
                allowed = ", ".join(t.name for t in self.cascade.tensors if memory.holds(t.name))
                rule = f"{memory.name} of {self.architecture.name} takes {allowed or 'none'}"
                _refuse(part, "hold", name, f"{name} may not be held in {memory.name}", rule)
        if hold.spilled > 1:
            part.fail("spilled", f"spilled is {hold.spilled:g}", rule="it is a share from 0 to 1")
        return (hold,) if _amount(part, "when", 1) else ()

    def _parts(self, part: Section) -> tuple[tuple[str, int], ...]:
        return tuple((self._variable(part, name, name), part.integer(name)) for name in part)

    def _compute(self, part: Section) -> tuple[Node, ...]:
        known = [einsum.name for einsum in self.cascade.steps]
        einsum = _known(part, "compute", part.text("compute"), known, "Einsum")
        if einsum in self.lines:
            part.fail(
                "compute",
                f"{einsum} is computed twice",
                rule=f"line {self.lines[einsum]} computes it; every Einsum has one place",
            )
        self.lines[einsum] = part.span.line
        units = [unit.name for unit in self.architecture.units]
        unit = _known(part, "unit", part.text("unit"), units, "unit")
        spreads = []
        for dim in self.architecture.unit(unit).dims:
            part.offer(dim.name)
            if dim.name in part:
                for name in _one_or_more(part, dim.name):
                    variable = self._variable(part, dim.name, name)
                    spreads.append(Spread(variable, f"{unit}.{dim.name}"))
        part.offer("then")
        inner = _one_or_more(part, "then") if "then" in part else ()
        loops = tuple(For(self._variable(part, "then", name)) for name in inner)
        return (*spreads, *loops, Compute(einsum, unit))

    def _variable(self, part: Section, key: str, name: str) -> str:
        return _known(part, key, name, list(self.cascade.rank_of_variable), "rank variable")


def _amount(part: Section, key: str, default: Value) -> Value:
    return part.quantity(key, Unit.COUNT, positive=False) if key in part else default


def _one_or_more(part: Section, key: str) -> tuple[str, ...]:
    if isinstance(part.table.entries[key], Sequence):
        return part.texts(key)
    return (part.text(key),)


def _known(part: Section, key: str, name: str, valid: list[str], kind: str) -> str:
    if name not in valid:
        _refuse(part, key, name, f"unknown {kind} {name}", choices(name, valid))
    return name


def _refuse(part: Section, key: str, name: str, message: str, rule: str) -> NoReturn:
    """Raises `SpecError` at `name`, which is the value of `key` or stands in its list."""
    node = part.table.entries[key]
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Scalar) and item.text == name:
            raise SpecError(message, rule=rule, source=part.source, span=item.span)
    part.fail(key, message, rule=rule)
