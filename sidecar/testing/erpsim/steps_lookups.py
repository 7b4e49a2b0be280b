"""What a shop asks before it sends an order in steps: a session, ids, what a VAT id is worth."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from sidecar.testing.erpsim.conduct import Conduct, changed_form
from sidecar.testing.erpsim.customer_search import CustomerSearch
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, as_json
from sidecar.testing.erpsim.rules import Operation, Strikes, Subject
from sidecar.testing.erpsim.sessions import Sessions
from sidecar.testing.erpsim.side_books import Customer, SideBooks
from sidecar.testing.erpsim.steps_answers import error, reformed
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder().decode
_VAT_ID = re.compile(r"[A-Z]{2}[0-9A-Z]{2,12}")


class _SentLogin(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    user: str
    password: str


class _SentCustomer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Login:
    """User and password for a token."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        if (request.method, rest) != ("POST", ""):
            return None
        return Wanted(Operation.LOGIN, msgspec.json.decode(request.body, type=_SentLogin))

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        token = self._sessions.login(asked.sent.user, asked.sent.password)
        if token is None:
            return error(401, "unauthorised", "user or password is wrong")
        return as_json(200, reformed({"token": token}, changed_form(faults)))


class Products:
    """Items by SKU: what is asked for has an id from then on."""

    def __init__(self, conduct: Conduct, side_books: SideBooks) -> None:
        self._conduct = conduct
        self._side_books = side_books

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        sku = request.query.get("sku")
        if (request.method, rest) != ("GET", "") or sku is None:
            return None
        return Wanted(Operation.LOOKUP, sku, (Subject("", (sku,)),))

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        if not self._conduct.entry.knows(asked.sent):
            return as_json(200, {"items": []})
        product = self._side_books.product(asked.sent)
        shown = {"id": product.id, "sku": product.sku}
        return as_json(200, {"items": [reformed(shown, changed_form(faults))]})


class Customers:
    """Customers by e-mail address, found or made; nobody looks whether one is there already."""

    def __init__(self, side_books: SideBooks, search: CustomerSearch) -> None:
        self._side_books = side_books
        self._search = search

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        match request.method, rest:
            case "GET", "":
                email = request.query.get("email")
                if email is not None:
                    return Wanted(Operation.LOOKUP, email, (Subject(email),))
            case "POST", "":
                sent = _decode(request.body)
                email = sent.get("email") if isinstance(sent, dict) else None
                return Wanted(Operation.CUSTOMER, sent, (Subject(str(email or "")),))
        return None

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        form = changed_form(faults)
        if asked.enquiry.operation is Operation.LOOKUP:
            found = self._search.find(asked.sent)
            return as_json(200, {"items": [reformed(_shown(one), form) for one in found]})
        try:
            sent = msgspec.convert(asked.sent, _SentCustomer)
        except msgspec.ValidationError as unfit:
            return error(422, "invalid", str(unfit))
        made = self._side_books.add_customer(
            name=sent.name, email=sent.email, created=self._search.now()
        )
        return as_json(201, reformed(_shown(made), form))


class VatIds:
    """What the authority says of a VAT id."""

    def __init__(self, invalid: frozenset[str]) -> None:
        self._invalid = invalid

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        if request.method != "GET" or not rest.startswith("/"):
            return None
        number = rest.removeprefix("/")
        return Wanted(Operation.LOOKUP, number, (Subject(number),), "/{number}")

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        if not _VAT_ID.fullmatch(asked.sent):
            return error(404, "unknown_vat_id", f"there is no VAT id {asked.sent}")
        shown = {"number": asked.sent, "valid": asked.sent not in self._invalid}
        return as_json(200, reformed(shown, changed_form(faults)))


def _shown(customer: Customer) -> dict[str, Any]:
    return {"id": int(customer.number), "email": customer.email, "name": customer.name}
