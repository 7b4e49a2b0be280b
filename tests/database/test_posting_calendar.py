"""What belongs to a closed month waits and leaves by itself, or is posted on the first open day."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.model.gates import waiting_at
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline

ME = By("test", "month end")
MOVES = "    posting: {when_closed: next_open}\n"


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "posting")
    yield magento
    magento.drop()


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


def berlin(magento: MagentoDatabase, folder: Path, erp: ScriptedErp, more: str = "") -> Pipeline:
    return Pipeline(magento, folder, adapter=erp, timezone="Europe/Berlin", more=more)


def placed_at(php: Shop, magento: MagentoDatabase, moment: str) -> Any:
    order = php.place()
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sales_order SET created_at = %s WHERE entity_id = %s",
            (moment, order.entity_id),
        )
        connection.commit()
    return order


def waiting(pipeline: Pipeline) -> list[str | None]:
    return [event.waiting for event in pipeline.open_events()]


def test_an_order_of_a_closed_month_waits_and_leaves_when_it_is_opened(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with berlin(magento, tmp_path, erp) as pipeline:
        pipeline.sidecar.calendar.close("2026-11", ME)
        late = placed_at(php, magento, "2026-11-30 22:59:59")
        next_month = placed_at(php, magento, "2026-11-30 23:00:00")
        pipeline.work()
        assert [one.ref for one in erp.pushed] == [next_month.increment_id]
        assert waiting(pipeline) == ["gate period: period 2026-11 is closed"]
        standing = pipeline.sidecar.standing().domains["orders"]
        assert standing.vitals.gates == {"period": 1}
        assert waiting_at(standing.vitals.gates, "orders") == [
            "1 wait for a closed posting period (erp-sidecar calendar list)"
        ]
        [closed] = pipeline.sidecar.calendar.closed()
        assert (closed.period, closed.waiting, closed.reason) == ("2026-11", 1, "month end")

        opened = pipeline.sidecar.calendar.open("2026-11", ME)
        assert (opened.changed, opened.woken) == (True, 1)
        pipeline.work()
        assert [one.ref for one in erp.pushed] == [next_month.increment_id, late.increment_id]
        assert erp.pushed[-1].posting_date is None
        acts = [tuple(row) for row in pipeline.sql(
            f"SELECT command, subject, reason FROM {pipeline.sidecar.names('audit')}"
        )]  # fmt: skip
        assert ("calendar close", "2026-11", "month end") in acts
        assert ("calendar open", "2026-11", "month end") in acts


def test_it_goes_with_the_first_open_day_where_that_is_configured(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with berlin(magento, tmp_path, erp, MOVES) as pipeline:
        for period in ("2026-02", "2026-03"):
            pipeline.sidecar.calendar.close(period, ME)
        placed_at(php, magento, "2026-02-15 12:00:00")
        pipeline.work()
        [delivery] = erp.pushed
        assert delivery.posting_date is not None
        assert delivery.posting_date.isoformat() == "2026-03-31T22:00:00+00:00"
        assert delivery.event.time.isoformat().startswith("2026-02-15")


def test_a_change_of_what_the_erp_has_is_sent_although_the_month_is_closed(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with berlin(magento, tmp_path, erp) as pipeline:
        order = placed_at(php, magento, "2026-11-10 12:00:00")
        pipeline.work()
        pipeline.sidecar.calendar.close("2026-11", ME)
        php.change_address(order.entity_id, "billing", city="Bremen")
        pipeline.work()
        assert [one.event.type for one in erp.pushed] == ["order.placed", "order.updated"]


def test_a_cancel_is_sent_although_the_month_is_closed_and_ends_what_waits_for_it(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with berlin(magento, tmp_path, erp) as pipeline:
        known = placed_at(php, magento, "2026-11-10 12:00:00")
        pipeline.work()
        pipeline.sidecar.calendar.close("2026-11", ME)
        unknown = placed_at(php, magento, "2026-11-11 12:00:00")
        pipeline.work()
        for order in (known, unknown):
            php.cancel(order.entity_id)
        pipeline.work()
        assert [(one.event.type, one.ref) for one in erp.pushed] == [
            ("order.placed", known.increment_id),
            ("order.canceled", known.increment_id),
        ]
        assert erp.pushed[-1].posting_date is None
        pipeline.sidecar.calendar.open("2026-11", ME)
        pipeline.work()
        assert len(erp.pushed) == 2


def test_a_domain_may_take_no_notice(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with berlin(magento, tmp_path, erp, "    posting: {when_closed: send}\n") as pipeline:
        pipeline.sidecar.calendar.close("2026-11", ME)
        placed_at(php, magento, "2026-11-10 12:00:00")
        pipeline.work()
        assert len(erp.pushed) == 1


def test_the_cut_off_tells_what_waits_and_what_came_late_with_the_money(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with berlin(magento, tmp_path, erp, MOVES) as pipeline:
        in_time = placed_at(php, magento, "2026-11-01 12:00:00")
        pipeline.work()
        pipeline.sidecar.calendar.close("2026-11", ME)
        late = placed_at(php, magento, "2026-11-02 12:00:00")
        pipeline.work()
        held = placed_at(php, magento, "2026-11-03 12:00:00")
        php.hold(held.entity_id)
        pipeline.work()
        found = pipeline.sidecar.calendar.cut_off("2026-11")
        assert [one.number for one in found.documents] == [late.increment_id, held.increment_id]
        assert in_time.increment_id not in [one.number for one in found.documents]
        assert [(one.domain, one.currency, one.waits, one.documents, one.amount)
                for one in found.sums] == [
            ("orders", "EUR", False, 1, Decimal(late.grand_total)),
            ("orders", "EUR", True, 1, Decimal(held.grand_total)),
        ]  # fmt: skip
        assert found.documents[0].posting_date is not None
        assert "hold" in (found.documents[1].why or "")


def test_what_a_claim_puts_to_wait_while_somebody_opens_the_month_is_not_forgotten(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with berlin(magento, tmp_path, erp) as pipeline:
        pipeline.sidecar.calendar.close("2026-11", ME)
        placed_at(php, magento, "2026-11-10 12:00:00")
        pipeline.intake.run_once()
        periods = pipeline.sidecar.store.periods
        opened: list[int] = []
        opener = threading.Thread(
            target=lambda: opened.append(pipeline.sidecar.calendar.open("2026-11", ME).woken)
        )
        with pipeline.sidecar.database.transaction("a claim") as connection:
            assert periods.closed(connection, kept=True) == {"2026-11"}
            opener.start()
            opener.join(0.5)
            assert opener.is_alive(), "who opens it waits for the claim"
            [event] = pipeline.sidecar.store.events.open_of(connection, "order", [1])[1]
            pipeline.sidecar.store.events.hold_back(
                connection, [event.id], "gate period: period 2026-11 is closed"
            )
        opener.join()
        assert opened == [1]
        pipeline.work()
        assert len(erp.pushed) == 1
