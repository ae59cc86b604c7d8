"""The grammar of one Einsum, by recursive descent over tokens.

einsum     = access "=" reduction* sum [ "if" comparison ("and" comparison)* ]
reduction  = NAME "(" variable ("," variable)* ")"      followed by an operand
comparison = sum ("<=" | "<" | ">=" | ">" | "==") sum
sum        = term (("+" | "-") term)*
term       = factor (("*" | "/" | "//" | "%") factor)*
factor     = "-" factor | power
power      = operand [ "**" factor ]
operand    = NUMBER | "inf" | variable | SYMBOL | access | NAME "(" sum, ... ")" | "(" sum ")"
access     = NAME [ "[" [ sum ("," sum)* ] "]" ]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from einsum.cascade import Einsum, Reduction
from einsum.errors import Source, Span, SpecError
from einsum.expression import Access, Call, Comparison, Expression, Number, Symbol, Variable
from einsum.lexer import Kind, Token, tokenize
from einsum.operators import INFIX

T = TypeVar("T")

RELATIONS = ("<=", "<", ">=", ">", "==")
RESERVED = ("if", "and", "inf")
ALIASES = {"sum": "add", "prod": "mul"}
"""Names of reductions besides the operators' own."""

# Far above any real Einsum, far below what would exhaust Python's stack.
_MAX_NESTING = 32
_MAX_OPERANDS = 256


@dataclass
class Grammar:
    """A cursor over the tokens of `source`; each method reads one construct and moves on."""

    source: Source

    def __post_init__(self) -> None:
        self._tokens = tokenize(self.source)
        self._position = 0
        self._nesting = 0
        self._operands = 0

    # The cursor.

    @property
    def token(self) -> Token:
        return self._tokens[self._position]

    @property
    def lookahead(self) -> Token:
        """The token after this one."""
        return self._ahead(1)

    def _ahead(self, count: int) -> Token:
        return self._tokens[min(self._position + count, len(self._tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def at(self, *texts: str) -> bool:
        return self.token.text in texts and self.token.kind in (Kind.SYMBOL, Kind.NAME)

    def accept(self, *texts: str) -> Token | None:
        return self.take() if self.at(*texts) else None

    def expect(self, text: str, rule: str = "") -> Token:
        if self.at(text):
            return self.take()
        raise self.error(f"expected {text}, found {self.token}", rule=rule)

    def name(self, what: str, rule: str = "") -> Token:
        if self.token.kind is not Kind.NAME:
            raise self.error(f"expected {what}, found {self.token}", rule=rule)
        return self.take()

    def end_of_line(self, rule: str = "") -> None:
        if self.token.kind not in (Kind.NEWLINE, Kind.END):
            raise self.error(f"unexpected {self.token}", rule=rule)
        self.take()

    def error(self, message: str, *, rule: str = "", span: Span | None = None) -> SpecError:
        """The error at `span`, or at the current token."""
        return SpecError(message, rule=rule, source=self.source, span=span or self.token.span)

    def listed(self, item: Callable[[], T]) -> list[T]:
        """`item, item, ...`, at least one."""
        items = [item()]
        while self.accept(","):
            items.append(item())
        return items

    def enclosed(self, opening: str, item: Callable[[], T], closing: str) -> list[T]:
        """`( item, ... )`, possibly empty."""
        opened = self.expect(opening)
        items = [] if self.at(closing) else self.listed(item)
        self._close(opened, closing)
        return items

    def _close(self, opened: Token, closing: str) -> None:
        if self.accept(closing):
            return
        # An open bracket swallows line ends, so what is found may be lines further on.
        span = opened.span if self.token.span.line != opened.span.line else self.token.span
        raise self.error(
            f"expected {closing} to close {opened}, found {self.token}",
            rule="items are separated by commas and the bracket is closed",
            span=span,
        )

    # Einsums.

    def einsum(self) -> Einsum:
        """One line; `reductions` holds only those that are written."""
        self._operands = 0
        output = self.access()
        self.expect("=", rule="an Einsum is TENSOR[indices] = expression")
        reductions = []
        while self._at_reduction():
            reductions.append(self._reduction())
        expression = self.expression()
        condition: list[Comparison] = []
        if self.accept("if"):
            condition.append(self.comparison())
            while self.accept("and"):
                condition.append(self.comparison())
        self.end_of_line(
            rule="comparisons are joined by and"
            if condition
            else "an expression ends at the end of the line or at if; "
            "two operands need an operator between them, and reductions stand first"
        )
        return Einsum(output, expression, tuple(reductions), tuple(condition), output.span)

    def _at_reduction(self) -> bool:
        """Is this `max(m, e)` with an operand right after it?"""
        if self.token.kind is not Kind.NAME or self.lookahead.text != "(":
            return False
        offset = 2
        while self._ahead(offset).kind is Kind.NAME:
            separator = self._ahead(offset + 1).text
            offset += 2
            if separator == ")":
                after = self._ahead(offset)
                starts = after.kind in (Kind.NAME, Kind.NUMBER) or after.text == "("
                return starts and after.text not in ("if", "and")
            if separator != ",":
                return False
        return False

    def _reduction(self) -> Reduction:
        token = self.take()
        names = self.enclosed("(", self.take, ")")
        for name in names:
            if name.text != name.text.lower():
                raise self.error(
                    f"{name} is not a rank variable",
                    rule=f"rank variables are lower case: {name.text.lower()}",
                    span=name.span,
                )
        operator = ALIASES.get(token.text, token.text)
        return Reduction(operator, tuple(name.text for name in names), token.span)

    def comparison(self) -> Comparison:
        left = self.expression()
        if not self.at(*RELATIONS):
            raise self.error(
                f"expected a comparison, found {self.token}",
                rule=f"a condition is INDEX RELATION INDEX; relations are {' '.join(RELATIONS)}",
            )
        relation = self.take()
        return Comparison(left, relation.text, self.expression(), relation.span)

    # Expressions.

    def expression(self) -> Expression:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise self._too_large()
        left = self._term()
        while sign := self.accept("+", "-"):
            left = Call(INFIX[sign.text], (left, self._term()), sign.span)
        self._nesting -= 1
        return left

    def _term(self) -> Expression:
        left = self._factor()
        while sign := self.accept("*", "/", "//", "%"):
            left = Call(INFIX[sign.text], (left, self._factor()), sign.span)
        return left

    def _factor(self) -> Expression:
        signs = []
        while sign := self.accept("-"):
            signs.append(sign)
            if len(signs) > _MAX_NESTING:
                raise self._too_large()
        operand = self._power()
        for sign in reversed(signs):
            match operand:
                case Number(value=value):
                    operand = Number(-value, sign.span)
                case _:
                    operand = Call("neg", (operand,), sign.span)
        return operand

    def _power(self) -> Expression:
        base = self._operand()
        if sign := self.accept("**"):
            self._nesting += 1
            if self._nesting > _MAX_NESTING:
                raise self._too_large()
            base = Call("pow", (base, self._factor()), sign.span)
            self._nesting -= 1
        return base

    def _operand(self) -> Expression:
        self._operands += 1
        if self._operands > _MAX_OPERANDS:
            raise self._too_large()
        token = self.token
        match token.kind:
            case Kind.NUMBER:
                self.take()
                text = token.text
                return Number(int(text) if text.isdigit() else float(text), token.span)
            case Kind.NAME if token.text not in ("if", "and"):
                return self._named()
            case Kind.SYMBOL if token.text == "(":
                self.take()
                inner = self.expression()
                self._close(token, ")")
                return inner
            case Kind.SIZE:
                raise self.error(
                    f"{token} is a size",
                    rule="sizes with K, M or G stand in shape and constants; "
                    f"write {token.text[:-1]} * {token.text[-1]} for a product",
                )
            case _:
                raise self.error(
                    f"expected an operand, found {token}",
                    rule="an operand is a tensor T[i, j], a number, a rank variable, a shape, "
                    "a call f(x) or an expression in ( )",
                )

    def _named(self) -> Expression:
        token = self.token
        following = self.lookahead.text
        if following == "[":
            return self.access()
        if following == "(":
            if token.text[0].isupper():
                raise self.error(
                    f"{token} is followed by (",
                    rule=f"tensors are read with brackets, {token}[...]; operators are lower case",
                )
            self.take()
            return Call(token.text, tuple(self.enclosed("(", self.expression, ")")), token.span)
        self.take()
        if token.text == "inf":
            return Number(math.inf, token.span)
        if token.text[0].isupper():
            return Symbol(token.text, token.span)
        if token.text != token.text.lower():
            raise self.error(
                f"{token} mixes lower and upper case",
                rule="rank variables are lower case, names of ranks upper case",
                span=token.span,
            )
        return Variable(token.text, token.span)

    def access(self) -> Access:
        """`T[i, j]`; `T[]` and a bare `T` are a scalar."""
        token = self.name("a tensor")
        if not token.text[0].isupper():
            capital = token.text[0].upper() + token.text[1:]
            raise self.error(
                f"{token} is not the name of a tensor",
                rule=f"names of tensors start with an upper-case letter: {capital}",
                span=token.span,
            )
        if not self.at("["):
            return Access(token.text, (), token.span)
        indices = self.enclosed("[", self.expression, "]")
        last = self._tokens[self._position - 1].span
        start = token.span
        same_line = last.line == start.line
        length = last.column + 1 - start.column if same_line else start.length
        return Access(token.text, tuple(indices), Span(start.line, start.column, length))

    def _too_large(self) -> SpecError:
        return self.error(
            "the expression is too large",
            rule=f"an Einsum has at most {_MAX_OPERANDS} operands, nested at most "
            f"{_MAX_NESTING} deep: split it into several Einsums",
        )
