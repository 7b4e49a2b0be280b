"""Which columns a refund is read from: those with the names of the payload's fields."""

from __future__ import annotations

from decimal import Decimal

from sidecar.domains.refunds.payload import Refund, RefundItem
from sidecar.model.columns import bare

_OURS = frozenset(
    {
        "order_increment_id", "order_grand_total", "store_code", "items", "is_sellable",
        "parent_order_item_id", "product_type",
    }
)  # fmt: skip

REFUND_COLUMNS = tuple(name for name in Refund.__struct_fields__ if name not in _OURS)
ITEM_COLUMNS = tuple(name for name in RefundItem.__struct_fields__ if name not in _OURS)


def _amounts(struct: type[Refund | RefundItem]) -> frozenset[str]:
    fields = struct.__annotations__
    return frozenset(name for name in fields if bare(_resolved(fields[name])) is Decimal)


def _resolved(annotation: object) -> object:
    if not isinstance(annotation, str):
        return annotation
    return Decimal if annotation.startswith("Decimal") else annotation


#: Columns whose NULL is nothing: Magento leaves them out where there is no such amount.
AMOUNTS = _amounts(Refund) | _amounts(RefundItem)
