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

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from adapters.language.expression import (
    Expression,
    InvalidExpression,
    Loop,
    compile_expression,
    compile_loop,
)
from adapters.language.filters import ExpressionError
from adapters.language.scope import Scope, Values
from adapters.language.shape import Either, Keyed, Many, Record, suggest
from sidecar.documents import Document
from sidecar.model.errors import ConfigurationError

Path = tuple[str | int, ...]
Template = Callable[[Values], Any]

#: Not a form: names the type of a value that may be one of several, as SOAP and .NET's JSON do.
TYPE = "$type"
#: Nor these: options of an OData query.
_OPTIONS = frozenset(
    {"$count", "$expand", "$filter", "$orderby", "$select", "$skip", "$skiptoken", "$top"}
)
_PLAIN = frozenset({TYPE}) | _OPTIONS
_MARK = "="
#: The name that a text begins with, where it looks as if it were one or a way into one.
_HEAD = re.compile(r"\A([A-Za-z_]\w*)(?:(?:\.\w+|\[[^\]]*\])*(?:\s*\|.*)?)\Z")
_WORD = re.compile(r"[A-Za-z_]\w*")
_BRACES = re.compile(r"\{\{\s*([A-Za-z_]\w*)")
_FORMS = (frozenset({"$each", "$do"}), frozenset({"$when", "$do"}))


class _Nothing:
    """What a `$when` that is false yields: the entry is left out."""


NOTHING = _Nothing()


class Form(Enum):
    """What a template may yield, where not everything can be written down."""

    ANY = "anything"
    NAMED = "names with values, lists and further names"
    PAIRS = "names with one value each, or a list of them"
    ONE = "one value"


ANY, NAMED, PAIRS, ONE = Form.ANY, Form.NAMED, Form.PAIRS, Form.ONE


class Source:
    """A calls file while it is read: where things stand, and what was wrong so far."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._problems: list[tuple[str, int, str]] = []
        #: What may be meant, and most often is not.
        self.warnings: list[str] = []
        self._reads: list[tuple[Path, frozenset[str]]] = []

    def place(self, path: Path) -> str:
        """`legacy-rest.yaml:23: orders.push.call.path`."""
        return f"{self._document.where(path)}: {'.'.join(map(str, path))}"

    def problem(self, path: Path, text: str) -> None:
        """Note what is wrong; reading goes on, so that one run shows all of it."""
        at = self._document.place(path)
        self._problems.append((str(at.file), at.line, f"{self.place(path)}: {text}"))

    def warning(self, path: Path, text: str) -> None:
        """Note what may be meant as it is."""
        self.warnings.append(f"{self.place(path)}: {text}")

    def note_reads(self, path: Path, reads: frozenset[str]) -> None:
        """Note what an expression looks at."""
        self._reads.append((path, reads))

    def readers(self, below: Path, is_one: Callable[[str], bool]) -> list[tuple[Path, str]]:
        """Which expressions below that place look at such a thing, and at which."""
        return [
            (path, read)
            for path, reads in self._reads
            if path[: len(below)] == below
            for read in sorted(filter(is_one, reads))
        ]

    def reads(self, below: Path, is_one: Callable[[str], bool]) -> bool:
        """Whether an expression below that place looks at such a thing."""
        return bool(self.readers(below, is_one))

    def raise_problems(self) -> None:
        """Raise one ConfigurationError with everything that was noted, line by line."""
        if self._problems:
            in_order = sorted(self._problems, key=lambda problem: problem[:2])
            raise ConfigurationError(
                "\n".join(text for _, _, text in in_order),
                "correct the file of calls (docs/mapping.md)",
            )


def is_expression(leaf: object) -> bool:
    """Whether a leaf of the file is an expression: a text that begins with `=`."""
    return isinstance(leaf, str) and leaf.startswith(_MARK)


def read_expression(
    text: str, scope: Scope, source: Source, path: Path, *, question: bool = False
) -> Expression | None:
    """Compile; `question`: it is asked for yes or no.  A problem is noted and yields None."""
    try:
        expression = compile_expression(text.removeprefix(_MARK), scope, question=question)
    except InvalidExpression as error:
        for problem in error.problems:
            source.problem(path, problem)
        return None
    source.note_reads(path, expression.reads)
    return replace(expression, place=source.place(path))


def read_when(
    tree: Mapping[str, object], scope: Scope, source: Source, path: Path
) -> Expression | None:
    """Compile the `$when` of a form; a problem is noted and yields None."""
    text = _bare(tree, "$when", source, path)
    if text is None:
        return None
    return read_expression(text, scope, source, (*path, "$when"), question=True)


def read_loop(tree: Mapping[str, object], scope: Scope, source: Source, path: Path) -> Loop | None:
    """Compile the `$each` of a form; a problem is noted and yields None."""
    text = _bare(tree, "$each", source, path)
    if text is None:
        return None
    try:
        return compile_loop(text, scope)
    except InvalidExpression as error:
        for problem in error.problems:
            source.problem((*path, "$each"), problem)
        return None


def compile_template(tree: object, scope: Scope, source: Source, path: Path) -> Template:
    """The tree as one function of the values; problems are noted in `source`.

    The function raises ExpressionError that begins with the place in the file.
    """
    match tree:
        case str() if is_expression(tree):
            return _leaf(tree, scope, source, path)
        case Mapping() if any(str(key).startswith("$") and key not in _PLAIN for key in tree):
            return _form(tree, scope, source, path)
        case Mapping():
            return _mapping(tree, scope, source, path)
        case list() | tuple():
            return _list(tree, scope, source, path)
        case _:
            warn_of_constant(tree, scope, source, path)
            return lambda _: tree


def means_a_value(leaf: object, scope: Scope) -> bool:
    """Whether a constant is written as a name, or a way into one, would be."""
    head = _HEAD.match(leaf) if isinstance(leaf, str) else None
    return head is not None and head[1] in scope.names


def warn_of_constant(leaf: object, scope: Scope, source: Source, path: Path) -> None:
    """Note a constant text that was meant to be computed."""
    if not isinstance(leaf, str):
        return
    if _would_compute(leaf, scope):
        source.warning(
            path, f"this is the constant text '{leaf[:60]}'; a value is written ={leaf[:60]}"
        )
    elif any(name in scope.names for name in _BRACES.findall(leaf)):
        source.problem(path, "nothing is computed in {{ }}: write ='text' ~ value")


def _would_compute(leaf: str, scope: Scope) -> bool:
    """Whether a text would be a sensible expression with `=` before it.

    `order` is a word as well, and an order is no value; `shop.example` and `order.placed` are no
    fields of those; what joins names otherwise than by ~ may be a sentence.
    """
    if scope.names.keys().isdisjoint(_WORD.findall(leaf)):
        return False
    try:
        expression = compile_expression(leaf, scope)
    except InvalidExpression:
        return False
    if expression.is_name:
        return not isinstance(expression.shape, Many | Record | Either)
    return expression.is_value and bool(expression.names)


def check_form(tree: object, form: Form, scope: Scope, source: Source, path: Path) -> None:
    """Note what of a tree cannot be written down in that form."""
    if form is ANY:
        return
    if isinstance(tree, Mapping) and "$do" in tree:
        if form in (ONE, NAMED) and "$each" in tree:
            source.problem(path, f"a list has no place here: write {form.value}")
        else:
            check_form(tree["$do"], form, scope, source, (*path, "$do"))
    elif form is ONE:
        if isinstance(tree, Mapping | list) or _yields_a_tree(tree, scope):
            source.problem(path, f"a tree has no place here: write {form.value}")
    elif isinstance(tree, Mapping):
        check = _check_branch if form is NAMED else _check_values
        for name, value in tree.items():
            check(value, scope, source, (*path, name))
    elif not is_expression(tree):
        source.problem(path, f"write {form.value} (name: value)")


def _check_branch(tree: object, scope: Scope, source: Source, path: Path) -> None:
    """Whatever is written out in the file; of an expression only values, or a list of them."""
    if isinstance(tree, Mapping | list):
        parts = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
        for key, part in parts:
            if key not in ("$each", "$when"):
                _check_branch(part, scope, source, (*path, key))
    elif _yields_a_tree(tree, scope, in_a_list=True):
        source.problem(path, "a tree has no place here: write out its names, each with a value")


def _check_values(value: object, scope: Scope, source: Source, path: Path) -> None:
    """One value, or a list of them."""
    if isinstance(value, list):
        for index, entry in enumerate(value):
            _check_values_of_loop(entry, scope, source, (*path, index))
    else:
        _check_values_of_loop(value, scope, source, path)


def _check_values_of_loop(value: object, scope: Scope, source: Source, path: Path) -> None:
    if isinstance(value, Mapping) and "$each" in value:
        check_form(value.get("$do"), ONE, scope, source, (*path, "$do"))
    elif not (is_expression(value) and not _yields_a_tree(value, scope, in_a_list=True)):
        check_form(value, ONE, scope, source, path)


def _yields_a_tree(leaf: object, scope: Scope, *, in_a_list: bool = False) -> bool:
    """Whether an expression certainly yields what has parts; `in_a_list`: a list of them."""
    if not (isinstance(leaf, str) and is_expression(leaf)):
        return False
    try:
        shape = compile_expression(leaf.removeprefix(_MARK), scope).shape
    except InvalidExpression:
        # Told where it is compiled; and what a round of `$each` names is known only there.
        return False
    if in_a_list and isinstance(shape, Many):
        shape = shape.entry
    return isinstance(shape, Many | Record | Keyed)


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
        except ExpressionError as error:
            raise ExpressionError(f"{place}: {error.message}") from error

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
        except ExpressionError as error:
            raise ExpressionError(f"{place}: {error.message}") from error
        return [rendered for rendered in map(render, inner) if rendered is not NOTHING]

    return rounds


def _loops(tree: object) -> int:
    """How many loops stand right within one another: they yield a list of so many levels."""
    depth = 0
    while isinstance(tree, Mapping) and "$each" in tree:
        depth, tree = depth + 1, tree.get("$do")
    return depth


def _levelled(value: Any, levels: int) -> list[Any]:
    """The entries of a list of lists so many levels deep."""
    entries = [value]
    for _ in range(levels):
        entries = [inner for outer in entries for inner in outer]
    return entries


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
        (_loops(value), compile_template(value, scope, source, (*path, index)))
        for index, value in enumerate(tree)
    )

    def listed(values: Values) -> list[Any]:
        result: list[Any] = []
        for levels, render in entries:
            value = render(values)
            if levels:
                result.extend(_levelled(value, levels))
            elif value is not NOTHING:
                result.append(value)
        return result

    return listed
