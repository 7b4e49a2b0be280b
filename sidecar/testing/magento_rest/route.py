"""What a route is, and what its handler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sidecar.testing.magento_db import Shop
from sidecar.testing.magento_rest.body import INT, Kind
from sidecar.testing.magento_rest.body import read as read_body
from sidecar.testing.magento_rest.refusals import translated
from sidecar.testing.magento_rest.values import Json

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Limits:
    """`webapi/validation`: how much one call may ask or bring; None is any number."""

    most_items: int | None = None
    largest_page: int | None = None
    default_page: int | None = None


@dataclass(frozen=True)
class Call:
    """One request, read: `store_id` is 0 for `/rest/all`, `website_id` that of its store."""

    shop: Shop
    path: Mapping[str, str]
    query: Query
    body: Json
    store_id: int
    limits: Limits
    locale: str

    def failure(self, message: str, *parameters: Any) -> Json:
        """One row of what a call that takes many could not do; the answer is 200 all the same."""
        return {"message": translated(message, self.locale), "parameters": list(parameters)}

    def number(self, name: str) -> int:
        """A number out of the path."""
        read: int = read_body({name: self.path[name]}, {name: INT}, frozenset(), None)[name]
        return read


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """A method and path below `V1/`; `:name` in it is a parameter.

    `resource` is the right that it takes (None: nobody has to log in).
    """

    method: str
    path: str
    resource: str | None
    handle: Handler
    body: Mapping[str, Kind] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    def parameters(self, method: str, segments: Sequence[str]) -> dict[str, str] | None:
        """The path's parameters; None when it is not this route that is asked for."""
        own = self.path.split("/")
        if method != self.method or len(own) != len(segments):
            return None
        found: dict[str, str] = {}
        for expected, given in zip(own, segments, strict=True):
            if expected.startswith(":"):
                found[expected[1:]] = unquote(given)
            elif expected != given:
                return None
        return found
