"""Business partners: a customer is found by the shop's number of him, made, and changed."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.rules import Operation, Strikes, Subject
from sidecar.testing.erpsim.sap.answers import listed, row_of, sent
from sidecar.testing.erpsim.sap.documents import key_of, refusal_of
from sidecar.testing.erpsim.sap.entities import PARTNER
from sidecar.testing.erpsim.sap.errors import NOT_FOUND, PRECONDITION, SapError
from sidecar.testing.erpsim.sap.face import Asked, Told, Wanted
from sidecar.testing.erpsim.sap.queries import read_query
from sidecar.testing.erpsim.sap.values import read_entity, shown
from sidecar.testing.erpsim.side_books import Customer, SideBooks
from sidecar.testing.erpsim.wire import Request

_NAME = "A_BusinessPartner"
_ADDRESS = PARTNER.lists["to_BusinessPartnerAddress"]
_EXTERNAL = "BusinessPartnerIDByExtSystem"
#: Without them nobody is a customer who can be sold to.
_ROLES = {"FLCU00", "FLCU01"}


class PartnerService:
    """See `sidecar.testing.erpsim.sap.face.SapService`."""

    version = 2

    def __init__(self, conduct: Conduct, books: SideBooks) -> None:
        self._conduct = conduct
        self._books = books

    def wanted(self, request: Request, path: str) -> Wanted:
        """See `SapService`."""
        match request.method:
            case "POST" if path == f"/{_NAME}":
                body = sent(request)
                external = str(body.get(_EXTERNAL, "")) if isinstance(body, dict) else ""
                return Wanted(Operation.CUSTOMER, (Subject(external),))
            case "PATCH":
                return Wanted(Operation.CUSTOMER)
            case "GET":
                return Wanted(Operation.FIND)
        raise SapError(404, NOT_FOUND, f"Resource not found: {request.method} {path}")

    def act(self, asked: Asked, _faults: Strikes) -> Told:
        """See `SapService`."""
        match asked.request.method:
            case "POST":
                return self._create(asked)
            case "PATCH":
                return self._change(asked)
        if asked.path == f"/{_ADDRESS.name}":
            return self._addresses(asked)
        if keys := key_of(asked.path, _NAME):
            customer = self._named(keys[0])
            row = shown(PARTNER, _row(customer), 2, asked.root, ())
            return Told(200, {"d": row}, {"ETag": _etag(customer)})
        query = read_query(asked.request.query)
        rows = [_row(customer) for customer in self._books.customers()]
        found = [row for row in rows if all(term.holds(row) for term in query.terms)]
        return listed([row_of(PARTNER, row, asked, query) for row in found], None, asked, 2)

    def _create(self, asked: Asked) -> Told:
        partner = read_entity(PARTNER, sent(asked.request), 2)
        strikes = self._conduct.strikes(asked.exchange, asked.enquiry, asked.enquiry.subjects[0])
        refusal = self._conduct.entry.refusal_of_record(asked.enquiry.subjects[0], strikes)
        if refusal is not None:
            raise refusal_of(refusal)
        roles = {one["BusinessPartnerRole"] for one in partner.get("to_BusinessPartnerRole", ())}
        if not partner.get("BusinessPartnerCategory") or roles != _ROLES:
            raise SapError(400, "R11/124", "Enter a category and the roles of a customer")
        external = partner.get(_EXTERNAL) or ""
        if any(one.external == external for one in self._books.customers()):
            raise SapError(400, "R11/101", f"External number {external} is assigned already")
        addresses = tuple(
            {"AddressID": f"A{index}", **_texts(address)}
            for index, address in enumerate(partner.get("to_BusinessPartnerAddress", ()), start=1)
        )
        customer = self._saved(
            Customer(
                external=external,
                name=_name(partner),
                email=_email(partner),
                addresses=addresses,
            )
        )
        row = shown(PARTNER, _row(customer), 2, asked.root, ())
        return Told(201, {"d": row}, {"ETag": _etag(customer)})

    def _change(self, asked: Asked) -> Told:
        stated = asked.request.headers.get("if-match")
        if keys := key_of(asked.path, _NAME):
            customer = self._named(keys[0])
            _check(customer, stated)
            change = read_entity(PARTNER, sent(asked.request), 2, changing=True)
            if change.get("IsMarkedForArchiving"):
                self._books.erase(Customer, customer.number)
            else:
                self._saved(replace(customer, name=_name(change) or customer.name))
            return Told(204)
        keys = key_of(asked.path, _ADDRESS.name)
        if keys is None:
            raise SapError(404, NOT_FOUND, f"Resource not found for the segment {asked.path}")
        customer = self._named(keys[0])
        _check(customer, stated)
        change = _texts(read_entity(_ADDRESS, sent(asked.request), 2, changing=True))
        addresses = tuple(
            {**one, **change} if one["AddressID"] == keys[1] else one for one in customer.addresses
        )
        self._saved(replace(customer, addresses=addresses))
        return Told(204)

    def _addresses(self, asked: Asked) -> Told:
        query = read_query(asked.request.query)
        rows = [
            {"BusinessPartner": customer.number, **address}
            for customer in self._books.customers()
            for address in customer.addresses
        ]
        found = [row for row in rows if all(term.holds(row) for term in query.terms)]
        return listed([row_of(_ADDRESS, row, asked, query) for row in found], None, asked, 2)

    def _saved(self, customer: Customer) -> Customer:
        """With the number that it has here."""
        self._books.save(customer)
        return next(one for one in self._books.customers() if one.external == customer.external)

    def _named(self, number: str) -> Customer:
        found = (one for one in self._books.customers() if one.number == number)
        customer = next(found, None)
        if customer is None:
            raise SapError(404, NOT_FOUND, f"Resource not found: {number}")
        return customer


def _row(customer: Customer) -> dict[str, Any]:
    return {
        "BusinessPartner": customer.number,
        _EXTERNAL: customer.external,
        "LastName": customer.name,
        "BusinessPartnerIsBlocked": False,
        "@etag": _etag(customer),
    }


def _etag(customer: Customer) -> str:
    version = sha256(f"{customer.name} {customer.addresses}".encode()).hexdigest()[:16]
    return f'W/"{version}"'


def _check(customer: Customer, stated: str | None) -> None:
    if not stated:
        raise SapError(428, PRECONDITION, "Header If-Match is missing: the entity has an ETag")
    if stated not in ("*", _etag(customer)):
        raise SapError(412, PRECONDITION, "Precondition failed: the entity was changed meanwhile")


def _name(partner: dict[str, Any]) -> str | None:
    parts = (partner.get("OrganizationBPName1"), partner.get("FirstName"), partner.get("LastName"))
    return " ".join(filter(None, parts)) or None


def _email(partner: dict[str, Any]) -> str | None:
    for address in partner.get("to_BusinessPartnerAddress", ()):
        for one in address.get("to_EmailAddress", ()):
            return str(one["EmailAddress"])
    return None


def _texts(address: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in address.items() if not name.startswith("to_")}
