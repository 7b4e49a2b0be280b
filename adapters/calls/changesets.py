"""Several changes in one call: `changesets` is a list of requests, repeated or left out as entries
of a body are.

    changesets:
      - $each: item in order.sellable_items
        $do: {method: PATCH, path: …, json: …}
      - $when: order.net_shipping_amount > 0
        $do: {method: PATCH, path: …, json: …}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from adapters.calls.answer import Predicate
from adapters.calls.section import Section
from adapters.language.expression import Loop
from adapters.language.scope import Scope, Values
from adapters.language.template import read_expression, read_loop

KEY = "changesets"
_EACH, _WHEN, _DO = "$each", "$when", "$do"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: the section of its request, what may be named in it, and how often it is made."""

    section: Section
    scope: Scope
    rounds: Callable[[Values], Iterator[Values]]


def read_changes(section: Section, scope: Scope) -> list[Change]:
    """The entries of a call's `changesets`; problems are noted in its source."""
    entries = section.sections(KEY)
    if not entries:
        section.problem(KEY, "this must be a list of requests (- method: …)")
    return [_read_change(entry, scope) for entry in entries]


def _read_change(entry: Section, scope: Scope) -> Change:
    if _EACH in entry:
        entry.keys((_EACH, _DO), (_DO,))
        loop = read_loop(entry.data, scope, entry.source, entry.path)
        if loop is not None:
            return Change(entry.section(_DO), loop.scope, _rounds_of(loop))
    elif _WHEN in entry:
        entry.keys((_WHEN, _DO), (_DO,))
        asked = read_expression(
            str(entry.data[_WHEN]), scope, entry.source, (*entry.path, _WHEN), question=True
        )
        if asked is not None:
            return Change(entry.section(_DO), scope, _once_if(Predicate(_WHEN, asked)))
    else:
        return Change(entry, scope, lambda values: iter((values,)))
    return Change(entry.section(_DO), scope, lambda _: iter(()))


def _rounds_of(loop: Loop) -> Callable[[Values], Iterator[Values]]:
    return lambda values: iter(loop(values))


def _once_if(predicate: Predicate) -> Callable[[Values], Iterator[Values]]:
    return lambda values: iter((values,) if predicate.holds(values) else ())
