"""The REST face of an ERP that takes an order in steps: session, ids, draft, discount, validation.

It knows nothing by a shop's names: the products and the customer of an order are ids that must be
asked for, and every call but the login needs a session.
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.customer_search import CustomerSearch
from sidecar.testing.erpsim.rest import RestFace
from sidecar.testing.erpsim.rest_answers import Dialect, Place
from sidecar.testing.erpsim.sessions import Sessions
from sidecar.testing.erpsim.side_books import SideBooks
from sidecar.testing.erpsim.steps_answers import error
from sidecar.testing.erpsim.steps_lookups import Customers, Login, Products, VatIds
from sidecar.testing.erpsim.steps_orders import Orders
from sidecar.testing.erpsim.wire import Request, Response

_LOGIN = "/login"


def steps_face(
    conduct: Conduct,
    side_books: SideBooks,
    sessions: Sessions,
    search: CustomerSearch,
    vat_ids_invalid: frozenset[str],
    base_path: str,
) -> RestFace:
    """`vat_ids_invalid`: those that the authority does not confirm."""
    places: Mapping[str, Place] = {
        _LOGIN: Login(sessions),
        "/products": Products(conduct, side_books),
        "/customers": Customers(side_books, search),
        "/vat": VatIds(vat_ids_invalid),
        "/orders": Orders(conduct, side_books),
    }

    def admits(request: Request, path: str) -> bool:
        return path == _LOGIN or sessions.admits(request.headers.get("x-session", ""))

    return RestFace(conduct, places, Dialect(admits, _no_session, error), base_path)


def _no_session() -> Response:
    return error(401, "unauthorised", "there is no such session")
