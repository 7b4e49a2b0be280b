"""The fields of Business Central's pages as they are sent: types, lengths, capitals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.business_central.errors import BAD_REQUEST, TOO_LONG, BcError


@dataclass(frozen=True)
class Column:
    """A field: `read` makes its value of what was sent, or raises BcError; None: read-only."""

    read: Callable[[str, Any], Any] | None


def text(length: int) -> Column:
    return Column(lambda name, sent: _short(name, sent, length))


def code(length: int) -> Column:
    """Kept in capitals, without blanks around it."""
    return Column(lambda name, sent: _short(name, sent, length).strip().upper())


def _short(name: str, sent: Any, length: int) -> str:
    if not isinstance(sent, str):
        raise _unfit(name, sent)
    if len(sent) > length:
        told = f"The length of the string is {len(sent)}, but it must be less than or equal to"
        raise BcError(400, TOO_LONG, f"{told} {length} characters. Value: {sent}")
    return sent


def _number(name: str, sent: Any) -> Decimal:
    if isinstance(sent, bool) or not isinstance(sent, int | Decimal):
        raise _unfit(name, sent)
    return Decimal(sent)


def _truth(name: str, sent: Any) -> bool:
    if not isinstance(sent, bool):
        raise _unfit(name, sent)
    return sent


def _day(name: str, sent: Any) -> str:
    try:
        return date.fromisoformat(sent).isoformat()
    except (TypeError, ValueError):
        raise _unfit(name, sent) from None


def _unfit(name: str, sent: Any) -> BcError:
    return BcError(400, BAD_REQUEST, f"Cannot convert {sent!r} to the type of '{name}'.")


def choice(*words: str) -> Column:
    def read(name: str, sent: Any) -> str:
        if sent not in words:
            raise _unfit(name, sent)
        return str(sent)

    return Column(read)


NUMBER, TRUTH, DAY, READ_ONLY = Column(_number), Column(_truth), Column(_day), Column(None)

_ADDRESS = {
    "AddressLine1": text(100), "AddressLine2": text(50), "City": text(30), "Country": code(10),
    "State": text(30), "PostCode": code(20),
}  # fmt: skip
#: Of both kinds of documents.
_HEAD: Mapping[str, Column] = {
    "id": READ_ONLY, "number": READ_ONLY, "customerName": READ_ONLY, "status": READ_ONLY,
    "totalAmountExcludingTax": READ_ONLY, "totalTaxAmount": READ_ONLY,
    "totalAmountIncludingTax": READ_ONLY, "lastModifiedDateTime": READ_ONLY,
    "externalDocumentNumber": code(35), "postingDate": DAY, "customerNumber": code(20),
    "currencyCode": code(10), "discountAmount": NUMBER, "phoneNumber": text(30),
    "email": text(80), "salesperson": code(20),
    **{f"sellTo{name}": column for name, column in _ADDRESS.items()},
}  # fmt: skip
ORDER: Mapping[str, Column] = {
    **_HEAD, "orderDate": DAY, "requestedDeliveryDate": DAY, "pricesIncludeTax": TRUTH,
    "partialShipping": TRUTH, "fullyShipped": READ_ONLY, "shipToName": text(100),
    "shipToContact": text(100),
    **{f"shipTo{name}": column for name, column in _ADDRESS.items()},
}  # fmt: skip
CREDIT_MEMO: Mapping[str, Column] = {
    **_HEAD, "creditMemoDate": DAY, "dueDate": DAY, "pricesIncludeTax": READ_ONLY,
    "invoiceNumber": code(20),
}  # fmt: skip
LINE: Mapping[str, Column] = {
    "lineType": choice("Comment", "Account", "Item", "Resource", "Charge"),
    "lineObjectNumber": code(20), "description": text(100), "description2": text(50),
    "unitOfMeasureCode": code(10), "quantity": NUMBER, "unitPrice": NUMBER,
    "discountAmount": NUMBER, "discountPercent": NUMBER, "taxCode": code(50), "shipmentDate": DAY,
    "taxPercent": READ_ONLY, "totalTaxAmount": READ_ONLY, "amountExcludingTax": READ_ONLY,
    "amountIncludingTax": READ_ONLY, "netAmount": READ_ONLY,
}  # fmt: skip
CUSTOMER: Mapping[str, Column] = {
    "id": READ_ONLY, "lastModifiedDateTime": READ_ONLY, "balanceDue": READ_ONLY,
    "number": code(20), "displayName": text(100), "type": choice("Company", "Person"),
    "addressLine1": text(100), "addressLine2": text(50), "city": text(30), "state": text(30),
    "country": code(10), "postalCode": code(20), "phoneNumber": text(30), "email": text(80),
    "taxRegistrationNumber": text(20), "currencyCode": code(10), "website": text(255),
    "blocked": choice("_x0020_", "Ship", "Invoice", "All"),
}  # fmt: skip


def read_field(columns: Mapping[str, Column], name: str, sent: Any, type_name: str) -> Any:
    """The value of one field that was sent.  Raises BcError."""
    column = columns.get(name)
    if column is None:
        told = f"The property '{name}' does not exist on type 'Microsoft.NAV.{type_name}'."
        raise BcError(400, "BadRequest_NotFound", told)
    if column.read is None:
        raise BcError(400, "BadRequest_InvalidOperation", f"Control '{name}' is read-only.")
    return column.read(name, sent)
