"""Customers, products, prices, levels and demand over REST: several in a call, each with a result
of its own; asked for by what the shop calls them; customers and products can be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.testing.erpsim.conduct import changed_form
from sidecar.testing.erpsim.records import Records, Taken
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, as_json, error
from sidecar.testing.erpsim.rules import Form, Operation, Strikes, Subject
from sidecar.testing.erpsim.side_books import (
    Customer,
    Demand,
    ShopLevel,
    ShopPrice,
    ShopProduct,
    SideRecord,
    skus_of,
)
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
# As in documents: an ERP that took strings would hide an adapter that sends them.
_NUMBERS = (Decimal,)
Amount = int | Decimal


class _Sent(msgspec.Struct, kw_only=True, rename="camel"):
    """A record as it is sent, by the fields of the books' own."""


class _SentCustomer(_Sent, kw_only=True):
    external: str = msgspec.field(name="externalNumber")
    email: str | None = None
    name: str | None = None
    country: str | None = None
    group: str | None = None
    vat_id: str | None = None
    addresses: tuple[dict[str, Any], ...] = ()


class _SentProduct(_Sent, kw_only=True):
    external: str = msgspec.field(name="externalNumber")
    sku: str
    name: str | None = None
    weight: Amount | None = None
    active: bool | None = None


class _SentLevel(_Sent, kw_only=True):
    id: str | None = None
    sku: str
    warehouse: str | None = None
    quantity: Amount


class _SentScale(msgspec.Struct, kw_only=True):
    quantity: Amount = msgspec.field(name="from")
    price: Amount
    group: str | None = None


class _SentPrice(_Sent, kw_only=True):
    id: str | None = None
    sku: str
    channel: str | None = None
    price: Amount | None = None
    promo: Amount | None = None
    promo_from: date | None = None
    promo_to: date | None = None
    scales: tuple[_SentScale, ...] = ()


class _SentDemand(_Sent, kw_only=True):
    id: str
    sku: str
    quantity: Amount
    stock: int | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class RecordForm:
    """How one kind of record is written: `listed`, what a call with several calls them; `name`, the
    field with what the shop calls one; `post`, where they are sent below their own path."""

    kind: type[SideRecord]
    shape: type[_Sent]
    listed: str
    name: str = "id"
    post: str = ""


FORMS: Mapping[str, RecordForm] = {
    "/customers": RecordForm(Customer, _SentCustomer, "customers", "externalNumber", "/bulk"),
    "/products": RecordForm(ShopProduct, _SentProduct, "products", "externalNumber", "/bulk"),
    "/price-lists": RecordForm(ShopPrice, _SentPrice, "prices"),
    "/stock/levels": RecordForm(ShopLevel, _SentLevel, "levels"),
    "/stock/demand": RecordForm(Demand, _SentDemand, "demand"),
}


class RecordPlace:
    """The records of one kind."""

    def __init__(self, records: Records, form: RecordForm) -> None:
        self._records = records
        self._form = form

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        form = self._form
        match request.method, rest:
            case "POST", form.post:
                return self._sent(request.body)
            case "GET", "":
                external = request.query.get(form.name, "")
                return Wanted(Operation.FIND, external, (Subject(external),))
            case "DELETE", _ if rest.startswith("/") and form.post:
                return Wanted(Operation.ERASE, rest.removeprefix("/"), (), "/{number}")
        return None

    def _sent(self, body: bytes) -> Wanted:
        sent = _decode(body)
        listed = sent.get(self._form.listed) if isinstance(sent, dict) else None
        if not isinstance(listed, list):
            raise msgspec.ValidationError(f"`{self._form.listed}` must be an array")
        read = [msgspec.convert(one, self._form.shape, builtin_types=_NUMBERS) for one in listed]
        records = [msgspec.convert(one, self._form.kind, from_attributes=True) for one in read]
        subjects = tuple(Subject(one.external, skus_of(one)) for one in records)
        return Wanted(Operation.RECORDS, records, subjects)

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        match asked.enquiry.operation:
            case Operation.ERASE:
                return self._erase(asked.sent)
            case Operation.FIND:
                return self._find(asked.sent, changed_form(faults))
        taken = self._records.take(asked.exchange, asked.enquiry, asked.sent, faults)
        results = [self._result(one, changed_form(faults)) for one in taken]
        return as_json(200, {"results": results})

    def _erase(self, number: str) -> Response:
        if self._records.erase(self._form.kind, number):
            return Response(204)
        return error(404, "unknown_record", f"there is no {number} in {self._form.listed}")

    def _find(self, external: str, form: Form | None) -> Response:
        found = self._records.find(self._form.kind, external)
        items = [{**_shown(one), **self._named(one.external, one.number, form)} for one in found]
        return as_json(200, {"items": items})

    def _result(self, taken: Taken, form: Form | None) -> dict[str, Any]:
        refusal = taken.refusal
        return {
            **self._named(taken.external, taken.number, form),
            "ok": refusal is None,
            "code": refusal.code if refusal else None,
            "message": refusal.message if refusal else None,
        }

    def _named(self, external: str, number: str | None, form: Form | None) -> dict[str, Any]:
        """What a record is called by either side; `form` is a changed schema."""
        if form is Form.RENAMED:
            return {"reference": external, "documentNumber": number}
        if form is Form.NESTED:
            return {"document": {self._form.name: external, "number": number}}
        return {self._form.name: external, "number": number}


def _shown(record: SideRecord) -> dict[str, Any]:
    """What the books hold of a record, by the names of this interface."""
    fields = msgspec.structs.asdict(record)
    names = {"external", "number", "id", "addresses", "scales"}
    return {_camel(name): value for name, value in fields.items() if name not in names}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
