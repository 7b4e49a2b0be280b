"""A payload in a file of cases: what is none is left out, and filled in again by its shape.

So a case is half as long, and one that an older version wrote can still be read: a field that came
later is none in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from sidecar.model.domain_spec import Payload

_JSON = msgspec.json.Encoder(decimal_format="number")


class FrozenPayloadError(ValueError):
    """A field that the payload does not have; `path` leads to it."""

    def __init__(self, path: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.path = path


def tree_of(payload: msgspec.Struct) -> Any:
    """As it is written: amounts as Decimal, moments as text, nothing that is none."""
    return _without_none(msgspec.to_builtins(payload, builtin_types=(Decimal,)))


def raw_payload(payload: Payload, tree: Mapping[str, Any]) -> bytes:
    """JSON as the ledger has it.  Raises FrozenPayloadError."""
    return _JSON.encode(_filled(_shape(payload), tree, ()))


@cache
def _shape(payload: Payload) -> inspect.Type:
    return inspect.type_info(payload)


def _without_none(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    return [_without_none(one) for one in tree] if isinstance(tree, list | tuple) else tree


def _filled(shape: inspect.Type, tree: Any, path: tuple[str | int, ...]) -> Any:
    match shape:
        case inspect.UnionType(types=types):
            inner = next((one for one in types if not isinstance(one, inspect.NoneType)), shape)
            return tree if tree is None else _filled(inner, tree, path)
        case inspect.StructType(fields=fields) if isinstance(tree, Mapping):
            known = {field.encode_name: field for field in fields}
            for name in tree:
                if name not in known:
                    text = f"{shape.cls.__name__} has no field '{name}'"
                    raise FrozenPayloadError((*path, name), text)
            return {
                name: _filled(field.type, tree.get(name), (*path, name))
                for name, field in known.items()
                if name in tree or field.required
            }
        case inspect.VarTupleType() | inspect.ListType() if isinstance(tree, list):
            entry = shape.item_type
            return [_filled(entry, one, (*path, index)) for index, one in enumerate(tree)]
        case _:
            return tree
