"""In the place of the network: connections whose answers a script gives (`Rehearsing`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import requests

from adapters.http.body import read_body
from adapters.http.connection_pool import Answer, Timeout
from adapters.http.wire import SENT
from sidecar.ports import RehearsedCall, Script

_FORM = "application/x-www-form-urlencoded"
#: Follows from the body, and would be a second difference beside each of it.
_DERIVED = frozenset({"content-length"})


class NoAnswer(requests.ConnectionError):
    """The script has no answer to this call."""


class PlayedConnections:
    """See `adapters.http.connection_pool.ConnectionPool`."""

    def __init__(self, script: Script, address: str, everywhere: Mapping[str, str]) -> None:
        """The script is not told `address`, nor the headers that stand `everywhere`."""
        self._script = script
        self._address = address
        self._everywhere = {name.lower(): value for name, value in everywhere.items()}

    @contextmanager
    def borrowed(self) -> Iterator[PlayedConnections]:
        """The one that there is."""
        yield self

    def exchange(self, prepared: requests.PreparedRequest, _timeout: Timeout) -> Answer:
        """What the script answers.  Raises NoAnswer."""
        # For whoever asks it has left: without an answer, the ERP may have booked it.
        SENT.flag = True
        answered = self._script(self._told(prepared))
        if answered is None:
            raise NoAnswer
        headers = requests.structures.CaseInsensitiveDict(answered.headers)
        return answered.status, headers, answered.content

    def close(self) -> None:
        """There is nothing to close."""

    def _told(self, prepared: requests.PreparedRequest) -> RehearsedCall:
        address = str(prepared.url)
        if self._address and address.startswith(self._address):
            address = address[len(self._address) :] or "/"
        headers = {
            # A secret's stand-in is a text of its own type, which not everybody can write.
            name: str(value)
            for name, value in prepared.headers.items()
            if name.lower() not in _DERIVED and self._everywhere.get(name.lower()) != value
        }
        content_type = prepared.headers.get("Content-Type", "")
        return RehearsedCall(
            f"{prepared.method} {address}", headers, _tree(prepared.body, content_type)
        )


def _tree(body: Any, content_type: str) -> Any:
    """JSON, a form and XML as trees, everything else as text; None for none."""
    if body is None:
        return None
    if content_type.startswith(_FORM):
        return _form(body.decode())
    if body.lstrip().startswith(b"<"):
        # The daemon of an ERP that speaks REST loads no XML (tests/unit/test_imports.py).
        from adapters.http.xml import parse_strictly

        root = parse_strictly(body)
        return {root.tag: _element(root)}
    return read_body(body, content_type)


def _form(text: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _add(tree, name, value)
    return tree


def _element(element: Any) -> Any:
    """Its text, else a mapping: `@name` an attribute, `#text` a text beside them.

    An element that stands several times is a list; the namespace is named where it is another than
    that of the element around it.
    """
    tree: dict[str, Any] = {f"@{name}": value for name, value in element.attrib.items()}
    for child in element:
        _add(tree, _name(child, element), _element(child))
    text = element.text or ""
    if not tree:
        return text
    return {**tree, "#text": text} if text.strip() else tree


def _name(child: Any, above: Any) -> str:
    space, _, local = child.tag.rpartition("}")
    return str(local if space == above.tag.rpartition("}")[0] else f"{space or '{'}}}{local}")


def _add(tree: dict[str, Any], name: str, value: Any) -> None:
    if name not in tree:
        tree[name] = value
    elif isinstance(tree[name], list):
        tree[name].append(value)
    else:
        tree[name] = [tree[name], value]
