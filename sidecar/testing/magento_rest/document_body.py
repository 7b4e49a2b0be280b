"""What the three calls that make a document have in common: lines, comment, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from sidecar.testing.magento_db import LoadedOrder, Remark
from sidecar.testing.magento_db.session import Row
from sidecar.testing.magento_rest.body import ANYTHING, FLOAT, INT, TEXT, ListOf, Record
from sidecar.testing.magento_rest.refusals import Refused
from sidecar.testing.magento_rest.values import Json

COMMENT = Record({"comment": TEXT, "is_visible_on_front": INT, "extension_attributes": ANYTHING})
_BEYOND_THE_BMP = re.compile(r"[^\u0000-\uFFFF]")


def lines(interface: str) -> ListOf:
    """`items` of a document's call."""
    return ListOf(
        Record({"order_item_id": INT, "qty": FLOAT, "extension_attributes": ANYTHING}),
        f"\\Magento\\Sales\\Api\\Data\\{interface}",
    )


def asked(body: Json) -> dict[int, Decimal]:
    """Quantities by order line; of a line that is named twice the last one."""
    return {
        line["order_item_id"]: line.get("qty") or Decimal(0)
        for line in body.get("items", [])
        if line.get("order_item_id") is not None
    }


def remark(body: Json) -> Remark | None:
    """The comment that comes with the document."""
    comment = body.get("comment")
    if comment is None or not comment.get("comment"):
        return None
    return Remark(
        stored(comment["comment"]),
        bool(comment.get("is_visible_on_front")),
        bool(body.get("notify") and body.get("appendComment")),
    )


def stored(text: str) -> str:
    """A text as a table of three-byte UTF-8 keeps it: four question marks for what needs four."""
    return _BEYOND_THE_BMP.sub("????", text)


def refuse(document: str, faults: Iterable[str]) -> None:
    """All that is wrong with a document is one message, a fault a line."""
    found = list(faults)
    if found:
        raise Refused(400, "\n".join([f"{document} Document Validation Error(s):", *found]))


def line_of(loaded: LoadedOrder, item_id: int) -> Row | None:
    """The order's own line; None for one of another order."""
    return next((item for item in loaded.items if item["item_id"] == item_id), None)


def is_fraction(item: Row, qty: Decimal) -> bool:
    """Whether this is a part of a piece, of a product that is sold by the piece."""
    return not item["is_qty_decimal"] and qty != qty.to_integral_value()
