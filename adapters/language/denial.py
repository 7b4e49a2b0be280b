"""Lines that deny by what an answer does not say: `code != 'OK'` is true of no code at all, too.

A field that the ERP leaves empty, or names otherwise since its last upgrade, then reads as a
refusal of an order that it booked.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from adapters.language.access import written

_ANSWERS = frozenset({"response", "result"})
#: What every answer has.
_ALWAYS_THERE = frozenset({"status", "headers"})
_DIFFERS = frozenset({"ne", "notin"})


def unsaid(node: nodes.Node) -> tuple[str, ...]:
    """Parts of an answer that are compared for being different, and may be none."""
    guarded = {
        written(test.node)
        for inner in (node, *node.find_all(nodes.Not))
        if isinstance(inner, nodes.Not)
        for test in [inner.node]
        if isinstance(test, nodes.Test) and test.name == "none"
    }
    compared = (told for told in _compared(node, negated=False) if told not in guarded)
    return tuple(dict.fromkeys(compared))


def _compared(node: nodes.Node, *, negated: bool) -> Iterator[str]:
    match node:
        case nodes.Not(node=inner):
            yield from _compared(inner, negated=not negated)
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            yield from _compared(left, negated=negated)
            yield from _compared(right, negated=negated)
        case nodes.CondExpr(expr1=then, expr2=nodes.Node() as otherwise):
            yield from _compared(then, negated=negated)
            yield from _compared(otherwise, negated=negated)
        case nodes.Compare(expr=left, ops=[nodes.Operand(op=op, expr=right)]):
            is_of_none = any(
                isinstance(side, nodes.Const) and side.value is None for side in (left, right)
            )
            if (op in _DIFFERS or op in ("eq", "in")) and (op in _DIFFERS) != negated:
                yield from (
                    written(side) for side in (left, right) if not is_of_none and _may_be_none(side)
                )


def _may_be_none(node: nodes.Node) -> bool:
    """Whether it is a part of an answer; none passes through every filter but `default`."""
    inner: nodes.Node | None = node
    while isinstance(inner, nodes.Filter) and inner.name not in ("default", "length"):
        inner = inner.node
    path: list[object] = []
    while isinstance(inner, nodes.Getattr | nodes.Getitem | nodes.Call):
        path.append(inner.attr if isinstance(inner, nodes.Getattr) else None)
        inner = inner.node
    is_answer = isinstance(inner, nodes.Name) and inner.name in _ANSWERS
    return is_answer and bool(path) and path[-1] not in _ALWAYS_THERE
