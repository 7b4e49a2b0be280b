"""Magento's own triggers: those of the materialised views in mode *Update by Schedule*."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

# Table -> (view, column whose value goes into the view's changelog), in the order of Magento's
# statements.  As on a fresh 2.4.7; the exporter views are those that Payment Services brings.
_EXPORT_ORDER = "sales_order_data_exporter"
_EAV_VALUES = ("catalogsearch_fulltext", "catalogrule_product", "catalog_product_price")


def _views(column: str, *views: str) -> tuple[tuple[str, str], ...]:
    return tuple((view, column) for view in views)


SUBSCRIPTIONS: Mapping[str, Sequence[tuple[str, str]]] = {
    "store": _views("website_id", "store_data_exporter"),
    "store_group": _views("website_id", "store_data_exporter"),
    "store_website": _views("website_id", "store_data_exporter"),
    "catalog_product_entity": _views("entity_id", *_EAV_VALUES),
    "catalog_product_entity_datetime": _views("entity_id", *_EAV_VALUES),
    "catalog_product_entity_decimal": _views(
        "entity_id",
        "catalogsearch_fulltext",
        "catalog_product_attribute",
        "catalogrule_product",
        "catalog_product_price",
    ),
    "catalog_product_entity_int": _views(
        "entity_id",
        "catalogsearch_fulltext",
        "catalog_product_category",
        "catalog_product_attribute",
        "cataloginventory_stock",
        "catalogrule_product",
        "catalog_product_price",
    ),
    "catalog_product_entity_text": _views(
        "entity_id", "catalogsearch_fulltext", "catalogrule_product"
    ),
    "catalog_product_entity_varchar": _views(
        "entity_id", "catalogsearch_fulltext", "catalog_product_attribute", "catalogrule_product"
    ),
    "catalog_product_entity_tier_price": _views(
        "entity_id", "catalog_product_price", "catalogrule_product"
    ),
    "catalog_product_website": _views(
        "product_id", "catalogsearch_fulltext", "catalog_product_category", "catalog_product_price"
    ),
    "cataloginventory_stock_item": _views("product_id", "cataloginventory_stock"),
    "inventory_source_item": _views("source_item_id", "inventory"),
    "sales_order": _views("entity_id", _EXPORT_ORDER),
    "sales_order_item": _views("order_id", _EXPORT_ORDER),
    "sales_payment_transaction": _views("order_id", _EXPORT_ORDER),
    "sales_order_status": _views("status", "sales_order_status_data_exporter"),
}

# Views whose tables we do not describe have their row in mview_state all the same.
OTHER_VIEWS = (
    "catalog_category_product",
    "catalogrule_rule",
    "customer_dummy",
    "design_config_dummy",
)


def views() -> list[str]:
    """Every view that writes into a changelog here, each once."""
    return list(dict.fromkeys(view for seen in SUBSCRIPTIONS.values() for view, _ in seen))


def changelog_tables(prefix: str) -> Iterator[str]:
    """CREATE TABLE of each changelog; order statuses are identified by their code."""
    for view in views():
        identity = (
            "varchar(32) NOT NULL DEFAULT ''"
            if view == "sales_order_status_data_exporter"
            else "int unsigned NOT NULL DEFAULT 0"
        )
        yield (
            f"CREATE TABLE {prefix}{view}_cl (version_id int unsigned NOT NULL AUTO_INCREMENT, "
            f"entity_id {identity}, PRIMARY KEY (version_id))"
        )


def triggers(prefix: str, columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """CREATE TRIGGER for insert, update and delete of each subscribed table.

    `columns` names each table's columns: an update is noted only when one of them other than
    updated_at changed.
    """
    for table, subscribed in SUBSCRIPTIONS.items():
        changed = " OR ".join(
            f"NOT(NEW.`{column}` <=> OLD.`{column}`)"
            for column in columns[table]
            if column != "updated_at"
        )
        for event in ("insert", "update", "delete"):
            row = "OLD" if event == "delete" else "NEW"
            notes = [
                f"INSERT IGNORE INTO `{prefix}{view}_cl` (`entity_id`) VALUES ({row}.`{column}`);"
                for view, column in subscribed
            ]
            if event == "update":
                notes = [f"IF ({changed}) THEN {note} END IF;" for note in notes]
            yield (
                f"CREATE TRIGGER trg_{prefix}{table}_after_{event} AFTER {event.upper()} "
                f"ON {prefix}{table} FOR EACH ROW BEGIN {' '.join(notes)} END"
            )
