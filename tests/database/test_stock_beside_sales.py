"""Quantities are written while the shop sells and ships: no sale is undone, nobody waits long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from sidecar.testing.magento_db import Line, PrivateServer, Shop, create_magento
from tests.stock_shop import StockShop, stock_shop, told

SKUS = ("MUG", "TEAPOT", "DESK", "LAMP")


@pytest.fixture
def shop(server: PrivateServer) -> Iterator[StockShop]:
    magento = create_magento(server, "stock_sales")
    with stock_shop(magento) as made:
        yield made
    magento.drop()


class Seller(threading.Thread):
    """Places and ships one order after the other; keeps what Magento's adapter raised."""

    def __init__(self, shop: StockShop, skus: tuple[str, ...]) -> None:
        super().__init__()
        self._shop = shop
        self._skus = skus
        self._moved = threading.Condition()
        self.ended = threading.Event()
        self.shipped = 0
        self.raised: list[Exception] = []

    def wait_for(self, shipped: int) -> None:
        """Until so many were shipped, or it failed."""
        with self._moved:
            assert self._moved.wait_for(lambda: self.shipped >= shipped or self.raised, 30)

    def run(self) -> None:
        with Shop(self._shop.magento) as php:
            while not self.ended.is_set():
                try:
                    php.ship(php.place([Line(sku) for sku in self._skus]).entity_id)
                except Exception as error:  # noqa: BLE001  # a deadlock, say: the test looks at it
                    self.raised.append(error)
                with self._moved:
                    self.shipped += not self.raised
                    self._moved.notify_all()
                if self.raised:
                    return


@contextmanager
def selling(shop: StockShop, *sellers: tuple[str, ...]) -> Iterator[list[Seller]]:
    threads = [Seller(shop, skus) for skus in sellers]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.ended.set()
        for thread in threads:
            thread.join()


def test_sales_in_both_orders_of_the_rows_meet_no_deadlock(shop: StockShop) -> None:
    applier = shop.applier()
    written = 0
    with selling(shop, SKUS) as (seller,):
        for number in range(2000, 2060):
            rows = [told(sku, number) for sku in reversed(SKUS)]
            written += applier.write(applier.plan(iter(rows), whole=False), lambda: False).rows
        seller.wait_for(3)
    assert seller.raised == []
    assert written > 0


def test_what_is_shipped_meanwhile_is_never_undone(shop: StockShop) -> None:
    """Each plan is made once, and written while the shop ships: either it was first, or it gave
    way; afterwards as many pieces are missing as were shipped after the last write."""
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 5000), told("DESK", 5000)]), whole=False)
    with selling(shop, ("MUG",)) as (seller,):
        seller.wait_for(2)
        done = applier.write(plan, lambda: False)
        seller.wait_for(4)
    assert seller.raised == []
    assert (done.rows, done.left) == (1, 1)
    assert shop.quantity("MUG") == Decimal(1000 - seller.shipped)
    assert shop.quantity("DESK") == 5000
