"""The rights that the ERP's stock adds: enough, none too many, none where they are no use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sidecar.capture.least_rights import inbound_needs
from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.stock.needs import INBOUND
from sidecar.install.grants import Role, grants_for
from sidecar.ledger.tables import LedgerNames
from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.settings.load import load
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.database.right_less import one_right_less
from tests.harness import bare_ledger, login
from tests.stock_shop import StockShop, stock_shop, told

USER = "quantities"
ACCOUNT = f"{USER}@localhost"
CONFIGURATION = """\
version: 1
shop:
  name: main
  timezone: UTC
  database: {{socket: {socket}, name: {name}, user: {user}, password: {{file: password}}}}
ledger: {{schema: {name}_ledger}}
erp: {{adapter: rest.generic, url: "http://127.0.0.1:9"}}
domains: {{stock: {stock}}}
"""


class Granted:
    """A shop whose account gets the rights that a test gives it, and no others."""

    def __init__(self, magento: MagentoDatabase, root: StockShop, folder: Path) -> None:
        self.magento = magento
        self.root = root
        self.folder = folder

    def printed(self, stock: str = "{}") -> list[str]:
        """What `grants print` prints, of what stands in this section."""
        file = self.folder / "sidecar.yaml"
        text = CONFIGURATION.format(
            socket=self.magento.server.socket, name=self.magento.name, user=USER, stock=stock
        )
        file.write_text(text, "utf-8")
        settings = load(file).settings
        inbound = inbound_needs(SPECS, settings.domains)
        there = [name for needs in inbound for name in needs.optional]
        return grants_for(settings, Role.DAEMON, ACCOUNT, SPECS, there=there).statements

    def grant(self, statements: list[str]) -> None:
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP USER IF EXISTS {ACCOUNT}")
            cursor.execute(f"CREATE USER {ACCOUNT}")
            for statement in statements:
                cursor.execute(statement)

    def walk(self, **settings: Any) -> str:
        """A run that makes, changes and copies a level; gives what it runs into."""
        self.root.reset()
        self.root.add_source("north")
        with closing(Database(login(self.magento, USER))) as database:
            names = LedgerNames(f"{self.magento.name}_ledger")
            shop = StockShop(self.magento, database, names)
            try:
                shop.write(told("MUG", 0), told("DESK", 4, "north"), **settings)
            except (PermissionDenied, ConfigurationError) as denied:
                return denied.message
        levels = self.root.levels()
        done = levels["MUG", "default"], levels["DESK", "north"], self.root.legacy("MUG")
        return "" if done == ((0, 0), (4, 1), (0, 0)) else f"wrote {done}"


@pytest.fixture(scope="module")
def granted(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    magento = create_magento(server, "stock_rights")
    folder = tmp_path_factory.mktemp("rights")
    (folder / "password").touch(mode=0o600)
    with bare_ledger(magento), stock_shop(magento) as root:
        yield Granted(magento, root, folder)
    magento.drop()


@pytest.mark.parametrize("basis", ["on_hand", "available"])
def test_exactly_what_is_printed_is_enough(granted: Granted, basis: str) -> None:
    granted.grant(granted.printed())
    assert granted.walk(basis=basis) == ""


def of_stock(statements: list[str]) -> list[str]:
    return [one for one in statements if re.search(r"`(inventory_|cataloginventory_|mview_)", one)]


def test_each_right_less_makes_it_fail_with_a_message_that_names_it(granted: Granted) -> None:
    without, printed = {}, granted.printed()
    for table, right, rest in one_right_less(of_stock(printed), printed):
        granted.grant(rest)
        without[table, right] = granted.walk(basis="available")

    assert {table for table, _ in without} == {*INBOUND.tables, *INBOUND.optional} - {
        "catalog_product_entity"
    }
    unnamed = {
        (table, right): said
        for (table, right), said in without.items()
        # A table that may not be read is said to be one, or to lack the columns that are unseen.
        if table not in said or (right != "SELECT" and right not in said)
    }
    assert unnamed == {}


def test_by_the_api_alone_nothing_may_be_written(granted: Granted) -> None:
    printed = of_stock(granted.printed("{write: rest}"))
    assert printed != []
    assert [one for one in printed if not one.startswith("GRANT SELECT")] == []


def test_where_the_erp_does_not_own_it_no_right_is_asked_for(granted: Granted) -> None:
    assert of_stock(granted.printed("{enabled: false}")) == []
