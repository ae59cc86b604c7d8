"""The one error that a user of einfall sees for a bad spec, with the place where it is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text: 1-based line and column, and how many characters it covers."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A text that a user wrote, and the name of the file that holds it."""

    name: str
    text: str

    def line(self, number: int) -> str:
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""


class SpecError(ValueError):
    """A spec (cascade, architecture, mapping, shape, ...) breaks a rule.

    `str(error)` says what is wrong, where (with a caret when the text is known) and what
    would be valid. The command line prints it and exits with code 2.
    """

    def __init__(
        self,
        message: str,
        *,
        rule: str = "",
        source: Source | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule
        self.source = source
        self.span = span

    def located(self, source: Source, span: Span | None = None) -> SpecError:
        """The same error, placed in `source` where it has no place yet."""
        return SpecError(
            self.message,
            rule=self.rule,
            source=self.source or source,
            span=self.span or span,
        )

    def __str__(self) -> str:
        lines = [f"error: {self.message}"]
        if self.source is not None and self.span is not None:
            text = self.source.line(self.span.line)
            gutter = f"{self.span.line:>4} | "
            before = "".join(c if c == "\t" else " " for c in text[: self.span.column - 1])
            caret = before.ljust(self.span.column - 1) + "^" * max(1, self.span.length)
            lines.insert(0, f"{self.source.name}:{self.span.line}:{self.span.column}")
            lines += [gutter + text, " " * (len(gutter) - 2) + "| " + caret]
        elif self.source is not None:
            lines.insert(0, self.source.name)
        if self.rule:
            lines.append(f"rule: {self.rule}")
        return "\n".join(lines)


def choices(given: str, valid: Iterable[str]) -> str:
    """One sentence that lists what would have been valid, the nearest name first.

    >>> choices("exq", ["exp", "log"])
    'did you mean exp? Valid: exp, log'
    """
    names = sorted(set(valid))
    if not names:
        return "none is defined"
    lower = {name.lower(): name for name in reversed(names)}
    near = [lower[name] for name in get_close_matches(given.lower(), lower, n=1)]
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}Valid: {', '.join(names)}"
