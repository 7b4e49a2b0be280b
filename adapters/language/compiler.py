"""Turns a parsed expression into closures, and says what is wrong with it before it runs."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from jinja2 import nodes

from adapters.language.access import nothing_there, read_member, written
from adapters.language.comparison import COMPARE, never_equal
from adapters.language.filter_call import (
    ELSEWHERE,
    FILTERS_BY_NAME,
    applied,
    defaulted,
    refused_constants,
    whole_list,
)
from adapters.language.filter_shapes import (
    computed,
    cut_shape,
    joined,
    looked_up_shape,
    shape_after,
)
from adapters.language.filters import (
    TESTS,
    ExpressionError,
    Missing,
    as_number,
    as_text,
    denied,
    is_number,
    joined_text,
    kind,
    single,
    total,
    truth,
)
from adapters.language.hidden import Hidden, is_hidden
from adapters.language.nodes import METHODS
from adapters.language.numbers import negated
from adapters.language.scope import Evaluate, Scope, Typed, Values
from adapters.language.shape import (
    ANYTHING,
    Anything,
    Keyed,
    Many,
    Method,
    NoSuchMember,
    Plain,
    Record,
    either,
    entry,
    member,
    present,
    shape_of_value,
    suggest,
)

_NUMBER, _TRUTH = Plain("number"), Plain("truth value")
_ARITHMETIC: Mapping[type[nodes.BinExpr], Callable[[Any, Any], Any]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: lambda left, right: Decimal(left) / Decimal(right),
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
}
_FORBIDDEN: Mapping[type[nodes.Node], str] = {
    nodes.Call: "calls are not allowed; a filter is written: value | upper",
    nodes.Pow: "powers are not allowed",
}


#: Where a name is known that is known in few places.
_WHERE: Mapping[str, str] = {
    "loop": ": it is the round of $each … $do, and not known in its condition",
    "body": ": it is the text of a call's body, in the headers and the query of one that has any",
}


class Compiler:
    """Turns one parsed expression into closures, and collects what is wrong with it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.names: set[str] = set()
        #: Names and members, as they are written: `response.body`.
        self.reads: set[str] = set()
        self.problems: list[str] = []

    def compile(self, node: nodes.Node) -> Typed:
        """The closure and the shape of what it yields."""
        match node:
            case nodes.Const(value=value):
                return _constant(value)
            case nodes.Name(name=name):
                return self._name(name)
            case nodes.Getattr(node=owner, attr=name):
                return self._member(owner, name)
            case nodes.Getitem(node=owner, arg=nodes.Slice() as cut):
                return self._slice(owner, cut)
            case nodes.Getitem(node=owner, arg=nodes.Const(value=str() as name)):
                return self._member(owner, name)
            case nodes.Getitem(node=owner, arg=index):
                return self._index(owner, index)
            case nodes.Filter(node=nodes.Expr() as value):
                return self._filter(node, value)
            case nodes.Test(node=value):
                return self._test(node, value)
            case nodes.BinExpr():
                return self._binary(node)
            case nodes.Call(node=nodes.Getattr(node=owner, attr=name)):
                return self._method(node, owner, name)
            case nodes.Compare(expr=left, ops=operands):
                return self._compare(left, operands)
            case nodes.Not():
                return self.question(node)
            case nodes.Neg(node=value):
                return _minus(self.compile(value))
            case nodes.CondExpr(test=test, expr1=then, expr2=otherwise):
                return self._condition(test, then, otherwise)
            case nodes.Concat(nodes=parts):
                return self._concat(parts)
            case nodes.List(items=items) | nodes.Tuple(items=items):
                entries = tuple(self.compile(item).evaluate for item in items)
                return Typed(lambda values: [entry(values) for entry in entries])
            case nodes.Dict(items=pairs):
                return self._mapping(pairs)
            case _:
                reason = _FORBIDDEN.get(type(node), f"{type(node).__name__} is not allowed")
                return self._problem(reason)

    def question(self, node: nodes.Node, *, negated: bool = False) -> Typed:
        """What is asked for yes or no: a condition, a predicate, the operand of `not`.

        Of what comes from outside a text, a mapping and a list are neither, and none is no "no".
        """
        match node:
            case nodes.Not(node=value):
                inner = self.question(value, negated=not negated).evaluate
                return Typed(lambda values: not inner(values), _TRUTH)
            case nodes.And(left=left, right=right):
                first, second = (self.question(side, negated=negated) for side in (left, right))
                return _both(first, second)
            case nodes.Or(left=left, right=right):
                first, second = (self.question(side, negated=negated) for side in (left, right))
                return _one_of(first, second)
        asked = self.compile(node)
        if not isinstance(asked.shape, Anything) or isinstance(node, nodes.Const):
            return asked
        read, told = asked.evaluate, written(node)
        if negated:
            return Typed(lambda values: not denied(read(values), told), _TRUTH)
        return Typed(lambda values: truth(read(values), told), _TRUTH)

    def _concat(self, parts: list[nodes.Expr]) -> Typed:
        typed = tuple(self.compile(part) for part in parts)
        texts = tuple(
            (piece.evaluate, written(part)) for piece, part in zip(typed, parts, strict=True)
        )
        whole = self._scope.whole

        def joined_up(values: Values) -> str:
            pieces = []
            for read, told in texts:
                value = read(values)
                if whole and value is None:
                    raise ExpressionError(f"{told} is none: {ELSEWHERE}")
                pieces.append(value)
            return _hiding(joined_text(as_text(piece) for piece in pieces), pieces)

        return Typed(joined_up, joined([piece.shape for piece in typed]))

    def _problem(self, text: str) -> Typed:
        self.problems.append(text)
        return Typed(lambda _: None)

    def _name(self, name: str) -> Typed:
        self.names.add(name)
        self.reads.add(name)
        shapes = self._scope.names
        if name not in shapes:
            known = ", ".join(sorted(shapes))
            hint = _WHERE.get(name) or suggest(name, shapes) or f"; there are {known}"
            return self._problem(f"there is no '{name}' here{hint}")
        return Typed(operator.itemgetter(name), shapes[name])

    def _member(self, owner_node: nodes.Node, name: str) -> Typed:
        owner = self.compile(owner_node)
        # Of an answer any name may be a field's: SOAP's `_value_1`, a `_id` of JSON.
        hidden = "__" if isinstance(owner.shape, Anything) else "_"
        if name.startswith(hidden):
            return self._problem(f"'{name}': names that begin with {hidden} are not readable")
        try:
            shape = member(owner.shape, name)
        except NoSuchMember as error:
            return self._problem(str(error))
        read, told = owner.evaluate, written(owner_node)
        self.reads.add(f"{told}.{name}")
        if isinstance(owner.shape, Anything | Keyed):
            return Typed(lambda values: read_member(read(values), name, told), shape)

        def checked(values: Values) -> Any:
            value = read(values)
            if value is None:
                raise nothing_there(told, name)
            if isinstance(value, Mapping):
                # The values of the steps before: one that found nothing is not there.
                return read_member(value, name, told)
            return getattr(value, name)

        return Typed(checked, shape)

    def _index(self, owner_node: nodes.Node, index_node: nodes.Node) -> Typed:
        owner, index = self.compile(owner_node), self.compile(index_node)
        shape = owner.shape.entry if isinstance(owner.shape, Many) else ANYTHING
        if not isinstance(owner.shape, Many | Anything):
            return self._problem(f"{written(owner_node)} is not a list")
        read, position, told = owner.evaluate, index.evaluate, written(owner_node)

        def indexed(values: Values) -> Any:
            value, key = read(values), position(values)
            if isinstance(key, str):
                return read_member(value, key, told)
            if not isinstance(value, list | tuple | str) or type(key) is not int:
                raise ExpressionError(f"{told} is {kind(value)}: it has no entry by {kind(key)}")
            try:
                return value[key]
            except IndexError:
                raise Missing(f"{told} has no entry {key}") from None

        return Typed(indexed, shape)

    def _slice(self, owner_node: nodes.Node, cut: nodes.Slice) -> Typed:
        owner = self.compile(owner_node)
        typed = [
            None if bound is None else self.compile(bound)
            for bound in (cut.start, cut.stop, cut.step)
        ]
        bounds = tuple(None if bound is None else bound.evaluate for bound in typed)
        start, stop = (None if bound is None else bound.constant for bound in typed[:2])

        def sliced(values: Values) -> Any:
            value = owner.evaluate(values)
            if not isinstance(value, list | tuple | str):
                raise ExpressionError(f"{kind(value)} cannot be cut")
            return value[slice(*(None if bound is None else bound(values) for bound in bounds))]

        return Typed(sliced, cut_shape(owner.shape, start, stop))

    def _method(self, call: nodes.Call, owner_node: nodes.Node, name: str) -> Typed:
        """The few calls that there are: `response.xml.nodes('…')`."""
        owner = self.compile(owner_node)
        methods: Mapping[str, Method] = {}
        match owner.shape:
            case Anything():
                # It may be a node; what is none says so when it is asked.
                methods = METHODS
            case Record(methods=methods):
                pass
        if name not in methods:
            return self._problem(_FORBIDDEN[nodes.Call])
        match call:
            case nodes.Call(
                args=[nodes.Const(value=str() as text)], kwargs=[], dyn_args=None, dyn_kwargs=None
            ):
                try:
                    ask = methods[name].compile(text)
                except ValueError as error:
                    return self._problem(f"{written(owner_node)}.{name}: {error}")
                read = owner.evaluate
                return Typed(lambda values: ask(read(values)), methods[name].yields())
        return self._problem(f"{written(owner_node)}.{name} takes one text in quotation marks")

    def _filter(self, node: nodes.Filter, value_node: nodes.Expr) -> Typed:
        value = self.compile(value_node)
        arguments = [self.compile(argument) for argument in node.args]
        keywords: dict[str, Typed] = {
            str(argument.key): self.compile(argument.value) for argument in node.kwargs
        }
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            return self._problem(f"{node.name}: * and ** are not allowed")
        # These need more than a value: laziness, the file's tables, the shape of a list's entries.
        special: dict[str, Callable[..., Typed]] = {
            "default": defaulted,
            "lookup": self._lookup,
            "map": self._map,
            "sum": self._sum,
        }
        known: dict[str, Callable[..., Any]] = {**FILTERS_BY_NAME, **special}
        if node.name not in known:
            hint = suggest(node.name, known) or f"; there are {', '.join(sorted(known))}"
            return self._problem(f"there is no filter '{node.name}'{hint}")
        try:
            inspect.signature(known[node.name]).bind(value, *arguments, **keywords)
        except TypeError as error:
            return self._problem(f"{node.name}: {error}")
        if node.name in special:
            return special[node.name](value, *arguments, **keywords)
        if refusal := refused_constants(node.name, arguments, keywords):
            return self._problem(refusal)
        if node.name == "join" and self._scope.whole:
            value = replace(value, evaluate=whole_list(value.evaluate))
        return applied(node.name, value, arguments, keywords)

    def _lookup(self, value: Typed, table: Typed, default: Typed | None = None) -> Typed:
        name, tables = table.constant, self._scope.tables
        if not isinstance(name, str):
            return self._problem("lookup: the table is named by a constant text")
        if name not in tables:
            return self._problem(f"lookup: there is no table '{name}'{suggest(name, tables)}")
        entries = {as_text(key): entry for key, entry in tables[name].items()}

        def looked_up(values: Values) -> Any:
            key = as_text(value.evaluate(values))
            if is_hidden(key):
                return Hidden()
            if key in entries:
                return entries[key]
            if default is None:
                raise Missing(f"lookup: table '{name}' has no key '{key}'")
            return default.evaluate(values)

        # A constant key means one entry: the others of its table say nothing of it.
        if isinstance(value.constant, str) and value.constant in entries:
            return Typed(looked_up, looked_up_shape([entries[value.constant]], None))
        shape = looked_up_shape(entries.values(), None if default is None else default.shape)
        return Typed(looked_up, shape)

    def _sum(self, value: Typed, field: Typed) -> Typed:
        column = self._column("sum", value, field)
        return Typed(lambda values: total(column.evaluate(values)), _NUMBER)

    def _map(self, value: Typed, attribute: Typed) -> Typed:
        column = self._column("map", value, attribute)

        def mapped(values: Values) -> list[Any] | None:
            # None passes through a filter.
            return None if value.evaluate(values) is None else list(column.evaluate(values))

        return replace(column, evaluate=mapped)

    def _column(self, filter_name: str, value: Typed, field: Typed) -> Typed:
        """One field of each entry of a list; with points, a field of its field."""
        path = field.constant
        if not isinstance(path, str):
            return self._problem(f"{filter_name}: the field is named by a constant text")
        names = path.split(".")
        if any(name.startswith("_") for name in names):
            return self._problem(f"{filter_name}: names that begin with _ are not readable")
        try:
            shape = functools.reduce(member, names, entry(value.shape))
        except NoSuchMember as error:
            return self._problem(f"{filter_name}: {error}")

        def column(values: Values) -> Iterator[Any]:
            entries = value.evaluate(values)
            if not isinstance(entries, list | tuple):
                raise ExpressionError(f"{filter_name}: {kind(entries)} is not a list")
            return (functools.reduce(_member_of_entry, names, entry) for entry in entries)

        return Typed(column, Many(shape))

    def _test(self, node: nodes.Test, value_node: nodes.Expr) -> Typed:
        value = self.compile(value_node).evaluate
        if node.args or node.kwargs:
            return self._problem(f"is {node.name}: takes nothing more")
        if node.name == "defined":
            return Typed(lambda values: _is_defined(value, values), _TRUTH)
        if node.name not in TESTS:
            known = ("defined", *TESTS)
            hint = suggest(node.name, known) or f"; there are {', '.join(sorted(known))}"
            return self._problem(f"there is no test 'is {node.name}'{hint}")
        test = TESTS[node.name]
        return Typed(lambda values: test(value(values)), _TRUTH)

    def _binary(self, node: nodes.BinExpr) -> Typed:
        left, right = self.compile(node.left), self.compile(node.right)
        if isinstance(node, nodes.And):
            return _both(_weighed(left, node.left), right)
        if isinstance(node, nodes.Or):
            return _one_of(_weighed(left, node.left), right)
        first, second = left.evaluate, right.evaluate
        if type(node) not in _ARITHMETIC:
            return self._problem(_FORBIDDEN.get(type(node), f"'{node.operator}' is not allowed"))
        compute = _ARITHMETIC[type(node)]
        return Typed(
            lambda values: as_number(compute(as_number(first(values)), as_number(second(values)))),
            computed(node.operator, left.shape, right.shape),
        )

    def _compare(self, left_node: nodes.Expr, operands: list[nodes.Operand]) -> Typed:
        first = self.compile(left_node)
        others = [self.compile(part.expr) for part in operands]
        steps = tuple(
            (COMPARE[part.op], other.evaluate) for part, other in zip(operands, others, strict=True)
        )
        if objection := never_equal(first, operands[0].op, others[0]):
            return self._problem(f"{written(left_node)}: {objection}")
        left = first.evaluate

        def compared(values: Values) -> bool:
            value = left(values)
            for holds, operand in steps:
                other = operand(values)
                if not holds(value, other):
                    return False
                value = other
            return True

        return Typed(compared, _TRUTH)

    def _condition(self, test: nodes.Expr, then: nodes.Expr, otherwise: nodes.Expr | None) -> Typed:
        if otherwise is None:
            return self._problem("'if' needs an 'else': without it the value would be missing")
        yes, no = self.compile(then), self.compile(otherwise)
        # `x if x else y` asks whether there is one.
        question = _weighed(yes, test) if test == then else self.question(test)
        asked = present(yes.shape) if test == then else yes.shape
        return Typed(
            lambda values: (yes if question.evaluate(values) else no).evaluate(values),
            either((asked, no.shape)),
        )

    def _mapping(self, pairs: list[nodes.Pair]) -> Typed:
        entries = tuple(
            (self.compile(pair.key).evaluate, self.compile(pair.value).evaluate) for pair in pairs
        )
        return Typed(lambda values: {key(values): value(values) for key, value in entries})


def _member_of_entry(owner: Any, name: str) -> Any:
    return read_member(owner, name, "an entry")


def _constant(value: Any) -> Typed:
    return Typed(lambda _: value, shape_of_value(value), value)


def _minus(number: Typed) -> Typed:
    known = number.constant
    constant = negated(known) if isinstance(known, int | Decimal) and is_number(known) else None
    return Typed(
        lambda values: negated(as_number(number.evaluate(values))),
        shape_after("abs", number.shape, ()),
        constant,
    )


def _hiding(text: str, parts: Iterable[object]) -> str:
    return Hidden(text) if any(map(is_hidden, parts)) else text


def _weighed(typed: Typed, node: nodes.Expr) -> Typed:
    """What is asked whether it is there and then used; what has parts is no yes or no, even so."""
    if not isinstance(typed.shape, Anything) or isinstance(node, nodes.Const):
        return typed
    read, told = typed.evaluate, written(node)
    return replace(typed, evaluate=lambda values: single(read(values), told))


def _both(left: Typed, right: Typed) -> Typed:
    first, second = left.evaluate, right.evaluate
    shape = either((left.shape, right.shape))
    return Typed(lambda values: first(values) and second(values), shape)


def _one_of(left: Typed, right: Typed) -> Typed:
    first, second = left.evaluate, right.evaluate
    shape = either((present(left.shape), right.shape))
    return Typed(lambda values: first(values) or second(values), shape)


def _is_defined(evaluate: Evaluate, values: Values) -> bool:
    try:
        evaluate(values)
    except Missing:
        return False
    return True
