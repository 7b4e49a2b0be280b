"""Stock: source items, sources, the legacy stock item, what is salable."""

from __future__ import annotations

from decimal import Decimal

from sidecar.testing.magento_db.session import Row
from sidecar.testing.magento_db.source_items import (
    SourceItem,
    delete_source_items,
    product_of,
    save_legacy_stock,
    save_source_items,
)
from sidecar.testing.magento_rest.body import ANYTHING, BOOL, FLOAT, INT, TEXT, ListOf, Record
from sidecar.testing.magento_rest.refusals import NO_PRODUCT, Broken, Refused, bad
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import of_parents
from sidecar.testing.magento_rest.search import criteria_of, search
from sidecar.testing.magento_rest.values import Json, plain, shown

_CRASHED = "An error has happened during application run. See exception log for details."
_STATUSES = (0, 1)


def save(call: Call) -> list[Json]:
    """`inventory/source-items`: all, or nothing where a source is unknown; SKUs are not checked."""
    given = call.body["sourceItems"]
    if not given:
        raise bad("Input data is empty")
    errors = [error for item in given for error in _errors(item)]
    if errors:
        first = errors[0]
        raise Refused(400, f"Validation Failed: {_filled(first)}", errors=errors)
    codes = {item.get("source_code") for item in given}
    known = of_parents(call.shop.session, "inventory_source", "source_code", codes)
    if len(known) < len(codes):
        raise bad("Could not save Source Item")
    save_source_items(
        call.shop.session,
        [
            SourceItem(item.get("sku") or "", item["source_code"], item["quantity"], item["status"])
            for item in given
        ],
    )
    return []


def _errors(item: Json) -> list[Json]:
    errors: list[Json] = []
    if item.get("quantity") is None:
        errors.append(_error('"%field" should be numeric.', field="quantity"))
    status = item.get("status")
    if status is None:
        errors.append(_error('"%field" should be numeric.', field="status"))
    elif status not in _STATUSES:
        errors.append(_error('"%field" should be a known status.', field="status"))
    return errors


def _error(message: str, **parameters: object) -> Json:
    return {"message": message, "parameters": parameters}


def _filled(error: Json) -> str:
    text: str = error["message"]
    for name, value in error["parameters"].items():
        text = text.replace(f"%{name}", str(value))
    return text


def delete(call: Call) -> list[Json]:
    """`inventory/source-items-delete`: also of what is not there."""
    given = call.body["sourceItems"]
    if not given:
        raise bad("Input data is empty")
    delete_source_items(
        call.shop.session,
        [(item.get("sku") or "", item.get("source_code") or "") for item in given],
    )
    return []


def find(call: Call) -> Json:
    """`inventory/source-items?searchCriteria…`."""
    return search(
        call.shop.session,
        "inventory_source_item",
        "source_item_id",
        criteria_of(call),
        lambda rows: [shown(row, "source_item_id") for row in rows],
    )


def find_sources(call: Call) -> Json:
    """`inventory/sources?searchCriteria…`."""
    return search(
        call.shop.session,
        "inventory_source",
        "source_code",
        criteria_of(call),
        lambda rows: [_source(row) for row in rows],
    )


def _source(row: Row) -> Json:
    return shown(row) | {
        "enabled": bool(row["enabled"]),
        "use_default_carrier_config": bool(row["use_default_carrier_config"]),
        "carrier_links": [],
    }


def salable(call: Call) -> object:
    """`inventory/get-product-salable-quantity/:sku/:stockId`: what is there less what is ordered.

    An unknown SKU is no 404 but a crash, and not even JSON.
    """
    session, sku = call.shop.session, call.path["sku"]
    if product_of(session, sku) is None:
        raise Broken(_CRASHED)
    stock_id = call.number("stockId")
    (row,) = session.select(
        "SELECT (SELECT COALESCE(SUM(item.quantity), 0) "
        f"FROM {session.table('inventory_source_item')} AS item "
        f"JOIN {session.table('inventory_source_stock_link')} AS link USING (source_code) "
        "WHERE item.sku = %s AND item.status = 1 AND link.stock_id = %s) "
        "+ (SELECT COALESCE(SUM(quantity), 0) "
        f"FROM {session.table('inventory_reservation')} WHERE sku = %s AND stock_id = %s) "
        "AS quantity",
        [sku, stock_id, sku, stock_id],
    )
    return plain(row["quantity"])


def save_item(call: Call) -> int:
    """`products/:sku/stockItems/:itemId`: the default source; the item's id is not looked at."""
    session, given = call.shop.session, call.body["stockItem"]
    product = product_of(session, call.path["sku"])
    if product is None:
        raise Refused(404, NO_PRODUCT)
    quantity = given.get("qty") or Decimal(0)
    save_legacy_stock(session, product["sku"], quantity, bool(given.get("is_in_stock")))
    (item,) = of_parents(
        session, "cataloginventory_stock_item", "product_id", [product["entity_id"]]
    )
    return int(item["item_id"])


def _items(*names: str) -> dict[str, ListOf]:
    kinds = {"sku": TEXT, "source_code": TEXT, "quantity": FLOAT, "status": INT}
    keys = {name: kinds[name] for name in names} | {"extension_attributes": ANYTHING}
    interface = "\\Magento\\InventoryApi\\Api\\Data\\SourceItemInterface"
    return {"sourceItems": ListOf(Record(keys), interface)}


_ALL = ("sku", "source_code", "quantity", "status")
_GIVEN = frozenset({"sourceItems"})
_STOCK_ITEM = Record(
    {"qty": FLOAT, "is_in_stock": BOOL},
    ignored=frozenset({"item_id", "product_id", "stock_id", "manage_stock", "extension_attributes",
                       "use_config_manage_stock", "is_qty_decimal", "backorders"}),
)  # fmt: skip

ROUTES = (
    Route("POST", "inventory/source-items", "Magento_InventoryApi::source", save,
          _items(*_ALL), _GIVEN),
    Route("GET", "inventory/source-items", "Magento_InventoryApi::source", find),
    Route("POST", "inventory/source-items-delete", "Magento_InventoryApi::source", delete,
          _items(*_ALL), _GIVEN),
    Route("GET", "inventory/sources", "Magento_InventoryApi::source", find_sources),
    Route("GET", "inventory/get-product-salable-quantity/:sku/:stockId",
          "Magento_InventorySalesApi::stock", salable),
    Route("PUT", "products/:sku/stockItems/:itemId", "Magento_CatalogInventory::cataloginventory",
          save_item, {"stockItem": _STOCK_ITEM}, frozenset({"stockItem"})),
)  # fmt: skip
