"""One mapping of a calls file, read key by key; every wrong key is noted with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from adapters.calls.answer import DENIALS, Predicate
from adapters.calls.fields import ITEMS, LINE, NAMES_A_LINE, Fields, Lines
from adapters.language.expression import Expression, InvalidExpression, compile_expression
from adapters.language.scope import Scope
from adapters.language.shape import suggest
from adapters.language.template import (
    ANY,
    Form,
    Path,
    Source,
    Template,
    check_form,
    compile_template,
    is_expression,
    means_a_value,
    read_expression,
    read_loop,
    warn_of_constant,
)
from sidecar.model.duration import parse_duration

_ABSENT = object()
#: By these a document is found again.
_NAMES = frozenset({"reference", "external"})


#: What a key that stands in the wrong place may have slipped out of, or into.
_HOMES: Mapping[str, Collection[str]] = {
    "a domain (orders)": ("push", "probe", "list", "changes"),
    "a call that carries events, or a question": (
        "on",
        "batch",
        "first",
        "then",
        "call",
        "answer",
        "each",
    ),
    "a step of 'first' or 'then'": ("as", "key", "keep", "find", "else", "unless"),
    "'call'": (
        *("method", "path", "query", "headers", "json", "form", "text", "operation", "body"),
        "changesets",
    ),
    "'answer'": (
        *(
            "accepted",
            "accepted_ask",
            "partial",
            "duplicate",
            "rejected",
            "throttled",
            "retry",
            "conflict",
        ),
        *("misconfigured", "ok", "found", "next", "results", "match", "code", "message", "field"),
        *("after", "value", "token"),
    ),
    "'login'": ("renew",),
    "'answer' or 'each'": ("reference", "status", "total", "tax", "lines", ITEMS, "external"),
}


def _elsewhere(key: str, path: Path) -> str:
    """Where a key belongs, in words that lead to the indentation; empty where it is no key."""
    for home, keys in _HOMES.items():
        if key in keys:
            inner = path[-1] if path else "the top of the file"
            return f"; it belongs under {home}, and stands under {inner}: is it indented rightly?"
    return ""


def misplaced(name: str) -> str:
    """What is wrong with the name of a call that is a key of calls; empty for any other."""
    if name not in ("on", "batch", "first", "then", "call", "answer", "each", *_HOMES["'call'"]):
        return ""
    return "this is a key of a call, and stands beside the calls: is it indented too little?"


class Section:
    """One mapping of the file with its place; every wrong key is noted, none is ignored."""

    def __init__(self, source: Source, path: Path, data: object) -> None:
        self.source = source
        self.path = path
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        self._is_there = data is not _ABSENT
        if data is None:
            source.problem(
                path, "there is nothing in it: what belongs to it is indented further than it"
            )
        elif self._is_there and not isinstance(data, Mapping):
            source.problem(path, "this must be a mapping (key: value)")

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def keys(self, allowed: Collection[str], required: Collection[str] = ()) -> None:
        """Note keys that do not exist and keys that are missing."""
        for key in self.data:
            if key not in allowed:
                hint = (
                    _elsewhere(str(key), self.path)
                    or suggest(str(key), allowed)
                    or f"; there are {', '.join(allowed)}"
                )
                self.problem(key, f"there is no key '{key}' here{hint}")
        for key in required if self._is_there else ():
            if key not in self.data:
                self.source.problem(self.path, f"'{key}' is missing")

    def problem(self, key: str, text: str) -> None:
        """Note what is wrong with the value of a key."""
        self.source.problem((*self.path, key), text)

    def warning(self, key: str, text: str) -> None:
        """Note what of the value of a key may be meant and most often is not."""
        self.source.warning((*self.path, key), text)

    def section(self, key: str, otherwise: Mapping[str, Any] | None = None) -> Section:
        """The mapping under a key, empty where there is no such key.

        `otherwise` has the values of keys that the file leaves out of it.
        """
        data = self.data.get(key, _ABSENT)
        if otherwise and (data is _ABSENT or isinstance(data, Mapping)):
            data = {**otherwise, **(data if isinstance(data, Mapping) else {})}
        return Section(self.source, (*self.path, key), data)

    def sections(self, key: str) -> tuple[Section, ...]:
        """The mappings in the list under a key, none where there is no such key."""
        data = self.data.get(key, [])
        if not isinstance(data, list):
            self.problem(key, "this must be a list (- key: value)")
            return ()
        path = (*self.path, key)
        return tuple(Section(self.source, (*path, index), part) for index, part in enumerate(data))

    def template(self, key: str, scope: Scope, form: Form = ANY) -> Template | None:
        """The template under a key, None where there is no such key."""
        if key not in self.data:
            return None
        check_form(self.data[key], form, scope, self.source, (*self.path, key))
        return compile_template(self.data[key], scope, self.source, (*self.path, key))

    def whole(self, scope: Scope) -> Template | None:
        """The section itself as a template, None where there is none."""
        if not self._is_there:
            return None
        return compile_template(self.data, scope, self.source, self.path)

    def text(self, key: str) -> str | None:
        """A constant text, None where there is no such key."""
        value = self.data.get(key)
        if value is None or (isinstance(value, str) and value and not is_expression(value)):
            return value
        self.problem(key, "this must be a text")
        return None

    def expression(self, key: str, scope: Scope, *, question: bool = False) -> Expression | None:
        """The expression under a key, which may be a question for yes or no.

        A constant is noted as a problem.
        """
        if key not in self.data:
            return None
        leaf = self.data[key]
        if not is_expression(leaf):
            self.problem(key, "this must be an expression: it begins with '='")
            return None
        return read_expression(leaf, scope, self.source, (*self.path, key), question=question)

    def predicate(self, key: str, scope: Scope) -> Predicate:
        """The question under a key; a text that is no expression would always be true."""
        leaf = self.data.get(key)
        if isinstance(leaf, bool):
            return Predicate(key, leaf)
        condition = self.expression(key, scope, question=True)
        if condition is not None and key in DENIALS:
            for part in condition.unsaid:
                self.source.warning(
                    (*self.path, key),
                    f"where {part} is none, this says that nothing was booked; name what the ERP "
                    f"says when it refuses: {part} in ['…']",
                )
        if condition is None:
            return Predicate(key, ask=False)
        compared = _compiled(condition.unsaid, scope) if key in DENIALS else ()
        return Predicate(key, condition, compared)

    def fields(self, names: Collection[str], scope: Scope) -> Fields:
        """Those of the named values that the section has."""
        leaves: dict[str, Expression | object] = {}
        for name in names:
            leaf = self.data.get(name)
            if is_expression(leaf):
                leaves[name] = self.expression(name, scope)
            elif isinstance(leaf, Mapping | list):
                self.problem(name, "this must be one value, not a tree")
            elif leaf is not None:
                if name in _NAMES and means_a_value(leaf, scope):
                    self.problem(name, f"every document would be called '{leaf}': write ={leaf}")
                warn_of_constant(leaf, scope, self.source, (*self.path, name))
                leaves[name] = leaf
        return Fields(leaves)

    def document(self, names: Collection[str], scope: Scope) -> Fields:
        """Those of the named values that the section has, and the lines of the ERP's document."""
        return replace(self.fields(names, scope), items=self._lines(scope))

    def _lines(self, scope: Scope) -> Lines | None:
        if ITEMS not in self:
            return None
        form = self.section(ITEMS)
        form.keys(("$each", "$do"), ("$each", "$do"))
        line = form.section("$do")
        line.keys(LINE)
        if "$do" in form and not NAMES_A_LINE & line.data.keys():
            form.problem("$do", "a line is known by item_id or sku: map one of them")
        loop = read_loop(form.data, scope, self.source, form.path) if "$each" in form else None
        return None if loop is None else Lines(loop, line.fields(LINE, loop.scope))

    def count(self, key: str, most: int | None = None) -> int | None:
        """A whole number of at least 1, None where there is no such key."""
        value = self.data.get(key)
        if value is None:
            return None
        if type(value) is not int or value < 1:
            self.problem(key, "this must be a whole number of at least 1")
            return None
        if most is not None and value > most:
            self.problem(key, f"this ERP takes {most} in a call at the most")
            return None
        return value

    def seconds(self, key: str) -> float:
        """A duration (`1h`) in seconds, 0 where there is no such key."""
        if key not in self.data:
            return 0.0
        try:
            return parse_duration(self.data[key]).total_seconds()
        except ValueError as error:
            self.problem(key, str(error))
            return 0.0

    def word(self, key: str, choices: Collection[str]) -> str | None:
        """One of the words."""
        value = self.data.get(key)
        if value is not None and value not in choices:
            hint = suggest(str(value), choices) or f"; there are {', '.join(choices)}"
            self.problem(key, f"'{value}' is not known{hint}")
        return value if value in choices else None


def _compiled(parts: Collection[str], scope: Scope) -> tuple[Expression, ...]:
    """Parts of an expression on their own; one that cannot stand alone is left out."""
    compiled = []
    for part in parts:
        with suppress(InvalidExpression):
            compiled.append(compile_expression(part, scope))
    return tuple(compiled)
