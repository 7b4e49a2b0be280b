"""Invoices from Magento to the ERP's document and back, beside the orders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.invoices.payload import Invoice
from sidecar.model.outcome import Accepted, Booked, Rejected
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.document_pipeline import erp_of, pipeline_of, sent, standing, told
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline

OPEN, PAID, CANCELED = 1, 2, 3


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "invoicing")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    return erp_of("invoices")


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline_of("invoices", magento, erp, tmp_path) as pipeline:
        yield pipeline


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def set_state(pipeline: Pipeline, state: int) -> None:
    """What Magento writes of an invoice that is captured or canceled later: its row, no more."""
    pipeline.sql(f"UPDATE `{pipeline.magento.name}`.sales_invoice SET state = %s", state)


def unpaid(php: Shop, pipeline: Pipeline) -> None:
    """An invoice whose payment is captured later."""
    order = php.place()
    php.invoice(order.entity_id)
    set_state(pipeline, OPEN)


def test_an_invoice_is_booked_after_its_order_and_both_are_told(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    made = php.invoice(order.entity_id)

    pipeline.run()

    assert sent(erp) == [("order.placed", "000000001"), ("invoice.issued", "IN000000001")]
    invoice, parent = erp.pushed[1].event.data, erp.pushed[1].parent
    assert isinstance(invoice, Invoice)
    assert (invoice.grand_total, invoice.state) == (made.grand_total, PAID)
    assert invoice.order_increment_id == order.increment_id
    assert parent is not None
    assert parent.link is not None
    assert parent.link.reference == "SO-000000001"
    assert standing(pipeline, "invoice") == [("invoice.issued", "accepted", None)]
    assert told(pipeline, "sales_invoice_comment") == ["ERP document SO-IN000000001"]
    assert told(pipeline, "sales_order_status_history")[-1] == (
        "Invoice 000000001: ERP document SO-IN000000001"
    )


def test_a_trigger_announces_it_and_its_own_answer_makes_no_echo(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    pipeline.work()
    php.invoice(order.entity_id)

    pipeline.work()
    pipeline.run()

    assert [type_ for type_, _ in sent(erp)] == ["order.placed", "invoice.issued"]
    assert "capture.trigger_missed" not in pipeline.told.names()


def test_what_it_says_is_what_magento_has(pipeline: Pipeline, php: Shop, erp: ScriptedErp) -> None:
    order = php.place()
    php.invoice(order.entity_id)
    pipeline.sql(f"UPDATE `{pipeline.magento.name}`.sales_invoice SET transaction_id = 'ch_1'")

    pipeline.run()

    invoice = erp.pushed[1].event.data
    assert isinstance(invoice, Invoice)
    [row] = pipeline.sql(f"SELECT * FROM `{pipeline.magento.name}`.sales_invoice")
    for name in ("subtotal", "tax_amount", "shipping_amount", "base_grand_total", "total_qty"):
        assert getattr(invoice, name) == getattr(row, name), name
    assert (invoice.transaction_id, invoice.store_code) == ("ch_1", "default")
    lines = pipeline.sql(
        f"SELECT order_item_id, sku, qty, row_total FROM "
        f"`{pipeline.magento.name}`.sales_invoice_item ORDER BY entity_id"
    )
    assert [(i.order_item_id, i.sku, i.qty, i.row_total or Decimal(0)) for i in invoice.items] == [
        (row.order_item_id, row.sku, row.qty, row.row_total or Decimal(0)) for row in lines
    ]


def test_an_open_one_goes_and_that_it_is_paid_is_told_when_it_is(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    unpaid(php, pipeline)
    pipeline.run()
    assert sent(erp)[-1] == ("invoice.issued", "IN000000001")

    set_state(pipeline, PAID)
    pipeline.run()
    pipeline.run()

    assert [type_ for type_, _ in sent(erp)][1:] == ["invoice.issued", "invoice.paid"]
    assert erp.pushed[-1].link is not None
    assert erp.pushed[-1].link.reference == "SO-IN000000001"
    # No trigger sits on updates: that the sweep finds it is no miss.
    assert "capture.trigger_missed" not in pipeline.told.names()


def test_one_that_is_paid_before_it_was_sent_is_one_message(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    unpaid(php, pipeline)
    erp.answers["000000001"] = [Rejected(message="unknown customer")]
    pipeline.run()
    set_state(pipeline, PAID)
    pipeline.run()

    pipeline.requeue("000000001")
    pipeline.run()

    assert [one for one in sent(erp) if one[0] != "order.placed"] == [
        ("invoice.issued", "IN000000001")
    ]
    assert getattr(erp.pushed[-1].event.data, "state", None) == PAID


def test_where_only_paid_ones_may_go_an_open_one_waits_and_says_so(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with pipeline_of("invoices", magento, erp, tmp_path, "gate: {payment: paid}") as pipeline:
        unpaid(php, pipeline)
        pipeline.run()
        [(_, status, waiting)] = standing(pipeline, "invoice")
        assert status == "pending"
        assert waiting == "gate payment: open in Magento: it is not paid yet"

        set_state(pipeline, PAID)
        pipeline.run()

        assert sent(erp)[-1] == ("invoice.issued", "IN000000001")
        assert getattr(erp.pushed[-1].event.data, "state", None) == PAID
        assert len(sent(erp)) == 2


def test_one_that_is_canceled_is_ended_in_the_erp_and_before_it_was_sent_not_made(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    unpaid(php, pipeline)
    pipeline.run()
    set_state(pipeline, CANCELED)
    pipeline.run()
    assert [type_ for type_, _ in sent(erp)][1:] == ["invoice.issued", "invoice.canceled"]

    order = php.place()
    php.invoice(order.entity_id)
    set_state(pipeline, CANCELED)
    pipeline.run()

    assert [ref for type_, ref in sent(erp) if type_ != "order.placed"] == ["IN000000001"] * 2
    assert {status for _, status, _ in standing(pipeline, "invoice")[2:]} == {"superseded"}


def test_it_waits_for_its_order_and_says_whose_move_it_is(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    erp.answers["000000001"] = [Rejected(message="unknown customer")] * 9
    pipeline.run()
    # An invoice of an order that our refusal holds cannot be made in Magento: it was made before.
    pipeline.sql(f"UPDATE `{pipeline.magento.name}`.sales_order SET state = 'new', status = 'new'")
    php.invoice(order.entity_id)

    pipeline.run()

    [(_, status, waiting)] = standing(pipeline, "invoice")
    assert status == "pending"
    assert (waiting or "").startswith("gate parent: the ERP refused order 000000001")


def test_of_an_order_from_before_the_sidecar_it_waits_and_can_be_dropped(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    order = php.place()
    with pipeline_of("invoices", magento, erp, tmp_path) as pipeline:
        php.invoice(order.entity_id)
        pipeline.run()

        [(_, _, waiting)] = standing(pipeline, "invoice")
        assert "was in the shop before the sidecar" in (waiting or "")
        by = By("test", "booked by hand")
        pipeline.sidecar.operations.drop(["invoice/000000001"], by, even_if_booked=False)
        assert [status for _, status, _ in standing(pipeline, "invoice")] == ["superseded"]
        assert sent(erp) == []


def test_one_that_was_there_before_the_sidecar_is_known_and_not_sent(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    php.invoice(php.place().entity_id)

    with pipeline_of("invoices", magento, erp, tmp_path) as pipeline:
        pipeline.run()

        assert (standing(pipeline, "invoice"), sent(erp)) == ([], [])


def test_one_that_does_not_add_up_is_parked_with_the_arithmetic_and_goes_when_corrected(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    made = php.invoice(php.place().entity_id)
    table = f"`{pipeline.magento.name}`.sales_invoice"
    pipeline.sql(f"UPDATE {table} SET grand_total = grand_total - 1, base_grand_total = 1")
    pipeline.run()
    [row] = pipeline.sql(
        f"SELECT status, reason FROM {pipeline.sidecar.names('event')} WHERE kind = 'invoice'"
    )
    assert row.status == "parked"
    assert re.search(r" \(lines\) \+ .* but grand_total is .* EUR too little", row.reason)

    pipeline.sql(
        f"UPDATE {table} SET grand_total = %s, base_grand_total = %s, updated_at = NOW()",
        made.grand_total, made.grand_total,
    )  # fmt: skip
    pipeline.run()

    assert sent(erp)[-1] == ("invoice.issued", "IN000000001")


def test_partial_invoices_add_up_and_each_goes_once(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    first = php.invoice(order.entity_id, qty=Decimal(1))
    second = php.invoice(order.entity_id)

    pipeline.run()

    invoices = [one.event.data for one in erp.pushed if isinstance(one.event.data, Invoice)]
    assert [one.grand_total for one in invoices] == [first.grand_total, second.grand_total]
    assert sum(one.grand_total for one in invoices) == order.grand_total


def test_what_the_erp_booked_otherwise_is_a_difference(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    made = php.invoice(php.place().entity_id)
    booked = Booked(reference="RE-1", total=made.grand_total + 1, currency="USD")
    erp.answers["IN000000001"] = [Accepted(booked=booked)]

    pipeline.run()

    rows = pipeline.sql(f"SELECT kind, class FROM {pipeline.sidecar.names('difference')}")
    assert {(row[0], row[1]) for row in rows} == {("invoice", "total"), ("invoice", "currency")}


def test_one_that_went_with_its_order_is_no_news_of_its_own(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    php.invoice(order.entity_id)
    pipeline.run()
    pipeline.sql(f"DELETE FROM `{pipeline.magento.name}`.sales_order")

    pipeline.run()

    assert [type_ for type_, _ in sent(erp)][1:] == ["invoice.issued"]
    [row] = pipeline.sql(
        f"SELECT vanished_at FROM {pipeline.sidecar.names('entity')} WHERE kind = 'invoice'"
    )
    assert row.vanished_at is not None


def test_its_story_names_the_order(pipeline: Pipeline, php: Shop) -> None:
    php.invoice(php.place().entity_id)
    pipeline.run()

    [story] = pipeline.sidecar.stories("invoice/000000001", ask_erp=False)

    assert [event.type for event in story.events] == ["invoice.issued"]
    assert story.magento is not None
    assert story.magento["order"] == "000000001"
