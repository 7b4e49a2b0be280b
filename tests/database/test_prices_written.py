"""The ERP's prices in Magento's tables, by Magento's own calls (its stand-in)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from sidecar.domains.prices.applier import open_prices
from sidecar.magento.applier import BesideMagento, Written
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.rest.errors import MagentoUnknown
from sidecar.model.errors import ConfigurationError
from sidecar.settings.inbound import Prices
from sidecar.testing.magento_db import CATALOGUE, PrivateServer, create_magento
from sidecar.testing.magento_rest import Misbehaviour
from tests.prices_shop import ANY_CHANGE, PricesShop, prices_shop, tier, told

D = Decimal


@pytest.fixture(scope="module")
def module_shop(server: PrivateServer) -> Iterator[PricesShop]:
    magento = create_magento(server, "prices_written")
    with prices_shop(magento) as shop:
        yield shop
    magento.drop()


@pytest.fixture
def shop(module_shop: PricesShop) -> PricesShop:
    module_shop.reset()
    return module_shop


def test_what_differs_is_written_once_and_a_second_run_writes_nothing(shop: PricesShop) -> None:
    rows = [told("MUG", "9.49"), told("DESK", 349), told("SCREW", "0.512345")]
    assert shop.write(*rows) == Written(2)
    assert (shop.prices("MUG"), shop.prices("SCREW")) == ({0: D("9.49")}, {0: D("0.512345")})
    assert shop.calls() == {"products/base-prices": 1}
    assert shop.write(*rows) == Written(0)
    assert shop.calls() == {"products/base-prices": 1}


def test_nothing_but_prices_is_touched(shop: PricesShop) -> None:
    def others() -> list[object]:
        return [
            shop.sql(f"SELECT * FROM {table}")
            for table in ("catalog_product_entity", "inventory_source_item",
                          "cataloginventory_stock_item")
        ]  # fmt: skip

    before = others()
    shop.write(told("MUG", "9.49", special=9, tiers=(tier(5, 8),)))
    assert others() == before


def test_a_special_price_holds_from_midnight_to_the_end_of_its_last_day(shop: PricesShop) -> None:
    row = told("MUG", special="7.50", first="2026-11-27", last="2026-11-30")
    assert shop.write(row) == Written(1)
    # Magento keeps days in the store's own time; the last one counts whole from its midnight.
    assert shop.specials("MUG") == {0: (D("7.5"), "2026-11-27 00:00:00", "2026-11-30 00:00:00")}
    assert shop.write(row) == Written(0)


def test_a_special_price_that_is_none_ends_the_present_one(shop: PricesShop) -> None:
    shop.write(told("MUG", special=9, first="2026-11-27"))
    assert shop.write(told("MUG", special=None)) == Written(1)
    assert shop.specials("MUG") == {}
    assert shop.values("MUG", "special_from_date", "datetime") == {}
    assert shop.write(told("MUG", special=None)) == Written(0)


def test_a_special_price_loses_a_limit_that_is_told_as_none(shop: PricesShop) -> None:
    shop.write(told("MUG", special=9, first="2026-11-27", last="2026-11-30"))
    row = told("MUG", special=9, first="2026-11-27", last=None)
    assert shop.write(row) == Written(1)
    assert shop.specials("MUG") == {0: (D(9), "2026-11-27 00:00:00", None)}
    assert shop.write(row) == Written(0)


def test_days_that_are_not_mapped_stay_as_a_person_set_them(shop: PricesShop) -> None:
    shop.write(told("MUG", special=9, last="2026-11-30"))
    assert shop.write(told("MUG", special=8)) == Written(1)
    assert shop.specials("MUG") == {0: (D(8), None, "2026-11-30 00:00:00")}


@pytest.mark.parametrize("value", [None, "no row"])
def test_days_that_a_price_has_left_behind_do_not_limit_the_next_one(
    shop: PricesShop, value: str | None
) -> None:
    shop.write(told("MUG", special=9, last="2020-01-01"))
    if value is None:
        shop.sql("UPDATE catalog_product_entity_decimal SET value = NULL WHERE attribute_id = 78")
    else:
        shop.sql("DELETE FROM catalog_product_entity_decimal WHERE attribute_id = 78")
    assert shop.write(told("MUG", special=None)) == Written(0)
    assert shop.write(told("MUG", special=8)) == Written(1)
    assert shop.specials("MUG") == {0: (D(8), None, None)}


def test_tiers_are_replaced_by_group_and_those_that_are_not_told_go(shop: PricesShop) -> None:
    shop.write(told("MUG", tiers=(tier(5, 9), tier(10, 8, "Wholesale"))))
    row = told("MUG", tiers=(tier(5, "8.50"), tier(20, 7, "Retailer"), tier(3, 9, "all groups")))
    assert shop.write(row) == Written(1)
    assert shop.tiers("MUG") == {
        (0, None, D(5), D("8.5")), (0, None, D(3), D(9)), (0, "Retailer", D(20), D(7)),
    }  # fmt: skip
    assert shop.write(row) == Written(0)


def test_tiers_that_are_none_are_taken_away(shop: PricesShop) -> None:
    shop.write(told("MUG", tiers=(tier(5, 9),)), told("DESK", tiers=(tier(5, 300),)))
    assert shop.write(told("MUG", tiers=())) == Written(1)
    assert (shop.tiers("MUG"), len(shop.tiers("DESK"))) == (set(), 1)
    assert shop.write(told("MUG", tiers=())) == Written(0)


def test_a_percentage_in_magento_gives_way_to_the_price_that_the_erp_tells(
    shop: PricesShop,
) -> None:
    shop.sql("INSERT INTO catalog_product_entity_tier_price (entity_id, all_groups, "
             "customer_group_id, qty, value, website_id, percentage_value) "
             "VALUES (1, 1, 0, 5, 0, 0, 10)")  # fmt: skip
    assert shop.write(told("MUG", tiers=(tier(5, 9),))) == Written(1)
    assert shop.tiers("MUG") == {(0, None, D(5), D(9))}


def test_percentages_of_a_bundle_are_a_persons_and_stay(shop: PricesShop) -> None:
    shop.sql("INSERT INTO catalog_product_entity_decimal "
             "(attribute_id, store_id, entity_id, value) VALUES (78, 0, 13, 90)")  # fmt: skip
    assert shop.write(told("GIFTBOX", 60, special=None, tiers=())) == Written(1)
    assert shop.specials("GIFTBOX") == {0: (D(90), None, None)}


def test_the_price_of_a_website_is_in_the_row_of_each_of_its_stores(shop: PricesShop) -> None:
    shop.by_website()
    rows = [told("MUG", 9, "base"), told("MUG", 11, "us"), told("MUG", 10)]
    assert shop.write(*rows) == Written(3)
    assert shop.prices("MUG") == {0: D(10), 1: D(9), 2: D(11), 3: D(9)}
    assert shop.write(*rows) == Written(0)


def test_a_website_that_says_what_holds_everywhere_gets_rows_of_its_own(shop: PricesShop) -> None:
    shop.by_website()
    assert shop.write(told("MUG", "9.99", "base")) == Written(1)
    assert shop.prices("MUG") == {0: D("9.99"), 1: D("9.99"), 3: D("9.99")}


def test_a_websites_special_price_is_in_each_of_its_stores_and_ends_there_alone(
    shop: PricesShop,
) -> None:
    shop.by_website()
    row = told("MUG", None, "base", special=8, last="2026-11-30")
    shop.write(row, told("MUG", special=9))
    eight = (D(8), None, "2026-11-30 00:00:00")
    assert shop.specials("MUG") == {0: (D(9), None, None), 1: eight, 3: eight}
    assert shop.write(row) == Written(0)
    assert shop.write(told("MUG", None, "base", special=None)) == Written(1)
    assert shop.specials("MUG") == {0: (D(9), None, None)}


def test_tiers_of_a_website_leave_those_of_the_others_as_they_are(shop: PricesShop) -> None:
    shop.by_website()
    shop.sql("INSERT INTO catalog_product_entity_tier_price (entity_id, all_groups, "
             "customer_group_id, qty, value, website_id, percentage_value) "
             "VALUES (1, 0, 2, 50, 0, 0, 12.5)")  # fmt: skip
    rows = [told("MUG", None, "base", tiers=(tier(5, 9),)),
            told("MUG", None, "us", tiers=(tier(5, 8), tier(9, 7)))]  # fmt: skip
    assert shop.write(*rows) == Written(2)
    assert shop.tiers("MUG") == {
        (0, "Wholesale", D(50), "12.50%"),
        (1, None, D(5), D(9)), (2, None, D(5), D(8)), (2, None, D(9), D(7)),
    }  # fmt: skip
    assert shop.write(*rows) == Written(0)
    assert shop.write(told("MUG", None, "us", tiers=())) == Written(1)
    assert {website for website, *_ in shop.tiers("MUG")} == {0, 1}


def test_a_tier_of_a_website_beside_the_same_of_all_is_refused_and_none_is_lost(
    shop: PricesShop,
) -> None:
    shop.by_website()
    shop.write(told("MUG", tiers=(tier(5, 9), tier(10, 8))))
    before = shop.tiers("MUG")
    done = shop.write(told("MUG", None, "us", tiers=(tier(5, 8),)))
    assert (done.rows, [one.reason for one in done.refused]) == (0, [
        "Magento takes no tier of one website beside the same of all websites: ALL GROUPS from 5 on"
    ])  # fmt: skip
    assert shop.tiers("MUG") == before


def test_with_global_prices_what_all_websites_say_is_written_once(shop: PricesShop) -> None:
    rows = [told("MUG", 9, code, tiers=(tier(5, 8),)) for code in ("base", "us")]
    assert shop.write(*rows) == Written(1)
    assert (shop.prices("MUG"), shop.tiers("MUG")) == ({0: D(9)}, {(0, None, D(5), D(8))})
    assert shop.write(*rows) == Written(0)


def test_a_price_that_somebody_changed_meanwhile_is_left_alone(shop: PricesShop) -> None:
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 9), told("DESK", 340)]), whole=False)
    shop.sql("UPDATE catalog_product_entity_decimal SET value = 12 "
             "WHERE entity_id = 1 AND attribute_id = 77")  # fmt: skip
    assert applier.write(plan, lambda: False) == Written(1, left=1)
    assert shop.prices("MUG") == {0: D(12)}


def test_where_the_scope_was_changed_meanwhile_nothing_is_written(shop: PricesShop) -> None:
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 9)]), whole=False)
    shop.by_website()
    assert applier.write(plan, lambda: False) == Written(0, left=1)


def test_what_magento_refuses_keeps_nothing_else_back(shop: PricesShop) -> None:
    applier = shop.applier(**ANY_CHANGE)
    rows = [told(sku, 20) for sku in ("MUG", "DESK", "LAMP", "EBOOK", "TEAPOT")]
    plan = applier.plan(iter(rows), whole=False)
    # It became a configurable in between: Magento says so of the SKU, as of one that it lacks.
    shop.sql("UPDATE catalog_product_entity SET type_id = 'configurable' WHERE sku = 'DESK'")
    try:
        done = applier.write(plan, lambda: False)
    finally:
        shop.sql("UPDATE catalog_product_entity SET type_id = 'simple' WHERE sku = 'DESK'")
    assert (done.rows, done.left) == (4, 0)
    assert [(one.number, one.reason) for one in done.refused] == [
        ("DESK", "Invalid attribute SKU = DESK.")
    ]
    assert shop.prices("MUG") == {0: D(20)}


def test_a_200_that_did_not_take_it_is_a_refusal(shop: PricesShop) -> None:
    shop.served.misbehave(Misbehaviour.DROP_LINES, "products/base-prices")
    done = shop.write(told("MUG", 9), told("DESK", 340))
    assert (done.rows, [(one.number, one.reason) for one in done.refused]) == (1, [
        ("MUG", "Magento answered that it took it, and shows something else")
    ])  # fmt: skip
    assert shop.write(told("MUG", 9), told("DESK", 340)) == Written(1)


@pytest.mark.parametrize("misbehaviour", [Misbehaviour.DROP_AFTER, Misbehaviour.DROP_BEFORE])
@pytest.mark.parametrize(
    "route", ["base-prices", "special-price", "special-price-delete", "tier-prices"]
)
def test_after_a_lost_answer_the_next_run_writes_the_rest(
    shop: PricesShop, route: str, misbehaviour: Misbehaviour
) -> None:
    shop.write(told("LAMP", special=70, last="2026-11-30"))
    rows = [
        told("MUG", 9, special=8, tiers=(tier(5, 7),)),
        told("DESK", 340, special=300, tiers=(tier(5, 250),)),
        told("LAMP", special=75, last=None),
    ]
    shop.served.misbehave(misbehaviour, f"products/{route}")
    with pytest.raises(MagentoUnknown):
        shop.write(*rows)
    shop.write(*rows)
    assert (shop.prices("MUG"), shop.specials("DESK")) == ({0: D(9)}, {0: (D(300), None, None)})
    assert (len(shop.tiers("MUG")), len(shop.tiers("DESK"))) == (1, 1)
    assert shop.specials("LAMP") == {0: (D(75), None, None)}
    assert shop.write(*rows) == Written(0)


def test_a_run_that_is_stopped_leaves_the_rest(shop: PricesShop) -> None:
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 9)]), whole=False)
    assert applier.write(plan, lambda: True) == Written(0, left=1)
    assert shop.prices("MUG") == {0: CATALOGUE["MUG"].price}


def test_where_limits_are_on_no_call_has_more_than_magento_allows(shop: PricesShop) -> None:
    shop.served.configure("webapi/validation/input_limit_enabled", 1)
    shop.served.configure("webapi/validation/complex_array_limit", 3)
    try:
        rows = [told(sku, 20) for sku in ("MUG", "DESK", "LAMP", "EBOOK", "TEAPOT")]
        assert shop.write(*rows, **ANY_CHANGE) == Written(5)
    finally:
        shop.served.configure("webapi/validation/complex_array_limit", None)
    sizes = [
        len(json.loads(one.body)["prices"]) for one in shop.served.exchanges if one.status == 200
        and one.target.endswith("base-prices")
    ]  # fmt: skip
    assert sizes == [3, 2]


def test_every_call_is_made_for_the_values_of_all_stores(shop: PricesShop) -> None:
    shop.write(told("MUG", 9, special=8, tiers=(tier(5, 7),)))
    written = [one for one in shop.served.exchanges if "products" in one.target]
    assert {one.target.partition("/products/")[0] for one in written} == {"/rest/all/V1"}
    assert {(one.method, one.target.rpartition("/")[2]) for one in written} == {
        ("POST", "base-prices"), ("POST", "special-price"), ("PUT", "tier-prices"),
    }  # fmt: skip


def test_without_magentos_api_the_domain_does_not_open(shop: PricesShop) -> None:
    beside = BesideMagento(
        MagentoSchema("m", "", {}), shop.database, None, Prices.model_validate({}), str
    )
    with pytest.raises(ConfigurationError, match=r"domains\.prices: shop\.api is missing"):
        open_prices(beside)
