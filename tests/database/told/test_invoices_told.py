"""The ERP's invoices become invoices of Magento, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.invoices.news import ErpInvoice, InvoicedLine
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
    with telling(magento, tmp_path, erp, rest, "invoices") as pipeline:
        yield pipeline


@pytest.fixture
def order(pipeline: Pipeline, php: Shop) -> PlacedOrder:
    placed = php.place()
    pipeline.look_everywhere()
    pipeline.work()
    return placed


def invoices(pipeline: Pipeline) -> list[Decimal]:
    rows = pipeline.sql(
        f"SELECT grand_total FROM `{pipeline.magento.name}`.sales_invoice ORDER BY entity_id"
    )
    return [row.grand_total for row in rows]


def tell(
    erp: TellingErp,
    order: PlacedOrder,
    *items: InvoicedLine,
    number: str = "INV-1",
    total: Decimal | None = None,
) -> None:
    row = ErpInvoice(
        number=number, order=order.increment_id, items=items or None, total=total, at=NOON
    )
    erp.said.setdefault("invoices", []).append(row)


def test_an_invoice_is_made_once_and_all_of_the_order_is_paid(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, total=order.grand_total)
    for _ in range(3):
        pipeline.hear()
    assert invoices(pipeline) == [order.grand_total]
    assert pipeline.sidecar.findings.open(10) == []


@pytest.mark.parametrize("lost", [Misbehaviour.DROP_AFTER, Misbehaviour.DROP_BEFORE,
                                  Misbehaviour.LATE, Misbehaviour.ERROR_AFTER])  # fmt: skip
def test_an_answer_that_is_lost_invoices_nothing_twice(
    pipeline: Pipeline, erp: TellingErp, rest: MagentoRest, order: PlacedOrder, lost: Misbehaviour
) -> None:
    rest.misbehave(lost, "order/*/invoice", seconds=2)
    tell(erp, order, InvoicedLine(qty=Decimal(1), sku="MUG"))
    pipeline.hear()
    for _ in range(8):
        pipeline.let_pass(30)
        pipeline.hear()
    assert len(invoices(pipeline)) == 1
    assert [one.status for one in news(pipeline)] == ["applied"]


def test_another_amount_than_magentos_is_a_difference(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, total=order.grand_total - 1)
    pipeline.hear()
    [difference] = pipeline.sidecar.findings.open(10)
    assert (difference.domain, difference.class_) == ("invoices", "invoice")


def test_more_than_is_open_is_a_difference_and_nothing_is_invoiced(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, InvoicedLine(qty=Decimal(9), sku="MUG"))
    pipeline.hear()
    assert invoices(pipeline) == []
    assert [one.status for one in news(pipeline)] == ["differs"]


def test_an_invoice_of_a_canceled_order_is_a_difference(
    pipeline: Pipeline, erp: TellingErp, php: Shop, order: PlacedOrder
) -> None:
    php.cancel(order.entity_id)
    tell(erp, order)
    pipeline.hear()
    assert invoices(pipeline) == []
    assert [one.status for one in news(pipeline)] == ["differs"]
