"""What of the ERP's prices would be written, and what is refused or held, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sidecar.domains.prices.news import PriceLevel
from sidecar.domains.prices.present import PRICED
from sidecar.magento.applier import Refusal
from sidecar.testing.magento_db import CATALOGUE, PrivateServer, create_magento
from tests.prices_shop import ANY_CHANGE, PricesShop, prices_shop, tier, told

pytestmark = pytest.mark.any_server

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
OF_SCOPE = "Magento's prices are the same everywhere (catalog/price/scope), and the ERP "


@pytest.fixture(scope="module")
def module_shop(server: PrivateServer) -> Iterator[PricesShop]:
    magento = create_magento(server, "prices_planned")
    with prices_shop(magento) as shop:
        yield shop
    magento.drop()


@pytest.fixture
def shop(module_shop: PricesShop) -> PricesShop:
    module_shop.reset()
    return module_shop


def changed(shop: PricesShop, *rows: PriceLevel, **settings: Any) -> list[str]:
    plan = shop.plan(*rows, **settings)
    assert plan.refused == []
    return [change.number for change in plan.changes]


def test_what_is_equal_is_no_change_and_what_differs_is_shown_as_it_is_and_would_be(
    shop: PricesShop,
) -> None:
    applier = shop.applier()
    desk = told("DESK", "339.90", special=299, last="2026-12-24", tiers=(tier(5, 320),))
    plan = applier.plan(iter([told("MUG", "9.990000"), desk]), whole=False)
    assert plan.equal == 1
    assert applier.shown(plan, 10) == [
        {
            "number": "DESK",
            "sku": "DESK",
            "website_code": None,
            "is": {
                "price": Decimal("349"),
                "special_price": None,
                "special_from": None,
                "special_to": None,
                "tier_prices": [],
            },
            "would_be": {
                "price": Decimal("339.90"),
                "special_price": Decimal("299"),
                "special_from": None,
                "special_to": "2026-12-24",
                "tier_prices": [{"customer_group": "ALL GROUPS", "quantity": 5, "price": 320}],
            },
        }
    ]


def test_planning_writes_nothing_and_asks_magento_for_nothing(shop: PricesShop) -> None:
    before = shop.all_prices()
    shop.plan(told("MUG", 10), told("NOPE", 1))
    assert (shop.all_prices(), shop.calls()) == (before, {})


def test_what_the_row_does_not_say_is_no_difference(shop: PricesShop) -> None:
    shop.write(told("MUG", "9.50", special=8, last="2026-12-24", tiers=(tier(5, 7),)))
    assert changed(shop, told("MUG"), told("DESK"), told("LAMP", None, tiers=())) == []


def test_a_sku_is_known_in_its_exact_case_only(shop: PricesShop) -> None:
    assert shop.refusal(told("NOPE", 5)) == Refusal("NOPE", "Magento has no such SKU", "", "5")
    assert shop.refusal(told("mug", 5)) == Refusal("mug", "Magento has no such SKU", "MUG", "5")


@pytest.mark.parametrize(
    ("sku", "reason"),
    [
        ("SHIRT", "a configurable product has no price of its own"),
        ("CHAIRS", "a grouped product has no price of its own"),
        ("TEASET", "a dynamic bundle has no price of its own"),
    ],
)
def test_what_has_its_price_from_others_is_refused(shop: PricesShop, sku: str, reason: str) -> None:
    assert shop.refusal(told(sku, 30)).reason == reason


def test_a_fixed_bundle_has_a_price_but_no_amount_for_a_while_or_from_a_quantity_on(
    shop: PricesShop,
) -> None:
    assert changed(shop, told("GIFTBOX", 60)) == ["GIFTBOX"]
    assert shop.refusal(told("GIFTBOX", 60, special=50)).reason == (
        "the special price of a bundle is a percentage in Magento"
    )
    assert shop.refusal(told("GIFTBOX", 60, tiers=(tier(5, 50),))).reason == (
        "Magento takes no fixed tier prices of a bundle"
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (told("MUG", -1), "the price is below 0"),
        (told("MUG", 0), "the price is 0"),
        (told("MUG", special=-1), "the special price is below 0"),
        (told("MUG", special=0), "the special price is 0"),
        (told("MUG", tiers=(tier(5, 0),)), "the tier price is 0"),
        (told("MUG", "NaN"), "no price that Magento can keep"),
        (told("MUG", "Infinity"), "no price that Magento can keep"),
        (told("MUG", "1E+9"), "no price that Magento can keep"),
        (told("MUG", tiers=(tier(0, 9),)), "the quantity of a tier is not above 0"),
        (told("MUG", tiers=(tier(-5, 9),)), "the quantity of a tier is not above 0"),
        (told("MUG", tiers=(tier("1E+8", 9),)), "no quantity of a tier that Magento can keep"),
        (told("MUG", tiers=(tier(5, 9), tier("5.00", 8))), "two tiers of ALL GROUPS from 5 on"),
        (told("MUG", special=9, first="2026-12-02", last="2026-12-01"),
         "the special price ends before it begins"),
        (told("MUG", first="2026-12-02"),
         "days of a special price, and the file of calls maps no price"),
        (told("MUG", special="10"), "the special price is above the price"),
        (told("MUG", 8, special="8.01"), "the special price is above the price"),
        (told("MUG", tiers=(tier(5, 10),)), "the tier price is above the price"),
        (told("MUG", tiers=(tier(5, 9, "Resellers"),)),
         "a tier of a customer group that Magento does not have"),
    ],
)  # fmt: skip
def test_a_row_that_would_be_nonsense_is_refused(
    shop: PricesShop, row: PriceLevel, reason: str
) -> None:
    assert shop.refusal(row).reason == reason


def test_a_group_in_another_case_is_refused_with_magentos_spelling(shop: PricesShop) -> None:
    assert shop.refusal(told("MUG", tiers=(tier(5, 9, "wholesale"),))).ours == "Wholesale"


def test_a_special_price_may_equal_the_price_and_last_one_day(shop: PricesShop) -> None:
    row = told("MUG", special="9.99", first="2026-12-02", last="2026-12-02")
    assert changed(shop, row) == ["MUG"]


def test_a_price_of_0_is_taken_where_the_shop_says_so(shop: PricesShop) -> None:
    free: dict[str, Any] = {
        "bounds": {"row": {"zero": "allow", "change": None}, "run": {"changed": "100%"}}
    }
    plan = shop.plan(told("MUG", 0), told("DESK", 300), **free)
    assert (plan.refused, plan.to_zero) == ([], 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (told("MUG", "15.00"), "the price changes by 50.2%"),
        (told("MUG", "4.99"), "the price changes by 50.1%"),
        (told("MUG", special="4.99"), "the special price is 50.1% below the price"),
        (told("MUG", tiers=(tier(5, "4.99"),)), "the tier price is 50.1% below the price"),
    ],
)
def test_a_change_beyond_the_bound_is_refused_with_the_present_price(
    shop: PricesShop, row: PriceLevel, reason: str
) -> None:
    refusal = shop.refusal(row)
    assert (refusal.reason, refusal.ours) == (reason, "9.99")
    assert changed(shop, row, **ANY_CHANGE) == ["MUG"]


def test_a_special_price_is_measured_by_the_price_that_comes_with_it(shop: PricesShop) -> None:
    assert changed(shop, told("MUG", "14", special="13")) == ["MUG"]


def test_the_first_price_of_a_product_is_no_jump(shop: PricesShop) -> None:
    shop.sql("UPDATE catalog_product_entity_decimal SET value = 0 WHERE attribute_id = 77")
    assert changed(shop, told("MUG", 500)) == ["MUG"]
    shop.sql("UPDATE catalog_product_entity_decimal SET value = NULL WHERE attribute_id = 77")
    assert changed(shop, told("MUG", 500)) == ["MUG"]


def test_of_one_key_twice_the_newest_counts(shop: PricesShop) -> None:
    later = NOON + timedelta(seconds=1)
    for rows in ((NOON, later), (later, NOON)):
        plan = shop.plan(*(told("MUG", 9 if at == later else 10, at=at) for at in rows))
        assert [change.becomes.base for change in plan.changes] == [(Decimal(9),)]


def test_of_one_key_twice_without_a_newer_moment_nothing_is_guessed(shop: PricesShop) -> None:
    twice = "the ERP tells it twice in one run, and otherwise the second time"
    far_apart = [told("DESK", 349)] * 1500
    assert shop.refusal(told("MUG", 9), told("MUG", 10)).reason == twice
    assert shop.refusal(told("MUG", 9), *far_apart, told("MUG", 10)).reason == twice
    assert changed(shop, told("MUG", 9), *far_apart, told("MUG", 9)) == ["MUG"]


def test_an_unknown_website_is_refused_and_the_admins_is_none(shop: PricesShop) -> None:
    assert shop.refusal(told("MUG", 9, "nowhere")).reason == "Magento has no such website"
    assert shop.refusal(told("MUG", 9, "admin")).reason == "Magento has no such website"
    refusal = shop.refusal(told("MUG", 9, "Base"))
    assert (refusal.number, refusal.ours) == ("MUG @ Base", "base")


def test_a_website_without_a_store_view_is_refused(shop: PricesShop) -> None:
    shop.sql("INSERT INTO store_website (website_id, code) VALUES (9, 'empty')")
    try:
        reason = shop.refusal(told("MUG", 9, "empty")).reason
    finally:
        shop.sql("DELETE FROM store_website WHERE website_id = 9")
    assert reason == "the website has no store view that could have a price"


def test_with_global_prices_one_website_alone_is_refused_as_magento_would_change_all(
    shop: PricesShop,
) -> None:
    refusal = shop.refusal(told("MUG", 9, "us"))
    assert refusal == Refusal("MUG @ us", f"{OF_SCOPE}does not say this of base", "", "9")


def test_with_global_prices_websites_that_differ_are_refused(shop: PricesShop) -> None:
    plan = shop.plan(told("MUG", 9, "us"), told("MUG", 10, "base"))
    assert {one.number: one.reason for one in plan.refused} == {
        "MUG @ us": f"{OF_SCOPE}says others of other websites",
        "MUG @ base": f"{OF_SCOPE}says others of other websites",
    }


def test_with_global_prices_what_all_websites_say_is_one_change(shop: PricesShop) -> None:
    far_apart = [told("DESK", 349)] * 1500
    plan = shop.plan(told("MUG", 9, "us", at=NOON), *far_apart, told("MUG", 9, "base"))
    assert [change.place.stores for change in plan.changes] == [(0,)]
    assert plan.refused == []


def test_with_global_prices_a_refusal_is_told_of_each_websites_row(shop: PricesShop) -> None:
    plan = shop.plan(told("MUG", 0, "us"), told("MUG", 0, "base"))
    assert sorted(one.number for one in plan.refused) == ["MUG @ base", "MUG @ us"]


def test_a_website_with_a_price_of_its_own_is_compared_with_all_its_stores(
    shop: PricesShop,
) -> None:
    shop.by_website()
    shop.write(told("MUG", "9.50", "base"))
    assert changed(shop, told("MUG", "9.50", "base"), told("MUG", "9.99")) == []
    shop.sql("DELETE FROM catalog_product_entity_decimal WHERE store_id = 3 AND attribute_id = 77")
    assert changed(shop, told("MUG", "9.50", "base")) == ["MUG @ base"]


def test_a_websites_special_price_is_measured_by_the_price_that_holds_there(
    shop: PricesShop,
) -> None:
    shop.by_website()
    assert shop.refusal(told("MUG", None, "us", special=11)).ours == "9.99"
    shop.write(told("MUG", 12, "us"))
    assert changed(shop, told("MUG", None, "us", special=11)) == ["MUG @ us"]


def test_a_websites_first_price_is_bound_by_the_price_of_everywhere(shop: PricesShop) -> None:
    shop.by_website()
    assert shop.refusal(told("MUG", 99, "us")).reason == "the price changes by 891%"


def test_in_another_base_currency_the_price_of_everywhere_measures_nothing(
    shop: PricesShop,
) -> None:
    shop.by_website()
    shop.sql("INSERT INTO core_config_data (scope, scope_id, path, value) "
             "VALUES ('websites', 2, 'currency/options/base', 'JPY')")  # fmt: skip
    assert changed(shop, told("MUG", None, "us", special=900)) == ["MUG @ us"]
    assert changed(shop, told("MUG", 1500, "us")) == ["MUG @ us"]


def test_a_run_that_changes_more_than_its_share_is_held_with_the_numbers(
    shop: PricesShop,
) -> None:
    priced = [sku for sku, product in CATALOGUE.items() if product.type_id in PRICED]
    rows = [told(sku, CATALOGUE[sku].price + 1) for sku in ("MUG", "DESK", "LAMP", "EBOOK")]
    plan = shop.plan(*rows, whole=True, bounds={})
    assert plan.known == len(priced) == 14
    assert plan.held == (
        "all that the ERP has would change the prices of 4 of 14 (28.6%): more than "
        "domains.prices.bounds.run allows (changed: 25%)"
    )
    assert shop.plan(*rows[:3], bounds={}).held is None


def test_the_share_is_of_the_places_that_the_run_speaks_of(shop: PricesShop) -> None:
    shop.by_website()
    rows = [told(sku, CATALOGUE[sku].price + 1, "us") for sku in ("MUG", "DESK", "LAMP")]
    assert shop.plan(*rows, bounds={}).known == 14
    assert shop.plan(*rows, told("MUG", "9.99"), bounds={}).known == 28


def test_an_empty_run_is_nothing(shop: PricesShop) -> None:
    plan = shop.plan()
    assert (plan.changes, plan.refused, plan.equal, plan.held) == ([], [], 0, None)
