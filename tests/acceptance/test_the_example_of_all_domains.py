"""The example of a shop with every domain, as it is written: two ERPs, Magento's API, one daemon.

Only addresses, secrets and the two files that the example names and does not have are ours.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.erpsim import ErpSim
from sidecar.testing.magento_db import (
    CUSTOMERS,
    Line,
    MagentoDatabase,
    PlacedOrder,
    PrivateServer,
    Shop,
    create_magento,
)
from sidecar.testing.magento_rest import MagentoRest

pytestmark = [pytest.mark.shared, pytest.mark.timeout(240)]

USER, PASSWORD = "erp_sidecar", "of-the-shop"
ERP_USER, ERP_PASSWORD = "magento", "of-the-erp"
GROUP = "B2B-EXPORT"
RETAILER = "customer_group_id = 3"
#: The exception's file: the example names it, and leaves to the reader what stands in it.
EXPORT = """
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /sales-orders
      json:
        externalNumber: =ref
        currency: =order.order_currency_code
        customer: {name: =order.billing_address.lastname, email: =order.customer_email}
        lines:
          $each: item in order.items if item.is_sellable
          $do:
            lineId: =item.item_id
            sku: =item.sku
            quantity: =item.qty_ordered
            unitPrice: =item.price
            discount: =item.discount_amount
            tax: =item.tax_amount
        shipping: =order.shipping_amount
        tax: =order.tax_amount
        total: =order.grand_total
    answer:
      accepted: =response.status == 201
      duplicate: =response.status == 409
      rejected: =response.status == 422
      reference: =response.body.number
      status: =response.body.state
      total: =response.body.total
      message: =response.body.error.message
  probe:
    call: {method: GET, path: /sales-orders, query: {externalNumber: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each:
      external: =item.externalNumber
      reference: =item.number
      status: =item.state
      total: =item.total
"""


def sections(text: str, *names: str) -> str:
    """Some sections of a file of calls, with all that belongs to them."""
    found, wanted = [], False
    for line in text.splitlines(keepends=True):
        if line[:1].isalpha():
            wanted = line.partition(":")[0] in names
        if wanted:
            found.append(line)
    return "".join(found)


class Example:
    """The installation of the example: two simulators, the shop's API, the commands."""

    def __init__(self, stack: ExitStack, magento: MagentoDatabase, shared: Path, folder: Path):
        self.magento = magento
        self.folder = folder
        self.shop = stack.enter_context(Shop(magento))
        self.api = stack.enter_context(MagentoRest(stack.enter_context(Shop(magento))))
        self.erp = ErpSim.start(duplicates="none", user=ERP_USER, password=ERP_PASSWORD)
        stack.callback(self.erp.stop)
        self.wms = ErpSim.start()
        stack.callback(self.wms.stop)
        self._daemons: list[subprocess.Popen[bytes]] = []
        stack.callback(self._kill)
        self._write(shared / "examples")

    def _write(self, examples: Path) -> None:
        calls = (examples / "domains-rest.yaml").read_text("utf-8")
        files = {
            "sidecar.yaml": self._here((examples / "sidecar-domains.yaml").read_text("utf-8")),
            "domains-rest.yaml": calls,
            "wms-rest.yaml": sections(calls, "tables", "stock", "shipments"),
            "lifecycle.yaml": (examples / "lifecycle.yaml").read_text("utf-8"),
            "export-rest.yaml": EXPORT,
        }
        for name, text in files.items():
            (self.folder / name).write_text(text, "utf-8")
        login = self.api.integration()
        secrets = {
            "shop.password": PASSWORD,
            "erp.password": ERP_PASSWORD,
            "m.ck": login.consumer_key,
            "m.cs": login.consumer_secret,
            "m.at": login.access_token,
            "m.ats": login.access_token_secret,
        }
        for name, secret in secrets.items():
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_text(secret, "utf-8")

    def _here(self, text: str) -> str:
        server = self.magento.server
        replaced = {
            "socket: /run/mysqld/mysqld.sock, name: magento": f"socket: {server.socket}, "
            f"name: {self.magento.name}",
            "https://shop.example.com": self.api.url,
            "https://erp.example.com/api": self.erp.url,
            "https://wms.example.com": self.wms.url,
        }
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        return text

    def command(self, *arguments: str) -> list[str]:
        code = "from sidecar.cli import main; main()"
        return [
            sys.executable, "-c", code, "--config", str(self.folder / "sidecar.yaml"), *arguments
        ]  # fmt: skip

    def run(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}: {done.stdout}{done.stderr}"
        )
        return done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        done = subprocess.run(
            self.command(*arguments, "--json"), capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def start(self) -> subprocess.Popen[bytes]:
        """The daemon; what it has to ask it asks at once, and then as often as the example says."""
        with (self.folder / "stderr").open("ab") as words:
            daemon = subprocess.Popen(
                self.command("run"), stdout=words, stderr=words, start_new_session=True
            )
        self._daemons.append(daemon)
        return daemon

    def stop(self, daemon: subprocess.Popen[bytes]) -> None:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0

    def until(self, is_so: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, (
                f"not within {seconds} s\n{self.run('incoming', 'list', '--all')}\n"
                f"{self.run('queue', 'list', '--all')}\n"
                f"{(self.folder / 'stderr').read_text('utf-8')[-3000:]}"
            )
            time.sleep(0.1)

    def _kill(self) -> None:
        for daemon in self._daemons:
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait()


@pytest.fixture
def example(server: PrivateServer, shared: Path, tmp_path: Path) -> Iterator[Example]:
    with ExitStack() as stack:
        magento = create_magento(server, "example_shop")
        stack.callback(magento.drop)
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'")
        stack.callback(_clean, server)
        yield Example(stack, magento, shared, tmp_path)


def _clean(server: PrivateServer) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS erp_sidecar")
        cursor.execute(f"DROP USER {USER}@localhost")


def standing(example: Example, order: PlacedOrder) -> tuple[str, str]:
    [found] = example.sql(
        f"SELECT state, status FROM sales_order WHERE entity_id = {order.entity_id}"
    )
    return found[0], found[1]


def queue(example: Example) -> list[dict[str, Any]]:
    """The events that are not finished."""
    found: list[dict[str, Any]] = example.json("queue", "list")
    return found


def line_of(example: Example, order: PlacedOrder) -> int:
    """The only line of an order."""
    [[line]] = example.sql(
        f"SELECT item_id FROM sales_order_item WHERE order_id = {order.entity_id}"
    )
    return int(line)


def number_of(example: Example, order: PlacedOrder) -> str:
    """What the ERP calls an order."""
    [booked] = example.erp.bookings(order.increment_id)
    return booked.number


def kinds(example: Example, order: PlacedOrder) -> list[str]:
    """What the ERP holds of an order, each as often as it was booked."""
    number = number_of(example, order)
    held = example.erp.documents()
    return sorted(one.kind for one in held if number in (one.number, one.order))


def shipped(example: Example, order: PlacedOrder) -> list[tuple[Any, ...]]:
    """SKU, quantity, source and parcel of each shipped line."""
    return example.sql(
        "SELECT i.sku, i.qty, o.source_code, t.track_number FROM sales_shipment s "
        "JOIN sales_shipment_item i ON i.parent_id = s.entity_id "
        "JOIN sales_shipment_track t ON t.parent_id = s.entity_id "
        "LEFT JOIN inventory_shipment_source o ON o.shipment_id = s.entity_id "
        f"WHERE s.order_id = {order.entity_id}"
    )


def level(example: Example, sku: str) -> Decimal:
    [[quantity]] = example.sql(
        f"SELECT quantity FROM inventory_source_item WHERE sku = '{sku}' "
        "AND source_code = 'default'"
    )
    return Decimal(quantity)


def price(example: Example, sku: str) -> Decimal:
    """For every store."""
    [[value]] = example.sql(
        "SELECT v.value FROM catalog_product_entity_decimal v "
        "JOIN eav_attribute a ON a.attribute_id = v.attribute_id "
        "JOIN catalog_product_entity p ON p.entity_id = v.entity_id "
        f"WHERE a.attribute_code = 'price' AND v.store_id = 0 AND p.sku = '{sku}'"
    )
    return Decimal(value)


def install(example: Example) -> None:
    """As the README has it: look at the files, install as root, give the daemon its rights."""
    told = example.run("config", "validate")
    assert "only exceptions carry orders" in told
    root = ("--user", "root", "--socket", str(example.magento.server.socket))
    example.run("install", *root)
    with example.magento.server.connect() as connection, connection.cursor() as cursor:
        for statement in example.run("grants", "print").splitlines():
            if statement.startswith("GRANT"):
                cursor.execute(statement.rstrip(";"))


def findings(example: Example) -> set[str]:
    return {one["id"] for one in example.json("doctor")["findings"]}


def test_every_domain_goes_its_way(example: Example) -> None:
    shop, erp, wms = example.shop, example.erp, example.wms
    example.sql(f"UPDATE customer_group SET customer_group_code = '{GROUP}' WHERE {RETAILER}")
    consent = shop.add_customer_attribute("privacy_accepted")
    install(example)
    # The private server is quick, not durable; no daemon works yet, so no stock was heard of.
    assert findings(example) == {"server-not-durable", "daemon-absent", "news-unheard"}
    assert "no dead end" in example.run("lifecycle", "check")

    daemon = example.start()
    exporter = replace(CUSTOMERS[0], group_id=3)
    export = shop.place([Line("MUG", 3)], customer=exporter)
    whole = shop.place([Line("MUG", 2)], customer=exporter)
    shop.place([Line("MUG")])
    known = shop.create_customer("ada@example.com", "Ada", "Lovelace")
    shop.set_customer_attribute(known, consent, 1)
    shop.create_customer("bob@example.com", "Bob", "Without Consent")
    example.until(
        lambda: {standing(example, one)[1] for one in (export, whole)} == {"erp_received"}
    )
    example.until(lambda: [one.email for one in erp.customers()] == ["ada@example.com"])
    example.until(lambda: [one["status"] for one in queue(example)] == ["parked"])
    assert "no exception applies" in queue(example)[0]["reason"]
    example.stop(daemon)

    shop.invoice(export.entity_id)
    shop.refund(export.entity_id, {line_of(example, export): Decimal(1)})
    erp.set_state(number_of(example, export), "POSTED")
    erp.set_state(number_of(example, whole), "POSTED")
    wms.tell_delivery("L-1", export.increment_id, [("MUG", 1)], warehouse="W1", parcels=["0034-1"])
    wms.set_stock("LAMP", 41, "W1")
    erp.set_price("LAMP", "65.50")
    # A daemon that starts asks at once what is new.
    daemon = example.start()
    example.until(lambda: shipped(example, export) == [("MUG", Decimal(1), "default", "0034-1")])
    example.until(lambda: standing(example, export) == ("processing", "erp_posted"))
    example.until(lambda: level(example, "LAMP") == 41)
    example.until(lambda: price(example, "LAMP") == Decimal("65.50"))
    example.until(lambda: kinds(example, export) == ["credit_memo", "payment", "sales_order"])
    # An invoice that Magento makes by the ERP's word is one of Magento's, and goes out.
    example.stop(daemon)
    erp.set_state(number_of(example, whole), "INVOICED")
    daemon = example.start()
    example.until(lambda: kinds(example, whole) == ["payment", "sales_order"])
    example.until(lambda: [one["status"] for one in queue(example)] == ["parked"])
    example.stop(daemon)

    assert example.json("differences", "list") == []
    told = example.json("incoming", "list", "--all")
    assert sorted((one["domain"], one["status"]) for one in told) == [
        *[("order_status", "applied")] * 3, ("shipments", "applied"),
    ]  # fmt: skip
    assert findings(example) == {"server-not-durable", "daemon-absent", "events-refused"}
