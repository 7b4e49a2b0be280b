"""Reads documents of an order with their lines and what of their order they need, of one moment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from sidecar.magento.document_columns import amounts_of, columns_of
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.moments import moment
from sidecar.magento.money_document import DocumentItem, MoneyDocument
from sidecar.model.errors import BadData

Document = TypeVar("Document", bound=msgspec.Struct)
Money = TypeVar("Money", bound=MoneyDocument)
Row = Mapping[str, Any]

_LINE_COLUMNS = columns_of(DocumentItem)
_LINE_AMOUNTS = amounts_of(DocumentItem)
_CONFIGURABLE = "configurable"
_ZERO = Decimal(0)


class DocumentReader(ABC, Generic[Document]):
    """Reads the documents of one table and one shop.  Safe to use from several threads."""

    def __init__(
        self,
        schema: MagentoSchema,
        table: str,
        kind: type[Document],
        selected: Sequence[str],
        joined: str = "",
    ) -> None:
        """`selected`: more than the row's own columns, of the order `o` or of what is `joined`."""
        self._table = table
        self._columns = columns_of(kind)
        self._amounts = amounts_of(kind)
        columns = [
            *(f"d.{name}" for name in self._columns),
            "COALESCE(o.increment_id, '') AS order_increment_id",
            "s.code AS store_code",
            *selected,
        ]
        self._documents = (
            f"SELECT {', '.join(columns)} FROM {schema.table(table)} d "
            f"JOIN {schema.table('sales_order')} o ON o.entity_id = d.order_id "
            f"LEFT JOIN {schema.table('store')} s ON s.store_id = d.store_id "
            f"{joined} WHERE d.entity_id IN %(ids)s ORDER BY d.entity_id"
        )
        self._ids = (
            f"SELECT entity_id FROM {schema.table(table)} "
            "WHERE increment_id = %(number)s ORDER BY entity_id"
        )

    def read(self, view: sa.Connection, ids: Sequence[int]) -> dict[int, Document]:
        """The documents with these ids; one that Magento does not have is not in the result."""
        if not ids:
            return {}
        parts = self.parts(view, ids)
        rows = view.exec_driver_sql(self._documents, {"ids": tuple(ids)}).mappings()
        return {row["entity_id"]: self.document(dict(row), parts) for row in rows}

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """The documents with this number: one per store that uses it."""
        rows = connection.exec_driver_sql(self._ids, {"number": number})
        return [int(row[0]) for row in rows]

    @abstractmethod
    def parts(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[str, Mapping[int, Any]]:
        """What belongs to these documents: what it is, then by the document's id."""

    @abstractmethod
    def document(self, row: Row, parts: Mapping[str, Mapping[int, Any]]) -> Document:
        """The value of a row."""

    def head(self, row: Row) -> dict[str, Any]:
        """The fields that every document has."""
        if not isinstance(row["created_at"], datetime):
            raise BadData(
                f"{self._table} {row['entity_id']} has no date in created_at",
                "write one there in Magento",
            )
        return filled({name: row[name] for name in self._columns}, self._amounts) | {
            "increment_id": row["increment_id"] or "",
            "created_at": row["created_at"].replace(tzinfo=UTC),
            "updated_at": moment(row["updated_at"]),
            "order_increment_id": row["order_increment_id"],
            "store_code": row["store_code"],
        }


class MoneyDocumentReader(DocumentReader[Money]):
    """Reads invoices or credit memos."""

    def __init__(self, schema: MagentoSchema, table: str, kind: type[Money]) -> None:
        super().__init__(schema, table, kind, ["o.grand_total AS order_grand_total"])
        self._kind = kind
        self._lines = (
            f"SELECT i.parent_id, {', '.join(f'i.{name}' for name in _LINE_COLUMNS)}, "
            "l.parent_item_id AS parent_order_item_id, "
            "COALESCE(l.product_type, '') AS product_type "
            f"FROM {schema.table(f'{table}_item')} i "
            f"LEFT JOIN {schema.table('sales_order_item')} l ON l.item_id = i.order_item_id "
            "WHERE i.parent_id IN %(ids)s ORDER BY i.entity_id"
        )

    def parts(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[str, Mapping[int, Any]]:
        """See `DocumentReader`."""
        return {"items": by_document(view, self._lines, ids)}

    def document(self, row: Row, parts: Mapping[str, Mapping[int, Any]]) -> Money:
        """See `DocumentReader`."""
        values = self.head(row) | {
            "state": row["state"] or 0,
            "order_currency_code": row["order_currency_code"] or "",
            "base_currency_code": row["base_currency_code"] or "",
            "order_grand_total": row["order_grand_total"] or _ZERO,
            "items": self._items(parts["items"].get(row["entity_id"], ())),
        }
        return self._kind(**values)

    def _items(self, rows: Iterable[Row]) -> tuple[DocumentItem, ...]:
        lines = [filled(row, _LINE_AMOUNTS) for row in rows]
        by_order_item = {line["order_item_id"]: line for line in lines}
        children: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for line in lines:
            if line["parent_order_item_id"] in by_order_item:
                children[line["parent_order_item_id"]].append(line)
        return tuple(self._item(line, by_order_item, children) for line in lines)

    def _item(
        self,
        line: dict[str, Any],
        by_order_item: Mapping[int, dict[str, Any]],
        children: Mapping[int, Sequence[dict[str, Any]]],
    ) -> DocumentItem:
        parent = by_order_item.get(line["parent_order_item_id"])
        if parent is None:
            sells = _sells_itself(line, children.get(line["order_item_id"], ()))
        else:
            sells = not _sells_itself(parent, children[parent["order_item_id"]])
        values = {name: line[name] for name in _LINE_COLUMNS}
        values |= {"sku": values["sku"] or "", "order_item_id": values["order_item_id"] or 0}
        return DocumentItem(
            **values,
            is_sellable=sells,
            product_type=line["product_type"],
            parent_order_item_id=line["parent_order_item_id"],
        )


def by_document(
    view: sa.Connection, statement: str, ids: Sequence[int]
) -> Mapping[int, Sequence[Row]]:
    """The rows that a statement gives for these documents, by `parent_id`."""
    rows: dict[int, list[Row]] = defaultdict(list)
    for row in view.exec_driver_sql(statement, {"ids": tuple(ids)}).mappings():
        rows[row["parent_id"]].append(dict(row))
    return rows


def filled(values: Row, amounts: frozenset[str]) -> dict[str, Any]:
    """An amount of NULL is none: Magento leaves out what there is nothing of."""
    return {
        name: _ZERO if value is None and name in amounts else value
        for name, value in values.items()
    }


def _sells_itself(line: Row, children: Sequence[Row]) -> bool:
    """Whether the money stands on a line, and not on those that it is made of.

    Of a configurable product always; of a bundle where its children have none.
    """
    if not children or line["product_type"] == _CONFIGURABLE:
        return True
    return not any(child["row_total"] for child in children)
