"""Products and prices through the stand-in, line by line as a real Magento answered."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from sidecar.testing.magento_db import MagentoDatabase, Shop
from sidecar.testing.magento_rest import MagentoRest
from tests.contract.magento_rest_bench import RestBench

ALL = "/rest/all/V1/"


def values(rest: RestBench, sku: str, attribute: int, kind: str = "decimal") -> dict[int, Any]:
    """A product's values by store."""
    rows = rest.rows(
        f"SELECT v.store_id, v.value FROM catalog_product_entity_{kind} AS v "
        "JOIN catalog_product_entity AS p USING (entity_id) "
        "WHERE p.sku = %s AND v.attribute_id = %s ORDER BY v.store_id",
        sku,
        attribute,
    )
    return {row["store_id"]: row["value"] for row in rows}


NAME, PRICE, SPECIAL, SPECIAL_FROM = 73, 77, 78, 79


def base_prices(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"prices": list(rows)}


def price(sku: str, amount: float, store_id: int = 0) -> dict[str, Any]:
    return {"sku": sku, "price": amount, "store_id": store_id}


@pytest.fixture
def by_website(rest: RestBench) -> Iterator[None]:
    """A second view in the first website, and prices by website."""
    known = rest.rows("SELECT 1 FROM store WHERE store_id = 3")
    if not known:
        rest.shop.session.insert(
            "store",
            {"store_id": 3, "code": "de", "website_id": 1, "group_id": 1, "name": "German"},
        )
    with rest.configured(catalog__price__scope="1"):
        yield


# --- PUT products/:sku


def test_without_all_a_name_lands_in_the_default_view(rest: RestBench) -> None:
    before = values(rest, "LAMP", NAME, "varchar")
    assert rest.put("products/LAMP", {"product": {"name": "Lamp A"}}).status == 200
    assert values(rest, "LAMP", NAME, "varchar") == before | {1: "Lamp A"}
    assert rest.get("products/LAMP").body["name"] == "Lamp A"
    assert rest.get("products/LAMP", base=ALL).body["name"] == before[0]
    rest.put("products/LAMP", {"product": {"name": "Lamp B"}}, base=ALL)
    assert values(rest, "LAMP", NAME, "varchar") == {0: "Lamp B", 1: "Lamp A"}


def test_a_price_of_global_scope_is_that_of_all(rest: RestBench) -> None:
    for base, amount in (("/rest/V1/", 70), ("/rest/default/V1/", 71), (ALL, 72)):
        rest.put("products/LAMP", {"product": {"price": amount}}, base=base)
        assert values(rest, "LAMP", PRICE) == {0: amount}


@pytest.mark.usefixtures("by_website")
def test_a_price_by_website_lands_in_all_its_views_and_not_in_the_default(
    rest: RestBench,
) -> None:
    before = values(rest, "SCREW", PRICE)
    rest.put("products/SCREW", {"product": {"price": 3}})
    assert values(rest, "SCREW", PRICE) == before | {1: 3, 3: 3}
    rest.put("products/SCREW", {"product": {"price": 4}}, base=ALL)
    assert values(rest, "SCREW", PRICE) == {0: 4, 1: 3, 3: 3}
    assert rest.get("products/SCREW").body["price"] == 3


def test_a_save_writes_the_stock_back_as_it_was_loaded(magento: MagentoDatabase) -> None:
    """What is booked between its load and its save is lost, also when only the price was sent."""
    with Shop(magento) as shop, Shop(magento) as other:
        booked: list[str] = []

        def book(statement: str) -> None:
            if statement == "UPDATE catalog_product_entity" and not booked:
                booked.append(statement)
                other.save_stock("MUG", 5)

        with MagentoRest(shop, between=book) as served:
            bench = RestBench(shop, served)
            assert bench.put("products/MUG", {"product": {"price": 9.5}}).status == 200
            (stock,) = bench.rows("SELECT quantity FROM inventory_source_item WHERE sku = 'MUG'")
            (legacy,) = bench.rows("SELECT qty FROM cataloginventory_stock_item WHERE item_id = 1")
    assert booked
    assert (stock["quantity"], legacy["qty"]) == (1000, 1000)


def test_a_save_without_change_moves_no_changelog(rest: RestBench) -> None:
    views = ("catalog_product_price", "catalog_product_attribute", "catalogsearch_fulltext")
    same = values(rest, "TEAPOT", PRICE)[0]
    before = [rest.changelog(view) for view in views]
    rest.put("products/TEAPOT", {"product": {"price": float(same)}})
    assert [rest.changelog(view) for view in views] == before
    rest.put("products/TEAPOT", {"product": {"price": 25}})
    assert all(rest.changelog(view) > old for view, old in zip(views, before, strict=True))


def test_an_unknown_sku_would_be_made_and_cannot(rest: RestBench) -> None:
    answer = rest.put("products/NOPE", {"product": {"price": 1}})
    assert (answer.status, answer.message) == (400, "Invalid product data: %1")
    assert answer.parameters == ["Invalid attribute set entity type"]


def test_post_of_a_known_sku_updates_it(rest: RestBench) -> None:
    assert rest.post("products", {"product": {"sku": "DESK", "price": 300}}).status == 200
    assert values(rest, "DESK", PRICE) == {0: 300}


@pytest.mark.parametrize(
    ("product", "message"),
    [
        ({"price": -1}, "Please enter a number 0 or greater in this field."),
        ({"name": ""}, 'The "Product Name" attribute value is empty.'),
    ],
)
def test_a_bad_value_is_refused(rest: RestBench, product: dict[str, Any], message: str) -> None:
    answer = rest.put("products/DESK", {"product": product})
    assert answer.status == 400
    assert answer.message.startswith(message)


def test_custom_attributes_that_nobody_knows_are_ignored(rest: RestBench) -> None:
    attributes = [{"attribute_code": "nobody_knows", "value": "x"}]
    body = {"product": {"custom_attributes": attributes}}
    assert rest.put("products/DESK", body).status == 200


def test_a_slash_in_a_sku_is_escaped(rest: RestBench) -> None:
    rest.shop.session.insert("catalog_product_entity", {"sku": "A/B", "type_id": "simple"})
    assert rest.get("products/A%2FB").body["sku"] == "A/B"


# --- base prices and cost


def test_good_prices_are_written_and_bad_ones_listed(rest: RestBench) -> None:
    answer = rest.post(
        "products/base-prices",
        base_prices(price("MUG", 9.98), price("NOPE", 1), price("DESK", -1), price("LAMP", 1, 99)),
    )
    assert answer.status == 200
    assert [(row["message"], row["parameters"]) for row in answer.body] == [
        ("Invalid attribute %fieldName = %fieldValue.", ["SKU", "NOPE"]),
        ("Invalid attribute %fieldName = %fieldValue.", ["Price", "-1"]),
        (
            "Requested store is not found. Row ID: SKU = LAMP, Store ID: 99.",
            ["LAMP", "99"],
        ),
    ]
    assert values(rest, "MUG", PRICE) == {0: Decimal("9.98")}
    shown = rest.post("products/base-prices-information", {"skus": ["MUG", "NOPE"]}).body
    assert shown == [{"price": 9.98, "store_id": 0, "sku": "MUG"}]


@pytest.mark.parametrize("sku", ["TEASET", "SHIRT", "CHAIRS"])
def test_what_has_no_price_of_its_own_is_refused_like_an_unknown_sku(
    rest: RestBench, sku: str
) -> None:
    (failed,) = rest.post("products/base-prices", base_prices(price(sku, 1))).body
    assert failed["parameters"] == ["SKU", sku]


def test_a_fixed_bundle_has_a_price(rest: RestBench) -> None:
    assert rest.post("products/base-prices", base_prices(price("GIFTBOX", 58))).body == []


def test_with_global_scope_any_store_is_all_of_them(rest: RestBench) -> None:
    assert rest.post("products/base-prices", base_prices(price("EBOOK", 11, 2))).body == []
    assert values(rest, "EBOOK", PRICE) == {0: 11}


@pytest.mark.usefixtures("by_website")
def test_with_website_scope_a_store_is_its_website(rest: RestBench) -> None:
    rest.post("products/base-prices", base_prices(price("RIBBON", 2, 1)))
    assert values(rest, "RIBBON", PRICE) == {0: Decimal("1.29"), 1: 2, 3: 2}


def test_a_price_touches_neither_product_nor_stock(rest: RestBench) -> None:
    logs = ("catalog_product_price", "cataloginventory_stock", "inventory")
    (before,) = rest.rows("SELECT updated_at FROM catalog_product_entity WHERE sku = 'CHAIR-B'")
    moved = [rest.changelog(log) for log in logs]
    rest.post("products/base-prices", base_prices(price("CHAIR-B", 64)))
    (after,) = rest.rows("SELECT updated_at FROM catalog_product_entity WHERE sku = 'CHAIR-B'")
    now = [rest.changelog(log) for log in logs]
    assert (after, now[0] > moved[0], now[1:]) == (before, True, moved[1:])
    rest.post("products/base-prices", base_prices(price("CHAIR-B", 64)))
    assert rest.changelog("catalog_product_price") == now[0]


def test_a_cost_is_kept_where_a_product_is_bought(rest: RestBench) -> None:
    rows = [{"sku": sku, "cost": 4.5, "store_id": 0} for sku in ("MUG", "GIFTBOX")]
    (failed,) = rest.post("products/cost", {"prices": rows}).body
    assert failed["parameters"] == ["SKU", "GIFTBOX"]
    assert rest.post("products/cost-information", {"skus": ["MUG"]}).body == [
        {"cost": 4.5, "store_id": 0, "sku": "MUG"}
    ]


# --- special prices


def special(sku: str, amount: float, start: str = "2026-11-01 00:00:00") -> dict[str, Any]:
    until = "2026-11-30 00:00:00"
    return {"sku": sku, "price": amount, "store_id": 0, "price_from": start, "price_to": until}


def test_a_special_price_has_its_days_and_may_be_sent_again(rest: RestBench) -> None:
    for _ in range(2):
        assert rest.post("products/special-price", {"prices": [special("TEAPOT", 19.9)]}).body == []
    assert values(rest, "TEAPOT", SPECIAL) == {0: Decimal("19.9")}
    assert rest.post("products/special-price-information", {"skus": ["TEAPOT"]}).body == [
        special("TEAPOT", 19.9)
    ]


def test_a_bad_special_price_names_its_row(rest: RestBench) -> None:
    (failed,) = rest.post("products/special-price", {"prices": [special("NOPE", 1)]}).body
    assert "Row ID: SKU = NOPE, Store ID: 0, Price From: 2026-11-01" in failed["message"]


def test_a_special_price_goes_only_where_price_and_days_match(rest: RestBench) -> None:
    rest.post("products/special-price", {"prices": [special("LAMP", 60)]})
    other_days = special("LAMP", 60, "2026-11-02 00:00:00")
    for body, left in ((other_days, {0: 60}), (special("LAMP", 60), {})):
        answer = rest.post("products/special-price-delete", {"prices": [body]})
        assert (answer.status, answer.body) == (200, [])
        assert values(rest, "LAMP", SPECIAL) == left
    assert values(rest, "LAMP", SPECIAL_FROM, "datetime") == {}


# --- tier prices


def tier(sku: str, amount: float, quantity: float = 5, **fields: Any) -> dict[str, Any]:
    tier = {"sku": sku, "price": amount, "price_type": "fixed", "website_id": 0,
            "customer_group": "ALL GROUPS", "quantity": quantity}  # fmt: skip
    return tier | fields


def tiers(rest: RestBench, sku: str) -> list[tuple[float, float, str]]:
    shown = rest.post("products/tier-prices-information", {"skus": [sku]}).body
    return [(row["quantity"], row["price"], row["customer_group"]) for row in shown]


def test_tiers_are_added_changed_replaced_and_deleted(rest: RestBench) -> None:
    wholesale = tier("MUG", 10, 10, price_type="discount", customer_group="Wholesale")
    assert rest.post("products/tier-prices", {"prices": [tier("MUG", 9), wholesale]}).body == []
    rest.post("products/tier-prices", {"prices": [tier("MUG", 8.5)]})
    assert tiers(rest, "MUG") == [(5, 8.5, "ALL GROUPS"), (10, 10, "Wholesale")]
    assert rest.put("products/tier-prices", {"prices": [tier("MUG", 7, 20)]}).body == []
    assert tiers(rest, "MUG") == [(20, 7, "ALL GROUPS")]
    assert rest.post("products/tier-prices-delete", {"prices": [tier("MUG", 7, 20)]}).body == []
    assert tiers(rest, "MUG") == []


def test_a_tier_of_a_group_that_nobody_knows_is_listed(rest: RestBench) -> None:
    body = {"prices": [tier("MUG", 9, customer_group="Friends"), tier("NOPE", 9)]}
    group, sku = rest.post("products/tier-prices", body).body
    assert group["message"].startswith("No such entity with Customer Group = %customerGroup. Row")
    assert sku["parameters"] == ["SKU", "NOPE"]


def test_a_tier_moves_the_changelogs_of_prices(rest: RestBench) -> None:
    views = ("catalog_product_price", "catalogrule_product", "catalogsearch_fulltext")
    before = [rest.changelog(view) for view in views]
    rest.post("products/tier-prices", {"prices": [tier("DESK", 299)]})
    moved = [rest.changelog(view) - old for view, old in zip(views, before, strict=True)]
    assert moved == [1, 1, 0]
