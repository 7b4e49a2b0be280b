"""The SOAP operations about customers, products, prices, levels and demand: several in a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidecar.testing.erpsim.document_xml import present, show_refusal
from sidecar.testing.erpsim.records import Records, Taken, read_record
from sidecar.testing.erpsim.rules import Enquiry, Strikes, Subject
from sidecar.testing.erpsim.side_books import (
    KINDS,
    Customer,
    Demand,
    ShopLevel,
    ShopPrice,
    ShopProduct,
    SideRecord,
)
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.soap_messages import Message


@dataclass(frozen=True)
class Listed:
    """A list of elements, and the field that each element of one becomes; a field that is a list of
    its own has the name and its form."""

    outer: str
    inner: str
    fields: Mapping[str, str | tuple[str, Listed]]

    def read(self, sent: Any) -> list[dict[str, Any]]:
        """The fields of each."""
        whole = getattr(sent, self.outer)
        return [self._fields(present(one)) for one in getattr(whole, self.inner)] if whole else []

    def _fields(self, sent: Any) -> dict[str, Any]:
        read = {
            field: getattr(sent, name)
            for name, field in self.fields.items()
            if isinstance(field, str) and getattr(sent, name) is not None
        }
        lists = [field for field in self.fields.values() if isinstance(field, tuple)]
        return {**read, **{name: listed.read(sent) for name, listed in lists}}


_SCALES = Listed("Scales", "Scale", {"Group": "group", "From": "quantity", "Price": "price"})
#: Operation → what it brings.
BROUGHT: Mapping[str, tuple[type[SideRecord], Listed]] = {
    "SaveCustomers": (
        Customer,
        Listed(
            "Customers",
            "Customer",
            {
                "ExternalId": "external",
                "Name": "name",
                "Email": "email",
                "Country": "country",
                "Group": "group",
                "VatId": "vat_id",
            },
        ),
    ),
    "SaveProducts": (
        ShopProduct,
        Listed(
            "Products",
            "Product",
            {
                "ExternalId": "external",
                "Sku": "sku",
                "Name": "name",
                "Weight": "weight",
                "Active": "active",
            },
        ),
    ),
    "SetPrices": (
        ShopPrice,
        Listed(
            "Prices",
            "Price",
            {
                "Id": "id",
                "Sku": "sku",
                "Channel": "channel",
                "Price": "price",
                "Promo": "promo",
                "PromoFrom": "promo_from",
                "PromoTo": "promo_to",
                "Scales": ("scales", _SCALES),
            },
        ),
    ),
    "SetLevels": (
        ShopLevel,
        Listed(
            "Levels",
            "Level",
            {"Id": "id", "Sku": "sku", "Warehouse": "warehouse", "Qty": "quantity"},
        ),
    ),
    "AddDemand": (
        Demand,
        Listed(
            "Demands",
            "Demand",
            {
                "Id": "id",
                "Sku": "sku",
                "Stock": "stock",
                "Qty": "quantity",
                "Since": "since",
                "Until": "until",
            },
        ),
    ),
}
#: Operation → what it forgets, and the element with its number.
FORGOTTEN: Mapping[str, tuple[type[SideRecord], str]] = {
    "EraseCustomer": (Customer, "CustomerNo"),
    "RemoveProduct": (ShopProduct, "ProductNo"),
}


@dataclass(frozen=True)
class SoapRecords:
    """The records over one set of books."""

    records: Records

    def subjects(self, call: Message) -> tuple[Subject, ...]:
        """What the call is about, for the rules."""
        if call.operation not in BROUGHT:
            return ()
        _, listed = BROUGHT[call.operation]
        return tuple(
            Subject(_called(fields), (str(fields["sku"]),) if "sku" in fields else ())
            for fields in listed.read(call.body)
        )

    def take(
        self, exchange: Exchange, enquiry: Enquiry, call: Message, faults: Strikes
    ) -> dict[str, Any]:
        """Each new or as it is from now on."""
        kind, listed = BROUGHT[call.operation]
        sent = [read_record(kind, fields) for fields in listed.read(call.body)]
        taken = self.records.take(exchange, enquiry, sent, faults)
        return {"ResultCode": "OK", "Result": [_result(one) for one in taken]}

    def erase(self, call: Message) -> dict[str, Any]:
        """One is forgotten."""
        kind, element = FORGOTTEN[call.operation]
        number = getattr(call.body, element) or ""
        if self.records.erase(kind, number):
            return {"ResultCode": "OK", element: number}
        return {"ResultCode": "NOT_FOUND", "Message": f"there is no {number}"}

    def find(self, call: Message) -> dict[str, Any]:
        """What the shop calls so."""
        kind = KINDS.get(call.body.Kind or "")
        if kind is None:
            message = f"there are {', '.join(KINDS)}"
            return {"ResultCode": "INVALID", "Message": message, "Field": "Kind"}
        found = self.records.find(kind, call.body.Id or "")
        return {
            "ResultCode": "OK",
            "Record": [{"Id": one.external, "Number": one.number} for one in found],
        }


def _called(fields: Mapping[str, Any]) -> str:
    """What the shop calls it, also where the rest of it cannot be read."""
    where = fields.get("warehouse", fields.get("channel", ""))
    named = fields.get("external") or fields.get("id")
    return str(named or f"{fields.get('sku', '')}@{where}")


def _result(taken: Taken) -> dict[str, Any]:
    refusal = show_refusal(taken.refusal) if taken.refusal else {"ResultCode": "OK"}
    refusal.pop("Field", None)
    return {**refusal, "Id": taken.external, "Number": taken.number}
