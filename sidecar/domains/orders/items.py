"""Rows of sales_order_item as lines: what each is made of, and which of them an ERP books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sidecar.domains.orders import product_options
from sidecar.domains.orders.columns import ITEM
from sidecar.domains.orders.payload import DownloadLink, GiftMessage, OrderItem, TaxItem
from sidecar.domains.orders.product_options import ProductOptions

BUNDLE, CONFIGURABLE = "bundle", "configurable"
_VIRTUAL = frozenset({"virtual", "downloadable"})


@dataclass(frozen=True, slots=True)
class ItemParts:
    """What hangs on the lines of one read: by item id, product id, or id of the gift message."""

    taxes: Mapping[int, Sequence[TaxItem]] = field(default_factory=dict)
    skus: Mapping[int, str] = field(default_factory=dict)
    gift_messages: Mapping[int, GiftMessage] = field(default_factory=dict)
    links: Mapping[int, Sequence[DownloadLink]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row on its way to a line."""

    values: dict[str, Any]
    options: ProductOptions
    gift_message_id: int | None
    extra: dict[str, Decimal]

    @property
    def id(self) -> int:
        return int(self.values["item_id"])

    @property
    def parent_id(self) -> int | None:
        parent: int | None = self.values["parent_item_id"]
        return parent


def order_items(
    rows: Iterable[Sequence[Any]],
    parts: ItemParts,
    *,
    rate: Decimal | None,
    extra: Callable[[Sequence[Any]], dict[str, Decimal]] = lambda _: {},
) -> tuple[tuple[OrderItem, ...], bool]:
    """The lines of one order, in the order of `rows`, and whether amounts had to be reckoned.

    A row holds the columns of `ITEM`, then product_options, the id of the gift message, and what
    `extra` reads.  `rate` as for `RowShape.complete`.
    """
    reckoned = False
    lines = []
    for row in rows:
        values = ITEM.raw(row)
        if values["is_virtual"] is None:
            values["is_virtual"] = values["product_type"] in _VIRTUAL
        reckoned |= ITEM.complete(values, rate)
        raw_options, gift_message_id, *more = row[len(ITEM.columns) :]
        options = product_options.read(raw_options)
        lines.append(_Row(values, options, gift_message_id, extra(more)))
    by_id = {line.id: line for line in lines}
    children: dict[int, list[_Row]] = {}
    for line in lines:
        if line.parent_id is not None:
            children.setdefault(line.parent_id, []).append(line)
    items = tuple(_item(line, by_id, children, parts) for line in lines)
    return items, reckoned


def _item(
    line: _Row, by_id: Mapping[int, _Row], children: Mapping[int, list[_Row]], parts: ItemParts
) -> OrderItem:
    parent = by_id.get(line.parent_id) if line.parent_id is not None else None
    mine = children.get(line.id, ())
    if parent is None:
        sellable = not _is_priced_by_children(line, mine)
    else:
        sellable = _is_priced_by_children(parent, children[parent.id])
    message = line.gift_message_id
    return OrderItem(
        **line.values,
        is_sellable=sellable,
        parent_sku=parent.values["sku"] if parent else None,
        catalog_sku=_catalog_sku(line, mine, parts.skus),
        options=line.options.chosen(line.values["name"] or line.values["sku"]),
        gift_message=parts.gift_messages.get(message) if message else None,
        download_links=tuple(parts.links.get(line.id, ())),
        taxes=tuple(parts.taxes.get(line.id, ())),
        extra=line.extra,
    )


def _catalog_sku(line: _Row, children: Sequence[_Row], skus: Mapping[int, str]) -> str | None:
    """The SKU of what goes into the parcel: of a configurable product the variant's."""
    if line.values["product_type"] != CONFIGURABLE:
        return skus.get(line.values["product_id"] or 0)
    variant = children[0].values["product_id"] if children else None
    return skus.get(variant or 0) or line.options.variant_sku


def _is_priced_by_children(line: _Row, children: Sequence[_Row]) -> bool:
    """Whether a line only stands for its children, which carry goods and price.

    That is a bundle of dynamic price: of a configurable the parent carries the price, and the
    child's SKU too; a grouped product leaves no parent line.  A bundle that does not say
    (imported, or its options are broken) is judged by where the price is: a bundle of fixed price
    has children with a row total of 0.  So is a composite of a module's own type, but its parent
    sells where both have one.  Booking both would bill the goods twice.
    """
    if not children or line.values["product_type"] == CONFIGURABLE:
        return False
    told_by_magento = line.options.price_is_at_children
    if told_by_magento is not None:
        return told_by_magento
    at_children = any(child.values["row_total"] for child in children)
    is_bundle = line.values["product_type"] == BUNDLE
    return at_children and (is_bundle or not line.values["row_total"])
