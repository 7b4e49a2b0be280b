"""An ERP that tells what is available: orders that it has are not taken off twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from sidecar.magento.applier import Written
from sidecar.model.errors import ConfigurationError
from sidecar.testing.magento_db import Line, PlacedOrder, PrivateServer, Shop, create_magento
from tests.harness import LedgerBench, bare_ledger
from tests.stock_shop import StockShop, pulled_after, stock_shop, told

AVAILABLE: dict[str, Any] = {"basis": "available"}


@pytest.fixture(scope="module")
def module_shop(server: PrivateServer) -> Iterator[tuple[StockShop, LedgerBench]]:
    magento = create_magento(server, "stock_available")
    with bare_ledger(magento) as ledger, stock_shop(magento) as shop:
        yield shop, ledger
    magento.drop()


@pytest.fixture
def shop(module_shop: tuple[StockShop, LedgerBench]) -> StockShop:
    module_shop[0].reset()
    module_shop[1].wipe()
    return module_shop[0]


@pytest.fixture
def ledger(shop: StockShop, module_shop: tuple[StockShop, LedgerBench]) -> LedgerBench:
    return module_shop[1]


@pytest.fixture
def php(shop: StockShop) -> Iterator[Shop]:
    with Shop(shop.magento) as writer:
        yield writer


def known(ledger: LedgerBench, *orders: PlacedOrder) -> None:
    """The sidecar has seen them."""
    for order in orders:
        ledger.sql(
            "INSERT INTO {entity} (kind, entity_id, number, state, status) "
            "VALUES ('order', %s, %s, 'new', 'pending')",
            order.entity_id, order.increment_id,
        )  # fmt: skip


def booked(ledger: LedgerBench, *orders: PlacedOrder, ended: str | None = None) -> None:
    """The ERP has them."""
    for order in orders:
        ledger.sql(
            "INSERT INTO {link} (kind, entity_id, reference, event, booked_at, updated_at, "
            "ended_at) VALUES ('order', %s, %s, 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), %s)",
            order.entity_id, f"SO-{order.increment_id}", ended,
        )  # fmt: skip


@contextmanager
def shipped_before(shop: StockShop, table: str, does: Callable[[], object]) -> Iterator[None]:
    """Let something happen right before the first statement of the applier that names a table."""
    done: list[object] = []

    def look(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if f"`{table}`" in statement and not done:
            done.append(does())

    sa.event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)
    assert done, f"nothing asked {table}"


def test_an_order_is_subtracted_once_from_placing_to_shipping(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    """docs/stock.md, step by step: 10 lie in the warehouse, an order takes 2 of them."""
    shop.write(told("LAMP", 10), **AVAILABLE)
    order = php.place([Line("LAMP", 2)])
    known(ledger, order)

    shop.write(told("LAMP", 10), **AVAILABLE)  # the ERP does not know the order yet
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (10, 8)

    booked(ledger, order)
    shop.write(told("LAMP", 8), **AVAILABLE)  # it has, and has subtracted it
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (10, 8)

    shop.write(told("LAMP", 8), **AVAILABLE)  # it has shipped, Magento does not know yet
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (10, 8)

    php.ship(order.entity_id)
    shop.write(told("LAMP", 8), **AVAILABLE)
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (8, 8)


def test_of_a_partial_shipment_what_is_still_reserved_counts(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    order = php.place([Line("LAMP", 5)])
    known(ledger, order)
    booked(ledger, order)
    php.ship(order.entity_id, qty=2)
    shop.write(told("LAMP", 95), **AVAILABLE)
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (98, 95)


def test_a_canceled_order_is_reserved_no_more(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    order = php.place([Line("LAMP", 2)])
    known(ledger, order)
    booked(ledger, order)
    php.cancel(order.entity_id)
    shop.write(told("LAMP", 10), **AVAILABLE)
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (10, 10)


def test_an_order_that_the_erp_took_out_again_is_one_that_it_does_not_have(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    order = php.place([Line("LAMP", 2)])
    known(ledger, order)
    booked(ledger, order, ended="2026-01-01")
    shop.write(told("LAMP", 10), **AVAILABLE)
    assert shop.salable("LAMP") == 8


def test_orders_of_both_kinds_are_told_apart_in_one_sum(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    has, has_not = php.place([Line("LAMP", 2)]), php.place([Line("LAMP", 3)])
    known(ledger, has, has_not)
    booked(ledger, has)
    shop.write(told("LAMP", 8), **AVAILABLE)  # of the 10 there, without the 2 that it has
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (10, 5)


def test_an_order_that_is_booked_while_the_erp_is_asked_is_not_added(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    """Read before it is asked, so that what is wrong sells too little, never too much."""
    order = php.place([Line("LAMP", 2)])
    known(ledger, order)
    applier = shop.applier(**AVAILABLE)
    rows = pulled_after(lambda: booked(ledger, order), [told("LAMP", 10)])
    applier.write(applier.plan(rows, whole=False), lambda: False)
    assert shop.salable("LAMP") == 8


def test_what_is_shipped_while_the_levels_are_read_is_left_alone(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    """Between the level, read before, and what is reserved for it, read after."""
    order = php.place([Line("LAMP", 2)])
    known(ledger, order)
    booked(ledger, order)
    applier = shop.applier(**AVAILABLE)
    with shipped_before(shop, "inventory_reservation", lambda: php.ship(order.entity_id)):
        plan = applier.plan(iter([told("LAMP", 998)]), whole=False)
    assert applier.write(plan, lambda: False) == Written(0, left=1)
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (998, 998)


def test_a_number_that_two_stores_share_counts_where_the_erp_has_both(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    order = php.place([Line("LAMP", 2)])
    twin = PlacedOrder(order.entity_id + 1000, order.increment_id, order.grand_total)
    known(ledger, order, twin)
    booked(ledger, order)
    shop.write(told("LAMP", 10), **AVAILABLE)
    assert shop.salable("LAMP") == 8
    booked(ledger, twin)
    shop.write(told("LAMP", 10), **AVAILABLE)
    assert shop.salable("LAMP") == 10


@pytest.mark.parametrize("metadata", [None, "", "no JSON", "[1]", '{"object_type": "rma"}'])
def test_a_reservation_that_names_no_order_is_one_that_the_erp_does_not_know(
    shop: StockShop, metadata: str | None
) -> None:
    shop.sql(
        "INSERT INTO inventory_reservation (stock_id, sku, quantity, metadata) "
        "VALUES (1, 'LAMP', -2, %s)",
        metadata,
    )
    shop.write(told("LAMP", 10), **AVAILABLE)
    assert shop.salable("LAMP") == 8


def test_what_is_on_hand_knows_no_reservation(
    shop: StockShop, ledger: LedgerBench, php: Shop
) -> None:
    order = php.place([Line("LAMP", 2)])
    known(ledger, order)
    booked(ledger, order)
    shop.write(told("LAMP", 10))
    assert (shop.quantity("LAMP"), shop.salable("LAMP")) == (10, 8)


def test_a_stock_of_several_sources_is_refused_with_their_names(shop: StockShop) -> None:
    shop.add_source("north", stock=1)
    with pytest.raises(ConfigurationError) as wrong:
        shop.plan(told("LAMP", 10), **AVAILABLE)
    assert "stock 1 has several sources (default, north)" in wrong.value.message
    assert "basis: on_hand" in wrong.value.remedy


def test_a_source_of_several_stocks_is_refused(shop: StockShop) -> None:
    shop.sql("INSERT INTO inventory_stock (stock_id, name) VALUES (9, 'Second')")
    shop.sql(
        "INSERT INTO inventory_source_stock_link (stock_id, source_code, priority) "
        "VALUES (9, 'default', 1)"
    )
    try:
        with pytest.raises(ConfigurationError) as wrong:
            shop.plan(told("LAMP", 10), **AVAILABLE)
    finally:
        shop.sql("DELETE FROM inventory_stock WHERE stock_id = 9")
    assert "source default belongs to several stocks" in wrong.value.message


def test_a_source_without_a_stock_has_no_reservations(shop: StockShop, php: Shop) -> None:
    shop.add_source("north")
    shop.write(told("LAMP", 10, "north"), **AVAILABLE)
    assert shop.quantity("LAMP", "north") == Decimal(10)
