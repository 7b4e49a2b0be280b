"""Rows of sales_order_item as lines: what each is made of, and which of them an ERP books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidecar.domain.order import OrderItem, TaxItem
from sidecar.magento import product_options
from sidecar.magento.order_columns import ITEM
from sidecar.magento.product_options import ProductOptions

BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class _Row:
    """One row on its way to a line."""

    values: dict[str, Any]
    options: ProductOptions

    @property
    def id(self) -> int:
        return int(self.values["item_id"])

    @property
    def parent_id(self) -> int | None:
        parent: int | None = self.values["parent_item_id"]
        return parent


def order_items(
    rows: Iterable[Sequence[Any]], taxes: Mapping[int, Sequence[TaxItem]]
) -> tuple[OrderItem, ...]:
    """The lines of one order, in the order of `rows`.

    A row holds the columns of `ITEM` and, last, product_options.  `taxes` are keyed by item_id.
    """
    lines = [_Row(ITEM.values(row), product_options.read(row[-1])) for row in rows]
    by_id = {line.id: line for line in lines}
    children: dict[int, list[_Row]] = {}
    for line in lines:
        if line.parent_id is not None:
            children.setdefault(line.parent_id, []).append(line)
    items = []
    for line in lines:
        parent = by_id.get(line.parent_id) if line.parent_id is not None else None
        if parent is None:
            sellable = not _is_priced_by_children(line, children.get(line.id, ()))
        else:
            sellable = _is_priced_by_children(parent, children[parent.id])
        items.append(
            OrderItem(
                **line.values,
                is_sellable=sellable,
                parent_sku=parent.values["sku"] if parent else None,
                options=line.options.chosen(line.values["name"] or line.values["sku"]),
                taxes=tuple(taxes.get(line.id, ())),
            )
        )
    return tuple(items)


def _is_priced_by_children(line: _Row, children: Sequence[_Row]) -> bool:
    """Whether a line only stands for its children, which carry goods and price.

    That is a bundle of dynamic price and nothing else: of a configurable the parent carries the
    price, and the child's SKU too; a grouped product leaves no parent line.  A bundle that does
    not say (imported, or its options are broken) is judged by where the price is: a bundle of
    fixed price has children with a row total of 0.  Booking both would bill the goods twice.
    """
    if line.values["product_type"] != BUNDLE:
        return False
    said = line.options.price_is_at_children
    if said is not None:
        return said
    return any(child.values["row_total"] for child in children)
