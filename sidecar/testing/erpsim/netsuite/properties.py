"""The properties of NetSuite's records, as far as a shop sends them (REST API Browser 2026.1)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.netsuite.errors import invalid

_ADDRESS = frozenset(
    {"addr1", "addr2", "addr3", "addrPhone", "addressee", "attention", "city", "country", "state",
     "zip"}
)  # fmt: skip
_TRANSACTION = frozenset(
    {"billingAddress", "currency", "email", "entity", "externalId", "item", "location", "memo",
     "otherRefNum", "shipMethod", "shippingAddress", "shippingCost", "subsidiary", "taxDetails",
     "taxDetailsOverride", "tranDate"}
)  # fmt: skip
_LINE = frozenset(
    {"amount", "description", "isClosed", "item", "line", "location", "price", "quantity", "rate",
     "taxDetailsReference"}
)  # fmt: skip
_TAX = frozenset({"taxAmount", "taxBasis", "taxCode", "taxDetailsReference", "taxRate", "taxType"})
_CUSTOMER = frozenset(
    {"companyName", "email", "externalId", "firstName", "isInactive", "isPerson", "lastName",
     "phone", "subsidiary", "vatRegNumber"}
)  # fmt: skip

#: Record or part of one → its properties; those of an account of its own begin with `cust`.
PROPERTIES: Mapping[str, frozenset[str]] = {
    "salesOrder": _TRANSACTION | {"orderStatus", "shipDate", "terms"},
    "creditMemo": _TRANSACTION,
    "customer": _CUSTOMER,
    "item": _LINE,
    "taxDetails": _TAX,
    "billingAddress": _ADDRESS,
    "shippingAddress": _ADDRESS,
}
_NUMBERS = frozenset({"amount", "quantity", "rate", "shippingCost", "taxAmount", "taxBasis"})
_TRUTHS = frozenset({"isClosed", "isInactive", "isPerson", "taxDetailsOverride"})
_LISTS = ("item", "taxDetails")


def known(sent: Any, record: str, *, strict: bool, path: str = "") -> dict[str, Any]:
    """What was sent without the names that nobody knows, or, `strict`, their refusal.

    Raises NsError.
    """
    if not isinstance(sent, dict):
        raise invalid("The request body is no object.", path or "body")
    told: dict[str, Any] = {}
    for name, value in sent.items():
        place = f"{path}{name}"
        if name not in PROPERTIES[record] and not name.startswith("cust"):
            if strict:
                raise invalid(f"Unknown property '{name}'.", place)
            continue
        told[name] = _checked(name, value, strict, place)
    return told


def _checked(name: str, value: Any, strict: bool, place: str) -> Any:
    if value is None:
        return None
    if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | Decimal)):
        raise invalid(f"Invalid value for the field {name}: a number is needed.", place)
    if name in _TRUTHS and not isinstance(value, bool):
        raise invalid(f"Invalid value for the field {name}: true or false is needed.", place)
    if name in _LISTS and isinstance(value, dict) and "items" in value:
        lines = enumerate(value["items"])
        return [
            known(line, name, strict=strict, path=f"{place}.items[{index}].")
            for index, line in lines
        ]
    if name in PROPERTIES and name.endswith("Address"):
        return known(value, name, strict=strict, path=f"{place}.")
    return value


def id_in(reference: Any, path: str) -> tuple[str, str]:
    """How a reference names its record: `id` or `externalId`, and which.  Raises NsError."""
    if isinstance(reference, dict):
        for way in ("id", "externalId"):
            if reference.get(way):
                return way, str(reference[way])
    raise invalid("A reference needs an id or an externalId.", path)
