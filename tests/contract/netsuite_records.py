"""Sales orders as SuiteTalk's records and as the simulator's books have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from typing import Any

from sidecar.testing.erpsim import Document, Line
from sidecar.testing.erpsim.books import Refusal, Submission

#: Tax code (internal id) → percent, as in config/mappings/netsuite-soap.yaml.
TAX = {"5": Decimal(19), "6": Decimal(7), "7": Decimal(0), "8": Decimal("8.25")}

#: Currency (internal id) → ISO code, as there.
CURRENCY = {"4": "EUR", "1": "USD"}

#: The simulator's words → NetSuite's; its other codes stay as they are.
_CODES = {"duplicate": "DUP_RCRD", "invalid": "USER_ERROR", "already_delivered": "USER_ERROR"}

_CENT = Decimal("0.01")
_INTERNAL = {code: internal for internal, code in CURRENCY.items()}


class Records:
    """Makes values of the types of one version of SuiteTalk."""

    def __init__(self, types: Any) -> None:
        self._types = types
        version = re.search(r"\d{4}_\d", " ".join(filter(None, types.namespaces)))
        self._version = version[0] if version else ""

    def reference(self, internal: str, external: str | None) -> Any:
        return self._type("RecordRef")(internalId=internal, externalId=external)

    def fault(self, name: str, code: str, message: str) -> Any:
        """The detail of a fault."""
        namespace = f"urn:faults_{self._version}.platform.webservices.netsuite.com"
        element = self._types.get_element(f"{{{namespace}}}{name}")
        return element(code=code, message=message)

    def shown(self, document: Document) -> Any:
        reference, line_type = self._type("RecordRef"), self._type("SalesOrderItem")
        lines = [
            line_type(
                item=reference(internalId="1", name=line.sku),
                quantity=line.quantity,
                rate=str(line.unit_price),
                amount=line.total,
                tax1Amt=line.tax,
            )
            for line in document.lines
        ]
        status = "_closed" if document.state == "CANCELED" else "_pendingFulfillment"
        return self._type("SalesOrder")(
            internalId=document.number,
            externalId=document.external,
            orderStatus=status,
            currency=reference(internalId=_INTERNAL[document.currency or "EUR"]),
            taxTotal=document.tax,
            total=document.total,
            itemList=self._type("SalesOrderItemList")(item=lines),
        )

    def _type(self, name: str) -> Any:
        return next(one for one in self._types.types if one.name == name)


@dataclass
class Searches:
    """Searches by their ids: NetSuite pages through what a search found when it was made."""

    size: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _found: dict[str, list[Document]] = field(default_factory=dict)

    def begin(self, found: list[Document]) -> str:
        name = f"WEBSERVICES_{next(self._numbers)}"
        self._found[name] = found
        return name

    def page(self, name: str, index: int) -> tuple[list[Document], int, int]:
        """The documents of a page, how many there are, how many pages."""
        found = self._found[name]
        start = (index - 1) * self.size
        return found[start : start + self.size], len(found), -(-len(found) // self.size)


def failed(code: str, message: str) -> dict[str, Any]:
    detail = {"code": code, "message": message, "type": "ERROR"}
    return {"status": {"isSuccess": False, "statusDetail": [detail]}}


def refusal(refused: Refusal) -> dict[str, Any]:
    """What the simulator refuses, in NetSuite's words."""
    return failed(_CODES.get(refused.code, refused.code), refused.message)


def submission(order: Any) -> Submission:
    lines = tuple(_line(line) for line in order.itemList.item) if order.itemList else ()
    shipping = _exact(order.shippingCost)
    return Submission(
        external=order.externalId,
        lines=lines,
        currency=CURRENCY[order.currency.internalId] if order.currency else None,
        customer=order.entity.externalId,
        shipping=shipping,
        tax=sum((line.tax for line in lines), _tax(shipping, order.shippingTaxCode)),
    )


def _line(line: Any) -> Line:
    """NetSuite computes the tax itself, from the code of the line, where it is not told it."""
    quantity, rate = _exact(line.quantity), Decimal(line.rate)
    net = (quantity * rate).quantize(_CENT, ROUND_HALF_UP)
    return Line(
        sku=line.item.externalId,
        quantity=quantity,
        unit_price=rate,
        tax=_tax(net, line.taxCode) if line.tax1Amt is None else _exact(line.tax1Amt),
    )


def _tax(net: Decimal, code: Any) -> Decimal:
    percent = TAX[code.internalId] if code else Decimal(0)
    return (net * percent / 100).quantize(_CENT, ROUND_HALF_UP)


def _exact(amount: float | None) -> Decimal:
    return Decimal(repr(amount)) if amount is not None else Decimal(0)
