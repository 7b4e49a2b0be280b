"""XPath as a person means it: a name is an element's own name, whatever its namespace.

XPath 1.0 finds `//item` only where no namespace is in force, and an ERP that puts one round its
answer after an upgrade would have no lines any more.  So a name without prefix is asked for by
local name; one with a prefix means that namespace, and names of attributes stay as they are.
A `//` at the beginning looks through the node that is asked, itself included, and never beyond it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<literal>"[^"]*"|'[^']*')
    |(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
    |(?P<name>[^\W\d][\w.\-]*)
    |(?P<sign>::|//|\.\.|!=|<=|>=|[./@|()\[\],+\-=<>*$:])
    """,
    re.VERBOSE,
)
_NOT_OF_ELEMENTS = ("attribute", "namespace")
#: Behind these a sign or a word joins two operands, and does not begin one.
_ENDS_AN_OPERAND = frozenset({")", "]", ".", ".."})


@dataclass(frozen=True, slots=True)
class Path:
    """An XPath that looks within one element; the prefixes that stand in it."""

    text: str
    prefixes: frozenset[str]


@dataclass
class _Reading:
    tokens: list[tuple[str, str]]
    prefixes: set[str] = field(default_factory=set)
    #: Whether what was read last can stand to the left of an operator.
    is_operand: bool = False

    def pieces(self) -> Iterator[str]:
        index = 0
        while index < len(self.tokens):
            kind, text = self.tokens[index]
            if kind == "name" and not self.is_operand and self._text(index + 1) == ":":
                self.prefixes.add(text)
                self.is_operand = True
                yield f"{text}:{self._text(index + 2)}"
                index += 3
                continue
            yield self._name(text, index) if kind == "name" else self._other(kind, text, index)
            index += 1

    def _name(self, name: str, index: int) -> str:
        """The name of an element, or one of XPath's own words."""
        before, behind = self._text(index - 1), self._text(index + 1)
        if self.is_operand:
            # and, or, mod, div
            self.is_operand = False
            return f" {name} "
        if behind in ("(", "::"):
            return name
        self.is_operand = True
        if before == "@" or (before == "::" and self._text(index - 2) in _NOT_OF_ELEMENTS):
            return name
        return f"*[local-name()='{name}']"

    def _other(self, kind: str, text: str, index: int) -> str:
        if text == "$":
            raise ValueError("there are no variables")
        if text in ("/", "//") and not self.is_operand:
            if text == "/":
                raise ValueError("a path looks within its node: begin with a name, or with //")
            return "descendant-or-self::" if self._is_element(index + 1) else ".//"
        if text == "*" and self.is_operand:
            self.is_operand = False
            return " * "
        self.is_operand = kind in ("literal", "number") or text in _ENDS_AN_OPERAND or text == "*"
        return text

    def _is_element(self, index: int) -> bool:
        """Whether the token says what an element is called."""
        is_name = index < len(self.tokens) and self.tokens[index][0] == "name"
        return self._text(index) == "*" or (is_name and self._text(index + 1) not in ("(", "::"))

    def _text(self, index: int) -> str:
        return self.tokens[index][1] if 0 <= index < len(self.tokens) else ""


def read_path(text: str) -> Path:
    """An XPath out of the file of calls, as it is asked.

    Raises ValueError for what certainly is none; whether it is one is the XPath engine's to say.
    """
    reading = _Reading(list(_tokens(text)))
    return Path("".join(reading.pieces()), frozenset(reading.prefixes))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise ValueError(f"'{text[place:][:20]}' is no part of an XPath")
        place = token.end()
        if token.lastgroup != "blank":
            yield str(token.lastgroup), token[0]
