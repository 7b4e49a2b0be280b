"""What a shop asks before it sends an order in steps, over REST: a session, ids, VAT ids."""

from __future__ import annotations

from typing import Any

import msgspec

from sidecar.testing.erpsim.books import Refusal
from sidecar.testing.erpsim.conduct import changed_form
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, as_json
from sidecar.testing.erpsim.rules import Form, Operation, Strikes, Subject
from sidecar.testing.erpsim.sessions import Sessions
from sidecar.testing.erpsim.steps_answers import error, reformed
from sidecar.testing.erpsim.steps_records import StepsRecords
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder().decode


class _SentLogin(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    user: str
    password: str


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
    """Items by SKU."""

    def __init__(self, records: StepsRecords) -> None:
        self._records = records

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        sku = request.query.get("sku")
        if (request.method, rest) != ("GET", "") or sku is None:
            return None
        return Wanted(Operation.LOOKUP, sku, (Subject("", (sku,)),))

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        return _items(self._records.products(asked.sent), changed_form(faults))


class Customers:
    """Customers by e-mail address, found or made."""

    def __init__(self, records: StepsRecords) -> None:
        self._records = records

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
            return _items(self._records.customers(asked.sent), form)
        made = self._records.add_customer(asked.sent)
        if isinstance(made, Refusal):
            return error(422, made.code, made.message)
        return as_json(201, reformed(made, form))


class VatIds:
    """What the authority says of a VAT id."""

    def __init__(self, records: StepsRecords) -> None:
        self._records = records

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        if request.method != "GET" or not rest.startswith("/"):
            return None
        number = rest.removeprefix("/")
        return Wanted(Operation.LOOKUP, number, (Subject(number),), "/{number}")

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        said = self._records.vat_id(asked.sent)
        if isinstance(said, Refusal):
            return error(404, said.code, said.message)
        return as_json(200, reformed(said, changed_form(faults)))


def _items(found: list[dict[str, Any]], form: Form | None) -> Response:
    return as_json(200, {"items": [reformed(one, form) for one in found]})
