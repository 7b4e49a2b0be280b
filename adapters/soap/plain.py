"""A body without the wrapper around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.contract.field import Field


class UnwrappedMapping(dict[str, Any]):
    """A mapping whose wrapper was taken off, and that still answers to the wrapper's name.

    An engineer who reads the WSDL writes `response.body.Order`; one who reads zeep's manual writes
    `response.body`.  Both are right.
    """

    wrappers: tuple[str, ...] = ()


class UnwrappedList(list[Any]):
    """As UnwrappedMapping."""

    wrappers: tuple[str, ...] = ()


class UnwrappedText(str):
    """As UnwrappedMapping."""

    wrappers: tuple[str, ...] = ()


def unwrapped(field: Field, content: Any) -> Any:
    """The body without a wrapper around one element (twice at most).

    A wrapper around nothing stays: `body.Order` is then none, and not missing.
    """
    wrappers: list[str] = []
    while len(wrappers) < 2 and isinstance(content, Mapping):
        only = _only_element(field)
        if only is None or content.get(only.name) is None:
            break
        wrappers.append(only.name)
        field, content = only, content[only.name]
    value: UnwrappedMapping | UnwrappedList | UnwrappedText
    match content:
        case dict():
            value = UnwrappedMapping(content)
        case list():
            value = UnwrappedList(content)
        case str():
            value = UnwrappedText(content)
        case _:
            return content
    value.wrappers = tuple(wrappers)
    return value


def _only_element(field: Field) -> Field | None:
    members = list(field.members.fields.values())
    return members[0] if len(members) == 1 and members[0].role == "element" else None
