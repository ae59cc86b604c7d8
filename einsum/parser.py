"""From the text of a cascade to a checked `Cascade`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from einsum.cascade import Cascade, Einsum, Rank, Reduction, Role, Tensor, unknown
from einsum.declarations import (
    check_constant,
    check_rank_name,
    check_size,
    check_tensor_name,
    rank_names,
)
from einsum.errors import Source, Span, SpecError, choices
from einsum.expression import Access, Call, Expression, Symbol
from einsum.formats import BF16, Format, format_named
from einsum.grammar import Grammar
from einsum.indices import unlisted_variables
from einsum.lexer import Kind, Token
from einsum.quantity import parse_count
from einsum.tensors import defined_tensors

KEYWORDS = ("cascade", "ranks", "shape", "constants", "inputs", "outputs", "formats")


def parse_expression(text: str) -> Expression:
    """The expression that `text` is; upper-case names without brackets are symbols.

    Raises `SpecError` with the place of the token that does not fit.
    """
    grammar = Grammar(Source("<expression>", text))
    expression = grammar.expression()
    grammar.end_of_line()
    if grammar.token.kind is not Kind.END:
        raise grammar.error(f"unexpected {grammar.token}", rule="an expression is one line")
    return expression


def parse_cascade(text: str, name: str = "<text>") -> Cascade:
    """The cascade that `text` describes; docs/notation.md is the reference.

    `name` is the file that the text is from: it stands in error messages, and its stem names a
    cascade whose text has no `cascade` line. Raises `SpecError` with the place of what is wrong.
    """
    source = Source(name, text)
    with _placed(source):
        return _Text.read(source).cascade()


@contextmanager
def _placed(source: Source, span: Span | None = None) -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        raise error.located(source, span) from None


@dataclass
class _Text:
    """The statements of a text in their order, before their names are resolved."""

    source: Source
    title: Token | None = None
    ranks: list[tuple[Token, list[Token]]] = field(default_factory=list)
    shape: list[tuple[Token, int]] = field(default_factory=list)
    constants: list[tuple[Token, int]] = field(default_factory=list)
    inputs: list[tuple[Token, list[Token]]] = field(default_factory=list)
    outputs: list[Token] = field(default_factory=list)
    formats: list[tuple[Token, Token]] = field(default_factory=list)
    einsums: list[Einsum] = field(default_factory=list)

    # Reading.

    @classmethod
    def read(cls, source: Source) -> _Text:
        text, grammar = cls(source), Grammar(source)
        while grammar.token.kind is not Kind.END:
            text._statement(grammar)
        return text

    def _statement(self, grammar: Grammar) -> None:
        token = grammar.token
        if token.kind is not Kind.NAME:
            raise grammar.error(
                f"expected a declaration or an Einsum, found {token}",
                rule=f"a line starts with a tensor or with one of {', '.join(KEYWORDS)}",
            )
        if token.text[0].isupper():
            if (keyword := _keyword(token.text.lower())) and grammar.lookahead.text not in "=[":
                raise grammar.error(
                    f"unknown keyword {token}", rule=f"keywords are lower case: {keyword}"
                )
            self.einsums.append(grammar.einsum())
            return
        if grammar.lookahead.text in ("[", "="):
            grammar.access()
        grammar.take()
        match _keyword(token.text):
            case "cascade":
                self._read_title(grammar, token)
            case "ranks":
                self.ranks += grammar.listed(lambda: _read_rank(grammar))
            case "shape":
                self.shape += grammar.listed(lambda: _read_size(grammar))
            case "constants":
                self.constants += grammar.listed(lambda: _read_size(grammar))
            case "inputs":
                self.inputs += grammar.listed(lambda: _read_input(grammar))
            case "outputs":
                self.outputs += grammar.listed(lambda: grammar.name("a tensor"))
            case "formats":
                self.formats += grammar.listed(lambda: _read_format(grammar))
            case _:
                raise grammar.error(
                    f"unknown keyword {token}", rule=choices(token.text, KEYWORDS), span=token.span
                )
        grammar.end_of_line(rule="declared names are separated by commas")

    def _read_title(self, grammar: Grammar, keyword: Token) -> None:
        if grammar.token.kind is not Kind.TITLE:
            raise grammar.error(
                "the cascade has no name", rule="write cascade NAME", span=keyword.span
            )
        if self.title is not None:
            raise grammar.error("the cascade is named twice", rule="one cascade a file")
        self.title = grammar.take()

    # Resolving.

    def cascade(self) -> Cascade:
        ranks = self._ranks()
        einsums = tuple(self._einsum(einsum, ranks) for einsum in self.einsums)
        tensors = self._tensors(ranks, einsums)
        stem = PurePath(self.source.name).stem
        default = stem if self.source.name.endswith(".cascade") else self.source.name
        return Cascade(
            name=self.title.text if self.title else default,
            ranks=ranks,
            tensors=tensors,
            einsums=einsums,
            shape=self._shape(ranks),
            constants=self._constants(ranks),
            description=_description(self.source.text),
        )

    def _ranks(self) -> tuple[Rank, ...]:
        taken: list[str] = []
        for token, partitions in self.ranks:
            for name in (token, *partitions):
                with _placed(self.source, name.span):
                    check_rank_name(name.text, taken)
                taken.append(name.text)
        return tuple(
            Rank(token.text, tuple(part.text for part in parts)) for token, parts in self.ranks
        )

    def _shape(self, ranks: tuple[Rank, ...]) -> tuple[tuple[str, int], ...]:
        shape: dict[str, int] = {}
        for token, size in self.shape:
            with _placed(self.source, token.span):
                check_size(token.text, size, ranks, shape)
            shape[token.text] = size
        return tuple(shape.items())

    def _constants(self, ranks: tuple[Rank, ...]) -> tuple[tuple[str, int], ...]:
        constants: dict[str, int] = {}
        for token, value in self.constants:
            with _placed(self.source, token.span):
                check_constant(token.text, ranks, constants)
            constants[token.text] = value
        return tuple(constants.items())

    def _einsum(self, einsum: Einsum, ranks: tuple[Rank, ...]) -> Einsum:
        """The Einsum with its scalars told from symbols and its reductions complete."""
        tensors = {token.text for token, _ in self.inputs} | {e.tensor for e in self.einsums}
        symbols = {*rank_names(ranks), *(token.text for token, _ in self.constants)}
        expression = _resolve(einsum.expression, tensors - symbols)
        reductions = einsum.reductions
        if rest := unlisted_variables(ranks, einsum.output, expression, reductions):
            reductions += (Reduction("add", rest),)
        return replace(einsum, expression=expression, reductions=reductions)

    def _tensors(self, ranks: tuple[Rank, ...], einsums: tuple[Einsum, ...]) -> tuple[Tensor, ...]:
        names = rank_names(ranks)
        inputs: dict[str, Tensor] = {}
        for token, parts in self.inputs:
            with _placed(self.source, token.span):
                check_tensor_name(token.text, inputs)
            for part in parts:
                if part.text not in names:
                    raise unknown("rank", part.text, names, part.span)
            ranks_of = tuple(part.text for part in parts)
            inputs[token.text] = Tensor(token.text, ranks_of, Role.INPUT, span=token.span)
        defined = [name for name in dict.fromkeys(e.tensor for e in einsums) if name not in inputs]
        outputs = self._outputs(inputs, defined)
        formats = self._formats([*inputs, *defined])
        tensors = (*inputs.values(), *defined_tensors(einsums, outputs))
        return tuple(replace(t, format=formats.get(t.name, BF16)) for t in tensors)

    def _outputs(self, inputs: Iterable[str], defined: list[str]) -> set[str]:
        outputs: set[str] = set()
        for token in self.outputs:
            with _placed(self.source, token.span):
                if token.text in inputs:
                    raise SpecError(
                        f"{token} is an input and cannot be an output",
                        rule=choices(token.text, defined),
                    )
                if token.text not in defined:
                    raise unknown("output", token.text, defined, token.span)
                if token.text in outputs:
                    raise SpecError(f"output {token} is declared twice", rule="name it once")
            outputs.add(token.text)
        return outputs

    def _formats(self, tensors: list[str]) -> dict[str, Format]:
        formats: dict[str, Format] = {}
        for token, name in self.formats:
            if token.text not in tensors:
                raise unknown("tensor", token.text, tensors, token.span)
            with _placed(self.source, token.span):
                if token.text in formats:
                    raise SpecError(f"the format of {token} is given twice", rule="give it once")
            with _placed(self.source, name.span):
                formats[token.text] = format_named(name.text)
        return formats


def _resolve(expression: Expression, scalars: set[str]) -> Expression:
    """`expression` with the symbols that name a tensor turned into reads of a scalar."""
    match expression:
        case Symbol(name=name, span=span) if name in scalars:
            return Access(name, (), span)
        case Call(arguments=arguments):
            parts = tuple(_resolve(part, scalars) for part in arguments)
            return replace(expression, arguments=parts)
        case _:
            return expression


def _keyword(text: str) -> str:
    """The keyword that `text` is, in singular or plural; empty if it is none."""
    singular = text.removesuffix("s")
    return next((word for word in KEYWORDS if word.removesuffix("s") == singular), "")


def _read_rank(grammar: Grammar) -> tuple[Token, list[Token]]:
    name = grammar.name("a rank")
    if not grammar.accept("->"):
        return name, []
    parts = grammar.enclosed("(", lambda: grammar.name("a rank"), ")")
    if len(parts) < 2:
        raise grammar.error(
            f"rank {name} is split into {len(parts)}",
            rule="a partition names at least two ranks, outermost first: M -> (M1, M0)",
            span=name.span,
        )
    return name, parts


def _read_size(grammar: Grammar) -> tuple[Token, int]:
    name = grammar.name("a name", rule="write NAME = SIZE")
    grammar.expect("=", rule="write NAME = SIZE")
    sign = -1 if grammar.accept("-") else 1
    token = grammar.take()
    if token.text == "0":
        return name, 0
    with _placed(grammar.source, token.span):
        return name, sign * parse_count(str(token))


def _read_input(grammar: Grammar) -> tuple[Token, list[Token]]:
    name = grammar.name("a tensor")
    return name, grammar.enclosed("[", lambda: grammar.name("a rank"), "]")


def _read_format(grammar: Grammar) -> tuple[Token, Token]:
    rule = "write TENSOR FORMAT: QK fp32"
    return grammar.name("a tensor", rule), grammar.name("a number format", rule)


def _description(text: str) -> str:
    """The comment that the text starts with, without its marks."""
    lines = []
    for line in text.strip().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" ").rstrip())
    return "\n".join(lines).strip()
