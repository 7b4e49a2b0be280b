"""Reading members of values of which nothing is known beforehand, and saying what was not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import nodes

from adapters.language.filters import ExpressionError, Missing, kind
from adapters.language.placeholder import Placeholder
from adapters.language.shape import members_of

_ABSENT = object()
#: Why a name that exists may be empty, for the one person who reads the message at night.
_WHY_NONE = {"link": "the ERP has not accepted it before"}


def read_member(owner: Any, name: str, told: str) -> Any:
    """A member of a value of which nothing was known before: a key, a field, never a method."""
    if isinstance(owner, Mapping):
        value = owner.get(name, _ABSENT)
        if value is not _ABSENT:
            return value
    # A SOAP answer's body, which may be called by the wrapper that was taken off it.
    if name in getattr(owner, "wrappers", ()):
        return owner
    if isinstance(owner, Mapping):
        raise _not_there(owner, name, told)
    if isinstance(owner, Placeholder):
        return owner.part(name)
    if owner is None:
        raise nothing_there(told, name)
    owner_type: type = type(owner)
    if name in members_of(owner_type):
        return getattr(owner, name)
    # Not Missing: that a page of HTML has no such field says nothing of the document, so neither
    # `default` nor `is defined` may make an answer of it.
    raise ExpressionError(f"{told} is {kind(owner)} and has no '{name}'")


def _not_there(owner: Mapping[Any, Any], name: str, told: str) -> ExpressionError:
    """Missing, unless the name is there in another case: then the answer has changed."""
    folded = name.casefold()
    for key in owner:
        if isinstance(key, str) and key.casefold() == folded:
            return ExpressionError(f"{told} has '{key}' instead of '{name}'")
    return Missing(f"{told} has no '{name}'")


def nothing_there(told: str, name: str) -> Missing:
    """The error for a member of what is none."""
    why = _WHY_NONE.get(told)
    return Missing(f"{told} is none{f' ({why})' if why else ''}, so it has no '{name}'")


def written(node: nodes.Node) -> str:
    """The chain as it stands in the file, for messages."""
    match node:
        case nodes.Name(name=name):
            return name
        case nodes.Getattr(node=owner, attr=name):
            return f"{written(owner)}.{name}"
        case nodes.Getitem(node=owner, arg=nodes.Const(value=key)):
            return f"{written(owner)}[{key!r}]"
        case nodes.Filter(node=nodes.Node() as value, name=name):
            return f"{written(value)} | {name}"
        case nodes.Call(node=called, args=[nodes.Const(value=text)]):
            return f"{written(called)}({text!r})"
        case _:
            return "the value"
