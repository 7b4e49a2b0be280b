"""Stock by source item.

Magento checks little: an unknown SKU leaves a row for a product that does not exist, a SKU in other
case changes the source item and not the stock that the shop shows, a negative quantity is stored.
What a row means is the caller's business; here is checked what makes a call ambiguous.  The
quantity is physical stock: orders that are not shipped yet are reservations on top.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from sidecar.magento.rest.client import Filter, MagentoRest
from sidecar.magento.rest.exact import exact
from sidecar.magento.rest.in_portions import Refusal, Unit, in_portions
from sidecar.model.errors import BadData

_PATH = "inventory/source-items"
#: SKUs of one question, and characters of them in its address: servers take 8 KB.
_MOST_ASKED = 50
_LONGEST = 4_000


class SourceItem(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a SKU is at a source; `status` 1: it may be sold from there."""

    sku: str
    source_code: str
    quantity: Decimal
    status: int


_LIST = msgspec.json.Decoder(list[Any])
_ITEM = msgspec.json.Decoder(SourceItem, strict=False)


def write_source_items(
    magento: MagentoRest, items: Sequence[SourceItem]
) -> tuple[Refusal[SourceItem], ...]:
    """Write them; those that Magento did not take.

    A source that is unknown is one, and nothing of its call is written.  Raises BadData before
    anything is sent for what is no number, no status, or there twice (the last would count).
    """
    for item in items:
        exact(item.quantity, f"quantity of SKU {item.sku}")
        if item.status not in (0, 1):
            raise BadData(f"status of SKU {item.sku} is {item.status}; Magento knows 0 and 1")
    _require_once(items)

    def send(units: Sequence[Unit[SourceItem]]) -> tuple[Refusal[SourceItem], ...]:
        magento.post(_PATH, {"sourceItems": [item for (item,) in units]}, _LIST)
        return ()

    return in_portions([(item,) for item in items], send, magento.limits)


def source_items_of(magento: MagentoRest, skus: Sequence[str]) -> list[SourceItem]:
    """What Magento holds of these SKUs, at all sources."""
    return [item for asked in _questions(skus) for item in magento.search(_PATH, _ITEM, (asked,))]


def _questions(skus: Sequence[str]) -> Iterator[Filter]:
    together: list[str] = []
    length = 0
    for sku in skus:
        if "," in sku:  # a comma parts the SKUs of a list
            yield Filter("sku", sku)
            continue
        length += len(quote(sku, safe="")) + 3
        if together and (len(together) == _MOST_ASKED or length > _LONGEST):
            yield Filter("sku", ",".join(together), "in")
            together, length = [], len(quote(sku, safe="")) + 3
        together.append(sku)
    if together:
        yield Filter("sku", ",".join(together), "in")


def _require_once(items: Sequence[SourceItem]) -> None:
    # As the database compares: `simple-5` and `SIMPLE-5` are one row.
    times = Counter((item.sku.casefold(), item.source_code) for item in items)
    twice = [sku for (sku, _), count in times.items() if count > 1]
    if twice:
        raise BadData(f"SKU {twice[0]} is there twice for one source; the last would count")
