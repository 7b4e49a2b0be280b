"""The ERP's credit notes become credit memos of Magento, each once, with the right amount."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.refunds.news import ErpRefund, RefundedLine
from sidecar.testing.magento_db import (
    MagentoDatabase,
    PlacedOrder,
    Shop,
)
from sidecar.testing.magento_rest import MagentoRest, Misbehaviour
from tests.harness import TellingErp
from tests.pipeline import Pipeline
from tests.told import news, telling

pytestmark = pytest.mark.any_server

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def pipeline(
    magento: MagentoDatabase, erp: TellingErp, rest: MagentoRest, tmp_path: Path
) -> Iterator[Pipeline]:
    with telling(magento, tmp_path, erp, rest, "refunds") as pipeline:
        yield pipeline


@pytest.fixture
def order(pipeline: Pipeline, php: Shop) -> PlacedOrder:
    """One that the ERP has, and that is invoiced."""
    placed = php.place()
    pipeline.look_everywhere()
    pipeline.work()
    php.invoice(placed.entity_id)
    return placed


def memos(pipeline: Pipeline) -> list[tuple[Decimal, Decimal]]:
    """Total and shipping of each."""
    rows = pipeline.sql(
        f"SELECT grand_total, shipping_amount FROM `{pipeline.magento.name}`.sales_creditmemo "
        "ORDER BY entity_id"
    )
    return [(row.grand_total, row.shipping_amount) for row in rows]


def tell(erp: TellingErp, order: PlacedOrder, *items: RefundedLine, **values: object) -> None:
    row = ErpRefund(
        number="CN-1",
        order=order.increment_id,
        items=items,
        at=NOON,
        **values,  # type: ignore[arg-type]
    )
    erp.said.setdefault("refunds", []).append(row)


def test_a_line_is_refunded_once_and_without_the_shipping(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, RefundedLine(qty=Decimal(1), sku="MUG"))
    for _ in range(3):
        pipeline.hear()
    [(total, shipping)] = memos(pipeline)
    assert shipping == 0
    assert 0 < total < order.grand_total / 2


def test_an_adjustment_alone_refunds_itself_and_no_line(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, adjustment=Decimal("2.50"), total=Decimal("2.50"))
    pipeline.hear()
    assert memos(pipeline) == [(Decimal("2.50"), Decimal(0))]
    assert pipeline.sidecar.findings.open(10) == []


@pytest.mark.parametrize("lost", [Misbehaviour.DROP_AFTER, Misbehaviour.DROP_BEFORE,
                                  Misbehaviour.LATE, Misbehaviour.ERROR_AFTER])  # fmt: skip
def test_an_answer_that_is_lost_refunds_nothing_twice(
    pipeline: Pipeline, erp: TellingErp, rest: MagentoRest, order: PlacedOrder, lost: Misbehaviour
) -> None:
    rest.misbehave(lost, "order/*/refund", seconds=2)
    tell(erp, order, RefundedLine(qty=Decimal(1), sku="MUG"))
    pipeline.hear()
    for _ in range(8):
        pipeline.let_pass(30)
        pipeline.hear()
    assert len(memos(pipeline)) == 1
    assert [one.status for one in news(pipeline)] == ["applied"]


def test_more_than_was_invoiced_is_a_difference_and_nothing_is_refunded(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, RefundedLine(qty=Decimal(9), sku="MUG"))
    pipeline.hear()
    assert memos(pipeline) == []
    assert [one.status for one in news(pipeline)] == ["differs"]


def test_a_refund_that_is_told_before_its_invoice_waits_for_it(
    pipeline: Pipeline, erp: TellingErp, php: Shop
) -> None:
    placed = php.place()
    pipeline.look_everywhere()
    pipeline.work()
    tell(erp, placed, RefundedLine(qty=Decimal(1), sku="MUG"))
    pipeline.hear()
    assert [one.status for one in news(pipeline)] == ["waiting"]
    php.invoice(placed.entity_id)
    pipeline.let_pass(60)
    pipeline.hear()
    assert len(memos(pipeline)) == 1


def test_a_refund_that_names_nothing_is_parked(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order)
    pipeline.hear()
    assert memos(pipeline) == []
    assert [one.status for one in news(pipeline)] == ["parked"]


def test_another_currency_than_the_orders_is_a_difference(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, RefundedLine(qty=Decimal(1), sku="MUG"), currency="CHF")
    pipeline.hear()
    assert memos(pipeline) == []


def test_magentos_refusal_is_parked_with_its_words(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, adjustment=order.grand_total * 2)
    pipeline.hear()
    assert memos(pipeline) == []
    [parked] = news(pipeline)
    assert parked.status == "parked"
    assert parked.what
