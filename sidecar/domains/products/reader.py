"""Reads products with their values, of one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sidecar.domains.products.payload import CustomAttribute, Product, StoreValue
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.product_values import ALL_STORES, PRODUCTS, Attribute, ProductValues

#: What every product is told of.
_ALWAYS = ("name", "status", "visibility", "price", "weight", "tax_class_id", "url_key")
#: Where a store view may differ, without the amounts: of these the domain of prices tells.
_BY_STORE = ("name", "status", "visibility", "url_key")

_Values = Mapping[str, Mapping[int, Any]]


class ProductReader:
    """`further`: codes of the attributes that go along.  Safe to use from several threads."""

    def __init__(self, schema: MagentoSchema, further: Sequence[str] = ()) -> None:
        self._further = tuple(code for code in further if code not in _ALWAYS)
        self._values = ProductValues(schema, (*_ALWAYS, *self._further))
        self._heads = (
            "SELECT p.entity_id, p.sku, p.type_id, p.attribute_set_id, s.attribute_set_name, "
            f"p.created_at, p.updated_at FROM {schema.table(PRODUCTS)} p "
            f"LEFT JOIN {schema.table('eav_attribute_set')} s "
            "ON s.attribute_set_id = p.attribute_set_id WHERE p.entity_id IN %(ids)s"
        )
        self._websites = (
            "SELECT m.product_id, w.code "
            f"FROM {schema.table('catalog_product_website')} m "
            f"JOIN {schema.table('store_website')} w ON w.website_id = m.website_id "
            "WHERE m.product_id IN %(ids)s ORDER BY m.product_id, w.code"
        )
        self._labels = (
            f"SELECT option_id, value FROM {schema.table('eav_attribute_option_value')} "
            f"WHERE store_id = {ALL_STORES} AND option_id IN %(ids)s"
        )
        self._taxes = f"SELECT class_id, class_name FROM {schema.table('tax_class')}"
        self._stores = f"SELECT store_id, code FROM {schema.table('store')}"
        self._of_sku = (
            f"SELECT entity_id FROM {schema.table(PRODUCTS)} WHERE sku = %(sku)s ORDER BY entity_id"
        )

    def ids_of(self, connection: sa.Connection, sku: str) -> list[int]:
        """The product of this SKU."""
        return [int(row[0]) for row in connection.exec_driver_sql(self._of_sku, {"sku": sku})]

    def read(self, view: sa.Connection, ids: Sequence[int]) -> dict[int, Product]:
        """By their ids; those that Magento does not have are missing."""
        if not ids:
            return {}
        heads = view.exec_driver_sql(self._heads, {"ids": tuple(ids)}).all()
        attributes = self._values.attributes(view)
        values = self._values.read(view, ids, attributes)
        websites: dict[int, list[str]] = defaultdict(list)
        for product_id, code in view.exec_driver_sql(self._websites, {"ids": tuple(ids)}):
            websites[product_id].append(code)
        taxes: dict[int, str] = {row[0]: row[1] for row in view.exec_driver_sql(self._taxes)}
        stores: dict[int, str] = {row[0]: row[1] for row in view.exec_driver_sql(self._stores)}
        by_code = {attribute.code: attribute for attribute in attributes.values()}
        labels = self._labels_of(view, by_code, values.values())
        found = {}
        for head in heads:
            mine = values.get(head.entity_id, {})
            found[head.entity_id] = _product(
                head,
                _for_all(mine),
                taxes,
                websites=tuple(websites.get(head.entity_id, ())),
                custom_attributes=tuple(self._custom(mine, by_code, labels)),
                store_values=tuple(self._by_store(mine, stores)),
            )
        return found

    def _custom(
        self, values: _Values, attributes: Mapping[str, Attribute], labels: Mapping[int, str]
    ) -> Iterator[CustomAttribute]:
        for code in self._further:
            value = values.get(code, {}).get(ALL_STORES)
            if value is not None:
                options = _options(value) if attributes[code].has_options else []
                named = ", ".join(labels[one] for one in options if one in labels)
                yield CustomAttribute(attribute_code=code, value=_text(value), label=named or None)

    def _by_store(self, values: _Values, stores: Mapping[int, str]) -> Iterator[StoreValue]:
        for code in (*_BY_STORE, *self._further):
            of_all = values.get(code, {}).get(ALL_STORES)
            for store_id, value in values.get(code, {}).items():
                if store_id != ALL_STORES and store_id in stores and value != of_all:
                    yield StoreValue(
                        store_code=stores[store_id], attribute_code=code, value=_text(value)
                    )

    def _labels_of(
        self,
        view: sa.Connection,
        attributes: Mapping[str, Attribute],
        products: Iterable[_Values],
    ) -> dict[int, str]:
        codes = [code for code in self._further if attributes[code].has_options]
        options = {
            option
            for values in products
            for code in codes
            for option in _options(values.get(code, {}).get(ALL_STORES))
        }
        if not options:
            return {}
        rows = view.exec_driver_sql(self._labels, {"ids": tuple(sorted(options))})
        return {int(option): label for option, label in rows}


def _product(
    head: Any, values: Mapping[str, Any], taxes: Mapping[int, str], **further: Any
) -> Product:
    always: dict[str, Any] = {code: values.get(code) for code in _ALWAYS}
    tax_class = always["tax_class_id"]
    return Product(
        entity_id=head.entity_id,
        sku=head.sku or "",
        type_id=head.type_id,
        attribute_set_id=head.attribute_set_id,
        attribute_set=head.attribute_set_name,
        created_at=head.created_at.replace(tzinfo=UTC),
        updated_at=head.updated_at.replace(tzinfo=UTC) if head.updated_at else None,
        tax_class=taxes.get(tax_class) if tax_class is not None else None,
        **always,
        **further,
    )


def _for_all(values: _Values) -> dict[str, Any]:
    return {code: by_store.get(ALL_STORES) for code, by_store in values.items()}


def _options(value: object) -> list[int]:
    """The ids of options in a value: one, or several with commas."""
    parts = str(value if value is not None else "").split(",")
    return [int(part) for part in parts if part.strip().isdecimal()]


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
