"""Product values as Magento's price storages and its product save write them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sidecar.testing.magento_db.reference_products import PRODUCT_ATTRIBUTES
from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_db.source_items import write_default_stock, write_stock_status

_NUMBERS = {code: (number, kind) for number, (code, kind) in PRODUCT_ATTRIBUTES.items()}
_PRICES_BY_WEBSITE = "1"


@dataclass(frozen=True)
class Value:
    """A value of one product in one store view (0: the default of all)."""

    entity_id: int
    store_id: int
    value: Any


@dataclass(frozen=True)
class TierPrice:
    """A price from `qty` on, for a customer group (None: all) of a website (0: all).

    Fixed (`value`) or so many percent off (`percentage`).
    """

    entity_id: int
    website_id: int
    group_id: int | None
    qty: Decimal
    value: Decimal
    percentage: Decimal | None


def configured(session: Session, path: str, default: str = "") -> str:
    """A value of Magento's configuration in the default scope."""
    found = session.select(
        f"SELECT value FROM {session.table('core_config_data')} "
        "WHERE scope = 'default' AND scope_id = 0 AND path = %s",
        [path],
    )
    return str(found[0]["value"]) if found else default


def price_stores(session: Session, store_id: int) -> list[int]:
    """The stores whose price a price of this store is: with prices of global scope store 0
    whichever was named, with prices by website all stores of the same one."""
    if configured(session, "catalog/price/scope", "0") != _PRICES_BY_WEBSITE or not store_id:
        return [0]
    store = session.table("store")
    found = session.select(
        f"SELECT sister.store_id FROM {store} AS named JOIN {store} AS sister USING (website_id) "
        "WHERE named.store_id = %s ORDER BY sister.store_id",
        [store_id],
    )
    return [int(row["store_id"]) for row in found]


def save_values(session: Session, code: str, values: Sequence[Value]) -> None:
    """One INSERT … ON DUPLICATE KEY of all values of an attribute."""
    number, kind = _NUMBERS[code]
    table = f"catalog_product_entity_{kind}"
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(values))
    session.execute(
        f"INSERT {table}",
        f"INSERT INTO {session.table(table)} (attribute_id, store_id, entity_id, value) "
        f"VALUES {rows} ON DUPLICATE KEY UPDATE value = VALUES(value)",
        [v for value in values for v in (number, value.store_id, value.entity_id, value.value)],
    )


def _save_value(session: Session, code: str, value: Value) -> None:
    """As a save of the whole product does it: what is there is updated."""
    number, kind = _NUMBERS[code]
    key = {
        "attribute_id": number,
        "entity_id": value.entity_id,
        "store_id": value.store_id,
    }
    if (value.entity_id, value.store_id) in stored_values(session, code, [value.entity_id]):
        session.update(f"catalog_product_entity_{kind}", {"value": value.value}, **key)
    else:
        session.insert(f"catalog_product_entity_{kind}", {**key, "value": value.value})


def delete_value(session: Session, code: str, entity_id: int, store_id: int) -> None:
    """Remove a value; the view then follows the default again."""
    number, kind = _NUMBERS[code]
    session.delete(
        f"catalog_product_entity_{kind}",
        attribute_id=number,
        entity_id=entity_id,
        store_id=store_id,
    )


def stored_values(
    session: Session, code: str, entity_ids: Collection[int]
) -> dict[tuple[int, int], Any]:
    """Values of an attribute by (product, store)."""
    if not entity_ids:
        return {}
    number, kind = _NUMBERS[code]
    places = ", ".join(["%s"] * len(entity_ids))
    rows = session.select(
        f"SELECT entity_id, store_id, value FROM "
        f"{session.table(f'catalog_product_entity_{kind}')} "
        f"WHERE attribute_id = %s AND entity_id IN ({places}) ORDER BY entity_id, store_id",
        [number, *entity_ids],
    )
    return {(row["entity_id"], row["store_id"]): row["value"] for row in rows}


def save_tier_prices(
    session: Session, prices: Sequence[TierPrice], replace_of: Collection[int] = ()
) -> None:
    """Add or change tier prices; those of `replace_of` (products) that are not named go."""
    table = session.table("catalog_product_entity_tier_price")
    with session.transaction():
        for entity_id in replace_of:
            session.delete("catalog_product_entity_tier_price", entity_id=entity_id)
        if prices:
            rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(prices))
            session.execute(
                "INSERT catalog_product_entity_tier_price",
                f"INSERT INTO {table} (entity_id, all_groups, customer_group_id, qty, value, "
                f"website_id, percentage_value) VALUES {rows} ON DUPLICATE KEY UPDATE "
                "value = VALUES(value), percentage_value = VALUES(percentage_value)",
                [field for price in prices for field in _tier_row(price)],
            )


def delete_tier_price(session: Session, price: TierPrice) -> None:
    """Delete the tier of this product, website, group and quantity, if there is one."""
    entity_id, all_groups, group_id, qty, _, website_id, _ = _tier_row(price)
    session.delete(
        "catalog_product_entity_tier_price",
        entity_id=entity_id,
        all_groups=all_groups,
        customer_group_id=group_id,
        qty=qty,
        website_id=website_id,
    )


def _tier_row(price: TierPrice) -> list[Any]:
    return [
        price.entity_id,
        int(price.group_id is None),
        price.group_id or 0,
        price.qty,
        price.value,
        price.website_id,
        price.percentage,
    ]


def save_product(
    session: Session, product: Row, stock: Row, values: Mapping[str, Sequence[Value]]
) -> None:
    """Save a product as its repository does: the changed values, and the stock as it was loaded.

    `stock` is what the product's source item held when PHP loaded it; whatever was booked since
    is lost, also when nothing but the name was sent.
    """
    with session.transaction():
        session.execute(
            "UPDATE catalog_product_entity",
            f"UPDATE {session.table('catalog_product_entity')} SET updated_at = NOW() "
            "WHERE entity_id = %s",
            [product["entity_id"]],
        )
        for code, of_code in values.items():
            for value in of_code:
                _save_value(session, code, value)
        if stock:
            quantity, in_stock = stock["quantity"], bool(stock["status"])
            write_default_stock(session, product["sku"], quantity, in_stock)
            write_stock_status(session, product["entity_id"], quantity, in_stock)
