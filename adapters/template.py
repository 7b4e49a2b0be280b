"""Templates: trees of constants and expressions that become the body of a call.

    lines:
      - $each: item in order.items if item.is_sellable      one entry per round
        $do: {sku: =item.sku}
      - $when: order.shipping_amount > 0                    left out when false
        $do: {sku: SHIPPING, unitPrice: =order.shipping_amount}

A mapping with `$each` is a list; as an entry of a list its rounds become entries of that list.
A mapping with `$when` that is false is no entry at all, not an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.compiler import Scope, Values
from adapters.expression import (
    Expression,
    InvalidExpression,
    Loop,
    compile_expression,
    compile_loop,
)
from adapters.filters import ExpressionError
from adapters.shape import suggest
from sidecar.documents import Document
from sidecar.domain.errors import ConfigurationError

Path = tuple[str | int, ...]
Template = Callable[[Values], Any]

#: Not a form: names the type of a value that may be one of several, as SOAP and .NET's JSON do.
TYPE = "$type"
_MARK = "="
_FORMS = (frozenset({"$each", "$do"}), frozenset({"$when", "$do"}))


class _Nothing:
    """What a `$when` that is false yields: the entry is left out."""


NOTHING = _Nothing()


class Source:
    """A calls file while it is read: where things stand, and what was wrong so far."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._problems: list[str] = []

    def place(self, path: Path) -> str:
        """`legacy-rest.yaml:23: orders.push.call.path`."""
        return f"{self._document.where(path)}: {'.'.join(map(str, path))}"

    def problem(self, path: Path, text: str) -> None:
        """Note what is wrong; reading goes on, so that one run shows all of it."""
        self._problems.append(f"{self.place(path)}: {text}")

    def raise_problems(self) -> None:
        """Raise one ConfigurationError with everything that was noted."""
        if self._problems:
            raise ConfigurationError(
                "\n".join(self._problems), "correct the file of calls (docs/mapping.md)"
            )


def is_expression(leaf: object) -> bool:
    """Whether a leaf of the file is an expression: a text that begins with `=`."""
    return isinstance(leaf, str) and leaf.startswith(_MARK)


def read_expression(
    text: str, scope: Scope, source: Source, path: Path, *, question: bool = False
) -> Expression | None:
    """Compile; `question`: it is asked for yes or no.  A problem is noted and yields None."""
    try:
        return compile_expression(text.removeprefix(_MARK), scope, question=question)
    except InvalidExpression as wrong:
        for problem in wrong.problems:
            source.problem(path, problem)
        return None


def read_loop(tree: Mapping[str, object], scope: Scope, source: Source, path: Path) -> Loop | None:
    """Compile the `$each` of a form; a problem is noted and yields None."""
    text = _bare(tree, "$each", source, path)
    if text is None:
        return None
    try:
        return compile_loop(text, scope)
    except InvalidExpression as wrong:
        for problem in wrong.problems:
            source.problem((*path, "$each"), problem)
        return None


def compile_template(tree: object, scope: Scope, source: Source, path: Path) -> Template:
    """The tree as one function of the values; problems are noted in `source`.

    The function raises ExpressionError that begins with the place in the file.
    """
    match tree:
        case str() if is_expression(tree):
            return _leaf(tree, scope, source, path)
        case Mapping() if any(str(key).startswith("$") and key != TYPE for key in tree):
            return _form(tree, scope, source, path)
        case Mapping():
            return _mapping(tree, scope, source, path)
        case list() | tuple():
            return _list(tree, scope, source, path)
        case _:
            return lambda _: tree


def _leaf(
    text: str, scope: Scope, source: Source, path: Path, *, question: bool = False
) -> Template:
    expression = read_expression(text, scope, source, path, question=question)
    if expression is None:
        return lambda _: None
    return _placed(expression, source.place(path))


def _placed(expression: Expression, place: str) -> Template:
    evaluate = expression.__call__

    def placed(values: Values) -> Any:
        try:
            return evaluate(values)
        except ExpressionError as wrong:
            raise ExpressionError(f"{place}: {wrong.message}") from wrong

    return placed


def _form(tree: Mapping[str, object], scope: Scope, source: Source, path: Path) -> Template:
    keys = frozenset(tree)
    if keys not in _FORMS:
        known = frozenset().union(*_FORMS)
        for key in keys - known:
            source.problem((*path, key), f"there is no '{key}' here{suggest(str(key), known)}")
        if keys <= known:
            source.problem(path, "write $each with $do, or $when with $do")
        return lambda _: None
    if "$each" in tree:
        return _each(tree, scope, source, path)
    return _when(tree, scope, source, path)


def _bare(tree: Mapping[str, object], key: str, source: Source, path: Path) -> str | None:
    """The text of a form, which is an expression without being marked as one."""
    text = tree[key]
    if isinstance(text, str) and not is_expression(text):
        return text
    source.problem((*path, key), f"{key} is always an expression: write it as text without '='")
    return None


def _each(tree: Mapping[str, object], scope: Scope, source: Source, path: Path) -> Template:
    loop = read_loop(tree, scope, source, path)
    return (lambda _: None) if loop is None else _rounds(loop, source, path, tree["$do"])


def _rounds(loop: Loop, source: Source, path: Path, body: object) -> Template:
    render = compile_template(body, loop.scope, source, (*path, "$do"))
    place = source.place((*path, "$each"))

    def rounds(values: Values) -> list[Any]:
        try:
            inner = list(loop(values))
        except ExpressionError as wrong:
            raise ExpressionError(f"{place}: {wrong.message}") from wrong
        return [one for one in map(render, inner) if one is not NOTHING]

    return rounds


def _when(tree: Mapping[str, object], scope: Scope, source: Source, path: Path) -> Template:
    text = _bare(tree, "$when", source, path)
    render = compile_template(tree["$do"], scope, source, (*path, "$do"))
    if text is None:
        return lambda _: None
    condition = _leaf(text, scope, source, (*path, "$when"), question=True)
    return lambda values: render(values) if condition(values) else NOTHING


def _mapping(tree: Mapping[str, object], scope: Scope, source: Source, path: Path) -> Template:
    entries = tuple(
        (str(key), compile_template(value, scope, source, (*path, key)))
        for key, value in tree.items()
    )
    optional = any(isinstance(value, Mapping) and "$when" in value for value in tree.values())

    def mapping(values: Values) -> dict[str, Any]:
        rendered = {key: render(values) for key, render in entries}
        if optional:
            return {key: value for key, value in rendered.items() if value is not NOTHING}
        return rendered

    return mapping


def _list(tree: list[Any] | tuple[Any, ...], scope: Scope, source: Source, path: Path) -> Template:
    entries = tuple(
        (
            isinstance(value, Mapping) and "$each" in value,
            compile_template(value, scope, source, (*path, index)),
        )
        for index, value in enumerate(tree)
    )

    def listed(values: Values) -> list[Any]:
        result: list[Any] = []
        for spliced, render in entries:
            value = render(values)
            if spliced:
                result.extend(value)
            elif value is not NOTHING:
                result.append(value)
        return result

    return listed
