"""The 25 orders of the demonstration, each with what is special about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sidecar.testing.magento_db.cart import Line
from sidecar.testing.magento_db.catalogue import (
    COLOGNE,
    CUSTOMERS,
    NEW_YORK,
    PORTLAND,
    VIENNA,
)

JANA, OTTO, GRACE = CUSTOMERS

#: What the ERP refuses or spoils; each product or customer stands in one order only.
UNKNOWN_ITEM = "DESK"
OVER_CREDIT = OTTO.email
ANSWERED_LATE = "LAMP"
DROPPED = "SCREW"


@dataclass(frozen=True)
class Scene:
    """One order: what the shop is given, and what happens later (`cancel`, `edit`, `hold`)."""

    title: str
    lines: Sequence[Line]
    how: dict[str, Any] = field(default_factory=dict)
    later: str | None = None


SCENES = (
    Scene("simple, guest", [Line("MUG", 2)]),
    Scene("configurable, customer, coupon",
          [Line("SHIRT", 2, option="Red")], {"customer": JANA, "coupon": "SAVE10"}),
    Scene("bundle with dynamic price", [Line("TEASET")]),
    Scene("bundle with fixed price", [Line("GIFTBOX")]),
    Scene("virtual, no shipping", [Line("WARRANTY")]),
    Scene("download, reduced tax", [Line("EBOOK", 3)]),
    Scene("grouped", [Line("CHAIR-A", 2, group="CHAIRS"), Line("CHAIR-B", group="CHAIRS")]),
    Scene("US dollars, two tax rates",
          [Line("MUG", 4)], {"store": "us", "customer": GRACE, "address": NEW_YORK}),
    Scene("US dollars, no tax", [Line("TEAPOT")], {"store": "us", "address": PORTLAND}),
    Scene("another country's tax", [Line("TEAPOT", 3)], {"address": VIENNA}),
    Scene("company with VAT id, purchase order",
          [Line("CHAIR-A", 6)],
          {"address": COLOGNE, "payment": "purchaseorder", "po_number": "PO-4711"}),
    Scene("the ERP does not know this item", [Line(UNKNOWN_ITEM)]),
    Scene("the ERP refuses this customer's credit", [Line("CHAIR-B", 8)], {"customer": OTTO}),
    Scene("the ERP answers after the time-out", [Line(ANSWERED_LATE)]),
    Scene("the connection drops after the ERP booked", [Line(DROPPED, 100)]),
    Scene("canceled later", [Line("MUG"), Line("TEAPOT")], later="cancel"),
    Scene("address edited later", [Line("MUG", 3)], {"customer": JANA}, later="edit"),
    Scene("put on hold later", [Line("TEAPOT", 2)], later="hold"),
    Scene("three kinds in one", [Line("MUG"), Line("SHIRT", option="Green"), Line("TEASET")]),
    Scene("metres", [Line("RIBBON", 3)]),
    Scene("five off the cart", [Line("SHIRT", 3, option="Green")], {"coupon": "FIVE"}),
    Scene("bank transfer", [Line("MUG", 6)], {"payment": "banktransfer"}),
    Scene("goods and a service", [Line("TEAPOT"), Line("WARRANTY")], {"customer": JANA}),
    Scene("a large one", [Line("MUG", 48), Line("TEAPOT", 24), Line("CHAIR-A", 12)]),
    Scene("the last one", [Line("EBOOK"), Line("MUG")]),
)  # fmt: skip
