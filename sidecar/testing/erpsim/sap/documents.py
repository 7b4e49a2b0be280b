"""Sales orders and credit memo requests: what is sent, what the books make of it, what is shown."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.books import (
    CANCELED,
    CENT,
    DRAFT,
    OPEN,
    POSTED,
    Books,
    Document,
    DocumentKind,
    Line,
    Refusal,
    Submission,
)
from sidecar.testing.erpsim.rules import Subject
from sidecar.testing.erpsim.sap.entities import CREDIT_MEMO, ORDER, ORDER_4, Entity
from sidecar.testing.erpsim.sap.errors import MALFORMED, NOT_FOUND, PRECONDITION, SapError
from sidecar.testing.erpsim.sap.values import moment, read_entity

#: What the pricing procedure knows: prices, and what is added to a line or to the whole document
#: (a discount is below zero).
PRICES = frozenset({"PPR0", "PMP0", "PR00"})
CONDITIONS = frozenset({"RB00", "HB00", "HD00"})
#: What a tax classification of a line comes to, in percent; without one a line is taxed fully.
TAX_RATES = {"0": "0", "1": "19", "2": "7", "3": "8.25", "4": "20", "5": "21"}
FULLY_TAXED = "1"

#: A clerk's word for an order that is kept from delivery.
BLOCKED = "BLOCKED"
_PROCESSED = {OPEN: "A", DRAFT: "A", BLOCKED: "A", POSTED: "C", CANCELED: "C"}
#: SAP's number for what the books refuse.
_CODES = {
    "credit_limit": "V1/151",
    "unknown_item": "V1/382",
    "unknown_order": "V1/302",
    "refund_too_high": "V1/311",
    "duplicate": "V4/115",
}
_INCOMPLETE = {
    "code": "SLS_LORD/033",
    "message": "The document is incomplete and cannot be saved for delivery.",
    "severity": "warning",
    "target": "",
    "details": [],
}
_ITEM_STEP = 10


@dataclass(frozen=True)
class Words:
    """What one service calls the things of a document."""

    kind: DocumentKind
    entity: Entity
    version: int
    items: str
    material: str
    pricing: str
    item_pricing: str
    rate: str
    unit: str

    @property
    def number(self) -> str:
        return self.entity.key[0]

    @property
    def item(self) -> Entity:
        return self.entity.lists[self.items]

    @property
    def item_number(self) -> str:
        return self.item.key[1]


ORDERS = Words(
    DocumentKind.SALES_ORDER, ORDER, 2, "to_Item", "Material", "to_PricingElement",
    "to_PricingElement", "ConditionRateValue", "RequestedQuantityUnit",
)  # fmt: skip
ORDERS_4 = Words(
    DocumentKind.SALES_ORDER, ORDER_4, 4, "_Item", "Product", "_PricingElement",
    "_ItemPricingElement", "ConditionRateAmount", "RequestedQuantitySAPUnit",
)  # fmt: skip
CREDIT_MEMOS = Words(
    DocumentKind.CREDIT_MEMO, CREDIT_MEMO, 2, "to_Item", "Material", "to_PricingElement",
    "to_PricingElement", "ConditionRateValue", "RequestedQuantityUnit",
)  # fmt: skip


def subject_of(words: Words, sent: Any) -> Subject:
    """What rules may match in a document that was not checked yet."""
    if not isinstance(sent, Mapping):
        return Subject("")
    items = sent.get(words.items)
    entries = items.get("results") if isinstance(items, Mapping) else items
    lines = entries if isinstance(entries, list) else []
    skus = (str(line.get(words.material, "")) for line in lines if isinstance(line, Mapping))
    return Subject(str(sent.get("PurchaseOrderByCustomer", "")), tuple(skus))


def read_submission(
    words: Words, sent: Any, document: Callable[[str], Document | None]
) -> Submission:
    """The document that was sent, priced and taxed as this ERP does it.

    A line that names no tax classification has that of the order's which it refers to.  `document`
    finds one by its number.  Raises SapError.
    """
    head = read_entity(words.entity, sent, words.version)
    for name in ("SoldToParty", "SalesOrganization", "DistributionChannel", "OrganizationDivision"):
        if not head.get(name):
            raise SapError(400, "V1/306", f"Enter a value for {name}", name)
    above = document(head.get("ReferenceSDDocument") or "")
    classes = dict(above.other.get("classes", {})) if above else {}
    lines = []
    for index, item in enumerate(head.get(words.items, ()), start=1):
        material = item.get(words.material) or ""
        named = item.get("ProductTaxClassification1") or classes.get(material) or FULLY_TAXED
        classes[material] = named
        lines.append(_taxed(_line(words, item, index), named))
    conditions = head.get(words.pricing, ())
    return Submission(
        external=head.get("PurchaseOrderByCustomer") or "",
        lines=tuple(lines),
        currency=head.get("TransactionCurrency"),
        customer={"number": head["SoldToParty"]},
        shipping=sum((_condition_amount(words, one) for one in conditions), Decimal(0)),
        other={
            "classes": classes,
            "references": {
                line.line_id: item.get("PurchaseOrderByCustomer")
                for line, item in zip(lines, head.get(words.items, ()), strict=True)
            },
            "head": {
                name: value.isoformat() if hasattr(value, "isoformat") else value
                for name, value in head.items()
                if name not in words.entity.lists
            },
        },
        kind=words.kind,
        order=head.get("ReferenceSDDocument"),
    )


def _line(words: Words, item: Mapping[str, Any], index: int) -> Line:
    quantity = item.get("RequestedQuantity")
    if not item.get(words.material) or not quantity:
        raise SapError(400, "V1/361", f"Item {index * _ITEM_STEP}: enter material and quantity")
    price = discount = Decimal(0)
    for one in item.get(words.item_pricing, ()):
        if one.get("ConditionType") in PRICES:
            price += (one.get(words.rate) or Decimal(0)) / (one.get("ConditionQuantity") or 1)
        else:
            discount -= _condition_amount(words, one)
    return Line(
        line_id=item.get(words.item_number) or str(index * _ITEM_STEP),
        sku=item[words.material],
        quantity=quantity,
        unit_price=price,
        discount=discount,
    )


def _taxed(line: Line, classification: str) -> Line:
    rate = TAX_RATES.get(classification)
    if rate is None:
        name = "ProductTaxClassification1"
        raise SapError(400, "V1/309", f"Tax classification {classification} is unknown", name)
    tax = (line.total - line.discount) * Decimal(rate) / 100
    return Line(
        **{name: getattr(line, name) for name in line.__struct_fields__} | {"tax": round_(tax)}
    )


def round_(amount: Decimal) -> Decimal:
    """To the cent, half up."""
    return Line(sku="", quantity=Decimal(1), unit_price=amount).total


def _condition_amount(words: Words, condition: Mapping[str, Any]) -> Decimal:
    """What a condition adds; a discount is below zero."""
    name = condition.get("ConditionType")
    if name not in CONDITIONS:
        raise SapError(400, "V1/801", f"Condition type {name} is not in the pricing procedure")
    amount: Decimal = condition.get(words.rate) or Decimal(0)
    return amount


def refusal_of(refusal: Refusal) -> SapError:
    """What the books refuse, in SAP's words."""
    code = _CODES.get(refusal.code, "V1/999")
    return SapError(400, code, refusal.message, refusal.field or "")


@dataclass
class Rejections:
    """Which lines of an order are rejected, by its number: the books know whole orders only."""

    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class DocumentView:
    """A document of the books as the rows of one service."""

    def __init__(self, words: Words, rejections: Rejections) -> None:
        self.words = words
        self._rejections = rejections

    def row(self, document: Document) -> dict[str, Any]:
        """All that the service can tell of it, by its names."""
        words, head = self.words, document.other.get("head", {})
        rejected = self._rejections.lines.get(document.number, {})
        kept = {
            name: _day(value) if name.endswith("Date") else value for name, value in head.items()
        }
        items = [self._item(document, line, rejected) for line in document.lines]
        return {
            **kept,
            words.number: document.number,
            "PurchaseOrderByCustomer": document.external,
            "SoldToParty": (document.customer or {}).get("number", ""),  # type: ignore[union-attr]
            "TransactionCurrency": document.currency,
            "TotalNetAmount": document.total - document.tax,
            "LastChangeDateTime": document.changed,
            "OverallSDProcessStatus": _PROCESSED.get(document.state, "B"),
            "OverallSDDocumentRejectionSts": _rejection(document, rejected),
            "TotalCreditCheckStatus": "B" if document.state == "CREDIT" else "",
            "TotalBlockStatus": "C" if document.state in (BLOCKED, "CREDIT") else "",
            "HdrGeneralIncompletionStatus": "A" if document.state == DRAFT else "C",
            words.items: items,
            "@etag": etag(document),
        }

    def _item(self, document: Document, line: Line, rejected: Mapping[str, str]) -> dict[str, Any]:
        words, references = self.words, document.other.get("references", {})
        conditions = [_condition(words, "PMP0", line.unit_price, line.total)]
        if line.discount:
            conditions.append(_condition(words, "RB00", -line.discount, -line.discount))
        reason = rejected.get(str(line.line_id), "")
        return {
            words.number: document.number,
            words.item_number: line.line_id,
            words.material: line.sku,
            "PurchaseOrderByCustomer": references.get(line.line_id) or document.external,
            "RequestedQuantity": line.quantity,
            words.unit: "PC",
            "NetAmount": line.total - line.discount,
            "TaxAmount": line.tax,
            "SalesDocumentRjcnReason": reason,
            "SDProcessStatus": "C" if reason else _PROCESSED.get(document.state, "B"),
            words.item_pricing: conditions,
            "@etag": etag(document),
        }


def messages_of(document: Document) -> list[dict[str, Any]]:
    """What SAP has to say beside a 201."""
    return [_INCOMPLETE] if document.state == DRAFT else []


def etag(document: Document) -> str:
    """The version of a document: its last change, to SAP's seven places."""
    return f"W/\"datetimeoffset'{moment(document.changed)}'\""


def check_etag(document: Document, stated: str | None) -> None:
    """Raises SapError where a change names no version, or another than the present one."""
    if not stated:
        raise SapError(428, PRECONDITION, "Header If-Match is missing: the entity has an ETag")
    if stated not in ("*", etag(document)):
        raise SapError(412, PRECONDITION, "Precondition failed: the entity was changed meanwhile")


class Changes:
    """What may be changed in an order: its block, and the rejection of its lines."""

    def __init__(self, books: Books, words: Words, rejections: Rejections) -> None:
        self._books = books
        self._words = words
        self._rejections = rejections

    def head(self, number: str, sent: Any, stated: str | None) -> None:
        """Block or release it for delivery.  Raises SapError."""
        document = self._document(number)
        check_etag(document, stated)
        change = read_entity(self._words.entity, sent, self._words.version, changing=True)
        if "DeliveryBlockReason" in change:
            state = BLOCKED if change["DeliveryBlockReason"] else OPEN
            self._books.set_state(number, state)

    def item(self, number: str, item: str, sent: Any, stated: str | None) -> None:
        """Reject a line; an order whose lines are all rejected is canceled.  Raises SapError."""
        document = self._document(number)
        line = next((one for one in document.lines if _same_item(one.line_id, item)), None)
        if line is None:
            raise SapError(404, NOT_FOUND, f"There is no item {item} in {number}")
        check_etag(document, stated)
        change = read_entity(self._words.item, sent, self._words.version, changing=True)
        reason = change.get("SalesDocumentRjcnReason")
        if reason is None:
            raise SapError(400, MALFORMED, "This ERP changes nothing but the rejection of a line")
        if document.state == POSTED:
            raise SapError(400, "V1/484", f"Item {item} was delivered already")
        with self._rejections.lock:
            rejected = self._rejections.lines.setdefault(number, {})
            rejected[str(line.line_id)] = reason
        if all(rejected.get(str(one.line_id)) for one in document.lines):
            self._books.cancel(number)
        else:
            self._books.set_state(number, document.state)

    def _document(self, number: str) -> Document:
        document = self._books.document(number)
        if document is None or document.kind is not self._words.kind:
            raise SapError(404, NOT_FOUND, f"Resource not found: {number}")
        return document


def _same_item(line_id: object, item: str) -> bool:
    """Items are numbers of six digits, whose zeros SAP leaves out or not."""
    return str(line_id).lstrip("0") == item.lstrip("0")


def _rejection(document: Document, rejected: Mapping[str, str]) -> str:
    if document.state == CANCELED:
        return "C"
    return "B" if any(rejected.values()) else "A"


def _condition(words: Words, name: str, rate: Decimal, amount: Decimal) -> dict[str, Any]:
    return {
        "ConditionType": name,
        words.rate: rate,
        "ConditionQuantity": Decimal(1),
        "ConditionAmount": amount.quantize(CENT),
    }


def _day(value: Any) -> Any:
    return datetime.fromisoformat(value).date() if isinstance(value, str) and value else value


def key_of(path: str, name: str) -> list[str] | None:
    """The key values in `Name('1')` or `Name(A='1',B='2')` or `Name/1/2`; None for another path."""
    match = re.fullmatch(rf"/{name}(?:\((?P<keys>[^()]*)\)|(?P<parts>(?:/[^/]+)+))", path)
    if match is None:
        return None
    if match["parts"]:
        return match["parts"].strip("/").split("/")
    return [value.replace("''", "'") for value in re.findall(r"'((?:[^']|'')*)'", match["keys"])]


def changed_since(since: Any) -> datetime:
    """The moment of a filter on the last change."""
    if not isinstance(since, datetime):
        raise SapError(400, MALFORMED, "LastChangeDateTime is compared with a moment")
    return since.astimezone(UTC)


def entries(rows: Sequence[Any], top: int | None) -> Sequence[Any]:
    """So many of them."""
    return rows if top is None else rows[:top]
