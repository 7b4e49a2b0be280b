"""A shop whose quantities the ERP owns, and the applier that carries them into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.database.connection import Database
from sidecar.domains.stock.applier import StockApplier, open_stock
from sidecar.domains.stock.needs import INBOUND
from sidecar.domains.stock.news import StockLevel
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.applier import BesideMagento, Plan, Refusal, Written
from sidecar.magento.live_schema import read_schema
from sidecar.magento.rest.client import Limits
from sidecar.magento.rest.errors import MagentoRefused
from sidecar.magento.rest.stock import SourceItem
from sidecar.settings.inbound import Stock
from sidecar.testing.magento_db import MagentoDatabase
from tests.harness import login

#: Lifts the bounds of a run, for tests of rows in a shop of some twenty SKUs.
UNBOUND: Mapping[str, Any] = {"bounds": {"run": {"changed": "100%", "to_zero": "100%"}}}


def told(sku: str, quantity: str | int, source: str = "default", at: Any = None) -> StockLevel:
    return StockLevel(sku=sku, source_code=source, quantity=Decimal(quantity), at=at)


@dataclass
class RecordedApi:
    """Magento's REST API as far as a writer meets it: writes what it is told, refuses some SKUs."""

    magento: MagentoDatabase
    refuses: frozenset[str] = frozenset()
    calls: list[list[SourceItem]] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)

    def post(self, path: str, body: Mapping[str, Any], of: object) -> Any:
        assert path == "inventory/source-items"
        rows: list[SourceItem] = body["sourceItems"]
        self.calls.append(rows)
        if any(row.sku in self.refuses for row in rows):
            raise MagentoRefused("Could not save Source Item")
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self.magento.table('inventory_source_item')} (source_code, sku, "
                "quantity, status) VALUES (%(source_code)s, %(sku)s, %(quantity)s, %(status)s) "
                "ON DUPLICATE KEY UPDATE quantity = VALUES(quantity), status = VALUES(status)",
                [msgspec.structs.asdict(row) for row in rows],
            )
        return []


@dataclass
class StockShop:
    """`levels` and `legacy` are read as root; the applier works as `database` is logged in."""

    magento: MagentoDatabase
    database: Database
    names: LedgerNames

    def applier(self, api: RecordedApi | None = None, **settings: Any) -> StockApplier:
        schema = read_schema(self.database, (), self.magento.prefix, inbound=(INBOUND,))
        section = Stock.model_validate({**UNBOUND, **settings})
        return open_stock(BesideMagento(schema, self.database, api, section, self.names))

    def plan(self, *rows: StockLevel, whole: bool = False, **settings: Any) -> Plan:
        return self.applier(**settings).plan(iter(rows), whole=whole)

    def write(self, *rows: StockLevel, **settings: Any) -> Written:
        """Plan and write at once."""
        applier = self.applier(**settings)
        plan = applier.plan(iter(rows), whole=False)
        assert plan.held is None, plan.held
        return applier.write(plan, lambda: False)

    def refused(self, *rows: StockLevel, **settings: Any) -> list[Refusal]:
        return list(self.plan(*rows, **settings).refused)

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall())

    def levels(self) -> dict[tuple[str, str], tuple[Any, int]]:
        """(SKU, source) → quantity and status, of all."""
        rows = self.sql("SELECT sku, source_code, quantity, status FROM inventory_source_item")
        return {(sku, source): (quantity, status) for sku, source, quantity, status in rows}

    def level(self, sku: str, source: str = "default") -> tuple[Any, int] | None:
        return self.levels().get((sku, source))

    def quantity(self, sku: str, source: str = "default") -> Any:
        return self.levels()[sku, source][0]

    def legacy(self, sku: str) -> tuple[Any, int]:
        """Quantity and is_in_stock in the table from before MSI."""
        ((quantity, status),) = self.sql(
            "SELECT s.qty, s.is_in_stock FROM cataloginventory_stock_item s "
            "JOIN catalog_product_entity p ON p.entity_id = s.product_id WHERE p.sku = %s",
            sku,
        )
        return quantity, status

    def salable(self, sku: str, stock: int = 1) -> Any:
        """What Magento would sell: what lies there, and its reservations."""
        ((quantity,),) = self.sql(
            "SELECT (SELECT SUM(i.quantity) FROM inventory_source_item i JOIN "
            "inventory_source_stock_link l ON l.source_code = i.source_code "
            "WHERE l.stock_id = %s AND i.sku = %s) + COALESCE((SELECT SUM(r.quantity) FROM "
            "inventory_reservation r WHERE r.stock_id = %s AND r.sku = %s), 0)",
            stock, sku, stock, sku,
        )  # fmt: skip
        return Decimal(quantity)

    def add_source(self, code: str, *, enabled: bool = True, stock: int | None = None) -> None:
        self.sql(
            "INSERT INTO inventory_source (source_code, name, enabled, country_id, postcode) "
            "VALUES (%s, %s, %s, 'DE', '10115')",
            code, code, int(enabled),
        )  # fmt: skip
        if stock is not None:
            self.sql(
                "INSERT INTO inventory_source_stock_link (stock_id, source_code, priority) "
                "VALUES (%s, %s, 1)",
                stock, code,
            )  # fmt: skip

    def noted(self, view: str) -> int:
        """How many changes Magento's own triggers noted for an indexer."""
        ((count,),) = self.sql(f"SELECT COUNT(*) FROM {view}_cl")
        return int(count)

    def reset(self) -> None:
        """As it was made: 1000 of everything in the default source."""
        self.sql("DELETE FROM inventory_source WHERE source_code <> 'default'")
        self.sql("DELETE FROM inventory_reservation")
        self.sql("DELETE FROM core_config_data WHERE path LIKE 'cataloginventory/%%'")
        self.sql("UPDATE inventory_source_item SET quantity = 1000, status = 1")
        self.sql(
            "UPDATE cataloginventory_stock_item s JOIN catalog_product_entity p "
            "ON p.entity_id = s.product_id JOIN inventory_source_item i ON i.sku = p.sku "
            "SET s.qty = 1000, s.is_in_stock = 1, s.min_qty = 0, s.use_config_min_qty = 1, "
            "s.backorders = 0, s.use_config_backorders = 1"
        )
        self.sql("UPDATE mview_state SET mode = 'enabled'")


@contextmanager
def stock_shop(magento: MagentoDatabase) -> Iterator[StockShop]:
    database = Database(login(magento))
    try:
        yield StockShop(magento, database, LedgerNames(f"{magento.name}_ledger"))
    finally:
        database.close()


def pulled_after(does: Callable[[], object], rows: Iterable[StockLevel]) -> Iterator[StockLevel]:
    """Rows of an ERP that is asked as they are pulled; `does` happens right before its answer."""
    does()
    yield from rows
