"""A state of the ERP's lifecycle that invoices the Magento order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidecar.domains.order_status.news import OrderStatus
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

LIFECYCLE = """\
passing: true
states:
  OPEN:     {meaning: final}
  POSTED:   {meaning: posted}
  INVOICED: {meaning: invoiced, do: [invoice]}
  CLOSED:   {meaning: closed}
transitions:
  OPEN:     [POSTED]
  POSTED:   [INVOICED]
  INVOICED: [CLOSED]
"""
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def pipeline(
    magento: MagentoDatabase, erp: TellingErp, rest: MagentoRest, tmp_path: Path
) -> Iterator[Pipeline]:
    (tmp_path / "lifecycle.yaml").write_text(LIFECYCLE, "utf-8")
    section = "{lifecycle: lifecycle.yaml, every: 30s}"
    each = "{external: =item.external, status: =item.status}"
    with telling(magento, tmp_path, erp, rest, "order_status", section, each) as pipeline:
        yield pipeline


@pytest.fixture
def order(pipeline: Pipeline, php: Shop) -> PlacedOrder:
    placed = php.place()
    pipeline.look_everywhere()
    pipeline.work()
    return placed


def tell(erp: TellingErp, order: PlacedOrder, status: str, minutes: int = 0) -> None:
    at = NOON + timedelta(minutes=minutes)
    row = OrderStatus(external=order.increment_id, status=status, at=at)
    erp.said.setdefault("order_status", []).append(row)


def invoices(pipeline: Pipeline) -> int:
    [row] = pipeline.sql(f"SELECT COUNT(*) AS n FROM `{pipeline.magento.name}`.sales_invoice")
    return int(row.n)


def test_the_state_invoices_what_is_open_once(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, "POSTED")
    tell(erp, order, "INVOICED", 5)
    for _ in range(3):
        pipeline.hear()
    assert invoices(pipeline) == 1


def test_a_state_that_the_erp_passed_unseen_does_what_it_says(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order, "CLOSED")
    pipeline.hear()
    assert invoices(pipeline) == 1
    assert news(pipeline)[-1].what == "the order is POSTED → INVOICED → CLOSED in the ERP"


def test_an_answer_that_is_lost_invoices_nothing_twice(
    pipeline: Pipeline, erp: TellingErp, rest: MagentoRest, order: PlacedOrder
) -> None:
    rest.misbehave(Misbehaviour.DROP_AFTER, "order/*/invoice")
    tell(erp, order, "INVOICED")
    for _ in range(8):
        pipeline.hear()
        pipeline.let_pass(30)
    assert invoices(pipeline) == 1
    assert [one.status for one in news(pipeline)] == ["applied"]


def test_an_order_that_was_invoiced_by_hand_is_as_good_as_done(
    pipeline: Pipeline, erp: TellingErp, php: Shop, order: PlacedOrder
) -> None:
    php.invoice(order.entity_id)
    tell(erp, order, "INVOICED")
    pipeline.hear()
    assert invoices(pipeline) == 1
    assert [one.status for one in news(pipeline)] == ["applied"]
