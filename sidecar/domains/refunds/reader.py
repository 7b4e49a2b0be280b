"""Reads credit memos with their lines and what of their order they need, of one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sidecar.domains.refunds.columns import AMOUNTS, ITEM_COLUMNS, REFUND_COLUMNS
from sidecar.domains.refunds.payload import Refund, RefundItem
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import BadData

_CONFIGURABLE = "configurable"
_ZERO = Decimal(0)


class RefundReader:
    """Reads refunds of one shop.  Safe to use from several threads."""

    def __init__(self, schema: MagentoSchema) -> None:
        self._refunds = (
            f"SELECT {', '.join(f'c.{name}' for name in REFUND_COLUMNS)}, "
            "COALESCE(o.increment_id, '') AS order_increment_id, "
            "o.grand_total AS order_grand_total, s.code AS store_code "
            f"FROM {schema.table('sales_creditmemo')} c "
            f"JOIN {schema.table('sales_order')} o ON o.entity_id = c.order_id "
            f"LEFT JOIN {schema.table('store')} s ON s.store_id = c.store_id "
            "WHERE c.entity_id IN %(ids)s ORDER BY c.entity_id"
        )
        self._items = (
            f"SELECT i.parent_id, {', '.join(f'i.{name}' for name in ITEM_COLUMNS)}, "
            "l.parent_item_id AS parent_order_item_id, "
            "COALESCE(l.product_type, '') AS product_type "
            f"FROM {schema.table('sales_creditmemo_item')} i "
            f"LEFT JOIN {schema.table('sales_order_item')} l ON l.item_id = i.order_item_id "
            "WHERE i.parent_id IN %(ids)s ORDER BY i.entity_id"
        )
        self._ids = (
            f"SELECT entity_id FROM {schema.table('sales_creditmemo')} "
            "WHERE increment_id = %(number)s ORDER BY entity_id"
        )

    def read(self, view: sa.Connection, ids: Sequence[int]) -> dict[int, Refund]:
        """The refunds with these ids; one that Magento does not have is not in the result."""
        if not ids:
            return {}
        wanted = {"ids": tuple(ids)}
        items: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for row in view.exec_driver_sql(self._items, wanted).mappings():
            items[row["parent_id"]].append(dict(row))
        rows = view.exec_driver_sql(self._refunds, wanted).mappings()
        return {row["entity_id"]: _refund(dict(row), items[row["entity_id"]]) for row in rows}

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """The refunds with this number: one per store that uses it."""
        rows = connection.exec_driver_sql(self._ids, {"number": number})
        return [int(row[0]) for row in rows]


def _refund(row: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Refund:
    values = _filled({name: row[name] for name in REFUND_COLUMNS})
    for name in ("increment_id", "order_currency_code", "base_currency_code"):
        values[name] = values[name] or ""
    if not isinstance(values["created_at"], datetime):
        raise BadData(
            f"credit memo {values['entity_id']} has no date in sales_creditmemo.created_at",
            "write one there in Magento",
        )
    return Refund(
        **values
        | {
            "state": values["state"] or 0,
            "created_at": values["created_at"].replace(tzinfo=UTC),
            "updated_at": _moment(values["updated_at"]),
        },
        order_increment_id=row["order_increment_id"],
        order_grand_total=row["order_grand_total"] or _ZERO,
        store_code=row["store_code"],
        items=_items(items),
    )


def _items(rows: Iterable[Mapping[str, Any]]) -> tuple[RefundItem, ...]:
    lines = [_filled(dict(row)) for row in rows]
    by_order_item = {line["order_item_id"]: line for line in lines}
    children: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if line["parent_order_item_id"] in by_order_item:
            children[line["parent_order_item_id"]].append(line)
    return tuple(_item(line, by_order_item, children) for line in lines)


def _item(
    line: dict[str, Any],
    by_order_item: Mapping[int, dict[str, Any]],
    children: Mapping[int, Sequence[dict[str, Any]]],
) -> RefundItem:
    parent = by_order_item.get(line["parent_order_item_id"])
    if parent is None:
        sells = _sells_itself(line, children.get(line["order_item_id"], ()))
    else:
        sells = not _sells_itself(parent, children[parent["order_item_id"]])
    values = {name: line[name] for name in ITEM_COLUMNS}
    values |= {"sku": values["sku"] or "", "order_item_id": values["order_item_id"] or 0}
    return RefundItem(
        **values,
        is_sellable=sells,
        product_type=line["product_type"],
        parent_order_item_id=line["parent_order_item_id"],
    )


def _sells_itself(line: Mapping[str, Any], children: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the money stands on a line, and not on those that it is made of.

    Of a configurable product always; of a bundle where its children have none.
    """
    if not children or line["product_type"] == _CONFIGURABLE:
        return True
    return not any(child["row_total"] for child in children)


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """An amount of NULL is none: Magento leaves out what there is nothing of."""
    return {
        name: _ZERO if value is None and name in AMOUNTS else value
        for name, value in values.items()
    }


def _moment(value: object) -> datetime | None:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else None
