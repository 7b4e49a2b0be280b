"""A domain that another package brings is carried like a shipped one, by its name alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig

PACKAGE = Path(__file__).parents[1] / "other_package"
#: This ERP keeps payments as documents with one line.
PAYMENTS = """
payments:
  push:
    on: [payment.received]
    call:
      method: POST
      path: /sales-orders
      json:
        externalNumber: =ref
        currency: =payment.order_currency_code
        orderDate: "2026-01-01"
        customer: {guest: true, email: =order.customer_email, city: =order_link.reference}
        lines:
          - {lineId: 1, sku: MUG, quantity: 1, unitPrice: =payment.grand_total, discount: 0, tax: 0}
        shipping: 0
        tax: 0
        total: =payment.grand_total
    answer:
      accepted: =response.status == 201
      rejected: =response.status == 422
      reference: =response.body.number
      total: =response.body.total
      code: =response.body.error.code
      message: =response.body.error.message
"""


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    project = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(PACKAGE), project)))
    with Rig(server, tmp_path, "payments") as installed:
        with (tmp_path / "calls.yaml").open("a", encoding="utf-8") as calls:
            calls.write(PAYMENTS)
        yield installed


def carry(rig: Rig, section: str) -> None:
    file = rig.folder / "sidecar.yaml"
    text = file.read_text("utf-8").replace("logging:", f"  further: {section}\nlogging:")
    file.write_text(text, "utf-8")


def as_json(rig: Rig, *command: str) -> Any:
    done = subprocess.run(
        rig.command(*command, "--json"), capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 2), done.stderr
    return json.loads(done.stdout)


def watched(rig: Rig) -> set[str]:
    """The tables that have a trigger of ours."""
    return {one["table"] for one in as_json(rig, "triggers", "status")["triggers"]}


def test_it_is_planned_sent_verified_and_told_beside_the_orders(rig: Rig) -> None:
    carry(rig, '{payments: {ref: "PAY{increment_id}", every: 50ms}}')
    rig.sidecar("install")
    with Shop(rig.magento) as shop:
        order = shop.place()
        shop.invoice(order.entity_id)

    rig.sidecar("run", "--once")
    rig.sidecar("run", "--once")

    booked = {document.external: document for document in rig.erp.documents()}
    assert booked.keys() == {order.increment_id, "PAY000000001"}
    assert booked["PAY000000001"].total == order.grand_total
    assert set(as_json(rig, "status")["domains"]) == {"orders", "payments"}
    (story,) = as_json(rig, "payment", "show", "000000001")
    assert story["link"]["reference"] == booked["PAY000000001"].number
    assert [event["status"] for event in story["events"]] == ["accepted"]
    assert "sales_invoice_item" in watched(rig)


def test_where_it_is_not_carried_nothing_of_it_is_asked_for(rig: Rig) -> None:
    assert set(as_json(rig, "status")["domains"]) == {"orders"}
    assert "sales_invoice_item" not in watched(rig)
    assert "payments is not carried here" in refused(rig, 64, "domain", "pause", "payments")


def test_a_name_that_no_package_has_is_refused_with_the_names_there_are(rig: Rig) -> None:
    carry(rig, "{warranties: {}}")
    said = refused(rig, 78, "status")
    assert "domains.further.warranties: no installed package has such a domain" in said
    assert "payments" in said


def refused(rig: Rig, code: int, *command: str) -> str:
    done = subprocess.run(rig.command(*command), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr
