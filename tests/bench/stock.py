"""Quantities that the ERP owns: 100,000 SKUs at three sources, compared and written by difference
into Magento's tables (fsync, Magento's own triggers on), on a run where a third changes, on one
where everything does, and on the same one again.

Then over and over while a shop sells and ships what is written: the order transactions of checkout
are compared with those of the same shop in the minutes before, one after the other, and with those
of a second shop on the same server in the same minutes, which pays for the busy machine alone.

Beside it what Magento's own route takes: `POST inventory/source-items` runs 35 to 40 statements for
one level and about 13 for each further one, each committed by itself (recorded on Magento 2.4.7);
here only the three UPDATEs among them are run, without PHP.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from decimal import Decimal
from multiprocessing.synchronize import Event
from statistics import median

import sqlalchemy as sa

from sidecar.database.connection import Database, Login
from sidecar.domains.stock.applier import StockApplier, open_stock
from sidecar.domains.stock.needs import INBOUND
from sidecar.domains.stock.news import StockLevel
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.applier import BesideMagento
from sidecar.magento.live_schema import read_schema
from sidecar.model.secret import Secret
from sidecar.settings.inbound import Stock
from sidecar.testing.magento_db import (
    CATALOGUE,
    MagentoDatabase,
    PrivateServer,
    Shop,
    create_magento,
)
from tests.bench import disturbance
from tests.bench.checkout import Till
from tests.bench.report import Report, at_most, percentile
from tests.bench.scale import Scale
from tests.bench.stand import version_named
from tests.servers import flavour_asked_for, is_mysql

SOURCES = ("default", "north", "south")
_FIRST_PRODUCT = 1000
_PRESENT = 500
_MAGENTO = "magento"
_STOCKED = [sku for sku, product in CATALOGUE.items() if product.has_stock]
#: A shop of this size has more than the 128 MiB of pool and 32 MiB of log that tests make do with.
_OF_A_SHOP = {"innodb_buffer_pool_size": "1G"} | (
    {"innodb_redo_log_capacity": "1G"} if is_mysql() else {"innodb_log_file_size": "512M"}
)
_LIFTED = {"bounds": {"run": {"changed": "100%", "to_zero": "100%"}}}


class TimedDatabase(Database):
    """Keeps how long each transaction that writes levels lasted, in milliseconds."""

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        self.milliseconds: list[float] = []

    @contextmanager
    def transaction(self, doing: str = "") -> Iterator[sa.Connection]:
        began = time.perf_counter()
        with super().transaction(doing) as connection:
            yield connection
        if doing == "writing stock levels":
            self.milliseconds.append(1000 * (time.perf_counter() - began))


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    with ExitStack() as undo:
        server = undo.enter_context(
            PrivateServer(fsync=True, flavour=flavour_asked_for(), options=_OF_A_SHOP)
        )
        shop, control = create_magento(server, _MAGENTO), create_magento(server, "control")
        report.server = version_named(_value(shop, "SELECT VERSION()"))
        skus = scale.pick(100_000, 20_000)
        _fill(shop, skus)
        database = undo.enter_context(closing(TimedDatabase(_login(server.socket))))
        _runs(report, shop, database, skus)
        _beside_checkout(report, shop, control, skus, scale)
        _magentos_route(report, shop, scale)


def _runs(report: Report, shop: MagentoDatabase, database: TimedDatabase, skus: int) -> None:
    applier = applier_of(database)
    levels = skus * len(SOURCES)
    limit = at_most(20 * skus / 100_000, "s")
    for name, share in (("a third changes", 3), ("all change", 1), ("the same again", 1)):
        quantity = _PRESENT + (2 if share == 1 else 1)
        asked = int(_value(shop, "SHOW GLOBAL STATUS LIKE 'Questions'", 1))
        began = time.perf_counter()
        plan = applier.plan(_told(skus, quantity, share), whole=True)
        planned = time.perf_counter()
        done = applier.write(plan, lambda: False)
        ended = time.perf_counter()
        asked = int(_value(shop, "SHOW GLOBAL STATUS LIKE 'Questions'", 1)) - asked
        report.add(f"{levels:,} levels, {name}", "s", [ended - began], limit)
        report.add("… of which comparing", "s", [planned - began])
        report.add("… rows written", "", [done.rows], at_most(0) if "again" in name else None)
        if done.rows:
            report.add("… statements for each row", "", [asked / done.rows])
    report.add("a transaction that writes: median", "ms", [median(database.milliseconds)])
    report.add("… 99 of 100", "ms", [percentile(database.milliseconds, 0.99)], at_most(50, "ms"))
    report.add("… the longest", "ms", [max(database.milliseconds)])


def _beside_checkout(
    report: Report, shop: MagentoDatabase, control: MagentoDatabase, skus: int, scale: Scale
) -> None:
    orders = scale.pick(1000, 200)
    tills = [Till(shop), Till(control)]
    with closing(tills[0].shop), closing(tills[1].shop):
        _sell(tills, 50)
        before = _deadlocks(shop)
        idle, _ = _sell(tills, orders)
        config = f"{shop.server.socket}\n{skus}"
        with disturbance.going_on(write_without_a_pause, config):
            busy, elsewhere = _sell(tills, orders)
        idle_too, _ = _sell(tills, orders)
    without = percentile([*idle, *idle_too], 0.99)
    report.add(
        "99 of 100 orders, runs without a pause: more than without",
        "ms",
        [percentile(busy, 0.99) - without],
        at_most(2, "ms"),
    )
    report.add(
        "… more than in another shop of the same server",
        "ms",
        [percentile(busy, 0.99) - percentile(elsewhere, 0.99)],
    )
    report.add("… median: more than without", "ms", [median(busy) - median([*idle, *idle_too])])
    report.add("… without, 99 of 100", "ms", [without])
    report.add("deadlocks", "", [_deadlocks(shop) - before], at_most(0))


def _sell(tills: Sequence[Till], orders: int) -> list[list[float]]:
    """Milliseconds per till; each order is shipped, which writes its levels."""
    found: list[list[float]] = [[] for _ in tills]
    for _ in range(orders):
        for till, own in zip(tills, found, strict=True):
            own.append(till.place())
            till.shop.ship(till.placed.entity_id)
    return found


def _magentos_route(report: Report, shop: MagentoDatabase, scale: Scale) -> None:
    items = scale.pick(3000, 500)
    with Shop(shop) as php:
        began = time.perf_counter()
        for number in range(items):
            php.save_stock(_STOCKED[number % len(_STOCKED)], 2000 + number)
        each = (time.perf_counter() - began) / items
    report.add("Magento's route: its three UPDATEs for each level", "ms", [1000 * each])
    report.add("… of 300,000 levels", "min", [300_000 * each / 60])
    report.note(
        "Magento's route takes 13 statements a level, not three, and PHP: 30–50 ms for one level "
        "by REST (recorded)."
    )


def write_without_a_pause(config: str, begun: Event, stop: Event) -> None:
    """Runs in which everything changes, the shop's own goods among it; in a process of its own."""
    socket, _, skus = config.partition("\n")
    with closing(Database(_login(socket))) as database:
        applier, quantity = applier_of(database), _PRESENT
        begun.set()
        while not stop.is_set():
            quantity = quantity + 1 if quantity < 2 * _PRESENT else _PRESENT
            rows = _told(int(skus), quantity)
            applier.write(applier.plan(rows, whole=True), stop.is_set)


def applier_of(database: Database) -> StockApplier:
    """As the daemon has it, its bounds lifted."""
    schema = read_schema(database, (), inbound=(INBOUND,))
    section = Stock.model_validate(_LIFTED)
    return open_stock(BesideMagento(schema, database, None, section, LedgerNames("ledger")))


def _told(skus: int, quantity: int, share: int = 1) -> Iterator[StockLevel]:
    """What the ERP has; every `share`th SKU has `quantity`, the others what was there."""
    for source in SOURCES:
        for sku in _STOCKED if source == "default" else ():
            yield StockLevel(sku=sku, source_code=source, quantity=Decimal(quantity))
        for number in range(skus - (len(_STOCKED) if source == "default" else 0)):
            told = quantity if number % share == 0 else _PRESENT
            yield StockLevel(sku=_sku(number), source_code=source, quantity=Decimal(told))


def _sku(number: int) -> str:
    return f"24-WB{number:06d}"


def _fill(shop: MagentoDatabase, skus: int) -> None:
    """Products with their levels and their rows in the table from before MSI."""
    with shop.connect(autocommit=False) as connection, connection.cursor() as cursor:
        for source in SOURCES[1:]:
            cursor.execute(
                "INSERT INTO inventory_source (source_code, name, country_id, postcode) "
                "VALUES (%s, %s, 'DE', '10115')",
                (source, source),
            )
        for first in range(0, skus, 10_000):
            numbers = range(first, min(first + 10_000, skus))
            cursor.executemany(
                "INSERT INTO catalog_product_entity (entity_id, attribute_set_id, sku) "
                "VALUES (%s, 4, %s)",
                [(_FIRST_PRODUCT + number, _sku(number)) for number in numbers],
            )
            cursor.execute(
                "INSERT INTO cataloginventory_stock_item (product_id, stock_id, qty, is_in_stock, "
                "manage_stock, website_id) SELECT entity_id, 1, %s, 1, 1, 0 "
                "FROM catalog_product_entity WHERE entity_id >= %s",
                (_PRESENT, _FIRST_PRODUCT + first),
            )
            cursor.execute(
                "INSERT INTO inventory_source_item (source_code, sku, quantity, status) "
                "SELECT s.source_code, p.sku, %s, 1 FROM catalog_product_entity p "
                "JOIN inventory_source s WHERE p.entity_id >= %s ORDER BY p.sku, s.source_code",
                (_PRESENT, _FIRST_PRODUCT + first),
            )
            connection.commit()
        cursor.execute("ANALYZE TABLE inventory_source_item, catalog_product_entity")


def _deadlocks(shop: MagentoDatabase) -> int:
    """On the whole server so far."""
    return int(
        _value(
            shop,
            "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'",
        )
    )


def _value(shop: MagentoDatabase, statement: str, column: int = 0) -> str:
    with shop.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchall()[0][column])


def _login(socket: object) -> Login:
    return Login("root", Secret(""), _MAGENTO, socket=str(socket))
