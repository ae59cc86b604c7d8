"""Tokens of the cascade notation, each with its place in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from einsum.errors import Source, Span, SpecError


class Kind(Enum):
    """What a token is."""

    NAME = "a name"
    NUMBER = "a number"
    SIZE = "a size"
    SYMBOL = "a symbol"
    TITLE = "the name of the cascade"
    NEWLINE = "the end of the line"
    END = "the end of the text"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; NEWLINE and END have none."""

    kind: Kind
    text: str
    span: Span

    def __str__(self) -> str:
        return self.text or self.kind.value


_TOKEN = re.compile(
    r"""
      (?P<BLANK>  \s+ | \#.* )
    | (?P<SIZE>   [0-9]+[KMG] (?![A-Za-z0-9_.]) )
    | (?P<NUMBER> (?: [0-9]+(?:\.[0-9]*)? | \.[0-9]+ ) (?:[eE][+-]?[0-9]+)? (?![A-Za-z0-9_.]) )
    | (?P<NAME>   [A-Za-z_][A-Za-z0-9_]* )
    | (?P<SYMBOL> -> | \*\* | // | <= | >= | == | [][(),=+\-*/%<>] )
    """,
    re.VERBOSE,
)
# A title is free text (`attention/3-pass`), so it is one token up to a comment.
_TITLE = re.compile(r"\s*(?P<NAME>cascade)\s+(?P<TITLE>[^#\s](?:[^#]*[^#\s])?)\s*(?:#.*)?")
_NOT_A_NUMBER = re.compile(r"[0-9.][A-Za-z0-9_.]*")
_LOOKALIKES = {
    "×": "*",
    "·": "*",
    "−": "-",
    "–": "-",
    "≤": "<=",
    "≥": ">=",
    "≠": "two Einsums, one with < and one with >",
    "!": "two Einsums, one with < and one with >",
    "∞": "inf",
    "^": "**",
    "{": "[ or (",
    "}": "] or )",
    ":": "if",
    ";": "one Einsum a line",
    "&": "and",
    "→": "->",
}
# int() refuses more digits than this with an error of its own; no size comes near.
_MAX_DIGITS = 64


def tokenize(source: Source) -> tuple[Token, ...]:
    """The tokens of `source`, without blanks and comments.

    A line ends in NEWLINE unless a bracket is open; the last token is END. Raises `SpecError`
    at a character that is not part of the notation.
    """
    tokens: list[Token] = []
    depth = 0
    lines = source.text.splitlines()
    for number, line in enumerate(lines, start=1):
        if depth == 0 and (title := _TITLE.fullmatch(line)):
            tokens += (_token(Kind[group], title, group, number) for group in ("NAME", "TITLE"))
        else:
            for token in _line_tokens(source, line, number):
                tokens.append(token)
                if token.text in "([":
                    depth += 1
                elif token.text in ")]":
                    depth = max(0, depth - 1)
        if depth == 0 and tokens and tokens[-1].kind is not Kind.NEWLINE:
            tokens.append(Token(Kind.NEWLINE, "", Span(number, len(line.rstrip()) + 1)))
    tokens.append(Token(Kind.END, "", Span(max(1, len(lines)), len(source.line(len(lines))) + 1)))
    return tuple(tokens)


def _line_tokens(source: Source, line: str, number: int) -> list[Token]:
    tokens = []
    position = 0
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            raise _bad_character(source, line, number, position)
        group = str(match.lastgroup)
        if group != "BLANK":
            tokens.append(_token(Kind[group], match, group, number))
            if len(match[0]) > _MAX_DIGITS and group in ("NUMBER", "SIZE"):
                raise SpecError(
                    "the number is too long",
                    rule=f"a number has at most {_MAX_DIGITS} characters",
                    source=source,
                    span=tokens[-1].span,
                )
        position = match.end()
    return tokens


def _token(kind: Kind, match: re.Match[str], group: str, number: int) -> Token:
    start, end = match.span(group)
    return Token(kind, match[group], Span(number, start + 1, end - start))


def _bad_character(source: Source, line: str, number: int, position: int) -> SpecError:
    if word := _NOT_A_NUMBER.match(line, position):
        return SpecError(
            f"{word[0]} is neither a number nor a name",
            rule="write 2 * x for a product; a name starts with a letter; K, M and G end a size",
            source=source,
            span=Span(number, position + 1, len(word[0])),
        )
    character = line[position]
    meant = _LOOKALIKES.get(character)
    return SpecError(
        f"character {character!r} is not part of the notation",
        rule=f"write {meant}" if meant else "see docs/notation.md for what a line can contain",
        source=source,
        span=Span(number, position + 1),
    )
