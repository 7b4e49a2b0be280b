"""Refunds reach an ERP over the wire, each after its order, by the commands that a sysadmin has."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.protocols import speaking
from tests.rig import Rig

REFUNDS = """
refunds:
  push:
    on: [refund.issued]
    call:
      operation: CreateCreditMemo
      body:
        request:
          ExternalId: =ref
          OrderNo: =order_link.reference
          Currency: =refund.order_currency_code
          Lines:
            Line:
              $each: item in refund.items if item.is_sellable and item.qty > 0
              $do:
                LineId: =item.order_item_id
                Sku: =item.sku
                Qty: =item.qty
                Price: =item.price
                Discount: =item.net_discount_amount
                Tax: =item.tax_amount
          Shipping: =refund.shipping_amount
          Adjustment: =refund.adjustment
          Tax: =refund.tax_amount
          Total: =refund.grand_total
    answer:
      accepted: =response.body.ResultCode == 'OK'
      duplicate: =response.body.ResultCode == 'DUPLICATE'
      rejected: "=response.body.ResultCode in ['AMOUNT', 'INVALID', 'NOT_FOUND']"
      retry: "=response.fault.code in ['Server', 'Receiver']"
      reference: =response.body.CreditMemoNo
      code: =response.body.ResultCode
      message: =response.body.Message | default(response.fault.message)
"""


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "refunds") as installed:
        demo = resources.files("sidecar.testing.demo").joinpath("soap-calls.yaml")
        (tmp_path / "calls.yaml").write_text(demo.read_text("utf-8") + REFUNDS, "utf-8")
        file = tmp_path / "sidecar.yaml"
        text = speaking("soap", file.read_text("utf-8"), installed.erp)
        retry = "{first: 200ms, most: 1s, give_up_after: 1h}"
        text = text.replace("logging:", f"  refunds: {{every: 50ms, retry: {retry}}}\nlogging:")
        file.write_text(text, "utf-8")
        installed.sidecar("install")
        yield installed


def paid(shop: Shop) -> Any:
    order = shop.place()
    shop.invoice(order.entity_id)
    return order


def sql(rig: Rig, statement: str) -> list[tuple[Any, ...]]:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_a_refund_is_booked_against_its_order_s_document_and_both_are_told(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        order = paid(shop)
        memo = shop.refund(order.entity_id)

    rig.sidecar("run", "--once")
    rig.sidecar("run", "--once")

    [document, booked] = rig.erp.documents()
    assert (booked.order, booked.total) == (document.number, memo.grand_total)
    assert booked.external == f"CM{memo.increment_id}"
    assert sum(line.quantity for line in booked.lines) > 0
    assert sql(rig, "SELECT comment FROM sales_creditmemo_comment") == [
        (f"ERP document {booked.number}",)
    ]
    story = rig.sidecar("refund", "show", memo.increment_id)
    assert f"of order {order.increment_id}" in story
    assert "refund.issued accepted" in story
    assert booked.number in story
    (told,) = json.loads(rig.sidecar("show", f"creditmemo/{memo.increment_id}", "--json"))
    assert (told["kind"], told["number"]) == ("creditmemo", memo.increment_id)
    status = json.loads(
        subprocess.run(
            rig.command("status", "--json"), capture_output=True, text=True, check=False
        ).stdout
    )
    assert set(status["domains"]) == {"orders", "refunds"}


def test_one_that_the_erp_refuses_is_listed_and_goes_again_when_asked_to(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        order = paid(shop)
        rig.erp.rule("drop_tax", times=1)
        rig.sidecar("run", "--once")
        memo = shop.refund(order.entity_id)
        rig.sidecar("run", "--once")

    # The ERP booked less than was paid: it gives back no more than it took.
    [event] = [
        one for one in json.loads(rig.sidecar("queue", "list", "--json")) if one["kind"] != "order"
    ]
    assert (event["status"], event["domain"]) == ("rejected", "refunds")
    assert event["amount"] == pytest.approx(float(memo.grand_total))
    assert [row[0] for row in sql(rig, "SELECT comment FROM sales_creditmemo_comment")] == [
        f"ERP refused: {Decimal(0)} of {rig.erp.documents()[0].total} was given back already"
    ]
    requeued = rig.sidecar("queue", "requeue", f"creditmemo/{memo.increment_id}", "--json")
    assert json.loads(requeued)["requeued"] == 1


def test_a_daemon_killed_while_a_refund_is_sent_loses_none_and_says_what_is_in_doubt(
    rig: Rig,
) -> None:
    with Shop(rig.magento) as shop:
        order = paid(shop)
        rig.sidecar("run", "--once")
        memo = shop.refund(order.entity_id)
    rig.start(ERP_SIDECAR_CRASH_AT="delivery.answered").wait()

    rig.start()
    rig.until(lambda: told(rig, memo.increment_id) not in ("pending", "sending"))

    # The file has no question for refunds: what may be booked is never sent a second time.
    assert len(rig.erp.bookings(f"CM{memo.increment_id}")) == 1
    assert told(rig, memo.increment_id) in ("unknown", "parked")


def told(rig: Rig, number: str) -> str:
    rows = sql(
        rig, f"SELECT status FROM `{rig.magento.name}_ledger`.event WHERE kind = 'creditmemo' "
        f"AND number = '{number}'",
    )  # fmt: skip
    return str(rows[0][0]) if rows else "pending"
