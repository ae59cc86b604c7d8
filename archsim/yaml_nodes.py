"""YAML texts as plain trees that remember where everything stands.

Only the plain part of YAML is accepted: mappings, sequences and scalars. Tags, anchors, merge
keys and duplicate keys are refused, so a file can neither build objects nor blow up, and every
scalar stays the text that the user wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import yaml

from einsum.errors import Source, Span, SpecError


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as written; empty for a key without a value."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping: the value by key, the place of every key, and its tag if it has one."""

    entries: Mapping[str, Node]
    keys: Mapping[str, Span]
    span: Span
    tag: str = ""


Node: TypeAlias = Scalar | Sequence | Table

_MAX_DEPTH = 32
_MAX_CHARACTERS = 1 << 20
_PLAIN = {
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "value")
}


@lru_cache(maxsize=256)  # sweeps read one text with many overrides
def parse_yaml(source: Source, tags: frozenset[str] = frozenset()) -> Table:
    """The mapping that `source` holds. Raises `SpecError` with the place of what is wrong.

    Mappings may have one of `tags` (`!Memory`), which is kept as a word and builds nothing.
    """
    if len(source.text) > _MAX_CHARACTERS:
        raise SpecError(f"the file is longer than {_MAX_CHARACTERS} characters", source=source)
    try:
        loader = _Loader(source.text, tags)
        root = loader.get_single_node()
        node = _convert(root, tags) if root is not None else None
    except SpecError as error:
        raise error.located(source) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = None if mark is None else Span(mark.line + 1, mark.column + 1)
        raise SpecError(
            f"this is not YAML: {error.problem or error.context}", source=source, span=span
        ) from None
    except yaml.YAMLError as error:
        raise SpecError(f"this is not YAML: {error}", source=source) from None
    if not isinstance(node, Table):
        raise SpecError(
            "the file is not a mapping",
            rule="write one KEY: VALUE a line",
            source=source,
            span=node.span if node else None,
        )
    return node


class _Loader(yaml.SafeLoader):
    """Composes nodes without constructing values, and refuses what could expand."""

    def __init__(self, text: str, tags: frozenset[str]) -> None:
        super().__init__(text)
        self._tags = tags
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        anchor = getattr(event, "anchor", None)
        span = Span(event.start_mark.line + 1, event.start_mark.column + 1)
        if anchor is not None:
            mark = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise SpecError(
                f"{mark}{anchor}: anchors and aliases are not accepted",
                rule="write the value out",
                span=span,
            )
        accepted = (None, "!", *_PLAIN)
        if isinstance(event, yaml.MappingStartEvent):
            accepted += tuple(self._tags)
        if getattr(event, "tag", None) not in accepted:
            raise SpecError(f"tag {event.tag} is not accepted", rule="write a value", span=span)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise SpecError(f"nested more than {_MAX_DEPTH} deep", span=span)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _convert(node: yaml.Node, tags: frozenset[str]) -> Node:
    span = _span(node)
    match node:
        case yaml.ScalarNode(value=value):
            return Scalar(str(value), span)
        case yaml.SequenceNode(value=values):
            return Sequence(tuple(_convert(value, tags) for value in values), span)
        case yaml.MappingNode(value=pairs):
            entries: dict[str, Node] = {}
            keys: dict[str, Span] = {}
            for key, value in pairs:
                if not isinstance(key, yaml.ScalarNode) or key.tag not in _PLAIN:
                    raise SpecError("this cannot be a key", rule="a key is a name", span=_span(key))
                name = str(key.value)
                if name in entries:
                    raise SpecError(
                        f"key {name} is given twice",
                        rule=f"it stands on line {keys[name].line} already; give it once",
                        span=_span(key),
                    )
                entries[name], keys[name] = _convert(value, tags), _span(key)
            return Table(entries, keys, span, node.tag if node.tag in tags else "")
    raise SpecError("this is not a mapping, a list or a value", span=span)


def _span(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    length = end.column - start.column if start.line == end.line else 1
    return Span(start.line + 1, start.column + 1, max(1, length))
