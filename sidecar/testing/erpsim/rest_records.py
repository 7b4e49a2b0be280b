"""Customers, levels and demand over REST: several in a call, each with a result of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from sidecar.testing.erpsim.records import Records, Taken
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, as_json, error
from sidecar.testing.erpsim.rules import Operation, Strikes, Subject
from sidecar.testing.erpsim.side_books import Customer, Demand, ShopLevel
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
# As in documents: an ERP that took strings would hide an adapter that sends them.
_NUMBERS = (Decimal,)


class _SentCustomer(msgspec.Struct, kw_only=True, rename="camel"):
    external_number: str
    email: str | None = None
    name: str | None = None
    country: str | None = None
    group: str | None = None
    vat_id: str | None = None
    addresses: tuple[dict[str, Any], ...] = ()


class _SentCustomers(msgspec.Struct):
    customers: list[_SentCustomer]


class _SentLevel(msgspec.Struct, kw_only=True):
    sku: str
    warehouse: str | None = None
    quantity: int | Decimal


class _SentDemand(msgspec.Struct, kw_only=True):
    id: str
    sku: str
    quantity: int | Decimal
    stock: int | None = None
    since: str | None = None
    until: str | None = None


class _SentLevels(msgspec.Struct):
    levels: list[_SentLevel]


class _SentDemands(msgspec.Struct):
    demand: list[_SentDemand]


class Customers:
    """Customers in bulk, and one that is to be forgotten."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        match request.method, rest:
            case "POST", "/bulk":
                read = msgspec.convert(_decode(request.body), _SentCustomers).customers
                subjects = tuple(Subject(one.external_number) for one in read)
                return Wanted(Operation.CUSTOMERS, read, subjects)
            case "DELETE", _ if rest.startswith("/"):
                return Wanted(Operation.ERASE, rest.removeprefix("/"), (), "/{number}")
        return None

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        if asked.enquiry.operation is Operation.ERASE:
            if self._records.erase_customer(asked.sent):
                return Response(204)
            return error(404, "unknown_customer", f"there is no customer {asked.sent}")
        customers = [
            Customer(
                number="",
                external=one.external_number,
                name=one.name,
                email=one.email,
                country=one.country,
                group=one.group,
                vat_id=one.vat_id,
                addresses=one.addresses,
            )
            for one in asked.sent
        ]
        taken = self._records.save_customers(asked.exchange, asked.enquiry, customers, faults)
        return _results(taken, "externalNumber")


class Stock:
    """What the shop has, or what it sold."""

    def __init__(self, records: Records, what: Literal["levels", "demand"]) -> None:
        self._records = records
        self._what = what

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        if (request.method, rest) != ("POST", ""):
            return None
        sent = _decode(request.body)
        read: Sequence[_SentLevel | _SentDemand]
        if self._what == "levels":
            read = msgspec.convert(sent, _SentLevels, builtin_types=_NUMBERS).levels
        else:
            read = msgspec.convert(sent, _SentDemands, builtin_types=_NUMBERS).demand
        operation = Operation.LEVELS if self._what == "levels" else Operation.DEMAND
        return Wanted(operation, read, tuple(Subject("", (one.sku,)) for one in read))

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        exchange, enquiry = asked.exchange, asked.enquiry
        if self._what == "levels":
            levels = [
                ShopLevel(sku=one.sku, warehouse=one.warehouse, quantity=Decimal(one.quantity))
                for one in asked.sent
            ]
            return _results(self._records.note_levels(exchange, enquiry, levels, faults), "id")
        demand = [
            Demand(
                id=one.id,
                sku=one.sku,
                quantity=Decimal(one.quantity),
                stock=one.stock,
                since=one.since,
                until=one.until,
            )
            for one in asked.sent
        ]
        return _results(self._records.note_demand(exchange, enquiry, demand, faults), "id")


def _results(taken: Sequence[Taken], name: str) -> Response:
    results = [
        {
            name: one.id,
            "ok": one.refusal is None,
            "number": one.number,
            "code": one.refusal.code if one.refusal else None,
            "message": one.refusal.message if one.refusal else None,
        }
        for one in taken
    ]
    return as_json(200, {"results": results})
