"""Invoices and shipments reach an ERP over REST and SOAP, by the commands that a sysadmin has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.erpsim import DocumentKind
from sidecar.testing.magento_db import PrivateServer, Shop, Track
from tests.document_calls import calls_of
from tests.protocols import PROTOCOLS, speaking
from tests.protocols import calls_of as whole_calls_of
from tests.rig import Rig

_PACE = "every: 50ms, lease: 2s, retry: {first: 200ms, most: 1s, give_up_after: 1h}"
_DOUBT = "unknown: {probe_after: 200ms, trust_absence_after: 2s}"


@pytest.fixture(params=PROTOCOLS)
def rig(request: pytest.FixtureRequest, server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, f"documents_{request.param}") as installed:
        file = tmp_path / "sidecar.yaml"
        file.write_text(speaking(request.param, file.read_text("utf-8"), installed.erp), "utf-8")
        if request.param == "soap":
            carry(installed, whole_calls_of("soap"))
        else:
            carry(installed, orders_of(installed) + calls_of("invoices.md", "shipments.md"))
        yield installed


def orders_of(rig: Rig) -> str:
    """The demonstration's calls of orders."""
    whole = (rig.folder / "calls.yaml").read_text("utf-8")
    return whole.partition("\nrefunds:")[0] + "\n"


def carry(rig: Rig, calls: str) -> None:
    (rig.folder / "calls.yaml").write_text(calls, "utf-8")
    sections = (
        f"  invoices: {{{_PACE}, {_DOUBT}}}\n"
        f"  shipments: {{owner: magento, {_PACE}, {_DOUBT}}}\nlogging:"
    )
    configuration = rig.folder / "sidecar.yaml"
    configuration.write_text(
        configuration.read_text("utf-8").replace("logging:", sections), "utf-8"
    )
    rig.sidecar("install")


def sql(rig: Rig, statement: str) -> list[tuple[Any, ...]]:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_each_is_booked_once_after_its_order_and_magento_is_told(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        order = shop.place()
        invoice = shop.invoice(order.entity_id)
        shop.ship(order.entity_id, tracks=[Track("T1")])

    rig.sidecar("run", "--once")
    rig.sidecar("run", "--once")

    booked = {document.external: document for document in rig.erp.documents()}
    assert booked.keys() == {order.increment_id, "IN000000001", "SH000000001"}
    assert booked["IN000000001"].total == invoice.grand_total
    assert [line.quantity for line in booked["SH000000001"].lines]
    for kind, table in (("IN", "sales_invoice_comment"), ("SH", "sales_shipment_comment")):
        number = booked[f"{kind}000000001"].number
        assert sql(rig, f"SELECT comment FROM {table}") == [(f"ERP document {number}",)]
    assert "of order" in rig.sidecar("invoice", "show", "000000001")
    story = rig.sidecar("shipment", "show", "000000001")
    assert "1 track(s), from source default" in story
    assert "shipment.created accepted" in story
    assert json.loads(rig.sidecar("queue", "list", "--json")) == []


def test_a_daemon_killed_while_one_is_sent_makes_none_twice(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        order = shop.place()
        rig.sidecar("run", "--once")
        shop.ship(order.entity_id, tracks=[Track("T1")])
    rig.start(ERP_SIDECAR_CRASH_AT="delivery.answered").wait()

    rig.start()
    rig.until(lambda: status_of(rig) == "accepted")

    assert len(rig.erp.bookings("SH000000001")) == 1


def status_of(rig: Rig) -> str:
    rows = sql(rig, f"SELECT status FROM `{rig.magento.name}_ledger`.event WHERE kind = 'shipment'")
    return str(rows[0][0]) if rows else "pending"


@pytest.mark.shared
def test_the_payments_of_the_example_for_all_domains_are_booked_as_it_is_written(
    server: PrivateServer, shared: Path, tmp_path: Path
) -> None:
    whole = (shared / "examples" / "domains-rest.yaml").read_text("utf-8")
    answers = whole[whole.index("refunds:") : whole.index("customers:")]
    with Rig(server, tmp_path, "payments_example") as rig:
        carry(rig, orders_of(rig) + answers + calls_of("shipments.md"))
        with Shop(rig.magento) as shop:
            order = shop.place()
            invoice = shop.invoice(order.entity_id)
        rig.sidecar("run", "--once")

        [of_order, payment] = rig.erp.documents()
        assert (payment.kind, payment.external) == (DocumentKind.PAYMENT, "IN000000001")
        assert (payment.order, payment.total) == (of_order.number, invoice.grand_total)
        assert payment.other["method"] == "checkmo"
