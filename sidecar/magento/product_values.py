"""Values of products in Magento's EAV tables, as they are kept: for all stores, and for some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import ConfigurationError

#: The store of values that count wherever a store has none of its own.
ALL_STORES = 0
PRODUCTS = "catalog_product_entity"
#: Magento's kinds of values, each in a table of its own.
KINDS = ("datetime", "decimal", "int", "text", "varchar")
TABLES: Mapping[str, tuple[str, ...]] = {
    "eav_entity_type": ("entity_type_id", "entity_type_code"),
    "eav_attribute": ("attribute_id", "entity_type_id", "attribute_code", "backend_type"),
    **{f"{PRODUCTS}_{kind}": ("entity_id", "attribute_id", "store_id", "value") for kind in KINDS},
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; `has_options`: what is kept of it are ids of options, not their labels."""

    id: int
    code: str
    kind: str
    has_options: bool


class ProductValues:
    """`codes`: of the attributes that are read."""

    def __init__(self, schema: MagentoSchema, codes: Collection[str]) -> None:
        self._codes = tuple(codes)
        self._attributes = (
            "SELECT a.attribute_id, a.attribute_code, a.backend_type, a.frontend_input, "
            "a.source_model "
            f"FROM {schema.table('eav_attribute')} a JOIN {schema.table('eav_entity_type')} t "
            "ON t.entity_type_id = a.entity_type_id AND t.entity_type_code = 'catalog_product' "
            "WHERE a.attribute_code IN %(codes)s"
        )
        self._values = {
            kind: (
                f"SELECT entity_id, attribute_id, store_id, value "
                f"FROM {schema.table(f'{PRODUCTS}_{kind}')} "
                "WHERE entity_id IN %(ids)s AND attribute_id IN %(attributes)s "
                "AND value IS NOT NULL ORDER BY entity_id, attribute_id, store_id"
            )
            for kind in KINDS
        }

    def attributes(self, view: sa.Connection) -> dict[int, Attribute]:
        """By their ids.  Raises ConfigurationError for a code that the shop does not have."""
        rows = view.exec_driver_sql(self._attributes, {"codes": self._codes})
        found = {
            int(id_): Attribute(
                int(id_),
                code,
                kind,
                has_options=input_ in ("select", "multiselect")
                and (not source or source.endswith("\\Table")),
            )
            for id_, code, kind, input_, source in rows
        }
        known = {attribute.code for attribute in found.values()}
        for code in self._codes:
            if code not in known:
                raise ConfigurationError(
                    f"the shop's products have no attribute {code!r}",
                    "correct domains.products.attributes",
                )
        return found

    def read(
        self, view: sa.Connection, ids: Sequence[int], attributes: Mapping[int, Attribute]
    ) -> dict[int, dict[str, dict[int, Any]]]:
        """Product → attribute → store → value."""
        found: dict[int, dict[str, dict[int, Any]]] = defaultdict(lambda: defaultdict(dict))
        for entity_id, attribute_id, store_id, value in self._rows(view, ids, attributes):
            found[entity_id][attributes[attribute_id].code][store_id] = value
        return found

    def _rows(
        self, view: sa.Connection, ids: Sequence[int], attributes: Mapping[int, Attribute]
    ) -> Iterator[tuple[int, int, int, Any]]:
        for kind, statement in self._values.items():
            wanted = tuple(one.id for one in attributes.values() if one.kind == kind)
            if ids and wanted:
                place = {"ids": tuple(ids), "attributes": wanted}
                for row in view.exec_driver_sql(statement, place):
                    yield row[0], row[1], row[2], row[3]
