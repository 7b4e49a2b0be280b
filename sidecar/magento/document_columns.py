"""Which columns a document is read from: those with the names of its payload's fields."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from sidecar.magento.money_document import DocumentItem, MoneyDocument
from sidecar.model.columns import bare
from sidecar.model.domain_spec import Needs

#: Fields that are read from elsewhere than the document's own row, or told from it.
_OURS = frozenset(
    {
        "order_increment_id", "order_grand_total", "store_code", "source_code", "items", "tracks",
        "is_sellable", "parent_order_item_id", "product_type",
    }
)  # fmt: skip


def columns_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The columns of a document's row, or of a line's."""
    return tuple(name for name in kind.__struct_fields__ if name not in _OURS)


def amounts_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Those of them whose NULL is nothing: Magento leaves out what there is no amount of."""
    fields = typing.get_type_hints(kind, include_extras=True)
    return frozenset(name for name in columns_of(kind) if bare(fields[name]) is Decimal)


def needs_of_document(
    table: str,
    tables: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> Needs:
    """What is read, and the two comments that `sidecar.magento.document_acknowledger` writes.

    What people wrote there is none of our business: of these no right to read is asked.
    """
    own, history = f"{table}_comment", "sales_order_status_history"
    columns = "parent_id, is_customer_notified, is_visible_on_front, comment"
    return Needs(
        {
            **tables,
            own: ("parent_id", "comment"),
            history: ("parent_id", "comment", "status", "entity_name"),
        },
        optional,
        writes=(
            (f"INSERT ({columns})", own),
            (f"INSERT ({columns}, status, entity_name)", history),
        ),
        unread=frozenset({own, history}),
    )


def needs_of_money_document(table: str, kind: type[MoneyDocument]) -> Needs:
    """The same for an invoice or a credit memo."""
    return needs_of_document(
        table,
        {
            table: columns_of(kind),
            f"{table}_item": (*columns_of(DocumentItem), "parent_id"),
            "sales_order": ("entity_id", "increment_id", "grand_total", "status"),
            "sales_order_item": ("item_id", "parent_item_id", "product_type"),
        },
    )
