"""Expressions of a calls file: Jinja2's syntax, a closed set of meanings, checked when loaded.

Jinja2 parses; what it parsed is turned into closures here instead of being run by Jinja2, because
a mapping needs a narrower and stricter language than a template: a name that does not exist is an
error and never an empty text, `order.items` is the field and never a method, there are no calls,
no powers, no text arithmetic, no floats, and each name is checked against the shapes of
`sidecar.model` before the first order comes.  Closures also cost a tenth of a rendered template.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateSyntaxError, lexer, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from adapters.language.compiler import Compiler
from adapters.language.denial import unsaid
from adapters.language.filters import ExpressionError, kind
from adapters.language.numbers import BeyondMeasure, read_number
from adapters.language.rounds import LOOP, ROUND, Round, rounds_of
from adapters.language.scope import Evaluate, Scope, Values
from adapters.language.shape import NoSuchMember, Shape, entry

_OF_VALUES = (
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Call,
    nodes.Concat,
    nodes.CondExpr,
)
_LONGEST = 20_000
_DEEPEST = 100
#: Characters of an expression in a message.
_SHOWN = 200
_TOO_DEEP = f"nests more than {_DEEPEST} levels, or joins more terms than that; divide it"


@dataclass(frozen=True, slots=True)
class Expression:
    """Compiled; call it with the values of the names.

    Raises Missing for what is not there and ExpressionError for what cannot be computed.
    """

    source: str
    names: frozenset[str]
    shape: Shape
    evaluate: Evaluate
    #: Names and members that it looks at, as they are written.
    reads: frozenset[str] = frozenset()
    #: Parts of an answer that it says something of by what they are not.
    unsaid: tuple[str, ...] = ()
    #: Where it stands in a file, for messages.
    place: str = ""
    #: Its outermost part, as Jinja2 parsed it.
    root: type[nodes.Node] = nodes.Expr

    @property
    def is_name(self) -> bool:
        """Whether it is a name and nothing else."""
        return self.root is nodes.Name

    @property
    def is_value(self) -> bool:
        """Whether it is what a value is made by: a name, a member, a filter, joined texts."""
        return self.root in _OF_VALUES

    def __call__(self, values: Values) -> Any:
        try:
            return self.evaluate(values)
        except ExpressionError:
            raise
        except Exception as error:
            # Whatever a filter or a reader raises: an order with one odd value must not end the
            # process.  Python's words may quote the value, which may be personal: its class only.
            reason = f"{self.source}: the values do not fit ({type(error).__name__})"
            raise ExpressionError(reason) from error


@dataclass(frozen=True, slots=True)
class Loop:
    """`NAME in LIST [if CONDITION]`."""

    name: str
    entries: Expression
    condition: Expression | None
    scope: Scope

    def __call__(self, values: Values) -> Iterator[Values]:
        """The values of each round."""
        entries = self.entries(values)
        if not isinstance(entries, list | tuple):
            raise ExpressionError(f"{self.entries.source}: {kind(entries)} is not a list")
        rounds = rounds_of(values)
        index = 0
        for item in entries:
            rounds.take()
            inner = {**values, self.name: item}
            if self.condition is None or self.condition(inner):
                index += 1
                inner[LOOP] = Round(index)
                yield inner


class InvalidExpression(Exception):
    """The text is no expression, or names what does not exist; one text per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def compile_expression(source: str, scope: Scope, *, question: bool = False) -> Expression:
    """Parse and check one expression; `question`: it is asked for yes or no.

    Raises InvalidExpression.
    """
    try:
        parser = _parser(source)
        node = parser.parse_expression()
        _at_end(parser)
    except (TemplateSyntaxError, RecursionError) as error:
        raise InvalidExpression([_not_understood(source, error)]) from error
    return _compiled(node, source, scope, question=question)


def compile_loop(source: str, scope: Scope) -> Loop:
    """Parse and check `NAME in LIST [if CONDITION]`.  Raises InvalidExpression."""
    try:
        parser = _parser(source)
        name = parser.stream.expect("name").value
        parser.stream.expect("name:in")
        entries_node = parser.parse_expression(with_condexpr=False)
        condition_node = parser.parse_expression() if parser.stream.skip_if("name:if") else None
        _at_end(parser)
    except (TemplateSyntaxError, RecursionError) as error:
        reason = _not_understood(source, error)
        raise InvalidExpression([f"{reason}; write: NAME in LIST if CONDITION"]) from error
    if name == LOOP:
        raise InvalidExpression([f"{source}: '{LOOP}' is the round itself; take another name"])
    entries = _compiled(entries_node, source, scope)
    try:
        inner = scope.with_names(**{name: entry(entries.shape)})
    except NoSuchMember as error:
        raise InvalidExpression([f"{source}: {error}"]) from error
    # Which round it will be is known only behind the condition; that of a loop around would be
    # taken for it.
    before = inner.without(LOOP)
    condition = (
        None if condition_node is None else _compiled(condition_node, source, before, question=True)
    )
    return Loop(name, entries, condition, inner.with_names(**{LOOP: ROUND}))


class _ExactLexer(lexer.Lexer):
    """Numbers with a point are Decimal from the first: Jinja2 would make floats of them."""

    def wrap(
        self, stream: Any, name: str | None = None, filename: str | None = None
    ) -> Iterator[lexer.Token]:
        for line, token, text in stream:
            if token in (lexer.TOKEN_FLOAT, lexer.TOKEN_INTEGER):
                yield lexer.Token(line, token, _literal(text, line))
            else:
                yield from super().wrap([(line, token, text)], name, filename)


def _literal(text: str, line: int) -> Any:
    """A number as it is written; Jinja2 knows 0x1f and 1_000, too."""
    digits = text.replace("_", "")
    try:
        number = read_number(digits)
    except BeyondMeasure as error:
        raise TemplateSyntaxError(f"'{text[:20]}' {error}", line) from None
    return int(digits) if digits.isdigit() else number


class _Environment(ImmutableSandboxedEnvironment):
    @property
    def lexer(self) -> lexer.Lexer:
        return _LEXER


_ENVIRONMENT = _Environment()
_LEXER = _ExactLexer(_ENVIRONMENT)


def _parser(source: str) -> Parser:
    if len(source) > _LONGEST:
        raise TemplateSyntaxError(f"is longer than {_LONGEST:,} characters; divide it", 1)
    return Parser(_ENVIRONMENT, source, state="variable")


def _at_end(parser: Parser) -> None:
    if not parser.stream.eos:
        raise TemplateSyntaxError(f"'{parser.stream.current.value}' is unexpected", 1)


def _not_understood(source: str, error: Exception) -> str:
    reason = error.message if isinstance(error, TemplateSyntaxError) else _TOO_DEEP
    return f"{_shortened(source)}: {reason}"


def _shortened(source: str) -> str:
    text = source.strip()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _compiled(node: nodes.Expr, source: str, scope: Scope, *, question: bool = False) -> Expression:
    if _is_too_deep(node):
        raise InvalidExpression([f"{_shortened(source)}: {_TOO_DEEP}"])
    compiler = Compiler(scope)
    typed = compiler.question(node) if question else compiler.compile(node)
    if compiler.problems:
        raise InvalidExpression(compiler.problems)
    names, reads = frozenset(compiler.names), frozenset(compiler.reads)
    return Expression(
        source.strip(), names, typed.shape, typed.evaluate, reads, unsaid(node), root=type(node)
    )


def _is_too_deep(node: nodes.Node) -> bool:
    """Looked at level by level: `1 + 1 + 1 …` nests once for each sign."""
    level = [node]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in parent.iter_child_nodes()]
        if not level:
            return False
    return True
