"""A shop, its ERP and the installed package on the machine that runs systemd."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pymysql

from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.pipeline import DEMO_CALLS
from tests.systemd.container import Container

PROJECT = Path(__file__).parents[2]
PACKAGE = "magento-erp-sidecar"
UNIT = "erp-sidecar.service"
FOLDER = "/etc/erp-sidecar"
ERP_PORT = 8900
ERP_URL = f"http://127.0.0.1:{ERP_PORT}/api/v2"
_ASKS_THE_ERP = """
import json, sys
from sidecar.testing.erpsim import ErpSimClient
erp = ErpSimClient(sys.argv[1])
name, settings = json.loads(sys.argv[2])
if name:
    erp.rule(name, **settings)
print(json.dumps([document.external for document in erp.documents()]))
"""


class TheirServer(PrivateServer):
    """The container's database server, as the shop's tables are made in it."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def connect(
        self, database: str | None = None, user: str = "root", password: str = "", **kw: Any
    ) -> pymysql.Connection[Any]:
        return self._container.connect(database=database, **kw)


class Erp:
    """The simulator in the container's network, with books that outlive it."""

    def __init__(self, container: Container, books: Path) -> None:
        self._container = container
        self._books = books
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._container.beside(
                *(sys.executable, "-m", "sidecar.testing.erpsim", "--port", str(ERP_PORT)),
                *("--state-file", str(self._books), "--until-stdin-closes"),
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        assert self._process.stdout.readline(), "the ERP simulator does not start"

    def stop(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def bookings(self) -> list[str]:
        """The order number of every document."""
        return self._ask(None)

    def rule(self, name: str, **settings: object) -> None:
        self._ask(name, **settings)

    def _ask(self, name: str | None, **settings: object) -> list[str]:
        asked = subprocess.run(
            self._container.beside(
                *(sys.executable, "-c", _ASKS_THE_ERP, ERP_URL),
                json.dumps([name, settings]),
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        return list(json.loads(asked.stdout))


class Machine:
    """`magento`: the shop of erp-sidecar.service; another one for each instance."""

    def __init__(self, container: Container, folder: Path) -> None:
        self.container = container
        self.server = TheirServer(container)
        self.erp = Erp(container, folder / "books")
        self.magento = create_magento(self.server, "magento")
        self.shops = {"magento": self.magento}

    def another_shop(self, name: str) -> MagentoDatabase:
        """A second shop on the same server, with order numbers of its own."""
        self.shops[name] = create_magento(self.server, name)
        with self.server.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE sequence_order_1 AUTO_INCREMENT = 500000")
        return self.shops[name]

    def configuration(self, name: str) -> str:
        """As the examples have it: the file of calls lies beside.

        Leases of ten minutes: who waits for one to run out waits for longer than a test may take.
        """
        return (
            "version: 1\n"
            f"shop: {{name: {name}, timezone: UTC, database: {{socket: /run/mysqld/mysqld.sock, "
            f"name: {name}, user: {name}_erp, password: {{{self.secret(name)}}}}}}}\n"
            f"ledger: {{schema: {name}_ledger, work_lease: 10min}}\n"
            f"erp: {{adapter: rest.generic, calls: calls.yaml, url: '{ERP_URL}'}}\n"
            "domains: {orders: {gate: {payment: {default: always}}, lease: 10min, "
            "unknown: {probe_after: 1s, trust_absence_after: 5s}}}\n"
        )

    def secret(self, name: str) -> str:
        """The shop's as a credential, an instance's in a file."""
        return "credential: shop-password" if name == "magento" else f"file: {name}.password"

    def configure(self, name: str = "magento", file: str = "sidecar.yaml") -> None:
        """Write the configuration, make the daemon's account, install into the database."""
        container = self.container
        with self.server.connect() as connection, connection.cursor() as cursor:
            account = f"{name}_erp@localhost"
            cursor.execute(f"CREATE OR REPLACE USER {account} IDENTIFIED BY 'Secret-of-{name}'")
        container.write(f"{FOLDER}/calls.yaml", DEMO_CALLS)
        container.write(f"{FOLDER}/{file}", self.configuration(name))
        password = f"Secret-of-{name}\n"
        if name == "magento":
            container.write(f"{FOLDER}/secrets/shop-password", password, mode=0o600)
            drop_in = f"[Service]\nLoadCredential=shop-password:{FOLDER}/secrets/shop-password\n"
            container.write(f"/etc/systemd/system/{UNIT}.d/secrets.conf", drop_in)
            container.run("systemctl", "daemon-reload")
        else:
            container.write(f"{FOLDER}/{name}.password", password, mode=0o600, owner="erp-sidecar")
        container.run(
            *("erp-sidecar", "--config", f"{FOLDER}/{file}", "install", "--user", "root"),
            environment={"CREDENTIALS_DIRECTORY": f"{FOLDER}/secrets"},
        )

    def sell(self, orders: int = 1, magento: MagentoDatabase | None = None) -> list[str]:
        """Customers buy; their order numbers."""
        with Shop(magento or self.magento) as shop:
            return [shop.place().increment_id for _ in range(orders)]

    def until_booked(self, *numbers: str) -> None:
        """Wait until the ERP has these orders, each once, and Magento knows."""
        self.container.until(
            lambda: set(numbers) <= set(self.erp.bookings()), f"not booked: {numbers}"
        )
        self.container.until(lambda: not self.unanswered(), "not acknowledged in Magento")
        booked = self.erp.bookings()
        assert {number: booked.count(number) for number in numbers} == dict.fromkeys(numbers, 1)

    def unanswered(self) -> int:
        return sum(
            int(self.sql(f"SELECT COUNT(*) FROM {name}.sales_order WHERE ext_order_id IS NULL"))
            for name in self.shops
        )

    def triggers(self, schema: str = "magento") -> int:
        return int(
            self.sql(
                "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_name LIKE "
                f"'erp_sidecar%' AND trigger_schema = '{schema}'"
            )
        )

    def schemas(self) -> set[str]:
        return set(
            str(
                self.sql("SELECT GROUP_CONCAT(schema_name) FROM information_schema.schemata")
            ).split(",")
        )

    def sql(self, statement: str) -> Any:
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()[0][0]

    def main_pid(self, unit: str = UNIT) -> str:
        return self.container.show(unit, "MainPID")

    def until_active(self, unit: str = UNIT, *, other_than: str = "0") -> None:
        """Wait until systemd calls it active, with another process than that one."""
        self.container.until(
            lambda: (
                self.container.show(unit, "ActiveState") == "active"
                and self.main_pid(unit) not in ("0", other_than)
            ),
            f"{unit} is not active",
        )
