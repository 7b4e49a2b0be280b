"""The REST face of an ERP that takes an order in steps: session, ids, draft, discount, validation.

It knows nothing by a shop's names: the products and the customer of an order are ids that must be
asked for, and every call but the login needs a session.
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.rest import RestFace
from sidecar.testing.erpsim.rest_answers import Dialect, Place
from sidecar.testing.erpsim.sessions import Sessions
from sidecar.testing.erpsim.steps_answers import error
from sidecar.testing.erpsim.steps_documents import StepsDocuments
from sidecar.testing.erpsim.steps_lookups import Customers, Login, Products, VatIds
from sidecar.testing.erpsim.steps_orders import Orders
from sidecar.testing.erpsim.steps_records import StepsRecords
from sidecar.testing.erpsim.wire import Request, Response

_LOGIN = "/login"


def steps_rest_face(
    conduct: Conduct,
    records: StepsRecords,
    documents: StepsDocuments,
    sessions: Sessions,
    base_path: str,
) -> RestFace:
    """The places, and the session that all but the login want."""
    places: Mapping[str, Place] = {
        _LOGIN: Login(sessions),
        "/products": Products(records),
        "/customers": Customers(records),
        "/vat": VatIds(records),
        "/orders": Orders(conduct, documents),
    }

    def admits(request: Request, path: str) -> bool:
        return path == _LOGIN or sessions.admits(request.headers.get("x-session", ""))

    return RestFace(conduct, places, Dialect(admits, _no_session, error), base_path)


def _no_session() -> Response:
    return error(401, "unauthorised", "there is no such session")
