"""Refunds from Magento's credit memo to the ERP's document and back, beside the orders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.refunds.payload import Refund
from sidecar.model.outcome import Accepted, Booked, Rejected
from sidecar.model.write_back import Detail
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import TAKES, ScriptedErp
from tests.pipeline import Pipeline

REFUNDS = frozenset({"refund.issued", "refund.canceled"})


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "refunding")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp(subscriptions=TAKES | REFUNDS)


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(magento, tmp_path, adapter=erp, domains="  refunds: {}\n") as pipeline:
        yield pipeline


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def sent(erp: ScriptedErp) -> list[tuple[str, str]]:
    """Type and external reference of all that was pushed."""
    return [(delivery.event.type, delivery.ref) for delivery in erp.pushed]


def standing(pipeline: Pipeline, kind: str = "creditmemo") -> list[tuple[str, str, str | None]]:
    rows = pipeline.sql(
        f"SELECT type, status, waiting FROM {pipeline.sidecar.names('event')} WHERE kind = %s "
        "ORDER BY entity_id, sequence", kind,
    )  # fmt: skip
    return [(row.type, row.status, row.waiting) for row in rows]


def paid(php: Shop) -> int:
    order = php.place()
    php.invoice(order.entity_id)
    return order.entity_id


def test_a_refund_is_booked_after_its_order_and_both_are_told(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = paid(php)
    memo = php.refund(order)

    pipeline.run()

    assert sent(erp) == [
        ("order.placed", "000000001"), ("refund.issued", "CM000000001"),
    ]  # fmt: skip
    refund = erp.pushed[1].event.data
    assert isinstance(refund, Refund)
    assert refund.grand_total == memo.grand_total
    parent = erp.pushed[1].parent
    assert parent is not None
    assert parent.link is not None
    assert parent.link.reference == "SO-000000001"
    assert getattr(parent.payload, "increment_id", None) == refund.order_increment_id
    assert standing(pipeline) == [("refund.issued", "accepted", None)]
    [[of_memo]] = pipeline.sql(
        f"SELECT comment FROM `{pipeline.magento.name}`.sales_creditmemo_comment"
    )
    assert of_memo == "ERP document SO-CM000000001"
    comments = pipeline.sql(
        f"SELECT comment FROM `{pipeline.magento.name}`.sales_order_status_history "
        "WHERE entity_name = 'creditmemo' AND comment LIKE 'Credit memo%%'"
    )
    assert [row[0] for row in comments] == ["Credit memo 000000001: ERP document SO-CM000000001"]


def test_what_the_erp_says_of_it_later_is_a_comment_on_both(pipeline: Pipeline, php: Shop) -> None:
    memo = php.refund(paid(php))
    pipeline.run()

    with pipeline.sidecar.database.transaction() as connection:
        pipeline.sidecar.store.write_backs.add_told(
            connection, "creditmemo", memo.entity_id, 1, Detail(comment="paid out", status="paid")
        )
    pipeline.run()

    for table, told in (
        ("sales_creditmemo_comment", "paid out"),
        ("sales_order_status_history", "Credit memo 000000001: paid out"),
    ):
        comments = pipeline.sql(f"SELECT comment FROM `{pipeline.magento.name}`.{table}")
        assert [row[0] for row in comments][-1] == told


def test_a_trigger_announces_it_and_without_one_the_sweep_finds_it(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = paid(php)
    pipeline.work()
    php.refund(order)

    pipeline.work()

    assert [type_ for type_, _ in sent(erp)] == ["order.placed", "refund.issued"]
    assert "capture.trigger_missed" not in pipeline.told.names()


def test_it_waits_for_its_order_and_says_whose_move_it_is(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = paid(php)
    erp.answers["000000001"] = [Rejected(message="unknown customer")] * 9
    pipeline.run()
    php.refund(order)

    pipeline.run()

    [(_, status, waiting)] = standing(pipeline)
    assert status == "pending"
    assert waiting is not None
    assert waiting.startswith("gate parent: the ERP refused order 000000001, a person must act")

    erp.answers.clear()
    pipeline.requeue("000000001")
    pipeline.run()
    assert standing(pipeline) == [("refund.issued", "accepted", None)]


def test_of_an_order_from_before_the_sidecar_it_waits_and_can_be_dropped(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    order = paid(php)
    with Pipeline(magento, tmp_path, adapter=erp, domains="  refunds: {}\n") as pipeline:
        php.refund(order)
        pipeline.run()

        [(_, _, waiting)] = standing(pipeline)
        assert "was in the shop before the sidecar" in (waiting or "")
        by = By("test", "booked by hand")
        pipeline.sidecar.operations.drop(["creditmemo/000000001"], by, even_if_booked=False)
        assert [status for _, status, _ in standing(pipeline)] == ["superseded"]
        assert sent(erp) == []


def test_one_that_was_there_before_the_sidecar_is_known_and_not_sent(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    php.refund(paid(php))

    with Pipeline(magento, tmp_path, adapter=erp, domains="  refunds: {}\n") as pipeline:
        pipeline.run()

        assert (standing(pipeline), sent(erp)) == ([], [])


def test_one_that_does_not_add_up_is_parked_with_the_arithmetic_and_goes_when_corrected(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp, magento: MagentoDatabase
) -> None:
    order = paid(php)
    memo = php.refund(order)
    table = f"`{magento.name}`.sales_creditmemo"
    pipeline.sql(f"UPDATE {table} SET grand_total = grand_total - 1, base_grand_total = 1")
    pipeline.run()
    [row] = pipeline.sql(
        f"SELECT status, reason FROM {pipeline.sidecar.names('event')} WHERE kind = 'creditmemo'"
    )
    assert row.status == "parked"
    assert re.search(r" \(lines\) \+ .* but grand_total is .* EUR too little", row.reason)

    pipeline.sql(
        f"UPDATE {table} SET grand_total = %s, base_grand_total = %s, updated_at = NOW()",
        memo.grand_total, memo.grand_total,
    )  # fmt: skip
    pipeline.run()

    assert sent(erp)[-1] == ("refund.issued", "CM000000001")
    assert "accepted" in {status for _, status, _ in standing(pipeline)}


def test_one_that_is_larger_than_its_order_is_parked(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp, magento: MagentoDatabase
) -> None:
    order = paid(php)
    pipeline.run()
    php.refund(order)
    pipeline.sql(
        f"UPDATE `{magento.name}`.sales_creditmemo SET adjustment_positive = 5000, "
        "base_adjustment_positive = 5000, grand_total = grand_total + 5000, "
        "base_grand_total = base_grand_total + 5000"
    )

    pipeline.run()

    [reason] = pipeline.sql(
        f"SELECT reason FROM {pipeline.sidecar.names('event')} WHERE kind = 'creditmemo'"
    )[0]
    assert "which was only" in reason


def test_partial_refunds_with_adjustments_add_up_and_each_goes_once(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = paid(php)
    first = php.refund(
        order, qty=Decimal(1), shipping=Decimal(0), adjustment_positive=Decimal("2.50")
    )
    second = php.refund(order, shipping=Decimal(0), adjustment_negative=Decimal("0.75"))

    pipeline.run()

    refunds = [
        delivery.event.data for delivery in erp.pushed if isinstance(delivery.event.data, Refund)
    ]
    assert [one.grand_total for one in refunds] == [first.grand_total, second.grand_total]
    assert [one.adjustment for one in refunds] == [Decimal("2.50"), Decimal("-0.75")]


def test_what_the_erp_booked_otherwise_is_a_difference(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = paid(php)
    pipeline.run()
    memo = php.refund(order)
    booked = Booked(reference="GS-1", total=memo.grand_total + 1, currency="USD")
    erp.answers["CM000000001"] = [Accepted(booked=booked)]

    pipeline.run()

    rows = pipeline.sql(f"SELECT kind, class FROM {pipeline.sidecar.names('difference')}")
    assert {(row[0], row[1]) for row in rows} == {
        ("creditmemo", "total"), ("creditmemo", "currency"),
    }  # fmt: skip


def test_an_order_and_a_refund_of_one_number_are_never_taken_for_one_another(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    php.refund(paid(php))
    pipeline.run()
    stories = pipeline.sidecar.stories

    [order] = stories("000000001", ask_erp=False)
    [refund] = stories("creditmemo/000000001", ask_erp=False)

    assert (order.kind, refund.kind) == ("order", "creditmemo")
    assert [event.type for event in refund.events] == ["refund.issued"]
    assert refund.magento is not None
    assert refund.magento["order"] == "000000001"
