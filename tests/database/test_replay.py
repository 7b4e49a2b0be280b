"""What was accepted is sent again as it was said, and booked no second time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sidecar.model.errors import UsageError
from sidecar.model.outcome import Booked
from sidecar.operate.queue import By
from sidecar.operate.replay import Range
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline

pytestmark = pytest.mark.any_server

ME = By("test", "lost by a restore")


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "replayed")
    yield magento
    magento.drop()


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(magento, tmp_path, adapter=erp) as pipeline:
        yield pipeline


def replay(pipeline: Pipeline, *names: str, sure: bool = False) -> list[str]:
    done = pipeline.sidecar.replays("orders").replay(names, None, ME, most=10, even_if_booked=sure)
    return list(done.events)


def comments(pipeline: Pipeline) -> int:
    table = f"`{pipeline.magento.name}`.sales_order_status_history"
    [row] = pipeline.sql(f"SELECT COUNT(*) FROM {table} WHERE comment LIKE 'ERP order%%'")
    return int(row[0])


def test_what_the_erp_lost_is_sent_again_as_it_was_said(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    pipeline.run()
    php.change_address(order.entity_id, "billing", city="Bremen")
    pipeline.run()
    erp.documents.clear()
    erp.pushed.clear()

    [replayed] = replay(pipeline, order.increment_id)
    pipeline.run()

    [again] = erp.pushed
    assert (again.event.id, again.ref) == (replayed, order.increment_id)
    assert again.event.type == "order.placed"
    assert again.event.data.billing_address.city != "Bremen"  # type: ignore[attr-defined]
    assert {event.status for event in pipeline.events(order.entity_id)} == {"accepted"}


def test_what_the_erp_still_has_is_not_sent_and_magento_hears_it_once(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    pipeline.run()
    before = comments(pipeline)
    story = pipeline.sidecar.stories(order.increment_id, ask_erp=False)[0]
    assert story.link is not None
    erp.documents[order.increment_id] = (Booked(reference=story.link.reference),)

    replay(pipeline, order.increment_id)
    pipeline.run()

    assert len(erp.pushed) == 1
    assert comments(pipeline) == before
    acts = pipeline.sql(f"SELECT command, reason FROM {pipeline.sidecar.names('audit')}")
    assert ("order replay", "lost by a restore") in [tuple(act) for act in acts]


def test_an_archived_event_is_fetched_back(pipeline: Pipeline, php: Shop, erp: ScriptedErp) -> None:
    order = php.place()
    pipeline.run()
    names = pipeline.sidecar.names
    pipeline.sql(f"INSERT INTO {names('event_archive')} SELECT * FROM {names('event')}")
    pipeline.sql(f"DELETE FROM {names('event')}")
    erp.documents.clear()
    replay(pipeline, order.increment_id)
    pipeline.run()
    assert len(erp.pushed) == 2
    assert not pipeline.sql(f"SELECT id FROM {names('event_archive')}")


def test_a_blind_erp_that_books_twice_needs_a_word(
    magento: MagentoDatabase, php: Shop, tmp_path: Path
) -> None:
    blind = ScriptedErp(probe=False)
    with Pipeline(magento, tmp_path, adapter=blind) as pipeline:
        number = php.place().increment_id
        pipeline.run()
        with pytest.raises(UsageError, match="booked twice"):
            replay(pipeline, number)
        replay(pipeline, number, sure=True)
        pipeline.run()
    assert [one.ref for one in blind.pushed] == [number, number]


def test_a_range_is_by_the_shops_calendar_and_what_waits_is_left_out(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    pipeline.run()
    always = Range(date(2000, 1, 1), date(2100, 1, 1))
    replays = pipeline.sidecar.replays("orders")
    done = replays.replay([], always, ME, most=10, dry_run=True)
    assert len(done.events) == 1
    early = Range(date(2000, 1, 1), date(2000, 1, 2))
    assert replays.replay([], early, ME, most=10, dry_run=True).events == ()
    php.change_address(order.entity_id, "billing", city="Bremen")
    pipeline.intake.run_once()
    done = replays.replay([order.increment_id], None, ME, most=10)
    assert "goes first" in done.left_out[order.increment_id]
    assert len(erp.pushed) == 1


def test_a_canceled_order_does_not_live_again(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    pipeline.run()
    php.cancel(order.entity_id)
    pipeline.run()
    done = pipeline.sidecar.replays("orders").replay([order.increment_id], None, ME, most=10)
    assert done.events == ()
    assert "was canceled" in done.left_out[order.increment_id]
    pipeline.run()
    assert [one.event.type for one in erp.pushed] == ["order.placed", "order.canceled"]
