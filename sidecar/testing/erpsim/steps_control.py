"""What a test does to the ERP that takes orders in steps: ends sessions, slows the search, …"""

from __future__ import annotations

import msgspec

from sidecar.testing.erpsim.customer_search import CustomerSearch
from sidecar.testing.erpsim.sessions import SessionLimits, Sessions
from sidecar.testing.erpsim.side_books import SideBooks
from sidecar.testing.erpsim.wire import Request, Response

_encode = msgspec.json.encode


class SearchLag(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `POST search` takes."""

    seconds: float


class Renumbering(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `POST products` takes."""

    sku: str


class StepsControl:
    """The part of the control face that is of this interface alone."""

    def __init__(self, side_books: SideBooks, sessions: Sessions, search: CustomerSearch) -> None:
        self._side_books = side_books
        self._sessions = sessions
        self._search = search

    def answer(self, request: Request, place: str) -> Response | None:
        """None for what is not of this part.  Raises MsgspecError for a bad body."""
        match request.method, place:
            case "POST", "sessions":
                self._sessions.limit(msgspec.json.decode(request.body, type=SessionLimits))
                return Response(204)
            case "DELETE", "sessions":
                self._sessions.expire()
                return Response(204)
            case "POST", "search":
                self._search.lag = msgspec.json.decode(request.body, type=SearchLag).seconds
                return Response(204)
            case "POST", "products":
                sku = msgspec.json.decode(request.body, type=Renumbering).sku
                return Response(200, _encode(self._side_books.renumber(sku)))
        return None
