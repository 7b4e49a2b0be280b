"""The array that a PHP file returns, as far as it is written out: no PHP is run.

Understood: `return [ … ];` and `return array( … );` with text, numbers, true, false, null,
nested arrays, comments and trailing commas.  What PHP would have to compute (`getenv(…)`, a
constant, a concatenation) becomes `Computed`, so that one such value does not hide the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

DEEPEST = 100

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+ | \#(?!\[)[^\n]* | //[^\n]* | /\*.*?\*/)
  | (?P<single>'(?:[^'\\]|\\.)*')
  | (?P<double>"(?:[^"\\]|\\.)*")
  | (?P<number>0[xX][0-9a-fA-F_]+ | [0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)? | \.[0-9]+)
  | (?P<name>[A-Za-z_\\\u0080-\uffff][\w\\]*)
  | (?P<symbol>=> | \?> | <<< | .)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_INTERPOLATION = re.compile(r"(?<!\\)(?:\\\\)*(?:\$[A-Za-z_{\u0080-\uffff]|\{\$)")
_CONTROL = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"e": b"\x1b", b"f": b"\f"}
_WORDS = {"true": "1", "false": "", "null": None}
_OPENING = {"(": ")", "[": "]", "{": "}"}
_ENDS = frozenset({",", ")", "]", ";", "=>", "?>", ""})


class NotUnderstood(Exception):
    """The file is no PHP that returns a written-out array; `line` says where it stops being so."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Computed(NamedTuple):
    """A value that only PHP could tell; `source`: how it is written, without blanks."""

    line: int
    source: str = ""


class Scalar(NamedTuple):
    """A literal as the text that PHP would make of it (true: "1", false: ""); None for null."""

    value: str | None
    line: int


class Table(NamedTuple):
    """An array; keys are text, list items have "0", "1", …

    A key that PHP computes, mostly a constant (`PDO::MYSQL_ATTR_SSL_CA`), stands as it is written:
    an entry that is left out would be an entry that is ignored.
    """

    entries: Mapping[str, Value]
    line: int


Value = Scalar | Table | Computed


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def returned_array(source: str) -> Table:
    """The array after the file's own `return`. Raises NotUnderstood."""
    return _Parser(_tokens(source)).returned()


def _tokens(source: str) -> list[_Token]:
    tokens: list[_Token] = []
    line = 1
    for match in _TOKEN.finditer(source):
        kind, text = str(match.lastgroup), match[0]
        if text in ("'", '"', "`"):
            raise NotUnderstood(line, "opens a quote that is never closed")
        if text == "<<<":
            raise NotUnderstood(line, "has a heredoc, which is not read here")
        if kind != "blank":
            tokens.append(_Token(kind, text, line))
        line += text.count("\n")
    return [*tokens, _Token("end", "", line)]


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def returned(self) -> Table:
        self._skip_to_return()
        line = self._next.line
        value = self._value()
        if not isinstance(value, Table):
            raise NotUnderstood(line, "does not return a written-out array")
        return value

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
        return token

    def _skip_to_return(self) -> None:
        """Past the `return` that is no function's: the file's own."""
        depth = 0
        while (token := self._take()).kind != "end":
            depth += _nesting(token)
            if depth == 0 and token.kind == "name" and token.text.lower() == "return":
                return
        raise NotUnderstood(token.line, "returns nothing")

    def _value(self) -> Value:
        start = self._at
        value = self._literal()
        if value is not None and self._next.text in _ENDS:
            return value
        # More follows (a call, a concatenation): the whole expression is PHP's to compute.
        self._at = start
        return self._computed()

    def _literal(self) -> Value | None:
        token = self._take()
        if token.kind == "single":
            return Scalar(re.sub(r"\\(['\\])", r"\1", token.text[1:-1]), token.line)
        if token.kind == "double":
            text = _double_quoted(token.text[1:-1])
            return None if text is None else Scalar(text, token.line)
        if token.kind == "number":
            return Scalar(_number(token.text), token.line)
        if token.text == "-" and self._next.kind == "number":
            return Scalar("-" + _number(self._take().text), token.line)
        if token.text == "[":
            return self._table("]", token.line)
        if token.text.lower() == "array" and self._next.text == "(":
            self._take()
            return self._table(")", token.line)
        if token.kind == "name" and token.text.lower() in _WORDS:
            return Scalar(_WORDS[token.text.lower()], token.line)
        return None

    def _table(self, closing: str, line: int) -> Table:
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotUnderstood(line, f"nests arrays deeper than {DEEPEST} levels")
        entries: dict[str, Value] = {}
        position = 0
        while self._next.text != closing:
            key, value = self._entry()
            if key is None:
                key = str(position)
            entries[key] = value
            position = max(position, int(key) + 1) if _is_index(key) else position
            if self._next.text == ",":
                self._take()
            elif self._next.text != closing:
                raise NotUnderstood(self._next.line, f"is no array: , or {closing} is due here")
        self._take()
        self._depth -= 1
        return Table(entries, line)

    def _entry(self) -> tuple[str | None, Value]:
        """Key (None: the next index) and value."""
        first = self._value()
        if self._next.text != "=>":
            return None, first
        self._take()
        if isinstance(first, Table):
            raise NotUnderstood(first.line, "has an array for a key")
        key = first.value or "" if isinstance(first, Scalar) else first.source
        return key, self._value()

    def _computed(self) -> Computed:
        line, depth, start = self._next.line, 0, self._at
        while depth > 0 or self._next.text not in _ENDS:
            depth += _nesting(self._next)
            if self._take().kind == "end":
                raise NotUnderstood(line, "opens a bracket that is never closed")
        if self._at == start:
            raise NotUnderstood(line, "has no value where one is due")
        source = "".join(token.text for token in self._tokens[start : self._at])
        return Computed(line, source)


def _nesting(token: _Token) -> int:
    if token.kind != "symbol":
        return 0
    return (token.text in _OPENING) - (token.text in _OPENING.values())


def _is_index(key: str) -> bool:
    return re.fullmatch(r"0|[1-9][0-9]{0,17}", key) is not None


def _number(text: str) -> str:
    digits = text.replace("_", "")
    return str(int(digits, 16)) if digits[:2].lower() == "0x" else digits


def _double_quoted(raw: str) -> str | None:
    """The text of a double-quoted literal; None where it names variables or is no UTF-8."""
    if _INTERPOLATION.search(raw):
        return None
    try:
        return _ESCAPE.sub(_unescaped, raw.encode()).decode()
    except ValueError:
        return None


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code in _CONTROL:
        return _CONTROL[code]
    if code in (b"\\", b"$", b'"'):
        return code
    if code[:2] == b"u{":
        return chr(int(code[2:-1], 16)).encode()
    if code[:1] == b"x" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    if code[:1].isdigit() and code[:1] < b"8":
        return bytes([int(code, 8) & 0xFF])
    return match[0]
