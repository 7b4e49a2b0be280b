"""What of the ERP's quantities would be written, and what is refused or held, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sidecar.domains.stock.news import StockLevel
from sidecar.magento.applier import Refusal
from sidecar.testing.magento_db import CATALOGUE, PrivateServer, create_magento
from tests.stock_shop import StockShop, stock_shop, told

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
STOCKED = sorted(sku for sku, product in CATALOGUE.items() if product.has_stock)


@pytest.fixture(scope="module")
def module_shop(server: PrivateServer) -> Iterator[StockShop]:
    magento = create_magento(server, "stock_levels")
    with stock_shop(magento) as shop:
        yield shop
    magento.drop()


@pytest.fixture
def shop(module_shop: StockShop) -> StockShop:
    module_shop.reset()
    return module_shop


def changed(shop: StockShop, *rows: StockLevel, **settings: Any) -> dict[str, Decimal]:
    plan = shop.plan(*rows, **settings)
    assert plan.refused == []
    return {change.sku: change.new for change in plan.changes}


def reasons(refused: list[Refusal]) -> dict[str, str]:
    return {one.number: one.reason for one in refused}


def test_what_is_equal_is_no_change_and_what_differs_is_one(shop: StockShop) -> None:
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 1000), told("DESK", "3.0000")]), whole=False)

    assert (plan.equal, plan.known) == (1, len(STOCKED))
    assert applier.shown(plan, 10) == [
        {"number": "DESK @ default", "sku": "DESK", "source_code": "default",
         "is": Decimal(1000), "would_be": Decimal(3)}
    ]  # fmt: skip


def test_planning_writes_nothing(shop: StockShop) -> None:
    before = shop.levels()
    shop.plan(told("MUG", 5), told("NOPE", 1))
    assert shop.levels() == before


def test_a_sku_that_magento_does_not_have_is_refused(shop: StockShop) -> None:
    (refusal,) = shop.refused(told("NOPE", 5))
    assert refusal == Refusal("NOPE @ default", "Magento has no such SKU", "", "5")


def test_a_sku_in_another_case_is_another_sku_and_magentos_is_named(shop: StockShop) -> None:
    (refusal,) = shop.refused(told("mug", 5))
    assert (refusal.reason, refusal.ours) == ("Magento has no such SKU", "MUG")


@pytest.mark.parametrize(
    ("source", "reason", "ours"),
    [
        ("nowhere", "Magento has no such source", ""),
        ("Default", "Magento has no such source", "default"),
        ("closed", "the source is disabled in Magento", ""),
    ],
)
def test_a_source_must_be_there_by_its_exact_code_and_enabled(
    shop: StockShop, source: str, reason: str, ours: str
) -> None:
    shop.add_source("closed", enabled=False)
    (refusal,) = shop.refused(told("MUG", 5, source))
    assert (refusal.reason, refusal.ours) == (reason, ours)


@pytest.mark.parametrize(
    "sku", [sku for sku, product in CATALOGUE.items() if not product.has_stock]
)
def test_what_is_made_of_other_products_has_no_quantity_of_its_own(
    shop: StockShop, sku: str
) -> None:
    (refusal,) = shop.refused(told(sku, 5))
    assert refusal.reason == (f"a {CATALOGUE[sku].type_id} product has no quantity of its own")


def test_a_fraction_of_what_is_sold_by_the_piece_is_refused_or_cut(shop: StockShop) -> None:
    assert reasons(shop.refused(told("MUG", "2.5"))) == {
        "MUG @ default": "a fraction of what is sold by the piece"
    }
    cut: dict[str, Any] = {"bounds": {"row": {"fraction": "cut"}, "run": {"changed": "100%"}}}
    assert changed(shop, told("MUG", "2.5"), **cut) == {"MUG": Decimal(2)}


def test_a_fraction_of_what_is_sold_by_length_is_taken_to_four_places(shop: StockShop) -> None:
    assert changed(shop, told("RIBBON", "2.50005")) == {"RIBBON": Decimal("2.5001")}


def test_a_quantity_below_zero_is_refused_or_taken_as_zero(shop: StockShop) -> None:
    (refusal,) = shop.refused(told("MUG", -5))
    assert (refusal.reason, refusal.theirs) == ("the quantity is below 0", "-5")
    zero: dict[str, Any] = {"bounds": {"row": {"below_zero": "zero"}, "run": {"to_zero": "100%"}}}
    assert changed(shop, told("MUG", -5), **zero) == {"MUG": Decimal(0)}


def test_a_hundred_times_the_present_quantity_is_refused_with_both(shop: StockShop) -> None:
    (refusal,) = shop.refused(told("MUG", 100_000))
    assert refusal == Refusal("MUG @ default", "100 times the present quantity", "1000", "100000")
    assert changed(shop, told("MUG", 99_999)) == {"MUG": Decimal(99_999)}


def test_a_jump_is_no_jump_from_less_than_one_nor_without_a_bound(shop: StockShop) -> None:
    shop.sql("UPDATE inventory_source_item SET quantity = 0 WHERE sku = 'MUG'")
    assert changed(shop, told("MUG", 5000)) == {"MUG": Decimal(5000)}
    unbound: dict[str, Any] = {"bounds": {"row": {"factor": None}, "run": {"changed": "100%"}}}
    assert changed(shop, told("DESK", 1_000_000), **unbound) == {"DESK": Decimal(1_000_000)}


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity", "1E+30", "100000000"])
def test_what_magentos_column_cannot_hold_is_refused(shop: StockShop, quantity: str) -> None:
    assert reasons(shop.refused(told("MUG", quantity))) == {
        "MUG @ default": "no quantity that Magento can keep"
    }


def test_of_one_key_twice_the_newest_counts_else_the_last(shop: StockShop) -> None:
    later = NOON + timedelta(seconds=1)
    rows = [told("MUG", 7, at=later), told("MUG", 8, at=NOON), told("DESK", 1), told("DESK", 2)]
    assert changed(shop, *rows) == {"MUG": Decimal(7), "DESK": Decimal(2)}


def test_a_key_that_comes_again_far_later_replaces_what_came_of_it(shop: StockShop) -> None:
    between = [told("DESK", 1000)] * 1500
    plan = shop.plan(told("MUG", 7), told("LAMP", -1), *between, told("MUG", 1000), told("LAMP", 4))
    assert {change.sku for change in plan.changes} == {"LAMP"}
    assert (plan.equal, plan.refused) == (2, [])


def test_an_old_moment_alone_is_no_reason_to_refuse(shop: StockShop) -> None:
    assert changed(shop, told("MUG", 7, at=NOON - timedelta(days=4000))) == {"MUG": Decimal(7)}


def test_where_magento_has_no_level_one_is_planned_unless_it_would_be_zero(
    shop: StockShop,
) -> None:
    shop.add_source("north")
    plan = shop.plan(told("MUG", 5, "north"), told("DESK", 0, "north"))
    assert [(change.sku, change.old, change.new) for change in plan.changes] == [("MUG", 0, 5)]
    assert plan.equal == 1


def test_a_run_that_lets_everything_fall_to_zero_is_held_with_the_numbers(
    shop: StockShop,
) -> None:
    plan = shop.plan(*(told(sku, 0) for sku in STOCKED), whole=True, bounds={})
    count = len(STOCKED)
    assert plan.to_zero == count
    assert plan.held == (
        f"all that the ERP has would change {count} of {count} levels (100%) and let {count} fall "
        "to 0 (100%): more than domains.stock.bounds.run allows (changed: 30%, to_zero: 10%)"
    )


def test_a_run_that_changes_more_than_its_share_is_held(shop: StockShop) -> None:
    some = STOCKED[: len(STOCKED) // 3 + 1]
    assert shop.plan(*(told(sku, 5) for sku in some), bounds={}).held is not None
    few = STOCKED[: len(STOCKED) // 4]
    assert shop.plan(*(told(sku, 5) for sku in few), bounds={}).held is None


def test_the_share_is_of_the_sources_that_the_run_speaks_of(shop: StockShop) -> None:
    shop.add_source("north")
    for sku in STOCKED:
        shop.sql("INSERT INTO inventory_source_item (source_code, sku, quantity, status) "
                 "VALUES ('north', %s, 9, 1)", sku)  # fmt: skip
    plan = shop.plan(*(told(sku, 0, "north") for sku in STOCKED), bounds={})
    assert plan.known == len(STOCKED)
    assert plan.held is not None


def test_the_first_run_into_an_empty_source_waits_for_a_person(shop: StockShop) -> None:
    shop.add_source("north")
    plan = shop.plan(told("MUG", 5, "north"), bounds={})
    assert plan.held is not None
    assert "would change 1 of 1 levels (100%)" in plan.held


def test_refused_rows_count_neither_as_changes_nor_as_equal(shop: StockShop) -> None:
    plan = shop.plan(told("NOPE", 1), told("MUG", -1), bounds={})
    assert (len(plan.changes), plan.equal, plan.held) == (0, 0, None)
    assert len(plan.refused) == 2


def test_an_empty_run_is_nothing(shop: StockShop) -> None:
    plan = shop.plan()
    assert (plan.changes, plan.refused, plan.equal, plan.held) == ([], [], 0, None)
