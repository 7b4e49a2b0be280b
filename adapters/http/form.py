"""Forms on the wire: names with values, and trees in the brackets that PHP and Rails read.

{ref: 1, tags: [a, b], address: {city: Berlin}, lines: [{sku: X, qty: 2}]}
ref=1&tags=a&tags=b&address[city]=Berlin&lines[0][sku]=X&lines[0][qty]=2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from adapters.language.filters import ExpressionError, as_text, kind

_TREE = (Mapping, list, tuple)


def encode_form(tree: Any) -> bytes:
    """The body; an empty value is left out.

    A list of values under a name of the form itself is that parameter several times; deeper, and
    where an entry has parts, entries are numbered from 0.  Raises ExpressionError for what is no
    mapping, or has a value that cannot be written as text.
    """
    if not isinstance(tree, Mapping):
        raise ExpressionError(f"{kind(tree)} is no mapping of names to values")
    pairs = [pair for name, value in tree.items() for pair in _parameter(as_text(name), value)]
    return urlencode(pairs).encode()


def _parameter(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list | tuple) and not any(isinstance(one, _TREE) for one in value):
        yield from ((name, as_text(one)) for one in value if one is not None)
    else:
        yield from _branch(name, value)


def _branch(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case None:
            return
        case Mapping():
            for key, part in value.items():
                yield from _branch(f"{name}[{as_text(key)}]", part)
        case list() | tuple():
            # What is left out leaves no gap: a reader that counts would stop there.
            present = (part for part in value if part is not None)
            for index, part in enumerate(present):
                yield from _branch(f"{name}[{index}]", part)
        case _:
            yield name, as_text(value)
