"""The daemon dies while it carries the ERP's news into Magento: nothing lost, nothing twice.

A shipment that is made twice is a parcel that is sent twice.  The warehouse repeats, mixes up the
order and tells late; Magento's API is the stand-in, which books again whatever is posted again.
"""

from __future__ import annotations

import os
import random
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.constants import ER

from sidecar.host.crash_point import INBOUND_PLACES, VARIABLE
from sidecar.testing.magento_db import Line, PlacedOrder, PrivateServer, Shop
from sidecar.testing.magento_rest import ADMIN, PASSWORD, MagentoRest, Misbehaviour
from tests.crash.warehouse import Warehouse, calls_of, warehouse
from tests.rig import Rig, Telling

#: Deaths at each place, and at random; `make crash` asks for more.
ROUNDS = int(os.environ.get("ERP_SIDECAR_CRASHES_PER_PLACE", "1"))
KILLS = int(os.environ.get("ERP_SIDECAR_NEWS_KILLS", "6"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261130"))
#: In which the warehouse tells.
PROTOCOL = pytest.mark.parametrize("protocol", ["rest", "soap"])

_LIFECYCLE = """\
states:
  OPEN:     {meaning: final}
  POSTED:   {meaning: posted, do: [comment], comment: "the ERP posted {reference}"}
  INVOICED: {meaning: invoiced, do: [comment, invoice], comment: "the ERP invoiced {reference}"}
  CLOSED:   {meaning: closed, do: [comment], comment: "the ERP closed {reference}"}
transitions:
  OPEN:     [POSTED]
  POSTED:   [INVOICED]
  INVOICED: [CLOSED]
passing: true
"""
_COMMENTS = ("the ERP posted", "the ERP invoiced", "the ERP closed")
_DOMAINS = """\
  order_status: {erp: wms, every: 200ms, overlap: 20s, lifecycle: lifecycle.yaml}
  shipments: {owner: erp, erp: wms, every: 200ms, overlap: 20s}
  stock:
    owner: erp
    erp: wms
    every: 200ms
    overlap: 20s
    bounds: {run: {changed: 100%, to_zero: 100%}}
"""
#: Each delivery takes one of these; the levels that are told are of other SKUs.
_CART = (Line("MUG", 3), Line("LAMP"))
_LEVELS = ("DESK", "SCREW")


@dataclass
class Stand:
    """A shop with its API, an ERP that takes orders, a warehouse that tells, and the daemon's rig.

    `told`: what the warehouse has told of deliveries, number → order.
    """

    rig: Rig
    shop: Shop
    rest: MagentoRest
    warehouse: Warehouse
    rng: random.Random
    orders: list[PlacedOrder] = field(default_factory=list)
    told: dict[str, PlacedOrder] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)

    def sell(self, count: int) -> None:
        """Orders that the ERP takes."""
        daemon = self.rig.start()
        placed = [self.shop.place(_CART) for _ in range(count)]
        self.orders += placed
        self.rig.until(lambda: self.rig.unacknowledged() == 0)
        self.rig.kill(daemon)

    def tell(self, order: PlacedOrder) -> None:
        """Of one order: two deliveries, all its states; and how much there is of something else."""
        for sku, quantity in (("MUG", 2), ("LAMP", 1)):
            number = f"L-{len(self.told) + 1}"
            self.told[number] = order
            lines = [{"sku": sku, "qty": quantity}]
            self.warehouse.tell("deliveries", number=number, order=order.increment_id, lines=lines)
        self.warehouse.tell_in_order(
            "states",
            [
                {"order": order.increment_id, "state": state}
                for state in ("POSTED", "INVOICED", "CLOSED")
            ],
        )
        for sku in _LEVELS:
            self.levels[sku] = self.rng.randrange(1, 500)
            self.warehouse.rows["levels"] = [
                row for row in self.warehouse.rows.get("levels", []) if row["sku"] != sku
            ]
            self.warehouse.tell("levels", sku=sku, quantity=self.levels[sku])

    def let_pass(self, seconds: int) -> None:
        """What waits for time in the ledger is due: a test does not wait a minute for it."""
        ledger = f"{self.rig.magento.name}_ledger"
        with self.rig.magento.connect() as connection, connection.cursor() as cursor:
            try:
                cursor.execute(
                    f"UPDATE {ledger}.incoming SET asked_at = asked_at - INTERVAL %s SECOND, "
                    "due_at = due_at - INTERVAL %s SECOND WHERE status IN ('waiting', 'asked')",
                    (seconds, seconds),
                )
                connection.commit()
            except pymysql.OperationalError as error:
                # It locks what the daemon is settling; the next time will do.
                if error.args[0] != ER.LOCK_DEADLOCK:
                    raise

    def amiss(self) -> list[str]:
        """What Magento lacks of what was told, or has too often; the ledger is not asked."""
        marks, comments, invoices, shipped, levels = self.rig.look(
            "SELECT comment FROM sales_shipment_comment",
            "SELECT parent_id, comment FROM sales_order_status_history "
            "WHERE comment LIKE 'the ERP %'",
            "SELECT order_id, COUNT(*) FROM sales_invoice GROUP BY order_id",
            "SELECT order_id, SUM(qty) FROM sales_shipment_item i JOIN sales_shipment s "
            "ON s.entity_id = i.parent_id GROUP BY order_id",
            "SELECT sku, quantity FROM inventory_source_item WHERE source_code = 'default'",
        )
        told_of = {order.entity_id for order in self.told.values()}
        wanted: dict[str, Counter[Any]] = {
            "shipments": Counter(f"ERP delivery {number} (wms)" for number in self.told),
            "comments": Counter((order, text) for order in told_of for text in _COMMENTS),
            "invoices": Counter(told_of),
            "quantities": Counter(dict.fromkeys(told_of, 3)),
            "levels": Counter(self.levels),
        }
        there: dict[str, Counter[Any]] = {
            "shipments": Counter(comment for (comment,) in marks),
            # States that were passed between two answers are told together, a line each.
            "comments": Counter(
                (order, line.strip()) for order, text in comments for line in text.splitlines()
            ),
            "invoices": Counter(dict(invoices)),
            "quantities": Counter({order: int(qty) for order, qty in shipped}),
            "levels": Counter({sku: int(qty) for sku, qty in levels if sku in self.levels}),
        }
        return [
            f"{what}: missing {dict(wanted[what] - there[what])}, "
            f"too many {dict(there[what] - wanted[what])}"
            for what in wanted
            if wanted[what] != there[what]
        ]

    def until_right(self, seconds: float = 90.0) -> None:
        """Wait for the daemon to bring all of it into Magento, then look once more."""

        def is_right() -> bool:
            self.let_pass(5)
            return not self.amiss()

        try:
            self.rig.until(is_right, seconds)
        except AssertionError as late:
            raise AssertionError(
                f"{self.amiss()}\n{self.rig.sidecar('incoming', 'list')}"
            ) from late

    def asks_again(self) -> None:
        """Wait until each domain was asked anew: what is repeated then does nothing."""
        before = self.warehouse.asked
        self.rig.until(lambda: self.warehouse.asked >= before + 12)
        assert self.amiss() == []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def stand(server: PrivateServer, folder: Path, name: str, protocol: str) -> Iterator[Stand]:
    (folder / "lifecycle.yaml").write_text(_LIFECYCLE, "utf-8")
    (folder / "admin").touch(mode=0o600)
    (folder / "admin").write_text(PASSWORD, "utf-8")
    (folder / "wms.yaml").write_text(calls_of(protocol), "utf-8")
    with warehouse(SEED, protocol) as told:
        # The configuration names the stand-in, which needs the shop that the rig makes.
        port = _free_port()
        telling = Telling(
            api=f"  api: {{url: 'http://127.0.0.1:{port}', admin: {{user: {ADMIN}, password: "
            "{file: admin}}, timeout: {connect: 1s, read: 2s}}\n",
            accounts=f"  wms: {{{told.account}, calls: wms.yaml, "
            "throttle: {concurrency: 2, requests: 60000/min, reserve: 0%}}\n",
            domains=_DOMAINS,
        )
        with (
            Rig(server, folder, name, telling=telling) as rig,
            Shop(rig.magento) as shop,
            MagentoRest(shop, port=port) as rest,
        ):
            yield Stand(rig, shop, rest, told, random.Random(SEED))


@PROTOCOL
@pytest.mark.timeout(3600)
def test_a_death_at_any_named_place_of_the_erps_news_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path, protocol: str
) -> None:
    with stand(server, tmp_path, f"crash_inbound_{protocol}", protocol) as bench:
        places = INBOUND_PLACES * ROUNDS
        bench.sell(len(places))
        for place, order in zip(places, list(bench.orders), strict=True):
            bench.tell(order)
            daemon = bench.rig.start(**{VARIABLE: f"{place}:1"})
            daemon.wait(60)
            assert daemon.returncode == -signal.SIGKILL, f"{place}: {bench.rig.log_tail()}"
            bench.let_pass(60)
        bench.rig.start()
        bench.until_right()
        bench.asks_again()


@PROTOCOL
@pytest.mark.timeout(7200)
def test_a_daemon_killed_at_random_instants_carries_each_news_once(
    server: PrivateServer, tmp_path: Path, protocol: str
) -> None:
    with stand(server, tmp_path, f"crash_news_{protocol}", protocol) as bench:
        bench.sell(KILLS)
        for order in list(bench.orders):
            asked = bench.warehouse.asked
            bench.tell(order)
            # An answer of Magento that is lost, beside the death.
            bench.rest.misbehave(Misbehaviour.DROP_AFTER, "order/*/ship")
            daemon = bench.rig.start()
            bench.rig.until(lambda asked=asked: bench.warehouse.asked > asked)  # type: ignore[misc]
            bench.rig.wait_or_exit(daemon, bench.rng.uniform(0.0, 0.5))
            bench.rig.kill(daemon)
            bench.let_pass(60)
        bench.rest.faults.clear()
        bench.rig.start()
        bench.until_right()
        bench.asks_again()


@PROTOCOL
@pytest.mark.timeout(600)
def test_a_restored_ledger_reads_again_and_makes_nothing_twice(
    server: PrivateServer, tmp_path: Path, protocol: str
) -> None:
    """Its cursor is of yesterday, and it knows of no delivery that was made since."""
    with stand(server, tmp_path, f"crash_restored_{protocol}", protocol) as bench:
        bench.sell(2)
        for order in list(bench.orders):
            bench.tell(order)
        daemon = bench.rig.start()
        bench.until_right()
        bench.rig.kill(daemon)
        ledger = f"{bench.rig.magento.name}_ledger"
        with bench.rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"UPDATE {ledger}.cursor SET since = since - INTERVAL 1 DAY")
            cursor.execute(f"DELETE FROM {ledger}.incoming WHERE domain = 'shipments'")
            connection.commit()
        bench.rig.start()
        bench.rig.until(lambda: bench.rig.log_events()["inbound.applied"] >= 2 * len(bench.told))
        bench.asks_again()
