"""The rights that the ERP's prices add: enough, none too many, none where they are no use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sidecar.capture.least_rights import inbound_needs
from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.prices.needs import INBOUND
from sidecar.install.grants import Role, grants_for
from sidecar.magento.applier import Written
from sidecar.magento.live_schema import SHOP
from sidecar.model.errors import PermissionDenied
from sidecar.settings.load import load
from sidecar.testing.magento_db import PrivateServer, create_magento
from tests.harness import bare_ledger, login
from tests.prices_shop import PricesShop, prices_shop, tier, told

USER = "pricing"
ACCOUNT = f"{USER}@localhost"
CONFIGURATION = """\
version: 1
shop:
  name: main
  timezone: UTC
  database: {{socket: {socket}, name: {name}, user: {user}, password: {{file: password}}}}
ledger: {{schema: {name}_ledger}}
erp: {{adapter: rest.generic, url: "http://127.0.0.1:9"}}
domains: {{prices: {prices}}}
"""


class Granted:
    """A shop whose account gets the rights that a test gives it, and no others."""

    def __init__(self, root: PricesShop, folder: Path) -> None:
        self.root = root
        self.folder = folder

    def printed(self, prices: str = "{}") -> list[str]:
        """What `grants print` prints, of what stands in this section."""
        magento, file = self.root.magento, self.folder / "sidecar.yaml"
        text = CONFIGURATION.format(
            socket=magento.server.socket, name=magento.name, user=USER, prices=prices
        )
        file.write_text(text, "utf-8")
        settings = load(file).settings
        assert len(inbound_needs(SPECS, settings.domains)) == (prices == "{}")
        return grants_for(settings, Role.DAEMON, ACCOUNT, SPECS).statements

    def grant(self, statements: list[str]) -> None:
        with self.root.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP USER IF EXISTS {ACCOUNT}")
            cursor.execute(f"CREATE USER {ACCOUNT}")
            for statement in statements:
                cursor.execute(statement)

    def walk(self) -> str:
        """A run that changes a price of each kind; gives what it runs into."""
        root = self.root
        root.reset()
        row = told("MUG", 9, special=8, first="2026-11-27", tiers=(tier(5, 7, "Wholesale"),))
        with closing(Database(login(root.magento, USER))) as database:
            shop = PricesShop(root.magento, database, root.served, root.api)
            try:
                return "" if shop.write(row, told("GIFTBOX", 60)) == Written(2) else "not written"
            except PermissionDenied as denied:
                return denied.message


@pytest.fixture(scope="module")
def granted(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    magento = create_magento(server, "prices_rights")
    folder = tmp_path_factory.mktemp("rights")
    (folder / "password").touch(mode=0o600)
    with bare_ledger(magento), prices_shop(magento) as root:
        yield Granted(root, folder)
    magento.drop()


def of_prices(statements: list[str]) -> dict[str, str]:
    """Table → the statement."""
    mine = INBOUND.tables.keys() - SHOP.keys()
    tables = {one: one.partition(" ON ")[2].split("`")[3] for one in statements if "`.`" in one}
    return {table: one for one, table in tables.items() if table in mine}


def test_exactly_what_is_printed_is_enough_and_nothing_may_be_written(granted: Granted) -> None:
    printed = granted.printed()
    granted.grant(printed)
    assert granted.walk() == ""
    assert {one.partition(" ON ")[0] for one in of_prices(printed).values()} == {"GRANT SELECT"}


def test_each_right_less_makes_it_fail_with_a_message_that_names_its_table(
    granted: Granted,
) -> None:
    printed = granted.printed()
    rights = of_prices(printed)
    unnamed = {}
    for table, right in rights.items():
        granted.grant([one for one in printed if one != right])
        said = granted.walk()
        if table not in said:
            unnamed[table] = said
    assert rights.keys() == INBOUND.tables.keys() - SHOP.keys()
    assert unnamed == {}


def test_where_the_erp_does_not_own_them_no_right_is_asked_for(granted: Granted) -> None:
    # These two are read with the orders.
    others = {"catalog_product_entity", "customer_group"}
    assert of_prices(granted.printed("{enabled: false}")).keys() == others
