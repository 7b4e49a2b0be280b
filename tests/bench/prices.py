"""Prices that the ERP owns: 100,000 SKUs, compared and written by difference through the stand-in
of Magento's REST API (a process of its own, over the same server, with fsync and Magento's own
triggers): where every base price changes, on the same run again, and where a tenth has special
prices and tiers beside it.

Then a tenth of them where Magento's input limits are on (20 records a call), and what the calls
would take Magento itself: 30 ms for a call of base prices, of one row or of six (recorded on
Magento 2.4.7 on such a machine; 18 to 29 statements).  A call of a hundred was not recorded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from decimal import Decimal
from typing import Any

from sidecar.database.connection import Database, Login
from sidecar.domains.prices.applier import PriceApplier, open_prices
from sidecar.domains.prices.needs import INBOUND
from sidecar.domains.prices.news import PriceLevel, TierPrice
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.applier import BesideMagento
from sidecar.magento.live_schema import read_schema
from sidecar.magento.rest.client import Address, Credentials, MagentoRest
from sidecar.model.secret import Secret
from sidecar.settings.inbound import Prices
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.bench.report import Report, at_most
from tests.bench.scale import Scale
from tests.bench.stand import version_named
from tests.servers import flavour_asked_for

_MAGENTO = "magento"
_FIRST_PRODUCT = 1000
_PRICE_ATTRIBUTE = 77
_PRESENT = Decimal("20.00")
#: What a call of base prices took a real Magento, in seconds.
_RECORDED = 0.03
_LIFTED = {"bounds": {"run": {"changed": "100%"}}}


class CountedApi(MagentoRest):
    """Keeps how many calls write."""

    calls = 0

    def post(self, path: str, body: Mapping[str, Any] | None, of: Any) -> Any:
        self.calls += 1
        return super().post(path, body, of)

    def put(self, path: str, body: Mapping[str, Any], of: Any) -> Any:
        self.calls += 1
        return super().put(path, body, of)


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    with ExitStack() as undo:
        server = undo.enter_context(PrivateServer(fsync=True, flavour=flavour_asked_for()))
        shop = create_magento(server, _MAGENTO)
        report.server = version_named(str(_value(shop, "SELECT VERSION()")))
        skus = scale.pick(100_000, 10_000)
        _fill(shop, skus)
        login = Login("root", Secret(""), _MAGENTO, socket=str(server.socket))
        database = undo.enter_context(closing(Database(login)))
        api = undo.enter_context(_served(shop))
        applier = _applier(database, api)
        _runs(report, applier, api, skus)
        _limited(report, shop, applier, api, skus // 10)


def _runs(report: Report, applier: PriceApplier, api: CountedApi, skus: int) -> None:
    limit = at_most(60 * skus / 100_000, "s")
    changed = Decimal("21.50")
    _run(report, f"{skus:,} prices, all change", applier, api, _told(skus, changed), limit)
    written = _run(
        report, f"{skus:,} prices, the same again", applier, api, _told(skus, changed), limit
    )
    report.add("… prices written", "", [written], at_most(0))
    few = skus // 10
    _run(report, f"{few:,} special prices with two tiers each", applier, api, _rich(few))


def _limited(
    report: Report, shop: MagentoDatabase, applier: PriceApplier, api: CountedApi, skus: int
) -> None:
    with shop.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_config_data (scope, scope_id, path, value) "
            "VALUES ('default', 0, 'webapi/validation/input_limit_enabled', '1')"
        )
    _run(report, f"{skus:,} prices, 20 a call", applier, api, _told(skus, Decimal("22.00")))


def _run(
    report: Report,
    name: str,
    applier: PriceApplier,
    api: CountedApi,
    rows: Iterator[PriceLevel],
    limit: Any = None,
) -> int:
    """Compare and write; how many were written."""
    before, began = api.calls, time.perf_counter()
    plan = applier.plan(rows, whole=True)
    planned = time.perf_counter()
    done = applier.write(plan, lambda: False)
    ended = time.perf_counter()
    if done.rows != len(plan.changes) or plan.refused:
        raise RuntimeError(f"{name}: {done.rows} of {len(plan.changes)} written, {plan.refused}")
    report.add(name, "s", [ended - began], limit)
    report.add("… of which comparing", "s", [planned - began])
    if calls := api.calls - before:
        report.add("… calls", "", [calls])
        report.add("… Magento itself, 30 ms a call", "s", [calls * _RECORDED])
    return done.rows


@contextmanager
def _served(shop: MagentoDatabase) -> Iterator[CountedApi]:
    """The stand-in as a process, and a client that is logged in."""
    command = [sys.executable, "-m", "sidecar.testing.magento_rest",
               "--socket", str(shop.server.socket), "--database", shop.name]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the stand-in has no output")
            announced = json.loads(process.stdout.readline())
            admin = announced["admin"]
            yield CountedApi(
                Address(announced["url"]),
                Credentials(user=admin["username"], password=Secret(admin["password"])),
            )
        finally:
            process.terminate()


def _applier(database: Database, api: MagentoRest) -> PriceApplier:
    """As the daemon has it, its bound lifted."""
    schema = read_schema(database, (), inbound=(INBOUND,))
    section = Prices.model_validate(_LIFTED)
    return open_prices(BesideMagento(schema, database, api, section, LedgerNames("ledger")))


def _told(skus: int, price: Decimal) -> Iterator[PriceLevel]:
    for number in range(skus):
        yield PriceLevel(sku=_sku(number), price=price)


def _rich(skus: int) -> Iterator[PriceLevel]:
    tiers = (
        TierPrice(quantity=Decimal(5), price=Decimal(17)),
        TierPrice(quantity=Decimal(10), price=Decimal(16), customer_group="Wholesale"),
    )
    for number in range(skus):
        yield PriceLevel(sku=_sku(number), special_price=Decimal(18), tier_prices=tiers)


def _sku(number: int) -> str:
    return f"24-WB{number:06d}"


def _fill(shop: MagentoDatabase, skus: int) -> None:
    """Products with their price."""
    with shop.connect(autocommit=False) as connection, connection.cursor() as cursor:
        for first in range(0, skus, 10_000):
            numbers = range(first, min(first + 10_000, skus))
            cursor.executemany(
                "INSERT INTO catalog_product_entity (entity_id, attribute_set_id, sku) "
                "VALUES (%s, 4, %s)",
                [(_FIRST_PRODUCT + number, _sku(number)) for number in numbers],
            )
            cursor.executemany(
                "INSERT INTO catalog_product_entity_decimal "
                "(attribute_id, store_id, entity_id, value) VALUES (%s, 0, %s, %s)",
                [(_PRICE_ATTRIBUTE, _FIRST_PRODUCT + number, _PRESENT) for number in numbers],
            )
            connection.commit()
        cursor.execute("ANALYZE TABLE catalog_product_entity, catalog_product_entity_decimal")


def _value(shop: MagentoDatabase, statement: str) -> object:
    with shop.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()[0][0]
