"""A part of a YAML spec, read key by key.

    top = open_section(Source("mine.yaml", text))
    clock = top.quantity("clock", Unit.HERTZ)
    for name, memory in top.sections("memories"):
        size = memory.quantity("size", Unit.BYTES) if "size" in memory else None
        memory.done()
    top.done()

Every method takes one key and raises `SpecError` with its line and a caret if the value is
missing or not of the kind asked for; `done` refuses the keys that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from math import trunc
from typing import NoReturn, TypeVar

from archsim.quantities import Unit, Value, parse_quantity
from archsim.yaml_nodes import Node, Scalar, Sequence, Table, parse_yaml
from einsum.errors import Source, Span, SpecError, choices

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

Path = tuple[str, ...]

_TOP = Span(1, 1)


@dataclass
class Section:
    """A mapping of a YAML text.

    `names` are the parameters that its quantities may use, shared by all sections of a text.
    `overrides` replace scalar values by their path from the top of the text; the name of such
    a text stands in errors.
    """

    source: Source
    table: Table
    path: Path = ()
    span: Span = _TOP
    names: dict[str, Value] = field(default_factory=dict)
    overrides: Mapping[Path, Source] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    # What is there.

    def __contains__(self, key: str) -> bool:
        """Is the optional `key` there? Asking makes it a key that `done` accepts and lists."""
        self._known.add(key)
        return key in self.table.entries or (*self.path, key) in self.overrides

    def __iter__(self) -> Iterator[str]:
        """Its keys, in the order of the text."""
        yield from self.table.entries
        depth = len(self.path)
        for path in self.overrides:
            added = path[:depth] == self.path and len(path) == depth + 1
            if added and path[depth] not in self.table.entries:
                yield path[depth]

    def done(self) -> None:
        """Refuses keys that were never asked for, listing those that were."""
        for key in self:
            if key not in self._known:
                raise SpecError(
                    f"unknown key {key}",
                    rule=choices(key, self._known),
                    source=self.source,
                    span=self.table.keys.get(key, self.span),
                )

    def offer(self, *keys: str) -> None:
        """Makes `keys` known without taking them, so that `done` accepts and lists them."""
        self._known.update(keys)

    # Values.

    def text(self, key: str) -> str:
        """The value as written, not empty."""
        return self.scalar(key, lambda text: text)

    def integer(self, key: str, minimum: int = 1, unit: Unit = Unit.COUNT) -> int:
        """A whole number of at least `minimum`; it may be an expression over the parameters."""

        def parse(text: str) -> int:
            value = parse_quantity(text, unit, self.names)
            whole = trunc(value)
            if value != whole or value < minimum:
                raise SpecError(
                    f"{key} is {value}", rule=f"it is a whole number of at least {minimum}"
                )
            return whole

        return self.scalar(key, parse)

    def quantity(self, key: str, unit: Unit, *, positive: bool = True) -> Value:
        """A value in the base unit of `unit`, above zero, or with `positive=False` at least."""

        def parse(text: str) -> Value:
            value = parse_quantity(text, unit, self.names)
            if value < 0 or (positive and value == 0):
                bound = "greater than 0" if positive else "at least 0"
                raise SpecError(f"{key} is {text}", rule=f"{unit.title} is {bound}")
            return value

        return self.scalar(key, parse)

    def choice(self, key: str, kind: type[E]) -> E:
        """The member of `kind` whose value is written."""

        def parse(text: str) -> E:
            members = {str(member.value): member for member in kind}
            if text not in members:
                raise SpecError(f"{key} {text} is unknown", rule=choices(text, members))
            return members[text]

        return self.scalar(key, parse)

    def texts(self, key: str) -> tuple[str, ...]:
        """The scalars of a list."""
        node = self._take(key)
        if not isinstance(node, Sequence):
            self.fail(key, f"{key} is not a list", rule="write a list: [a, b]")
        return tuple(
            item.text
            if isinstance(item, Scalar)
            else self.fail(key, f"{key} holds more than names", rule="write a list: [a, b]")
            for item in node.items
        )

    def scalar(self, key: str, parse: Callable[[str], T]) -> T:
        """What `parse` makes of the value; its errors are placed at the value."""
        node = self._take(key)
        if not isinstance(node, Scalar):
            self.fail(key, f"{key} is not a single value", rule=f"write {key}: VALUE")
        if not node.text:
            self.fail(key, f"{key} has no value", rule=f"write {key}: VALUE")
        try:
            return parse(node.text)
        except SpecError as error:
            source, span = self._place(key, node)
            if error.span is not None and source.line(span.line)[span.column - 1 :].startswith(
                node.text
            ):
                span = Span(span.line, span.column + error.span.column - 1, error.span.length)
            raise SpecError(error.message, rule=error.rule, source=source, span=span) from None

    # Parts.

    def section(self, key: str) -> Section:
        """The mapping under `key`."""
        node = self._take(key)
        if not isinstance(node, Table):
            self.fail(key, f"{key} is not a mapping", rule=f"write keys with values under {key}")
        return self._part(key, node, self.table.keys[key])

    def sections(self, key: str) -> tuple[tuple[str, Section], ...]:
        """Name and section of every entry under `key`, all of them mappings."""
        outer = self.section(key)
        return tuple((name, outer.section(name)) for name in outer)

    def listed(self, key: str) -> tuple[Section, ...]:
        """The mappings of a list."""
        node = self._take(key)
        if not isinstance(node, Sequence):
            self.fail(key, f"{key} is not a list", rule="start every entry with a dash")
        return tuple(
            self._part(f"{key}[{number}]", item, item.span)
            if isinstance(item, Table)
            else self.fail(key, f"entry {number} of {key} is not a mapping")
            for number, item in enumerate(node.items, start=1)
        )

    def fail(self, key: str, message: str, *, rule: str = "") -> NoReturn:
        """Raises `SpecError` at the value of `key`, or at this section if there is none."""
        node = self.table.entries.get(key)
        span = self.table.keys.get(key, self.span)
        if isinstance(node, Scalar) and node.text:
            span = node.span
        raise SpecError(message, rule=rule, source=self.source, span=span)

    def place(self, path: Path) -> Span:
        """The place of the key at `path` from here, or of as much of `path` as there is."""
        span = self.span
        node: Node = self.table
        for key in path:
            if not isinstance(node, Table) or key not in node.entries:
                break
            span, node = node.keys[key], node.entries[key]
        return node.span if isinstance(node, Scalar) and node.text else span

    # Internals.

    def _take(self, key: str) -> Node:
        self._known.add(key)
        replaced = self.overrides.get((*self.path, key))
        if replaced is not None:
            return Scalar(replaced.text.strip(), Span(1, 1, max(1, len(replaced.text))))
        if key not in self.table.entries:
            for near in get_close_matches(key, set(self.table.entries) - self._known, n=1):
                raise SpecError(
                    f"unknown key {near}",
                    rule=f"did you mean {key}?",
                    source=self.source,
                    span=self.table.keys[near],
                )
            where = f"{self.path[-1]} has no {key}" if self.path else f"there is no {key}"
            raise SpecError(where, rule=f"add {key}", source=self.source, span=self.span)
        return self.table.entries[key]

    def _place(self, key: str, node: Scalar) -> tuple[Source, Span]:
        return self.overrides.get((*self.path, key), self.source), node.span

    def _part(self, key: str, table: Table, span: Span) -> Section:
        return Section(self.source, table, (*self.path, key), span, self.names, self.overrides)


def open_section(
    source: Source,
    overrides: Mapping[Path, Source] | None = None,
    tags: frozenset[str] = frozenset(),
) -> Section:
    """The top of a YAML text. Raises `SpecError` if it is not a plain YAML mapping.

    With `tags`, mappings may have one of them; `Section.table.tag` is then that word.
    """
    return Section(source, parse_yaml(source, tags), overrides=overrides or {})
